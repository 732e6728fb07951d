//! Attempts at tasks: beginning, ending and dropping them.

use super::*;
use crate::batch::store::{CommitOutcome, Owner};
use tempfile::tempdir;

#[test]
fn a_task_goes_from_open_to_done() {
    let root = tempdir().unwrap();
    let opened = open(root.path(), 2);
    assert_eq!(opened.states, [TaskState::Open; 2]);
    assert!(opened.unparsable.is_empty());
    let store = opened.store;
    let lease = begin(&store, 1);
    assert_eq!(lease.attempt(), 1);
    assert_eq!(word(&store, 1), "RUNNING\n");
    assert_eq!(file_names(&store.dir(1)), [".attempt.1", ".end.", "state"]);
    let taken = store.begin(1, &Admission::default()).unwrap();
    assert!(
        matches!(&taken, BeginOutcome::OwnedBy(Owner { job, host, pid, .. })
            if job == "job 1" && host == "node0" && *pid == std::process::id()),
        "{taken:?}"
    );
    assert_eq!(
        lease.commit(TaskState::Done, "").unwrap(),
        CommitOutcome::Recorded
    );
    assert_eq!(word(&store, 1), "DONE\n");
    assert_eq!(file_names(&store.dir(1)), [".attempt.1", "state"]);
    let is = store.begin(1, &Admission::default()).unwrap();
    assert!(
        matches!(is, BeginOutcome::NotOpen(TaskState::Done)),
        "{is:?}"
    );
    assert_eq!(
        open(root.path(), 2).states,
        [TaskState::Open, TaskState::Done]
    );
}

#[test]
fn failed_tasks_keep_their_reason_and_are_rerun_on_request() {
    let root = tempdir().unwrap();
    let store = open(root.path(), 1).store;
    let first = begin(&store, 0);
    assert_eq!(
        first.commit(TaskState::Failed, "no ink").unwrap(),
        CommitOutcome::Recorded
    );
    assert_eq!(word(&store, 0), "FAILED\n");
    assert_eq!(
        fs::read_to_string(store.dir(0).join("reason.1")).unwrap(),
        "no ink\n"
    );
    assert!(matches!(
        store.begin(0, &Admission::default()).unwrap(),
        BeginOutcome::NotOpen(TaskState::Failed)
    ));
    let rerun = Admission {
        reruns_failed: true,
        request: 1,
        ..Admission::default()
    };
    let BeginOutcome::Leased(second) = store.begin(0, &rerun).unwrap() else {
        panic!("nobody owns it");
    };
    assert_eq!(second.attempt(), 2);
    assert_eq!(
        second.commit(TaskState::Done, "").unwrap(),
        CommitOutcome::Recorded
    );
    assert!(matches!(
        store.begin(0, &rerun).unwrap(),
        BeginOutcome::NotOpen(TaskState::Done)
    ));
    for (request, state) in (2..).zip(TaskState::ALL) {
        let BeginOutcome::Leased(lease) = store
            .begin(
                0,
                &Admission {
                    reruns_failed: true,
                    reruns_done: true,
                    request,
                    ..Admission::default()
                },
            )
            .unwrap()
        else {
            panic!("nobody owns it");
        };
        assert_eq!(lease.commit(state, "").unwrap(), CommitOutcome::Recorded);
        assert!(word(&store, 0).starts_with(&format!("{state}\n")));
    }
}

#[test]
fn a_lease_that_is_dropped_leaves_the_task_to_others() {
    let root = tempdir().unwrap();
    let store = open(root.path(), 1).store;
    drop(begin(&store, 0));
    assert_eq!(word(&store, 0), "RUNNING\n");
    let second = begin(&store, 0);
    assert_eq!(second.attempt(), 2);
    assert_eq!(word(&store, 0), "RUNNING\n");
    assert_eq!(
        second.commit(TaskState::Done, "").unwrap(),
        CommitOutcome::Recorded
    );
    assert_eq!(
        file_names(&store.dir(0)),
        [".attempt.1", ".attempt.2", "state"]
    );
}

#[test]
fn threads_share_tasks_without_running_any_twice() {
    let root = tempdir().unwrap();
    let count = 300;
    drop(open(root.path(), count));
    let begun: Vec<usize> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let store = Store::attach(root.path(), task_names(count), &options());
                    let mut begun = Vec::new();
                    for task in 0..count {
                        if let BeginOutcome::Leased(lease) =
                            store.begin(task, &Admission::default()).unwrap()
                        {
                            begun.push(task);
                            assert_eq!(lease.attempt(), 1);
                            let commit = lease.commit(TaskState::Done, "").unwrap();
                            assert_eq!(commit, CommitOutcome::Recorded);
                        }
                    }
                    begun
                })
            })
            .collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect()
    });
    assert_eq!(begun.len(), count);
    assert_eq!(
        open(root.path(), count).states,
        vec![TaskState::Done; count]
    );
}

#[test]
fn another_rank_of_the_worker_records_the_end_and_makes_no_file() {
    let root = tempdir().unwrap();
    let leader = open(root.path(), 2).store;
    let last = other(root.path(), 2, "other rank");
    for (task, end) in [TaskState::Done, TaskState::Failed].into_iter().enumerate() {
        let lease = begin(&leader, task);
        let own = root.path().join(".pshmem");
        let before = file_names(&own);
        let adopted = last.adopt(task, lease.attempt()).unwrap().unwrap();
        assert_eq!(adopted.commit(end, "").unwrap(), CommitOutcome::Recorded);
        assert_eq!(word(&leader, task), format!("{end}\n"));
        assert_eq!(file_names(&own), before);
        // The leader's own lease is over.
        drop(lease);
        assert_eq!(word(&leader, task), format!("{end}\n"));
        assert!(last.adopt(task, 1).unwrap().is_none());
    }
}
