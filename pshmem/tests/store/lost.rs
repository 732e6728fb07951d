//! What the log tells of attempts whose process has died, and what is left of them.

use super::*;
use crate::batch::store::{EndedAttempt, read_log};
use tempfile::tempdir;

/// The lines of the log: task, attempt and state.
fn lines(root: &Path) -> Vec<(String, u32, TaskState)> {
    let log = read_log(root).unwrap().into_iter();
    let mut lines: Vec<_> = log
        .map(|line| (line.task, line.attempt, line.state))
        .collect();
    lines.sort();
    lines
}

/// A job that dies while it runs a task.
fn die_in(root: &Path, count: usize, task: usize, job: &str) {
    let store = other(root, count, job);
    std::mem::forget(begin(&store, task));
    mark_dead(root, &key(&store.dir(task)));
    std::mem::forget(store);
}

fn lost(task: usize, attempt: u32) -> (String, u32, TaskState) {
    (format!("task_{task}"), attempt, TaskState::Running)
}

#[test]
fn an_attempt_of_a_dead_process_is_in_the_log_whoever_ends_it() {
    let root = tempdir().unwrap();
    let store = open(root.path(), 2).store;
    // A job that is at work takes it over.
    die_in(root.path(), 2, 0, "first");
    let lease = begin(&store, 0);
    assert_eq!(lines(root.path()), [lost(0, 1)]);
    drop(lease);
    // A job that begins ends it.
    die_in(root.path(), 2, 0, "second");
    die_in(root.path(), 2, 1, "third");
    let next = create(root.path(), task_names(2), &options_of("next", MINUTE)).unwrap();
    assert_eq!(lines(root.path()), [lost(0, 1), lost(0, 3), lost(1, 1)]);
    for task in 0..2 {
        assert!(!file_names(&next.store.dir(task)).contains(&".end.".to_owned()));
    }
    // What this job writes after its own lines were merged is not lost.
    let lease = begin(&next.store, 1);
    let attempt = lease.attempt();
    lease.commit(TaskState::Done, "").unwrap();
    next.store.log_end(&EndedAttempt {
        task: 1,
        attempt,
        state: TaskState::Done,
        worker: 0,
        elapsed: Duration::ZERO,
        reason: "",
    });
    let done = ("task_1".to_owned(), attempt, TaskState::Done);
    assert!(lines(root.path()).contains(&done));
}

#[test]
fn nothing_of_a_dead_process_is_left_where_the_task_is_done() {
    let root = tempdir().unwrap();
    let store = open(root.path(), 1).store;
    // Killed when it was about to begin the task: it has made its files, and no link.
    let slow = other(root.path(), 1, "slow");
    let begun = begin(&slow, 0);
    let dead = key(&slow.dir(0));
    begun.commit(TaskState::Open, "").unwrap();
    for kind in ["running", "end"] {
        fs::write(slow.dir(0).join(format!(".{kind}.{dead}")), "").unwrap();
    }
    mark_dead(root.path(), &dead);
    std::mem::forget(slow);
    begin(&store, 0).commit(TaskState::Done, "").unwrap();
    drop(store);
    let next = create(root.path(), task_names(1), &options_of("next", MINUTE)).unwrap();
    let left = [".attempt.1", ".attempt.2", "state"];
    assert_eq!(file_names(&next.store.dir(0)), left);
    assert_eq!(next.states, [TaskState::Done]);
}

#[test]
fn an_end_that_a_dead_process_could_not_log_is_logged_by_the_next_job() {
    let root = tempdir().unwrap();
    drop(open(root.path(), 3));
    for (task, end) in [TaskState::Done, TaskState::Failed].into_iter().enumerate() {
        let store = other(root.path(), 3, &format!("job of {task}"));
        begin(&store, task).commit(end, "").unwrap();
        mark_dead(root.path(), &key(&store.dir(task)));
        std::mem::forget(store);
    }
    // One that has written its line.
    let store = other(root.path(), 3, "logged");
    begin(&store, 2).commit(TaskState::Done, "").unwrap();
    store.log_end(&EndedAttempt {
        task: 2,
        attempt: 1,
        state: TaskState::Done,
        worker: 4,
        elapsed: Duration::ZERO,
        reason: "",
    });
    mark_dead(root.path(), &key(&store.dir(2)));
    std::mem::forget(store);
    for _ in 0..2 {
        drop(open(root.path(), 3));
        let states = [TaskState::Done, TaskState::Failed, TaskState::Done];
        let expected: Vec<_> = (0..3)
            .map(|task| (format!("task_{task}"), 1, states[task]))
            .collect();
        assert_eq!(lines(root.path()), expected);
        let log = read_log(root.path()).unwrap();
        let of = |task: &str| log.iter().find(|line| line.task == task).unwrap();
        assert_eq!((of("task_2").worker, of("task_0").worker), (Some(4), None));
        assert_eq!(of("task_0").job, "job of 0");
    }
}
