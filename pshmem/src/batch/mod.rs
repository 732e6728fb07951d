//! Tasks that groups of ranks take until none is left, across jobs and crashes.
//!
//! - `table` who has which task, a protocol over atomic words · `client` where these words are · `remote` in words of a host that
//!   others reach by one-sided operations · `hosted` at the server of a host
//! - `worker_group` workers, and how their ranks get a task together · `task` a task as a value · `core` claiming and recording
//! - `builder` settings, `build` what ranks make of them · `run`, `records`, `report` all tasks at once, and what became of them
//! - `stop` when no more tasks are begun · `progress` how far they are
//! - `state` the states of a task · `directory`, `store/` their files: one directory that several jobs share

mod batch_rank;
mod directory;
mod operator;
mod progress;
mod report;
mod run;
mod setup;
mod stop;
mod store;
pub(crate) mod table;
mod task;
mod task_state;
mod worker;

use self::batch_rank::BatchRank;
use crate::comm::Comm;
use crate::error::Result;
use crate::home::engine::Engine;
use std::fmt;
use std::panic::Location;
use std::rc::Rc;

pub use report::{BatchReport, TaskReport};
pub use setup::builder::BatchBuilder;
pub use store::status::{BatchStatus, TaskHolder, TaskStatus};
pub use task::Task;
pub use task_state::TaskState;

/// A fixed number of tasks that workers, groups of ranks, take until none is left.
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
/// Claiming a task takes one look at a cursor and one at the task, however many there are. The account of tasks lies in node
/// memory, or with a [host](Engine::ServiceThread) where the ranks are on several nodes.
pub struct Batch {
    core: Rc<BatchRank>,
}

impl Batch {
    /// A batch of so many tasks, to be given settings.
    ///
    /// ```
    /// use pshmem::{Batch, Comm};
    ///
    /// let batch = Batch::builder(&Comm::solo(), 100).build()?;
    /// assert_eq!((batch.n_tasks(), batch.n_workers()), (100, 1));
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    pub fn builder(comm: &Comm, n_tasks: usize) -> BatchBuilder<'_> {
        BatchBuilder::new(comm, n_tasks)
    }

    /// The next task for this rank's worker, which is RUNNING from now on; `None` when none is open. Each rank of the worker
    /// gets it and ends it. See [`Task`].
    ///
    /// # Collective
    /// Over the ranks of the worker, none of which may have a task. A worker of one rank meets nobody: on one node a claim is
    /// two changes of words, over several a message to the host and one from it. More ranks meet once; where they are on
    /// several nodes, they meet five times, for a fresh [`worker_comm`](Batch::worker_comm).
    ///
    /// # Errors
    /// On all ranks of the worker: [`Error::TaskHeld`](crate::Error::TaskHeld),
    /// [`Error::Directory`](crate::Error::Directory), and those of [`Comm::barrier`].
    #[track_caller]
    #[inline]
    pub fn next_task(&self) -> Result<Option<Task>> {
        let grant = self.core.next(Location::caller())?;
        Ok(grant.map(|grant| Task::new(&self.core, grant)))
    }

    /// The number of this rank's worker.
    #[must_use]
    pub fn worker(&self) -> usize {
        self.core.worker_group.worker
    }

    /// How many workers there are.
    #[must_use]
    pub fn n_workers(&self) -> usize {
        self.core.worker_group.count
    }

    /// How many tasks there are.
    #[must_use]
    pub fn n_tasks(&self) -> usize {
        self.core.client.layout.tasks
    }

    /// The ranks of this worker. Ask again after each [`next_task`](Batch::next_task): when a task has failed, the next one
    /// has a fresh `Comm`.
    #[must_use]
    pub fn worker_comm(&self) -> Comm {
        self.core.worker_group.open()
    }

    /// This rank among those of its worker.
    #[must_use]
    pub fn worker_rank(&self) -> usize {
        self.core.worker_group.rank()
    }

    /// Where the account of tasks is, and who answers for it.
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
        self.core.client.engine()
    }

    /// What a task is at this failpoint. Any rank may ask. Over several nodes, the end of a task on another rank may take a failpoint
    /// to be seen.
    ///
    /// # Errors
    /// [`Error::NoSuchTask`](crate::Error::NoSuchTask), [`Error::Directory`](crate::Error::Directory),
    /// [`Error::MpiFinalized`](crate::Error::MpiFinalized).
    pub fn state(&self, task: usize) -> Result<TaskState> {
        self.core.state(task)
    }

    /// Changes what a task is. Any rank may do it; a task that is set to OPEN is handed out rerun.
    ///
    /// A worker that is running the task records its end all the same.
    ///
    /// ```
    /// use pshmem::{Batch, Comm, TaskState};
    ///
    /// let batch = Batch::builder(&Comm::solo(), 1).build()?;
    /// batch.next_task()?.expect("nobody has taken it").done()?;
    /// batch.set_state(0, TaskState::Open)?;
    /// assert_eq!(batch.next_task()?.expect("it is open again").attempt(), 2);
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`state`](Batch::state).
    pub fn set_state(&self, task: usize, state: TaskState) -> Result<()> {
        self.core.set_state(task, state)
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
