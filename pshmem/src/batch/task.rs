//! A task that this rank's worker runs, and how the rank ends it.

use crate::batch::batch_rank::BatchRank;
use crate::batch::worker::Assignment;
use crate::comm::thread_state;
use crate::error::Result;
use crate::stderr::report;
use std::cell::OnceCell;
use std::fmt;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Instant;

/// A task that this rank's worker has claimed. It is ended by [`done`](Task::done) or [`failed`](Task::failed).
///
/// Every rank of the worker has a `Task` and ends it. The task is DONE when all of them called `done`, otherwise FAILED with the
/// first reason. Dropping a `Task`, also in a panic, counts as `failed`. Ending a task waits for no other rank of the worker.
///
/// ```
/// use pshmem::{Batch, Comm, TaskState};
///
/// let batch = Batch::builder(&Comm::solo(), 2).build()?;
/// while let Some(task) = batch.next_task()? {
///     match task.index() {
///         0 => task.done()?,
///         _ => task.failed("no input")?,
///     }
/// }
/// assert_eq!([batch.state(0)?, batch.state(1)?], [TaskState::Done, TaskState::Failed]);
/// # Ok::<(), pshmem::Error>(())
/// ```
#[must_use = "a task that is dropped has failed"]
pub struct Task {
    rank: Rc<BatchRank>,
    assigned: Assignment,
    since: Instant,
    is_ended: bool,
    /// The number as text and the folder, once they have been asked for.
    number: OnceCell<String>,
    dir: OnceCell<Option<PathBuf>>,
}

impl Task {
    pub(crate) fn new(rank: &Rc<BatchRank>, assigned: Assignment) -> Self {
        Task {
            rank: rank.clone(),
            assigned,
            since: Instant::now(),
            is_ended: false,
            number: OnceCell::new(),
            dir: OnceCell::new(),
        }
    }

    /// What the batch has on this rank.
    pub(crate) fn batch_rank(&self) -> &BatchRank {
        &self.rank
    }

    /// Its number, from 0.
    #[must_use]
    pub fn index(&self) -> usize {
        self.assigned.claim.task as usize
    }

    /// Its name; its number as text if the batch has no names.
    ///
    /// ```
    /// use pshmem::{Batch, Comm};
    ///
    /// let batch = Batch::builder(&Comm::solo(), 1).build()?;
    /// let task = batch.next_task()?.expect("it is open");
    /// assert_eq!(task.name(), "0");
    /// task.done()?;
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    #[must_use]
    pub fn name(&self) -> &str {
        let name = self.rank.config.names.get(self.index());
        name.unwrap_or_else(|| self.number.get_or_init(|| self.index().to_string()))
    }

    /// How often this job has begun the task, this time included: more than 1 if it has failed before, or was opened again.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.assigned.claim.attempt
    }

    /// Its folder in the state directory, for its results; `None` if the batch has no state directory. The folder exists.
    ///
    /// ```
    /// use pshmem::{Batch, Comm};
    ///
    /// let batch = Batch::builder(&Comm::solo(), 1).build()?;
    /// let task = batch.next_task()?.expect("it is open");
    /// assert_eq!(task.dir(), None);
    /// task.done()?;
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    #[must_use]
    pub fn dir(&self) -> Option<&Path> {
        let dir = || self.rank.dir(self.index());
        self.dir.get_or_init(dir).as_deref()
    }

    /// Ends the task on this rank with success. The last rank of the worker to end it records the result.
    ///
    /// ```
    /// use pshmem::{Batch, TaskState, local::Cluster};
    ///
    /// Cluster::new(&[2]).run(|comm| -> pshmem::Result<()> {
    ///     let batch = Batch::builder(comm, 1).worker_size(2).build()?;
    ///     let task = batch.next_task()?.expect("it is open");
    ///     task.done()?; // on both ranks of the worker
    ///     comm.barrier()?;
    ///     assert_eq!(batch.state(0)?, TaskState::Done);
    ///     Ok(())
    /// });
    /// ```
    ///
    /// # Collective
    /// Every rank of the worker ends its task, by `done`, `failed` or a drop. None waits for another one.
    ///
    /// # Errors
    /// On the rank that records the result: [`Error::Directory`](crate::Error::Directory) when the state cannot be written (the
    /// task is then not DONE), and [`Error::TaskTakenOver`](crate::Error::TaskTakenOver) when another job has taken the task
    /// over. On any rank [`Error::MpiFinalized`](crate::Error::MpiFinalized) after MPI has been finalized.
    #[inline]
    pub fn done(mut self) -> Result<()> {
        self.end(None)
    }

    /// Ends the task on this rank with a failure. Calls of other ranks that wait for this one on the worker's `Comm` return
    /// [`Error::TaskFailed`](crate::Error::TaskFailed) with the reason.
    ///
    /// ```
    /// use pshmem::{Batch, Comm};
    ///
    /// let batch = Batch::builder(&Comm::solo(), 1).build()?;
    /// batch.next_task()?.expect("it is open").failed("no input")?;
    /// assert_eq!(batch.report()?.tasks[0].error.as_deref(), Some("no input"));
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    ///
    /// # Collective
    /// As [`done`](Task::done).
    ///
    /// # Errors
    /// As [`done`](Task::done).
    pub fn failed(mut self, reason: impl fmt::Display) -> Result<()> {
        self.end(Some(&reason.to_string()))
    }

    #[inline]
    fn end(&mut self, failure: Option<&str>) -> Result<()> {
        self.is_ended = true;
        self.rank.end(self.assigned, self.since, failure)
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        if self.is_ended {
            return;
        }
        let panic = std::thread::panicking()
            .then(thread_state::failure)
            .flatten();
        let reason = panic.unwrap_or_else(|| "it was dropped unfinished".to_owned());
        if let Err(error) = self.end(Some(&reason)) {
            report(format_args!(
                "the end of task {} is not recorded: {error}",
                self.name()
            ));
        }
    }
}

impl fmt::Debug for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Task({}, attempt {})", self.name(), self.attempt())
    }
}
