//! The report of a batch: what became of its tasks.
//!
//! [`records`] is what each rank remembers, [`collect`] gathers it, [`merge`] brings it together, [`rows`] is the result as bytes of
//! node memory and [`tasks`] as a slice. [`display`] prints it, [`export`] writes CSV and JSON.

mod collect;
mod display;
mod export;
mod merge;
pub(super) mod records;
mod rows;
mod tasks;

#[cfg(test)]
use crate::batch::names::TaskNames;
use crate::batch::task_state::TaskState;

pub use tasks::TaskReports;

/// What became of every task of a [`Batch`](crate::Batch). It is the same on all ranks.
///
/// It prints as a table: of all tasks, or if there are more than a hundred, of those that are not DONE.
///
/// It needs 24 bytes for each task, and the texts of errors, on each node; ranks of a node share them if they are more than
/// 64 KiB. [`tasks`](Self::tasks) as a slice is made on the ranks that read it. The report stays valid when the batch and its
/// `Comm` are dropped and MPI is finalized, and may be passed to other threads.
///
/// ```
/// use pshmem::{Batch, Comm, TaskState};
///
/// let batch = Batch::builder(&Comm::solo(), 3).names(["a", "b", "c"]).build()?;
/// let report = batch.run(|task, _| match task.name() {
///     "b" => Err("no input"),
///     _ => Ok(()),
/// })?;
/// assert_eq!(report.count(TaskState::Done), 2);
/// assert_eq!(report.tasks[1].error.as_deref(), Some("no input"));
/// println!("{report}");
/// assert!(report.to_csv().lines().nth(2).unwrap().starts_with("1,b,FAILED,0,"));
/// # Ok::<(), pshmem::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct BatchReport {
    /// One entry for each task, in the order of their numbers: a slice, which is made when it is first read.
    pub tasks: TaskReports,
    /// Number of workers.
    pub workers: usize,
}

/// What became of one task.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct TaskReport {
    /// Its number.
    pub index: usize,
    /// Its name; its number as text if it has none.
    pub name: String,
    /// Its state now.
    pub state: TaskState,
    /// The worker that has run it last in this job, if one has.
    pub worker: Option<usize>,
    /// How long that took, on the last rank of the worker to end it.
    pub seconds: f64,
    /// How often it was begun: in all jobs together with a state directory, otherwise in this one.
    pub attempts: u32,
    /// Why it has failed, if it has.
    pub error: Option<String>,
}

impl BatchReport {
    /// The number of tasks in a state.
    #[must_use]
    pub fn count(&self, state: TaskState) -> usize {
        let states = self.tasks.rows().states();
        states.filter(|&found| found == state).count()
    }
}

/// Titles of the columns in every format.
const COLUMNS: [&str; 7] = [
    "task", "name", "state", "worker", "seconds", "attempts", "error",
];

#[cfg(test)]
fn example(tasks: usize) -> BatchReport {
    let task = |index: usize| TaskReport {
        index,
        name: format!("t{index}"),
        state: if index == 1 {
            TaskState::Failed
        } else {
            TaskState::Done
        },
        worker: (index != 2).then_some(7),
        seconds: 0.25,
        attempts: 1,
        error: (index == 1).then(|| "no,\n\"way\"".to_owned()),
    };
    report_of(&(0..tasks).map(task).collect::<Vec<_>>(), 8)
}

/// The report that consists of these tasks.
#[cfg(test)]
fn report_of(tasks: &[TaskReport], workers: usize) -> BatchReport {
    let names: Vec<&str> = tasks.iter().map(|task| task.name.as_str()).collect();
    let bytes = merge::MergedReports::of_tasks(tasks).into_bytes();
    let rows = rows::Rows::new(tasks.len(), bytes.into(), TaskNames::of(&names));
    BatchReport {
        tasks: TaskReports::new(rows),
        workers,
    }
}
