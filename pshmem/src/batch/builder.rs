//! The settings of a batch, and how its ranks make it.

use crate::batch::Batch;
use crate::batch::board::{Layout, MOST_TASKS, Mark};
use crate::batch::core::{Core, Given, mark_of};
use crate::batch::disk::{self, Disk};
use crate::batch::progress::Progress;
use crate::batch::seat::{Beginning, Seat};
use crate::batch::state::TaskState;
use crate::batch::stop::{self, Stop};
use crate::batch::store::{Opened, Store};
use crate::batch::team::{Sizes, Team};
use crate::comm::Comm;
use crate::comm::call::{Call, Kind};
use crate::comm::guard::{self, Ended, Payload};
use crate::comm::note::Note;
use crate::error::{Error, Result, clip};
use crate::say::say;
use std::cell::Cell;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::panic::Location;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// Makes the order of so many tasks.
type Order<'a> = Box<dyn FnOnce(usize) -> Vec<usize> + 'a>;

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
    comm: &'a Comm,
    tasks: usize,
    sizes: Sizes,
    root: usize,
    names: Option<Vec<String>>,
    dir: Option<PathBuf>,
    states: Option<Vec<TaskState>>,
    again: Vec<TaskState>,
    order: Option<Order<'a>>,
    retries: u32,
    lease_timeout: Duration,
    progress: bool,
    at_sigterm: bool,
    walltime: Option<Duration>,
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
            again: Vec::new(),
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
        let sizes = Sizes::Given(sizes.to_vec());
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
    ///     .again(&[TaskState::Failed])
    ///     .build()?;
    /// assert_eq!(batch.next_task()?.expect("it is to be run again").index(), 1);
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    pub fn again(self, states: &[TaskState]) -> Self {
        let again = states.to_vec();
        Self { again, ..self }
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
    /// On every rank alike: [`Error::Setting`] for sizes that do not fit the ranks, for names and states that are not one for
    /// each task, and for names that cannot be those of directories; [`Error::Mismatch`], [`Error::NoSuchRank`],
    /// [`Error::NoRoom`], [`Error::TooLarge`], [`Error::Directory`], and those of [`Comm::barrier`].
    ///
    /// # Panics
    /// On the root, when the closure of [`order`](Self::order) panics; the others get [`Error::Closure`].
    #[track_caller]
    pub fn build(self) -> Result<Batch> {
        let site = Location::caller();
        let core = &self.comm.core;
        let call = Call::new(Kind::Batch);
        core.enter(Kind::Batch.name(), site)?;
        core.check_root(call, self.root)?;
        let mut fault = self.check().err();
        if self.at_sigterm && fault.is_none() {
            let caught = stop::catch_sigterm();
            let (rank, host) = (self.comm.rank(), self.comm.host());
            fault = caught
                .err()
                .map(|error| stop::no_handler(rank, host, &error));
        }
        let note = Note {
            same: Some(self.summary().into_bytes()),
            fault,
            ..Note::default()
        };
        core.agree(call, note, |_| Vec::new())?;
        let all = self.comm.split(Some(0), self.comm.rank())?;
        let all = all.expect("a rank with a color gets a Comm");
        let team = Team::cut(&all, &self.sizes)?;
        let layout = Layout {
            tasks: self.tasks,
            workers: team.count,
            ordered: self.order.is_some(),
        };
        let names: Arc<[String]> = self.names.unwrap_or_default().into();
        let disk = match &self.dir {
            Some(dir) => {
                let job = job_name(&all, call, self.root)?;
                let host = all.host();
                let options = disk::options(&job, self.lease_timeout, all.rank(), host);
                Some((dir, options))
            }
            None => None,
        };
        let (root, again, states, order) = (self.root, self.again, self.states, self.order);
        let panicked: Cell<Option<Payload>> = Cell::new(None);
        // Tasks to be run, which the root gets to know.
        let open = Cell::new(layout.tasks);
        let created: Cell<Option<Store>> = Cell::new(None);
        let seat = Seat::new(&all, call, root, layout, || {
            let marks = match &disk {
                Some((dir, options)) => {
                    let Opened {
                        store,
                        states,
                        strange,
                    } = Store::create(dir, names.clone(), options)?;
                    created.set(Some(store));
                    tell(&strange);
                    disk::first_marks(&states, disk::again_of(&again))
                }
                None => {
                    let states = states.unwrap_or_default();
                    let marks = states.iter().map(|state| first_mark(*state, &again));
                    marks.collect()
                }
            };
            let is_closed = |mark: &&Mark| !matches!(mark, Mark::Open | Mark::Unsure);
            open.set(layout.tasks - marks.iter().filter(is_closed).count());
            let mut beginning = Beginning {
                marks,
                order: Vec::new(),
            };
            if let Some(order) = order {
                beginning.order = run_order(order, layout.tasks, root, &panicked)?;
            }
            Ok(beginning)
        });
        if let Some(payload) = panicked.take() {
            std::panic::resume_unwind(payload);
        }
        let seat = seat?;
        let disk = disk.map(|(dir, options)| {
            let attach = || Store::attach(dir, names.clone(), &options);
            Disk::new(
                created.take().unwrap_or_else(attach),
                disk::again_of(&again),
            )
        });
        let shows = self.progress && all.rank() == root;
        let given = Given {
            names,
            disk,
            retries: self.retries,
            root,
            stop: Stop::new(self.at_sigterm, self.walltime),
            progress: shows.then(|| Progress::new(open.get() as u64)),
        };
        let core = Core::new(seat, team, given);
        Ok(Batch {
            core: Rc::new(core),
        })
    }

    /// What all ranks must give alike, as text.
    fn summary(&self) -> String {
        let mut hasher = DefaultHasher::new();
        (&self.names, &self.dir, self.lease_timeout).hash(&mut hasher);
        if let Sizes::Given(sizes) = &self.sizes {
            sizes.hash(&mut hasher);
        }
        for state in self.states.iter().flatten().chain(&self.again) {
            (*state as i32).hash(&mut hasher);
        }
        let workers = match &self.sizes {
            Sizes::Equal(size) => format!("workers of {size}"),
            Sizes::Given(sizes) => format!("{} workers", sizes.len()),
        };
        let dir = match &self.dir {
            Some(dir) => format!("states in {}", clip(&dir.display().to_string(), 300)),
            None => "no state directory".to_owned(),
        };
        let order = if self.order.is_some() { "an" } else { "no" };
        format!(
            "{} tasks, {workers}, root {}, {dir}, {} retries, {order} order of its own, and other settings with the \
             checksum {:016x}",
            self.tasks,
            self.root,
            self.retries,
            hasher.finish()
        )
    }

    /// What this rank can tell by itself.
    fn check(&self) -> Result<()> {
        self.sizes.place(self.comm.rank(), self.comm.size())?;
        let refusal = |name: &str, value: String, reason: &str| Error::Setting {
            name: name.to_owned(),
            value,
            reason: reason.to_owned(),
        };
        if self.tasks > MOST_TASKS {
            return Err(Error::TooLarge {
                what: "a batch".to_owned(),
                extents: vec![self.tasks],
                size: size_of::<u64>(),
            });
        }
        let counts = [
            ("names", self.names.as_ref().map(Vec::len)),
            ("states", self.states.as_ref().map(Vec::len)),
        ];
        for (what, count) in counts {
            if let Some(count) = count
                && count != self.tasks
            {
                let value = format!("{count} {what} for {} tasks", self.tasks);
                return Err(refusal(what, value, "give one for each task"));
            }
        }
        if self.lease_timeout.is_zero() {
            let value = format!("{:?}", self.lease_timeout);
            return Err(refusal("lease_timeout", value, "use more than nothing"));
        }
        if self.states.is_some() && self.dir.is_some() {
            let value = "given".to_owned();
            let reason = "the state directory tells what the tasks are; use one of the two";
            return Err(refusal("states", value, reason));
        }
        Ok(())
    }
}

/// A name for this job, which all ranks learn from the root.
fn job_name(all: &Comm, call: Call, root: usize) -> Result<String> {
    let name = (all.rank() == root).then(|| {
        let known = ["SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID", "JOB_ID"]
            .iter()
            .find_map(|name| std::env::var(name).ok());
        let name = known.unwrap_or_else(|| format!("{}-{}", all.host(), std::process::id()));
        clip(&name, 60)
    });
    let names = all.core.exchange(call.step(1), &[root], name.as_ref())?;
    Ok(names.into_iter().next().unwrap_or_default())
}

/// Reports state files that could not be understood.
fn tell(strange: &[String]) {
    const SHOWN: usize = 10;
    for what in strange.iter().take(SHOWN) {
        say(what);
    }
    if strange.len() > SHOWN {
        say(format_args!(
            "and {} more such files",
            strange.len() - SHOWN
        ));
    }
}

/// What a task in this state is on the board, if those in `again` are to be run again.
fn first_mark(state: TaskState, again: &[TaskState]) -> Mark {
    if state == TaskState::Invalid || again.contains(&state) {
        return Mark::Open;
    }
    mark_of(state)
}

/// Runs the program's closure on the root; others learn of its panic.
fn run_order(
    order: Order<'_>,
    tasks: usize,
    rank: usize,
    panicked: &Cell<Option<Payload>>,
) -> Result<Vec<usize>> {
    let message = match guard::run_inside(|| Ok(order(tasks))) {
        Ended::Well(order) => return Ok(order),
        Ended::Failed(message) => message,
        Ended::Panicked(payload) => {
            let message = guard::panicked(&payload);
            panicked.set(Some(payload));
            clip(&message, 500)
        }
    };
    Err(Error::Closure { rank, message })
}

impl fmt::Debug for BatchBuilder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BatchBuilder({})", self.summary())
    }
}
