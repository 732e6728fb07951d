//! The public builder of a batch.

use crate::batch::Batch;
use crate::batch::names;
use crate::batch::setup::build;
use crate::batch::setup::settings::{MakeNames, MakeOrder, Order, Settings};
use crate::batch::setup::worker_sizes::WorkerSizes;
use crate::batch::task_state::TaskState;
use crate::comm::Comm;
use crate::error::Result;
use std::any::Any;
use std::fmt;
use std::panic::Location;
use std::path::Path;
use std::time::Duration;

/// Settings of a [`Batch`] before it is built. All ranks give the same.
///
/// ```
/// use pshmem::{Batch, Comm};
///
/// let batch = Batch::builder(&Comm::solo(), 3)
///     .names(["small", "large", "medium"])
///     .order(|task| [1.0, 9.0, 3.0][task]) // the most expensive first
///     .retries(1)
///     .build()?;
/// assert_eq!(batch.next_task()?.expect("all are open").name(), "large");
/// # Ok::<(), pshmem::Error>(())
/// ```
#[must_use = "`build` makes the batch"]
pub struct BatchBuilder<'a> {
    comm: &'a Comm,
    settings: Settings<'a>,
}

impl Batch {
    /// Starts to build a batch of so many tasks.
    ///
    /// ```
    /// use pshmem::{Batch, Comm};
    ///
    /// let batch = Batch::builder(&Comm::solo(), 100).build()?;
    /// assert_eq!((batch.n_tasks(), batch.n_workers()), (100, 1));
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    pub fn builder(comm: &Comm, n_tasks: usize) -> BatchBuilder<'_> {
        BatchBuilder {
            comm,
            settings: Settings::new(n_tasks),
        }
    }
}

impl<'a> BatchBuilder<'a> {
    /// How many ranks work on a task together; 1 by default. Ranks 0 to `size - 1` are worker 0, and so on. The number of ranks
    /// must be a multiple of it.
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
    pub fn worker_size(mut self, size: usize) -> Self {
        self.settings.sizes = WorkerSizes::Equal(size);
        self
    }

    /// Workers of different sizes, in the order of the ranks. The sizes add up to the number of ranks.
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
    pub fn worker_sizes(mut self, sizes: &[usize]) -> Self {
        self.settings.sizes = WorkerSizes::Each(sizes.to_vec());
        self
    }

    /// The rank that reads the state directory, runs the closures of [`names_with`](Self::names_with) and
    /// [`order`](Self::order), shows the progress and, where the ranks are on several nodes, is the home rank of the task table;
    /// 0 by default.
    ///
    /// ```
    /// use pshmem::{Batch, local::Cluster};
    ///
    /// Cluster::new(&[2, 2]).run(|comm| -> pshmem::Result<()> {
    ///     let batch = Batch::builder(comm, 10).root(3).build()?;
    ///     while let Some(task) = batch.next_task()? {
    ///         task.done()?;
    ///     }
    ///     Ok(())
    /// });
    /// ```
    pub fn root(mut self, root: usize) -> Self {
        self.settings.root = root;
        self
    }

    /// Names of the tasks, one for each. They appear in reports and messages. The batch keeps them once on each node.
    ///
    /// Each rank passes the whole list. For many tasks, [`names_with`](Self::names_with) needs less memory while the batch is
    /// built.
    ///
    /// ```
    /// use pshmem::{Batch, Comm};
    ///
    /// let batch = Batch::builder(&Comm::solo(), 2).names(["north", "south"]).build()?;
    /// assert_eq!(batch.next_task()?.expect("both are open").name(), "north");
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    pub fn names(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.settings.names = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// Names of the tasks, by a closure that gets the number of a task. It runs on the [`root`](Self::root) only, and the names
    /// are sent to each other node once.
    ///
    /// It takes the place of the names that [`names`](Self::names) or [`state_dir`](Self::state_dir) are given, before or
    /// after it; these may then be empty.
    ///
    /// ```
    /// use pshmem::{Batch, Comm};
    ///
    /// let path = std::env::temp_dir().join(format!("pshmem-names-with-{}", std::process::id()));
    /// let batch = Batch::builder(&Comm::solo(), 1000)
    ///     .state_dir(&path, std::iter::empty::<String>())
    ///     .names_with(|task| format!("map_{task:06}"))
    ///     .build()?;
    /// let task = batch.next_task()?.expect("all are open");
    /// assert_eq!((task.name(), task.dir()), ("map_000000", Some(&*path.join("map_000000"))));
    /// task.done()?;
    /// # drop(batch);
    /// # std::fs::remove_dir_all(path).unwrap();
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    pub fn names_with<N: Into<String>>(mut self, name: impl Fn(usize) -> N + 'a) -> Self {
        let make_names: MakeNames<'a> =
            Box::new(move |tasks| names::encode(tasks, (0..tasks).map(|task| name(task).into())));
        self.settings.make_names = Some(make_names);
        self
    }

    /// Keeps the states of the tasks in files `<path>/<name>/state`, so that a later job continues where this one has ended,
    /// and that several jobs share the tasks. The names are those of the tasks, one for each. Folders that are missing are
    /// made.
    ///
    /// The format is that of the Python package: a file holds one word and a newline.
    ///
    /// Names of many tasks are better made by a closure on one rank:
    /// `.state_dir(&path, std::iter::empty::<String>()).names_with(|task| format!("map_{task:06}"))`, see
    /// [`names_with`](Self::names_with).
    ///
    /// ```
    /// use pshmem::{Batch, Comm};
    ///
    /// let path = std::env::temp_dir().join(format!("pshmem-state-dir-{}", std::process::id()));
    /// // The first job ends after one task.
    /// let batch = Batch::builder(&Comm::solo(), 2).state_dir(&path, ["a", "b"]).build()?;
    /// batch.next_task()?.expect("both are open").done()?;
    /// drop(batch);
    /// assert_eq!(std::fs::read_to_string(path.join("a/state")).unwrap(), "DONE\n");
    ///
    /// // The second job continues with the other one.
    /// let batch = Batch::builder(&Comm::solo(), 2).state_dir(&path, ["a", "b"]).build()?;
    /// let task = batch.next_task()?.expect("one is left");
    /// assert_eq!(task.name(), "b");
    /// std::fs::write(task.dir().unwrap().join("result"), "42").unwrap();
    /// task.done()?;
    /// assert!(batch.next_task()?.is_none());
    /// # std::fs::remove_dir_all(path).unwrap();
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    pub fn state_dir(
        mut self,
        path: impl AsRef<Path>,
        names: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        self.settings.dir = Some(path.as_ref().to_owned());
        self.names(names)
    }

    /// The first states of the tasks, for a batch without a state directory; all are OPEN by default.
    ///
    /// ```
    /// use pshmem::{Batch, Comm, TaskState};
    ///
    /// let batch = Batch::builder(&Comm::solo(), 2).states(&[TaskState::Done, TaskState::Open]).build()?;
    /// assert_eq!(batch.next_task()?.expect("one is open").index(), 1);
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    pub fn states(mut self, states: &[TaskState]) -> Self {
        self.settings.states = Some(states.to_vec());
        self
    }

    /// Runs tasks again that are in one of these states at first, for instance those that have failed.
    ///
    /// In a state directory, RUNNING tasks need no mention: they are run again if no live job runs them. Jobs that are at work on
    /// a directory at the same time rerun each task once, whichever of them begins it: a task that has ended since the first of
    /// them was built is not run again.
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
    pub fn rerun(mut self, states: &[TaskState]) -> Self {
        self.settings.rerun = states.to_vec();
        self
    }

    /// Hands out the tasks with the highest cost first, so that no long task starts last. Tasks of equal cost are handed out in
    /// the order of their numbers; that is also the default. The closure runs on the [`root`](Self::root) only.
    ///
    /// Where there is a [`walltime`](Self::walltime) and the costs are numbers of one of the primitive types, they also tell how
    /// long a task takes: a worker that has run tasks of other costs expects as much time for each unit of cost.
    ///
    /// ```
    /// use pshmem::{Batch, Comm};
    ///
    /// let cells = [200, 5_000, 800]; // of each task
    /// let batch = Batch::builder(&Comm::solo(), 3).order(|task| cells[task]).build()?;
    /// let mut order = Vec::new();
    /// while let Some(task) = batch.next_task()? {
    ///     order.push(task.index());
    ///     task.done()?;
    /// }
    /// assert_eq!(order, [1, 2, 0]);
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    pub fn order<C: PartialOrd + 'static>(mut self, cost: impl Fn(usize) -> C + 'a) -> Self {
        let order: MakeOrder<'a> = Box::new(move |tasks| {
            let costs: Vec<C> = (0..tasks).map(cost).collect();
            let mut order: Vec<usize> = (0..tasks).collect();
            // A cost that is not comparable even with itself, such as NaN, comes last.
            let is_number = |task: usize| costs[task].partial_cmp(&costs[task]).is_some();
            order.sort_by(|&one, &other| {
                costs[other]
                    .partial_cmp(&costs[one])
                    .unwrap_or_else(|| is_number(other).cmp(&is_number(one)))
            });
            let numbers: Option<Vec<f64>> = costs.iter().map(|cost| as_number(cost)).collect();
            Order {
                tasks: order,
                costs: numbers.unwrap_or_default(),
            }
        });
        self.settings.order = Some(order);
        self
    }

    /// How often a task is run again that has failed; 0 by default. Retries come after all other tasks, after a pause, and on
    /// another worker than the one on which the task has failed, if there is one that takes it.
    ///
    /// With a state directory all jobs count: a task that has failed in an earlier job is retried by this one if it has any
    /// retries left. After a [`rerun`](Self::rerun), or when it was opened by hand, it has all of them again.
    ///
    /// ```
    /// use pshmem::{Batch, Comm};
    ///
    /// let batch = Batch::builder(&Comm::solo(), 1).retries(2).build()?;
    /// let mut attempts = 0;
    /// while let Some(task) = batch.next_task()? {
    ///     attempts += 1;
    ///     task.failed("no convergence")?;
    /// }
    /// assert_eq!(attempts, 3);
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    pub fn retries(mut self, retries: u32) -> Self {
        self.settings.retries = retries;
        self
    }

    /// How long a task that has failed waits for its retry at least; 50 ms by default. On the worker on which it has failed, it
    /// waits for twice as long, if there are others. Only with [`retries`](Self::retries).
    ///
    /// ```
    /// use pshmem::{Batch, Comm};
    /// use std::time::Duration;
    ///
    /// let batch = Batch::builder(&Comm::solo(), 1)
    ///     .retries(3)
    ///     .retry_pause(Duration::from_secs(30)) // for a file server that comes back
    ///     .build()?;
    /// # drop(batch);
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    pub fn retry_pause(mut self, pause: Duration) -> Self {
        self.settings.retry_pause = pause;
        self
    }

    /// After how many failures in a row a worker gets no more tasks; 0, the default, for no limit. It leaves with a message on
    /// stderr, and its tasks are left to other workers and jobs: a node on which everything fails does not use up the batch.
    ///
    /// ```
    /// use pshmem::{Batch, Comm, TaskState};
    ///
    /// let batch = Batch::builder(&Comm::solo(), 100).halt_after(3).build()?;
    /// let report = batch.run(|_, _| Err("no disk"))?;
    /// assert_eq!((report.count(TaskState::Failed), report.count(TaskState::Open)), (3, 97));
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    pub fn halt_after(mut self, failures_in_a_row: u32) -> Self {
        self.settings.halt_after = failures_in_a_row;
        self
    }

    /// How long a task may take. One that has taken longer is FAILED with that reason, whatever its closure returns;
    /// [`should_stop`](crate::Task::should_stop) tells a closure to end, and a program started by
    /// [`command`](crate::Task::command) is ended. A closure that does neither ask nor return cannot be interrupted.
    ///
    /// ```
    /// use pshmem::{Batch, Comm, TaskState};
    /// use std::time::Duration;
    ///
    /// let limit = Duration::from_millis(5);
    /// let batch = Batch::builder(&Comm::solo(), 1).task_timeout(limit).build()?;
    /// let report = batch.run(|task, _| {
    ///     while !task.should_stop() {
    ///         std::thread::yield_now();
    ///     }
    ///     Ok::<(), String>(())
    /// })?;
    /// assert_eq!(report.count(TaskState::Failed), 1);
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    pub fn task_timeout(mut self, limit: Duration) -> Self {
        self.settings.task_timeout = Some(limit);
        self
    }

    /// Time without a heartbeat after which other jobs on the same state directory may take this one for dead and run its tasks
    /// again; 60 seconds by default. While a worker runs a task, its process gives at least four heartbeats in
    /// that time.
    ///
    /// A process that ends on the same machine is noticed at once. A process that is frozen for longer than this loses its
    /// task: a result that it records later is refused, with a message. A false positive costs duplicate work, never a duplicate
    /// result. From 10 ms to 30 days.
    ///
    /// ```
    /// use pshmem::{Batch, Comm};
    /// use std::time::Duration;
    ///
    /// let path = std::env::temp_dir().join(format!("pshmem-lease-{}", std::process::id()));
    /// let batch = Batch::builder(&Comm::solo(), 1)
    ///     .state_dir(&path, ["a"])
    ///     .lease_timeout(Duration::from_secs(300)) // for a slow file server
    ///     .build()?;
    /// # drop(batch);
    /// # std::fs::remove_dir_all(path).unwrap();
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    pub fn lease_timeout(mut self, lease_timeout: Duration) -> Self {
        self.settings.lease_timeout = lease_timeout;
        self
    }

    /// Whether the root shows the progress on stderr: a bar on a terminal, otherwise a line every ten seconds. It is updated
    /// when the root's own worker asks for a task.
    ///
    /// ```
    /// use pshmem::{Batch, Comm};
    ///
    /// let batch = Batch::builder(&Comm::solo(), 2).progress(true).build()?;
    /// batch.run(|_, _| Ok::<(), String>(()))?; // "2 of 2 tasks done, after 0 s"
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    pub fn progress(mut self, progress: bool) -> Self {
        self.settings.progress = progress;
        self
    }

    /// Begins no more tasks after SIGTERM, which launchers and batch systems send before they end a job: the same as SIGTERM in
    /// the list of [`stop_at_signals`](Self::stop_at_signals).
    ///
    /// ```
    /// use pshmem::{Batch, Comm};
    ///
    /// let batch = Batch::builder(&Comm::solo(), 2).stop_at_sigterm(true).build()?;
    /// while let Some(task) = batch.next_task()? {
    ///     task.done()?; // the last one before the job ends
    /// }
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    pub fn stop_at_sigterm(mut self, stop: bool) -> Self {
        self.settings.stop_at_sigterm = stop;
        self
    }

    /// Begins no more tasks after one of these signals; [`pshmem::signal`](crate::signal) has their numbers. The first worker
    /// whose process has received one [stops](Batch::stop) all workers when it asks for its next task.
    ///
    /// While the batch exists, such a signal does not end the process. A handler that was installed before is called as well,
    /// and a signal that was ignored only stops the batch. Once the last such batch of the process has been dropped, the signal
    /// acts as before. A handler that the program installs meanwhile has to call the one before it; it stays. A signal that has
    /// arrived during an earlier batch with the same setting counts for later ones too.
    ///
    /// Let the batch system send the signal to the ranks early enough, for Slurm with `--signal=USR1@300`.
    ///
    /// ```
    /// use pshmem::{Batch, Comm, signal};
    ///
    /// let signals = [signal::SIGTERM, signal::SIGUSR1];
    /// let batch = Batch::builder(&Comm::solo(), 2).stop_at_signals(signals).build()?;
    /// while let Some(task) = batch.next_task()? {
    ///     task.done()?; // the last one before the job ends
    /// }
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    pub fn stop_at_signals(mut self, signals: impl IntoIterator<Item = i32>) -> Self {
        self.settings.stop_at_signals = signals.into_iter().collect();
        self
    }

    /// The time left for the tasks, counted from [`build`](Self::build). A worker begins no task that would end too late if it
    /// took as long as the longest one that this worker has run.
    ///
    /// Without this setting, the root finds out the end of a job of Slurm: from `SLURM_JOB_END_TIME`, or where that is not set,
    /// from the program `squeue`, which may take five seconds. Of the time that is left, 60 seconds are kept back, or a tenth if
    /// that is less, so that tasks which run too long can still save their work. If the end cannot be found out, a warning is
    /// emitted by `tracing`, and there is no limit. Neither is there outside of Slurm.
    ///
    /// [`Duration::MAX`] means no limit, and asks nobody. Either all ranks give this setting or none; their times may differ.
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
    pub fn walltime(mut self, left: Duration) -> Self {
        self.settings.walltime = Some(left);
        self
    }

    /// Makes the batch.
    ///
    /// ```
    /// use pshmem::{Batch, Error, local::Cluster};
    ///
    /// Cluster::new(&[3]).run(|comm| {
    ///     let batch = Batch::builder(comm, 10).worker_size(2).build();
    ///     assert!(matches!(batch, Err(Error::InvalidSetting { .. }))); // three ranks
    /// });
    /// ```
    ///
    /// # Collective
    /// Over all ranks of the `Comm`, with the same settings. It splits the `Comm` twice and synchronizes three or four times
    /// more, and with names three to six times. Without a walltime under Slurm, the other ranks wait until the root knows the end
    /// of the job; with a state directory, until all of them have read their share of the states.
    ///
    /// # Errors
    /// The same on every rank: [`Error::InvalidSetting`](crate::Error::InvalidSetting) for sizes that do not fit the number of
    /// ranks, for names and states that are not one for each task, for names that cannot be those of folders, and for signals
    /// that cannot be caught or report faults;
    /// [`Error::Mismatch`](crate::Error::Mismatch) for settings that differ between ranks;
    /// [`Error::NoSuchRank`](crate::Error::NoSuchRank) for the root; [`Error::NoRoom`](crate::Error::NoRoom);
    /// [`Error::TooLarge`](crate::Error::TooLarge); [`Error::System`](crate::Error::System) when a signal cannot be
    /// watched for; [`Error::Directory`](crate::Error::Directory) for the state directory; and those of [`Comm::barrier`].
    ///
    /// # Panics
    /// On the root, when the closure of [`names_with`](Self::names_with) or [`order`](Self::order) panics. The others get
    /// [`Error::Closure`](crate::Error::Closure).
    #[track_caller]
    pub fn build(self) -> Result<Batch> {
        let rank = build::build(self.comm, self.settings, Location::caller())?;
        Ok(Batch::new(rank))
    }
}

impl fmt::Debug for BatchBuilder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BatchBuilder({})", self.settings.summary())
    }
}

/// A value of a primitive type as a number with a fraction.
fn as_number(value: &dyn Any) -> Option<f64> {
    macro_rules! try_types {
        ($($type:ty),*) => {
            $(if let Some(value) = value.downcast_ref::<$type>() {
                #[allow(clippy::cast_precision_loss, clippy::cast_lossless, reason = "an estimate")]
                return Some(*value as f64);
            })*
        };
    }
    try_types!(
        f64, f32, usize, isize, u64, i64, u32, i32, u16, i16, u8, i8, u128, i128
    );
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_are_numbers_of_any_primitive_type() {
        assert_eq!(as_number(&2_usize), Some(2.0));
        assert_eq!(as_number(&-2_i8), Some(-2.0));
        assert_eq!(as_number(&0.5_f32), Some(0.5));
        assert_eq!(as_number(&"long"), None);
        assert_eq!(as_number(&(1, 2)), None);
    }
}
