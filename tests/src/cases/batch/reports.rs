//! What reports hold on all ranks, and how long they live.

use std::hash::{DefaultHasher, Hash, Hasher};

use pshmem::{Batch, BatchReport, Comm, TaskState};

use crate::collective::{check_same_text, duplicate};
use crate::report::Outcome;

/// An error with characters of all kinds, of one task in three.
fn error_of(task: usize) -> Option<String> {
    match task % 6 {
        1 => Some(String::new()),
        4 => Some(format!("{task}\0\r\n\"ü😀").repeat(task % 7)),
        _ => None,
    }
}

/// Checks a report in each way in which a program can read it.
fn check(report: &BatchReport, tasks: usize) {
    let failed = (0..tasks).filter_map(error_of).count();
    assert_eq!(report.tasks.len(), tasks);
    assert_eq!(report.count(TaskState::Failed), failed);
    assert_eq!(report.count(TaskState::Done), tasks - failed);
    assert_eq!(report.to_json().lines().count(), tasks + 2);
    assert!(*report == report.clone());
    for (index, task) in report.tasks.iter().enumerate() {
        assert_eq!((task.index, task.attempts), (index, 1));
        assert_eq!(task.name, format!("ü{index}"));
        assert_eq!(task.error, error_of(index));
        assert!(task.worker.is_some_and(|worker| worker < report.workers));
    }
}

/// The report is the same on all ranks, outlives the batch and its `Comm`, and goes to another thread. It is small, or large
/// enough to be shared on each node.
pub(crate) fn report_outlives_its_batch(comm: &Comm) -> Outcome {
    for tasks in [1, 20, 4000] {
        let own = duplicate(comm)?;
        let batch = Batch::builder(&own, tasks)
            .root(own.size() - 1)
            .names_with(|task| format!("ü{task}"))
            .build()?;
        let report = batch.run(|task, _| error_of(task.index()).map_or(Ok(()), Err))?;
        assert!(report == batch.report()?);
        drop((batch, own));
        let mut hasher = DefaultHasher::new();
        report.to_csv().hash(&mut hasher);
        check_same_text(comm, &format!("{:016x} {report}", hasher.finish()))?;
        let moved = std::thread::spawn(move || check(&report, tasks));
        moved.join().expect("the report is as expected");
    }
    Ok(())
}
