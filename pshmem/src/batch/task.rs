//! A task that this rank's worker runs, and how the rank ends it.

use crate::batch::batch_rank::BatchRank;
use crate::batch::table::RankEnd;
use crate::batch::worker::Assignment;
use crate::comm::thread_state;
use crate::error::Result;
use crate::rank_thread::stays_on_rank_thread;
use crate::stderr::report;
use std::cell::OnceCell;
use std::fmt;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Instant;

/// A task that this rank's worker has claimed. It is ended by [`done`](Task::done) or [`failed`](Task::failed).
///
/// Every rank of the worker has a `Task` and ends it. The task is DONE when all of them called `done`. If one has failed, it is
/// FAILED with the first reason; else if one has put it back, it is OPEN. Dropping a `Task`, also in a panic, counts as `failed`.
/// Ending a task waits for no other rank of the worker.
///
/// A result that cannot be recorded, because the files of the task cannot be used or another job has taken it over, is no error
/// of the calls that end a task: a loop over tasks goes on. It is reported on stderr and stands in the
/// [report](crate::BatchReport).
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

stays_on_rank_thread!([] Task);

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

    /// How often the task has been begun, this time included: more than 1 if it has failed before, or was opened again. With a
    /// state directory all jobs count, otherwise this one.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.assigned.number()
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
    /// [`Error::MpiFinalized`](crate::Error::MpiFinalized) after MPI has been finalized.
    #[inline]
    pub fn done(mut self) -> Result<()> {
        self.end(RankEnd::Done)
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
        self.end(RankEnd::Failed(reason.to_string()))
    }

    /// Whether the task should end early: somebody has asked the batch to stop (by [`Batch::stop`](crate::Batch::stop), a file
    /// `stop` or a signal), the [`walltime`](crate::BatchBuilder::walltime) is over, or this task has taken longer than its
    /// [`task_timeout`](crate::BatchBuilder::task_timeout). A task that can be continued then writes a checkpoint and is
    /// [put back](Task::put_back).
    ///
    /// Ask as often as you like: the file system and the home rank are asked ten times a second at most. Ranks of one worker may
    /// get different answers at one moment; let one of them ask for all.
    ///
    /// ```
    /// use pshmem::{Batch, Comm, TaskState};
    ///
    /// let batch = Batch::builder(&Comm::solo(), 1).build()?;
    /// let task = batch.next_task()?.expect("it is open");
    /// let mut step = 0;
    /// while step < 1_000_000 && !task.should_stop() {
    ///     step += 1;
    /// #   batch.stop()?;
    /// }
    /// if step < 1_000_000 {
    ///     // Save `step`, for instance in `task.dir()`.
    ///     task.put_back()?;
    /// } else {
    ///     task.done()?;
    /// }
    /// # assert_eq!(batch.state(0)?, TaskState::Open);
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    ///
    /// # Collective
    /// No.
    #[must_use]
    pub fn should_stop(&self) -> bool {
        self.rank.should_stop(self.since)
    }

    /// When the task is to end, if it has a limit.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let limit = self.rank.config.task_timeout?;
        self.since.checked_add(limit)
    }

    /// Ends the task on this rank without a result: it is OPEN again, and handed out again by this job or another one. The attempt
    /// counts neither as a failure nor as a retry.
    ///
    /// ```
    /// use pshmem::{Batch, Comm, TaskState};
    ///
    /// let batch = Batch::builder(&Comm::solo(), 1).build()?;
    /// batch.next_task()?.expect("it is open").put_back()?;
    /// assert_eq!(batch.state(0)?, TaskState::Open);
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    ///
    /// # Collective
    /// As [`done`](Task::done).
    ///
    /// # Errors
    /// As [`done`](Task::done).
    pub fn put_back(mut self) -> Result<()> {
        self.end(RankEnd::PutBack)
    }

    #[inline]
    fn end(&mut self, end: RankEnd) -> Result<()> {
        self.is_ended = true;
        self.rank.end(self.assigned, self.since, end)
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
        if let Err(error) = self.end(RankEnd::Failed(reason)) {
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
