//! A task as a value: what it is, and how it ends.

use crate::batch::batch_rank::BatchRank;
use crate::batch::worker::Grant;
use crate::comm::thread_state;
use crate::error::Result;
use crate::stderr::report;
use std::cell::OnceCell;
use std::fmt;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Instant;

/// A task that this rank's worker has taken and is to end: by [`done`](Task::done), or by [`failed`](Task::failed).
///
/// Every rank of the worker has one, and ends it; the task is DONE when all have said `done`, otherwise FAILED with the
/// reason that came first. Dropping it, also by a panic, counts as failed. Ending waits for nobody.
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
    core: Rc<BatchRank>,
    grant: Grant,
    since: Instant,
    ended: bool,
    /// The number as text, and the directory, once they have been asked for.
    number: OnceCell<String>,
    dir: OnceCell<Option<PathBuf>>,
}

impl Task {
    pub(crate) fn new(core: &Rc<BatchRank>, grant: Grant) -> Self {
        Task {
            core: core.clone(),
            grant,
            since: Instant::now(),
            ended: false,
            number: OnceCell::new(),
            dir: OnceCell::new(),
        }
    }

    /// Its number, from 0.
    #[must_use]
    pub fn index(&self) -> usize {
        self.grant.claim.task as usize
    }

    /// Its name, as it was given; the number as text for a batch without names.
    ///
    /// ```
    /// use pshmem::{Batch, Comm};
    ///
    /// let batch = Batch::builder(&Comm::solo(), 1).build()?;
    /// let task = batch.next_task()?.expect("nobody has taken it");
    /// assert_eq!(task.name(), "0");
    /// task.done()?;
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    #[must_use]
    pub fn name(&self) -> &str {
        match self.core.given.names.get(self.index()) {
            Some(name) => name,
            None => self.number.get_or_init(|| self.index().to_string()),
        }
    }

    /// Which attempt at it this is, from 1: higher where it has failed, or been left unfinished, in this job.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.grant.claim.attempt
    }

    /// Its directory, where the batch has a state directory: made already, and a place for its results.
    ///
    /// ```
    /// use pshmem::{Batch, Comm};
    ///
    /// let batch = Batch::builder(&Comm::solo(), 1).build()?;
    /// let task = batch.next_task()?.expect("nobody has taken it");
    /// assert_eq!(task.dir(), None);
    /// task.done()?;
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    #[must_use]
    pub fn dir(&self) -> Option<&Path> {
        let dir = || self.core.dir(self.index());
        self.dir.get_or_init(dir).as_deref()
    }

    /// Ends the task well, as far as this rank is concerned. It waits for no other rank; the last one to end it records it.
    ///
    /// # Errors
    /// On the rank that records: [`Error::Directory`](crate::Error::Directory) when the state cannot be written, so that the
    /// task is not DONE; [`Error::TaskTakenOver`](crate::Error::TaskTakenOver) when another job has taken it over.
    /// [`Error::MpiFinalized`](crate::Error::MpiFinalized) after MPI has ended.
    #[inline]
    pub fn done(mut self) -> Result<()> {
        self.end(None)
    }

    /// Ends the task as failed. Ranks of the worker that wait for this one on the worker's `Comm` get
    /// [`Error::TaskFailed`](crate::Error::TaskFailed) with the reason.
    ///
    /// # Errors
    /// As [`done`](Task::done).
    pub fn failed(mut self, reason: impl fmt::Display) -> Result<()> {
        self.end(Some(&reason.to_string()))
    }

    #[inline]
    fn end(&mut self, failure: Option<&str>) -> Result<()> {
        self.ended = true;
        self.core.end(self.grant, self.since, failure)
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        if self.ended {
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
