//! The settings of a batch. How its ranks make it of them is in `build.rs`.

use crate::batch::Batch;
use crate::batch::setup::build;
use crate::batch::task_state::TaskState;
use crate::batch::worker::Sizes;
use crate::comm::Comm;
use crate::error::Result;
use std::fmt;
use std::panic::Location;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Makes the order of so many tasks.
pub(in crate::batch) type Order<'a> = Box<dyn FnOnce(usize) -> Vec<usize> + 'a>;

/// Settings of a [`Batch`] before it is made; all ranks give the same.
///
/// ```
/// use pshmem::{Batch, Comm};
///
/// let batch = Batch::builder(&Comm::solo(), 3)
///     .names(["small", "large", "medium"])
///     .order(|task| [1.0, 9.0, 3.0][task]) // the longest first
///     .retries(1)
///     .build()?;
/// assert_eq!(batch.next_task()?.expect("nobody has taken it").name(), "large");
/// # Ok::<(), pshmem::Error>(())
/// ```
#[must_use = "`build` makes the batch"]
pub struct BatchBuilder<'a> {
    pub(in crate::batch) comm: &'a Comm,
    pub(in crate::batch) tasks: usize,
    pub(in crate::batch) sizes: Sizes,
    pub(in crate::batch) root: usize,
    pub(in crate::batch) names: Option<Vec<String>>,
    pub(in crate::batch) dir: Option<PathBuf>,
    pub(in crate::batch) states: Option<Vec<TaskState>>,
    pub(in crate::batch) rerun: Vec<TaskState>,
    pub(in crate::batch) order: Option<Order<'a>>,
    pub(in crate::batch) retries: u32,
    pub(in crate::batch) lease_timeout: Duration,
    pub(in crate::batch) progress: bool,
    pub(in crate::batch) at_sigterm: bool,
    pub(in crate::batch) walltime: Option<Duration>,
}

impl<'a> BatchBuilder<'a> {
    pub(crate) fn new(comm: &'a Comm, tasks: usize) -> Self {
        BatchBuilder {
            comm,
            tasks,
            sizes: Sizes::Equal(1),
            root: 0,
            names: None,
            dir: None,
            states: None,
            rerun: Vec::new(),
            order: None,
            retries: 0,
            lease_timeout: Duration::from_secs(60),
            progress: false,
            at_sigterm: false,
            walltime: None,
        }
    }

    /// How many ranks work on a task together: ranks 0 to n - 1 are worker 0, and so on. 1 if not said. It must divide the
    /// number of ranks.
    ///
    /// ```
    /// use pshmem::{Batch, local::Cluster};
    ///
    /// Cluster::new(&[4]).run(|comm| -> pshmem::Result<()> {
    ///     let batch = Batch::builder(comm, 10).worker_size(2).build()?;
    ///     assert_eq!(batch.worker(), comm.rank() / 2);
    ///     assert_eq!((batch.n_workers(), batch.worker_comm().size()), (2, 2));
    ///     Ok(())
    /// });
    /// ```
    pub fn worker_size(self, size: usize) -> Self {
        let sizes = Sizes::Equal(size);
        Self { sizes, ..self }
    }

    /// Workers of different sizes, one after the other; together they are all ranks.
    ///
    /// ```
    /// use pshmem::{Batch, local::Cluster};
    ///
    /// let sizes = Cluster::new(&[3]).run(|comm| {
    ///     let batch = Batch::builder(comm, 10).worker_sizes(&[2, 1]).build().unwrap();
    ///     batch.worker_comm().size()
    /// });
    /// assert_eq!(sizes, [2, 2, 1]);
    /// ```
    pub fn worker_sizes(self, sizes: &[usize]) -> Self {
        let sizes = Sizes::BatchConfig(sizes.to_vec());
        Self { sizes, ..self }
    }

    /// The rank that keeps the account of tasks where the ranks are on several nodes, and that reads the state directory; 0
    /// if not said.
    pub fn root(self, root: usize) -> Self {
        Self { root, ..self }
    }

    /// Names for the tasks, for people: one for each.
    pub fn names(self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let names = names.into_iter().map(Into::into).collect();
        Self {
            names: Some(names),
            ..self
        }
    }

    /// Keeps the states of the tasks in `<path>/<name>/state`, so that a later job goes on where this one ended and several
    /// jobs may share the tasks. Directories that are missing are made. The names are those of the tasks, one for each.
    ///
    /// A file holds one word and a newline, as the Python package writes it.
    pub fn state_dir(
        self,
        path: impl AsRef<Path>,
        names: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        let dir = Some(path.as_ref().to_owned());
        Self { dir, ..self }.names(names)
    }

    /// What the tasks are at first, for a batch without a state directory; all are open if not said.
    ///
    /// ```
    /// use pshmem::{Batch, Comm, TaskState};
    ///
    /// let batch = Batch::builder(&Comm::solo(), 2).states(&[TaskState::Done, TaskState::Open]).build()?;
    /// assert_eq!(batch.next_task()?.expect("one is open").index(), 1);
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    pub fn states(self, states: &[TaskState]) -> Self {
        let states = Some(states.to_vec());
        Self { states, ..self }
    }

    /// Runs tasks again that are in one of these states at first: those that have failed, say.
    ///
    /// In a state directory, tasks that are RUNNING are run again without being asked for when no live job runs them.
    ///
    /// ```
    /// use pshmem::{Batch, Comm, TaskState};
    ///
    /// let batch = Batch::builder(&Comm::solo(), 2)
    ///     .states(&[TaskState::Done, TaskState::Failed])
    ///     .rerun(&[TaskState::Failed])
    ///     .build()?;
    /// assert_eq!(batch.next_task()?.expect("it is to be run again").index(), 1);
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    pub fn rerun(self, states: &[TaskState]) -> Self {
        let rerun = states.to_vec();
        Self { rerun, ..self }
    }

    /// Hands out tasks that cost most first; those that cost the same in order of their numbers. The closure runs on the
    /// root only.
    pub fn order<C: PartialOrd>(self, cost: impl Fn(usize) -> C + 'a) -> Self {
        let order: Order<'a> = Box::new(move |tasks| {
            let costs: Vec<C> = (0..tasks).map(cost).collect();
            let mut order: Vec<usize> = (0..tasks).collect();
            // What compares with nothing, not even itself, comes last.
            let is_number = |task: usize| costs[task].partial_cmp(&costs[task]).is_some();
            order.sort_by(|&one, &other| {
                costs[other]
                    .partial_cmp(&costs[one])
                    .unwrap_or_else(|| is_number(other).cmp(&is_number(one)))
            });
            order
        });
        Self {
            order: Some(order),
            ..self
        }
    }

    /// How often a task that has failed is run again by this job, after all others; 0 if not said.
    ///
    /// ```
    /// use pshmem::{Batch, Comm};
    ///
    /// let batch = Batch::builder(&Comm::solo(), 1).retries(2).build()?;
    /// let mut attempts = 0;
    /// while let Some(task) = batch.next_task()? {
    ///     attempts += 1;
    ///     task.failed("no luck")?;
    /// }
    /// assert_eq!(attempts, 3);
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    pub fn retries(self, retries: u32) -> Self {
        Self { retries, ..self }
    }

    /// After how much silence other jobs on the same state directory may take this one for dead and run its tasks again; 60
    /// seconds if not said. While a task runs, its worker gives four signs of life in that time.
    ///
    /// A process that dies on the same machine is noticed at once. One that is frozen for longer loses its task: what it
    /// records later is refused.
    pub fn lease_timeout(self, lease_timeout: Duration) -> Self {
        Self {
            lease_timeout,
            ..self
        }
    }

    /// Whether the root shows how far the tasks are, whenever its own worker comes for one: a bar on a terminal, else a line
    /// every ten seconds, on stderr.
    pub fn progress(self, progress: bool) -> Self {
        Self { progress, ..self }
    }

    /// Begins no more tasks after SIGTERM, which launchers and batch systems send before they end a job: the first worker
    /// that sees it in [`next_task`](Batch::next_task) [stops](Batch::stop) all. The process no longer dies of the signal.
    ///
    /// Ask the batch system to send it to the ranks early enough: `--signal=TERM@300` for Slurm.
    pub fn stop_at_sigterm(self, stop: bool) -> Self {
        Self {
            at_sigterm: stop,
            ..self
        }
    }

    /// Time that is left for the tasks, counted from [`build`](Self::build): a worker begins none that would not end in time
    /// if it took as long as the longest one that it has run.
    ///
    /// ```
    /// use pshmem::{Batch, Comm};
    /// use std::time::Duration;
    ///
    /// let batch = Batch::builder(&Comm::solo(), 3).walltime(Duration::from_millis(50)).build()?;
    /// batch.next_task()?.expect("there is time").done()?;
    /// std::thread::sleep(Duration::from_millis(60));
    /// assert!(batch.next_task()?.is_none());
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    pub fn walltime(self, left: Duration) -> Self {
        Self {
            walltime: Some(left),
            ..self
        }
    }

    /// Makes the batch.
    ///
    /// # Collective
    /// Over all ranks, with the same settings: two splits and three or four meetings. With a state directory, the root reads
    /// one file for each task meanwhile.
    ///
    /// # Errors
    /// On every rank alike: [`Error::InvalidSetting`](crate::Error::InvalidSetting) for sizes that do not fit the ranks, for names and
    /// states that are not one for each task, and for names that cannot be those of directories;
    /// [`Error::Mismatch`](crate::Error::Mismatch), [`Error::NoSuchRank`](crate::Error::NoSuchRank),
    /// [`Error::NoRoom`](crate::Error::NoRoom), [`Error::TooLarge`](crate::Error::TooLarge),
    /// [`Error::Directory`](crate::Error::Directory), and those of [`Comm::barrier`].
    ///
    /// # Panics
    /// On the root, when the closure of [`order`](Self::order) panics; the others get [`Error::Closure`](crate::Error::Closure).
    #[track_caller]
    pub fn build(self) -> Result<Batch> {
        build::open(self, Location::caller())
    }
}

impl fmt::Debug for BatchBuilder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BatchBuilder({})", self.summary())
    }
}
