//! The settings of a batch: what a rank can check by itself, and what all ranks must give alike.

use crate::batch::setup::worker_sizes::WorkerSizes;
use crate::batch::signals;
use crate::batch::store::{MAX_LEASE_TIMEOUT, MIN_LEASE_TIMEOUT};
use crate::batch::table::{MAX_ATTEMPTS, MAX_TASKS};
use crate::batch::task_state::TaskState;
use crate::error::{Error, Result, clip};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;
use std::time::Duration;

/// The longest pause before a task is retried.
const MAX_RETRY_PAUSE: Duration = Duration::from_secs(3600);

/// The order of tasks by their costs.
#[derive(Debug, Default)]
pub(super) struct Order {
    pub(super) tasks: Vec<usize>,
    /// The cost of each task, in the order of their numbers. Empty if they are no numbers.
    pub(super) costs: Vec<f64>,
}

/// Makes the order of so many tasks.
pub(super) type MakeOrder<'a> = Box<dyn FnOnce(usize) -> Order + 'a>;

/// Makes the encoded names of so many tasks.
pub(super) type MakeNames<'a> = Box<dyn FnOnce(usize) -> Vec<u8> + 'a>;

/// The settings of a batch.
pub(super) struct Settings<'a> {
    pub(super) tasks: usize,
    pub(super) sizes: WorkerSizes,
    pub(super) root: usize,
    pub(super) names: Option<Vec<String>>,
    /// Takes the place of `names`.
    pub(super) make_names: Option<MakeNames<'a>>,
    pub(super) dir: Option<PathBuf>,
    pub(super) states: Option<Vec<TaskState>>,
    pub(super) rerun: Vec<TaskState>,
    pub(super) order: Option<MakeOrder<'a>>,
    pub(super) retries: u32,
    pub(super) retry_pause: Duration,
    pub(super) halt_after: u32,
    pub(super) task_timeout: Option<Duration>,
    pub(super) lease_timeout: Duration,
    pub(super) progress: bool,
    pub(super) stop_at_sigterm: bool,
    pub(super) stop_at_signals: Vec<i32>,
    pub(super) walltime: Option<Duration>,
}

impl Settings<'_> {
    /// The defaults.
    pub(super) fn new(tasks: usize) -> Self {
        Settings {
            tasks,
            sizes: WorkerSizes::Equal(1),
            root: 0,
            names: None,
            make_names: None,
            dir: None,
            states: None,
            rerun: Vec::new(),
            order: None,
            retries: 0,
            retry_pause: Duration::from_millis(50),
            halt_after: 0,
            task_timeout: None,
            lease_timeout: Duration::from_secs(60),
            progress: false,
            stop_at_sigterm: false,
            stop_at_signals: Vec::new(),
            walltime: None,
        }
    }

    /// Checks what one of `ranks` ranks can check by itself.
    pub(super) fn check(&self, rank: usize, ranks: usize) -> Result<()> {
        self.sizes.worker_of(rank, ranks)?;
        if self.tasks > MAX_TASKS {
            return Err(Error::TooLarge {
                what: "a batch".to_owned(),
                extents: vec![self.tasks],
                size: size_of::<u64>(),
            });
        }
        let invalid = |name: &str, value: String, reason: &str| {
            Err(Error::InvalidSetting {
                name: name.to_owned(),
                value,
                reason: reason.to_owned(),
            })
        };
        let counts = [
            ("names", self.listed_names().map(<[String]>::len)),
            ("states", self.states.as_ref().map(Vec::len)),
        ];
        for (what, count) in counts {
            if let Some(count) = count
                && count != self.tasks
            {
                let value = format!("{count} {what} for {} tasks", self.tasks);
                return invalid(what, value, "give one for each task");
            }
        }
        if !(MIN_LEASE_TIMEOUT..=MAX_LEASE_TIMEOUT).contains(&self.lease_timeout) {
            let value = format!("{:?}", self.lease_timeout);
            return invalid("lease_timeout", value, "give 10 ms to 30 days");
        }
        if self.retries >= MAX_ATTEMPTS {
            let reason = format!("give at most {}", MAX_ATTEMPTS - 1);
            return invalid("retries", self.retries.to_string(), &reason);
        }
        if self.retry_pause > MAX_RETRY_PAUSE {
            let value = format!("{:?}", self.retry_pause);
            return invalid("retry_pause", value, "give at most an hour");
        }
        if self.task_timeout.is_some_and(|timeout| timeout.is_zero()) {
            return invalid(
                "task_timeout",
                "0 s".to_owned(),
                "it must be greater than zero",
            );
        }
        for signal in self.stop_signals() {
            if let Err(reason) = signals::check(signal) {
                return invalid("stop_at_signals", signal.to_string(), &reason);
            }
        }
        if self.states.is_some() && self.dir.is_some() {
            let reason = "the state directory holds the states of the tasks; use one of the two";
            return invalid("states", "given".to_owned(), reason);
        }
        Ok(())
    }

    /// The names that the program has listed, if they are used.
    fn listed_names(&self) -> Option<&[String]> {
        let names = self.names.as_deref();
        names.filter(|_| self.make_names.is_none())
    }

    /// The signals that stop the batch, each once, in rising order.
    pub(super) fn stop_signals(&self) -> Vec<i32> {
        let mut signals = self.stop_at_signals.clone();
        signals.extend(self.stop_at_sigterm.then_some(libc::SIGTERM));
        signals.sort_unstable();
        signals.dedup();
        signals
    }

    /// What all ranks must give alike, as text.
    pub(super) fn summary(&self) -> String {
        let mut hasher = DefaultHasher::new();
        (self.listed_names(), &self.dir, self.lease_timeout).hash(&mut hasher);
        // Ranks may have measured the walltime by themselves, so only whether it is given must be the same.
        (self.stop_signals(), self.walltime.is_some()).hash(&mut hasher);
        (self.retry_pause, self.halt_after, self.task_timeout).hash(&mut hasher);
        if let WorkerSizes::Each(sizes) = &self.sizes {
            sizes.hash(&mut hasher);
        }
        for state in self.states.iter().flatten().chain(&self.rerun) {
            (*state as i32).hash(&mut hasher);
        }
        let workers = match &self.sizes {
            WorkerSizes::Equal(size) => format!("workers of {size}"),
            WorkerSizes::Each(sizes) => format!("{} workers", sizes.len()),
        };
        let dir = match &self.dir {
            Some(dir) => format!("state directory {}", clip(&dir.display().to_string(), 300)),
            None => "no state directory".to_owned(),
        };
        let order = if self.order.is_some() { "an" } else { "no" };
        let names = if self.make_names.is_some() {
            "names by a closure, "
        } else {
            ""
        };
        format!(
            "{} tasks, {workers}, root {}, {dir}, {names}{} retries, {order} order, and other settings with checksum {:016x}",
            self.tasks,
            self.root,
            self.retries,
            hasher.finish()
        )
    }
}
