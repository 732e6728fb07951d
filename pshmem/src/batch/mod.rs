//! Batches: tasks that groups of ranks claim until none is left, across jobs and crashes.
//!
//! - [`setup`]: from the settings to a batch, on all ranks
//! - [`table`]: which task is open, claimed or ended, for all ranks of this job · [`store`]: the same as files, for all jobs
//! - [`batch_rank`]: one rank's part of a batch, which claims and records · [`worker`]: the ranks that run a task together ·
//!   [`directory`]: leases on tasks for them
//! - [`task`], [`task_state`]: a task and its states · [`names`]: the names of all tasks, once on each node
//! - [`command`], [`child_guard`]: programs that tasks run
//! - [`run`]: works on all tasks · [`report`]: what became of them
//! - [`stop`], [`signals`], [`job_end`]: when no more tasks are begun · [`progress`]: how far the batch is · [`operator`]: status
//!   and stop from outside a job, and the log · [`json`]: texts for programs ·
//!   [`polled`]: questions that are not asked too often

mod batch_rank;
mod child_guard;
mod command;
mod directory;
mod job_end;
mod json;
mod names;
mod operator;
mod polled;
mod progress;
mod report;
mod run;
mod setup;
mod signals;
mod stop;
mod store;
pub(crate) mod table;
mod task;
mod task_state;
#[cfg(all(test, not(miri), not(loom)))]
mod test_process;
mod worker;

use self::batch_rank::BatchRank;
use crate::comm::Comm;
use crate::error::Result;
use crate::home::engine::Engine;
use crate::rank_thread::stays_on_rank_thread;
use std::fmt;
use std::panic::Location;
use std::rc::Rc;

pub use report::{BatchReport, TaskReport, TaskReports};
pub use setup::builder::BatchBuilder;
pub use store::log::LogEntry;
pub use store::status::{BatchStatus, TaskHolder, TaskStatus};
pub use task::Task;
pub use task_state::TaskState;

/// A fixed number of tasks, which workers (groups of ranks) claim until none is left.
///
/// ```
/// use pshmem::{Batch, local::Cluster};
///
/// let done = Cluster::new(&[4]).run(|comm| -> pshmem::Result<usize> {
///     let batch = Batch::builder(comm, 10).worker_size(2).build()?; // collective
///     let mut done = 0;
///     while let Some(task) = batch.next_task()? {
///         // Both ranks of the worker are here, with the same task.
///         batch.worker_comm().barrier()?;
///         done += 1;
///         task.done()?;
///     }
///     Ok(done)
/// });
/// let of_workers = done[0].as_ref().unwrap() + done[2].as_ref().unwrap();
/// assert_eq!(of_workers, 10);
/// ```
///
/// A claim takes two atomic operations, however many tasks there are. The table of tasks is in node memory, or at a
/// [home rank](BatchBuilder::root) if the ranks are on several nodes.
pub struct Batch {
    rank: Rc<BatchRank>,
}

stays_on_rank_thread!([] Batch);

impl Batch {
    fn new(rank: BatchRank) -> Self {
        Batch {
            rank: Rc::new(rank),
        }
    }

    /// Claims the next open task for this rank's worker, which is RUNNING from now on; `None` when none is open. Each rank of
    /// the worker gets it and ends it, see [`Task`].
    ///
    /// ```
    /// use pshmem::{Batch, Comm};
    ///
    /// let batch = Batch::builder(&Comm::solo(), 3).build()?;
    /// let mut squares = Vec::new();
    /// while let Some(task) = batch.next_task()? {
    ///     squares.push(task.index().pow(2));
    ///     task.done()?;
    /// }
    /// assert_eq!(squares, [0, 1, 4]);
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    ///
    /// # Collective
    /// Over the ranks of the worker, none of which may have a task. A worker of one rank synchronizes with nobody: on one node,
    /// a claim is two atomic operations; on several nodes, it is the same by one-sided operations, or a request to the home
    /// rank and its reply. A larger worker synchronizes once, or five times if the batch is on several nodes, where each task
    /// gets a new [`worker_comm`](Batch::worker_comm).
    ///
    /// With a state directory, a worker for which no task is left stays until every other job's tasks are known to be in live
    /// hands, so that it can take over those of a dead job.
    ///
    /// # Errors
    /// On all ranks of the worker: [`Error::TaskHeld`](crate::Error::TaskHeld) when a rank has not ended its task, and those of
    /// [`Comm::barrier`]. A task whose files cannot be used has failed, as the [report](Batch::report) tells, and the next one is
    /// returned; a worker with several such tasks in a row gets no more.
    #[track_caller]
    #[inline]
    pub fn next_task(&self) -> Result<Option<Task>> {
        let assigned = self.rank.next(Location::caller())?;
        Ok(assigned.map(|assigned| Task::new(&self.rank, assigned)))
    }

    /// The number of this rank's worker.
    #[must_use]
    pub fn worker(&self) -> usize {
        self.rank.worker.index
    }

    /// The number of workers.
    #[must_use]
    pub fn n_workers(&self) -> usize {
        self.rank.worker.count
    }

    /// The number of tasks.
    #[must_use]
    pub fn n_tasks(&self) -> usize {
        self.rank.client.layout.tasks
    }

    /// The `Comm` of this worker's ranks, for the current task. Ask for it again after each [`next_task`](Batch::next_task):
    /// after a failed task or a failed `next_task`, and on several nodes after every task, it is a new one. Calls on an old one
    /// then return an error.
    ///
    /// When a rank ends its task with a failure, calls of the other ranks on it return
    /// [`Error::TaskFailed`](crate::Error::TaskFailed).
    ///
    /// ```
    /// use pshmem::{Batch, Error, local::Cluster};
    ///
    /// Cluster::new(&[2]).run(|comm| -> pshmem::Result<()> {
    ///     let batch = Batch::builder(comm, 3).worker_size(2).build()?;
    ///     while let Some(task) = batch.next_task()? {
    ///         if task.index() == 1 && batch.worker_rank() == 0 {
    ///             task.failed("no input")?;
    ///             continue;
    ///         }
    ///         match batch.worker_comm().barrier() {
    ///             Ok(()) => task.done()?,
    ///             Err(error) => {
    ///                 assert!(matches!(error, Error::TaskFailed { .. }));
    ///                 task.failed(error)?;
    ///             }
    ///         }
    ///     }
    ///     Ok(())
    /// });
    /// ```
    #[must_use]
    pub fn worker_comm(&self) -> Comm {
        self.rank.worker.program_comm()
    }

    /// This rank's number within its worker.
    #[must_use]
    pub fn worker_rank(&self) -> usize {
        self.rank.worker.rank()
    }

    /// Where the task table is, and who changes it.
    ///
    /// ```
    /// use pshmem::{Batch, Comm, Engine};
    ///
    /// let batch = Batch::builder(&Comm::solo(), 1).build()?;
    /// assert_eq!(batch.engine(), Engine::NodeAtomics);
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    #[must_use]
    pub fn engine(&self) -> Engine {
        self.rank.client.engine()
    }

    /// The state of a task at this moment. If the batch is on several nodes, a task that another rank has just ended may still
    /// be seen as RUNNING.
    ///
    /// ```
    /// use pshmem::{Batch, Comm, TaskState};
    ///
    /// let batch = Batch::builder(&Comm::solo(), 2).build()?;
    /// let task = batch.next_task()?.expect("both are open");
    /// assert_eq!([batch.state(0)?, batch.state(1)?], [TaskState::Running, TaskState::Open]);
    /// task.done()?;
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    ///
    /// # Collective
    /// No. Any rank may call it.
    ///
    /// # Errors
    /// [`Error::NoSuchTask`](crate::Error::NoSuchTask), [`Error::Directory`](crate::Error::Directory), and
    /// [`Error::MpiFinalized`](crate::Error::MpiFinalized) after MPI has been finalized.
    pub fn state(&self, task: usize) -> Result<TaskState> {
        self.rank.state(task)
    }

    /// Sets the state of a task, whatever it is now. A task that is set to OPEN is handed out again. A worker that runs the
    /// task still records its result.
    ///
    /// ```
    /// use pshmem::{Batch, Comm, TaskState};
    ///
    /// let batch = Batch::builder(&Comm::solo(), 1).build()?;
    /// batch.next_task()?.expect("it is open").done()?;
    /// batch.set_state(0, TaskState::Open)?;
    /// assert_eq!(batch.next_task()?.expect("it is open again").attempt(), 2);
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    ///
    /// # Collective
    /// No. Any rank may call it.
    ///
    /// # Errors
    /// As [`state`](Batch::state).
    pub fn set_state(&self, task: usize, state: TaskState) -> Result<()> {
        self.rank.set_state(task, state)
    }
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Batch({} tasks, worker {} of {})",
            self.n_tasks(),
            self.worker(),
            self.n_workers()
        )
    }
}
