//! How the ranks of a batch make it: they agree on the settings, cut themselves into workers, and get at the board, on which
//! the root has written how the batch begins.

use crate::batch::Batch;
use crate::batch::board::{Layout, MOST_TASKS, Mark};
use crate::batch::builder::{BatchBuilder, Order};
use crate::batch::core::{Core, Given, mark_of};
use crate::batch::disk::{self, Disk};
use crate::batch::progress::Progress;
use crate::batch::seat::{Beginning, Seat};
use crate::batch::state::TaskState;
use crate::batch::stop::{self, Stop};
use crate::batch::store::Store;
use crate::batch::team::{Sizes, Team};
use crate::comm::Comm;
use crate::comm::call::{Call, Kind};
use crate::comm::guard::{self, Ended, Payload};
use crate::comm::note::Note;
use crate::error::{Error, Result, clip};
use crate::say::say;
use std::cell::Cell;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::panic::Location;
use std::rc::Rc;
use std::sync::Arc;

/// Makes a batch of its settings. Collective.
pub(super) fn open(builder: BatchBuilder<'_>, site: &'static Location<'static>) -> Result<Batch> {
    let core = &builder.comm.core;
    let call = Call::new(Kind::Batch);
    core.enter(Kind::Batch.name(), site)?;
    core.check_root(call, builder.root)?;
    let mut fault = builder.check().err();
    if builder.at_sigterm && fault.is_none() {
        let caught = stop::catch_sigterm();
        let (rank, host) = (builder.comm.rank(), builder.comm.host());
        fault = caught
            .err()
            .map(|error| stop::no_handler(rank, host, &error));
    }
    let note = Note {
        same: Some(builder.summary().into_bytes()),
        fault,
        ..Note::default()
    };
    core.agree(call, note, |_| Vec::new())?;
    let all = builder.comm.split(Some(0), builder.comm.rank())?;
    let all = all.expect("a rank with a color gets a Comm");
    let team = Team::cut(&all, &builder.sizes)?;
    let layout = Layout {
        tasks: builder.tasks,
        workers: team.count,
        ordered: builder.order.is_some(),
    };
    let names: Arc<[String]> = builder.names.unwrap_or_default().into();
    let disk = match &builder.dir {
        Some(dir) => {
            let job = job_name(&all, call, builder.root)?;
            let host = all.host();
            let options = disk::options(&job, builder.lease_timeout, all.rank(), host);
            Some((dir, options))
        }
        None => None,
    };
    let (root, again, states, order) = (builder.root, builder.again, builder.states, builder.order);
    let panicked: Cell<Option<Payload>> = Cell::new(None);
    // Tasks to be run, which the root gets to know.
    let open = Cell::new(layout.tasks);
    let created: Cell<Option<Store>> = Cell::new(None);
    let seat = Seat::new(&all, call, root, layout, || {
        let marks = if let Some((dir, options)) = &disk {
            let opened = Store::create(dir, names.clone(), options)?;
            created.set(Some(opened.store));
            tell(&opened.strange);
            disk::first_marks(&opened.states, disk::again_of(&again))
        } else {
            let states = states.unwrap_or_default();
            let marks = states.iter().map(|state| first_mark(*state, &again));
            marks.collect()
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
    let shows = builder.progress && all.rank() == root;
    let given = Given {
        names,
        disk,
        retries: builder.retries,
        root,
        stop: Stop::new(builder.at_sigterm, builder.walltime),
        progress: shows.then(|| Progress::new(open.get() as u64)),
    };
    let core = Core::new(seat, team, given);
    Ok(Batch {
        core: Rc::new(core),
    })
}

impl BatchBuilder<'_> {
    /// What all ranks must give alike, as text.
    pub(super) fn summary(&self) -> String {
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
