//! System calls that fail once or for a while, and calls that succeed and report an error.

use super::*;
use crate::batch::store::CommitOutcome;
use crate::batch::store::folder::failpoints::{self, Failure};
use crate::error::Error;
use tempfile::{TempDir, tempdir};

const CODES: [i32; 5] = [
    libc::EIO,
    libc::ESTALE,
    libc::ENOSPC,
    libc::EACCES,
    libc::EDQUOT,
];

/// A root with one task that is new, one that has failed once, and one that was left by a dead process.
fn prepare() -> (TempDir, Store) {
    let root = tempdir().unwrap();
    let store = open(root.path(), 3).store;
    let failed = begin(&store, 1).commit(TaskState::Failed, "why").unwrap();
    assert_eq!(failed, CommitOutcome::Recorded);
    let dead = begin(&other(root.path(), 3, "dead"), 2);
    mark_dead(root.path(), &key(&store.dir(2)));
    std::mem::forget(dead);
    (root, store)
}

const RETRIES: Admission = Admission {
    retries: 1,
    reruns_failed: false,
    reruns_done: false,
    request: 0,
};

/// Begins and ends the three tasks. Each must be recorded once.
fn work(store: &Store, what: &str) {
    for (task, end) in [TaskState::Done, TaskState::Failed, TaskState::Done]
        .into_iter()
        .enumerate()
    {
        let lease = match store.begin(task, &RETRIES) {
            Ok(BeginOutcome::Leased(lease)) => lease,
            other => panic!("{what}: {other:?}"),
        };
        assert_eq!(word(store, task), "RUNNING\n", "{what}");
        let outcome = lease.commit(end, "late").unwrap();
        assert_eq!(outcome, CommitOutcome::Recorded, "{what}");
        let text = if end == TaskState::Failed {
            "FAILED\nfailures 2 rerun 0\n"
        } else {
            "DONE\n"
        };
        assert_eq!(word(store, task), text, "{what}");
        let left = file_names(&store.dir(task));
        assert!(
            !left.iter().any(|name| name.ends_with('.')),
            "{what}: {left:?}"
        );
    }
}

#[test]
fn any_call_may_fail_once_or_for_a_while() {
    for is_executed in [false, true] {
        for times in [1, 3] {
            let mut after = 0;
            loop {
                let (_root, store) = prepare();
                let code = CODES[after as usize % CODES.len()];
                let what = format!(
                    "call {after} fails {times} times with {code}, executed: {is_executed}"
                );
                failpoints::fail(Failure {
                    after,
                    times,
                    code,
                    is_executed,
                });
                work(&store, &what);
                if !failpoints::has_failed() {
                    break;
                }
                after += 1;
            }
            assert!(after > 60, "only {after} calls");
        }
    }
}

#[test]
fn what_fails_for_too_long_is_an_error_and_leaves_the_task_to_others() {
    let mut after = 0;
    let mut errors = 0;
    loop {
        let (root, store) = prepare();
        drop(store);
        let store = impatient(root.path(), 3, "first");
        failpoints::fail(Failure {
            after,
            times: u32::MAX,
            code: libc::EIO,
            is_executed: false,
        });
        let outcome = store.begin(0, &RETRIES).and_then(|begun| match begun {
            BeginOutcome::Leased(lease) => lease.commit(TaskState::Done, ""),
            other => panic!("{after}: {other:?}"),
        });
        if !failpoints::has_failed() {
            assert_eq!(outcome.unwrap(), CommitOutcome::Recorded);
            break;
        }
        match outcome {
            Ok(outcome) => assert_eq!(outcome, CommitOutcome::Recorded),
            Err(error) => {
                assert!(
                    matches!(&error, Error::Directory { text, .. } if text.contains("os error 5")),
                    "{error}"
                );
                errors += 1;
            }
        }
        // Another process does it, once this one has asked for any other task.
        drop(store.begin(1, &Admission::default()));
        let next = other(root.path(), 3, "next");
        match next.begin(0, &RETRIES).unwrap() {
            BeginOutcome::Leased(lease) => {
                assert_eq!(
                    lease.commit(TaskState::Done, "").unwrap(),
                    CommitOutcome::Recorded
                );
            }
            BeginOutcome::NotOpen(state) => assert_eq!(state, TaskState::Done, "{after}"),
            taken @ BeginOutcome::OwnedBy(_) => panic!("{after}: {taken:?}"),
        }
        assert_eq!(word(&next, 0), "DONE\n", "{after}");
        after += 1;
    }
    assert!(errors > 10, "only {errors} of {after} calls failed");
}

#[test]
fn a_heartbeat_that_has_failed_goes_on() {
    let root = tempdir().unwrap();
    let store = open(root.path(), 1).store;
    for code in CODES {
        for is_executed in [false, true] {
            // While it is first made, and later.
            for after in 0..8 {
                let own = impatient(root.path(), 1, &format!("{code} {is_executed} {after}"));
                failpoints::fail(Failure {
                    after,
                    times: 100,
                    code,
                    is_executed,
                });
                let _ = own.heartbeat.beat(Duration::ZERO);
                let _ = own.heartbeat.beat(Duration::ZERO);
                failpoints::has_failed();
                own.heartbeat.beat(Duration::ZERO).unwrap();
                let path = root.path().join(".pshmem").join(own.heartbeat.id());
                let first = fs::metadata(&path).unwrap().modified().unwrap();
                while fs::metadata(&path).unwrap().modified().unwrap() == first {
                    own.heartbeat.beat(Duration::ZERO).unwrap();
                }
                assert!(
                    fs::read_to_string(&path)
                        .unwrap()
                        .contains("timeout_ms 60000")
                );
            }
        }
    }
    drop(store);
}

#[test]
fn only_not_found_means_that_something_is_gone() {
    let root = tempdir().unwrap();
    let first = other(root.path(), 1, "first");
    drop(open(root.path(), 1));
    let held = begin(&first, 0);
    let second = impatient(root.path(), 1, "second");
    for code in [libc::EIO, libc::ESTALE, libc::EACCES] {
        let mut after = 0;
        loop {
            failpoints::fail(Failure {
                after,
                times: u32::MAX,
                code,
                is_executed: false,
            });
            let outcome = second.begin(0, &Admission::default());
            if !failpoints::has_failed() {
                assert!(matches!(outcome, Ok(BeginOutcome::OwnedBy(_))));
                break;
            }
            let is_harmless = matches!(outcome, Err(_) | Ok(BeginOutcome::OwnedBy(_)));
            assert!(is_harmless, "call {after} failed with {code}: {outcome:?}");
            after += 1;
        }
        assert!(after > 3);
    }
    assert_eq!(
        held.commit(TaskState::Done, "").unwrap(),
        CommitOutcome::Recorded
    );
}

#[test]
fn one_folder_that_cannot_be_read_does_not_keep_a_job_from_the_others() {
    let (root, store) = prepare();
    drop(store);
    let mut tolerated = 0;
    for after in 0.. {
        let store = impatient(root.path(), 3, &format!("job {after}"));
        let (mut store, opening) =
            Store::prepare(root.path(), task_names(3), &store.options, false).unwrap();
        // As many as fail one operation.
        failpoints::fail(Failure {
            after,
            times: 4,
            code: libc::EIO,
            is_executed: false,
        });
        let share = store.read_share(0..3, &opening);
        if !failpoints::has_failed() {
            break;
        }
        match share {
            Ok(share) => {
                assert_eq!(share.recorded.len(), 3, "{after}");
                tolerated += usize::from(share.is_unclear && !share.unparsable.is_empty());
            }
            // The root itself.
            Err(error) => assert!(error.to_string().contains("opening"), "{after}: {error}"),
        }
    }
    assert!(tolerated > 3, "only {tolerated} errors were tolerated");
}
