//! Several processes on one directory, killed, frozen and woken at every failpoint.

use super::job::Job;
use super::*;
use crate::batch::store::CommitOutcome;
use crate::batch::store::folder::failpoints;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use tempfile::{TempDir, tempdir};

/// A root with one task: new, or left by a job that died while it ran the task.
fn prepare(is_left: bool) -> TempDir {
    let root = tempdir().unwrap();
    drop(create(root.path(), task_names(1), &options_of("test", MINUTE)).unwrap());
    if is_left {
        // There is no failpoint between begin and commit, so this is simulated.
        let store = Store::attach(root.path(), task_names(1), &options_of("left", MINUTE));
        let BeginOutcome::Leased(lease) = store.begin(0, &Admission::default()).unwrap() else {
            panic!("nobody owns it");
        };
        let dir = store.dir(0);
        let key = key(&dir);
        std::mem::forget(lease);
        mark_dead(root.path(), &key);
    }
    root
}

/// The names of the files in the folder of the task, one a line.
fn file_list(root: &Path) -> String {
    let mut text = String::new();
    for entry in fs::read_dir(root.join("task_0")).unwrap() {
        writeln!(text, "{}", entry.unwrap().file_name().display()).unwrap();
    }
    text
}

#[test]
fn a_job_may_be_killed_at_every_failpoint() {
    for (is_left, end) in [
        (false, TaskState::Done),
        (false, TaskState::Failed),
        (true, TaskState::Done),
    ] {
        let mut after = 0;
        loop {
            let root = prepare(is_left);
            let what = format!("left {is_left}, {end}, killed after {after}");
            let mut job = Job::start(root.path(), &format!("once KILL {after} {end} 60000"));
            job.wait();
            if root.path().join("outcome").exists() {
                break;
            }
            let opened = create(root.path(), task_names(1), &options_of("next", MINUTE)).unwrap();
            assert!(
                opened.unparsable.is_empty(),
                "{what}: {:?}",
                opened.unparsable
            );
            match opened.store.begin(0, &Admission::default()).unwrap() {
                BeginOutcome::Leased(lease) => {
                    assert_eq!(
                        lease.commit(TaskState::Done, "").unwrap(),
                        CommitOutcome::Recorded,
                        "{what}"
                    );
                    assert_eq!(opened.store.state(0).unwrap(), TaskState::Done);
                }
                BeginOutcome::NotOpen(state) => assert_eq!(state, end, "{what}"),
                taken @ BeginOutcome::OwnedBy(_) => panic!("{what}: {taken:?}"),
            }
            let left = file_list(root.path());
            assert!(
                !left.contains(".end.") && !left.contains(".running."),
                "{what}: {left}"
            );
            after += 1;
        }
        // At least: two files, the link and the state, their content, and what is read before.
        assert!(after > 8, "only {after} failpoints");
    }
}

#[test]
fn a_job_may_freeze_at_every_failpoint_and_its_late_result_is_refused() {
    // When the frozen job wakes, the other one runs the task or has ended it.
    for (is_left, is_ended) in [(false, false), (false, true), (true, false), (true, true)] {
        let (mut after, mut refused) = (0, 0);
        loop {
            let root = prepare(is_left);
            let what = format!("left {is_left}, ended {is_ended}, frozen after {after}");
            let mut job = Job::start(root.path(), &format!("once STOP {after} FAILED 60"));
            if !job.wait_until_frozen() {
                break;
            }
            let store = Store::attach(root.path(), task_names(1), &options_of("next", MINUTE));
            // Once it has been silent for its lease timeout.
            let begin = job.until("it is not taken over", |_| {
                let begin = store.begin(0, &Admission::default()).unwrap();
                (!matches!(begin, BeginOutcome::OwnedBy(_))).then_some(begin)
            });
            let mut lease = match begin {
                BeginOutcome::Leased(lease) => Some(lease),
                BeginOutcome::NotOpen(state) => {
                    assert_eq!(state, TaskState::Failed, "{what}");
                    None
                }
                BeginOutcome::OwnedBy(_) => unreachable!(),
            };
            let was_ours = lease.is_some();
            let commit = |lease: Option<Lease>| {
                if let Some(lease) = lease {
                    let commit = lease.commit(TaskState::Done, "").unwrap();
                    assert_eq!(commit, CommitOutcome::Recorded, "{what}");
                }
            };
            if is_ended {
                commit(lease.take());
            }
            failpoints::send("CONT", job.pid());
            job.wait();
            let outcome = fs::read_to_string(root.path().join("outcome")).unwrap();
            refused += u32::from(outcome == "Refused");
            let expected: &[&str] = match (was_ours, is_ended) {
                (false, _) => &["Recorded"],
                (true, true) => &["Refused", "Is DONE"],
                (true, false) => &["Refused", "TakenBy"],
            };
            assert!(expected.contains(&&*outcome), "{what}: {outcome}");
            commit(lease);
            let end = if was_ours {
                TaskState::Done
            } else {
                TaskState::Failed
            };
            assert_eq!(store.state(0).unwrap(), end, "{what}");
            let left = file_list(root.path());
            assert!(
                !left.contains(".end.") && !left.contains(".running."),
                "{what}: {left}"
            );
            after += 1;
        }
        assert!(
            after > 10 && refused > 0,
            "{after} failpoints, {refused} refused"
        );
    }
}

#[test]
fn without_room_no_task_is_begun_and_no_result_is_lost() {
    let root = tempdir().unwrap();
    drop(create(root.path(), task_names(3), &options_of("test", MINUTE)).unwrap());
    let mut job = Job::start_without_sigxfsz(root.path(), "full");
    assert!(job.wait().success());
    let opened = create(root.path(), task_names(3), &options_of("next", MINUTE)).unwrap();
    let expected = [TaskState::Done, TaskState::Running, TaskState::Open];
    assert_eq!(opened.states, expected);
    assert!(matches!(
        opened.store.begin(1, &Admission::default()).unwrap(),
        BeginOutcome::Leased(_)
    ));
}

#[test]
fn one_of_three_jobs_is_killed_and_every_task_is_done_once() {
    const TASKS: usize = 400;
    for repetition in 0..5 {
        let root = tempdir().unwrap();
        drop(create(root.path(), task_names(TASKS), &options_of("test", MINUTE)).unwrap());
        let mut jobs: Vec<Job> = (0..3)
            .map(|_| Job::start(root.path(), &format!("work {TASKS}")))
            .collect();
        let victim = jobs[0].pid();
        let diary = root.path().join(format!("diary.{victim}"));
        // At some point of its work.
        jobs[0].until("it does not work", |job| {
            let lines = fs::read_to_string(&diary)
                .unwrap_or_default()
                .lines()
                .count();
            let is_over = job.has_ended();
            (is_over || lines > 20 + 10 * repetition).then_some(())
        });
        jobs[0].kill();
        for job in &mut jobs {
            job.wait();
        }

        let (mut begun, mut recorded) = (BTreeMap::<usize, u32>::new(), BTreeSet::new());
        let mut of_victim = BTreeSet::new();
        for job in &jobs {
            let text = fs::read_to_string(root.path().join(format!("diary.{}", job.pid())));
            for line in text.unwrap().lines() {
                let words: Vec<&str> = line.split(' ').collect();
                let task = words[1].parse().unwrap();
                match words[0] {
                    "begun" => {
                        *begun.entry(task).or_default() += 1;
                        if job.pid() == victim {
                            of_victim.insert(task);
                        }
                    }
                    "Recorded" => assert!(recorded.insert(task), "{task} was recorded twice"),
                    other => panic!("{other} {task}"),
                }
            }
        }
        assert_eq!(begun.len(), TASKS);
        let twice = begun.iter().filter(|(_, times)| **times > 1);
        let twice: Vec<_> = twice.map(|(task, _)| *task).collect();
        assert!(
            twice.len() <= 1 && twice.iter().all(|task| of_victim.contains(task)),
            "{twice:?}"
        );
        // The killed job may have recorded one that is not in its diary.
        assert!(recorded.len() >= TASKS - 1, "{}", recorded.len());
        let opened = create(root.path(), task_names(TASKS), &options_of("look", MINUTE)).unwrap();
        assert_eq!(opened.states, vec![TaskState::Done; TASKS]);
    }
}
