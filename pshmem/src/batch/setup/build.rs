//! How the ranks of a batch make it: they agree on the settings, cut themselves into workers, and get at the table, on which
//! the root has written how the batch begins.

use crate::batch::Batch;
use crate::batch::batch_rank::{BatchConfig, BatchRank};
use crate::batch::directory::{self, Directory};
use crate::batch::progress::Progress;
use crate::batch::setup::builder::BatchBuilder;
use crate::batch::stop::{self, Stop};
use crate::batch::store::Store;
use crate::batch::table::client::{InitialTable, TableClient};
use crate::batch::table::{MAX_TASKS, SlotState, TableLayout};
use crate::batch::task_state::TaskState;
use crate::batch::worker::{Sizes, Worker};
use crate::comm::Comm;
use crate::comm::closure::ClosureRunner;
use crate::comm::collective::call::{Call, Kind, Step};
use crate::comm::collective::contribution::Contribution;
use crate::error::{Error, Result, clip};
use crate::stderr::report;
use std::cell::Cell;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::panic::Location;
use std::rc::Rc;
use std::sync::Arc;

/// Makes a batch of its settings. Collective.
pub(in crate::batch) fn open(
    builder: BatchBuilder<'_>,
    site: &'static Location<'static>,
) -> Result<Batch> {
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
    let contribution = Contribution {
        must_match: Some(builder.summary().into_bytes()),
        fault,
        ..Contribution::default()
    };
    core.agree(call, contribution)?;
    let all = builder.comm.split(Some(0), builder.comm.rank())?;
    let all = all.expect("a rank with a color gets a Comm");
    let worker_group = Worker::cut(&all, &builder.sizes)?;
    let layout = TableLayout {
        tasks: builder.tasks,
        workers: worker_group.count,
        ordered: builder.order.is_some(),
    };
    let names: Arc<[String]> = builder.names.unwrap_or_default().into();
    let directory = match &builder.dir {
        Some(dir) => {
            let job = job_name(&all, call, builder.root)?;
            let host = all.host();
            let options = directory::options(&job, builder.lease_timeout, all.rank(), host);
            Some((dir, options))
        }
        None => None,
    };
    let (root, rerun, states, order) = (builder.root, builder.rerun, builder.states, builder.order);
    let mut closure = ClosureRunner::new(root);
    // Tasks to be run, which the root gets to know.
    let open = Cell::new(layout.tasks);
    let created: Cell<Option<Store>> = Cell::new(None);
    let client = TableClient::new(&all, call, root, layout, || {
        let slot_states = if let Some((dir, options)) = &directory {
            let opened = Store::create(dir, names.clone(), options)?;
            created.set(Some(opened.store));
            tell(&opened.unparsable);
            directory::initial_states(&opened.states, directory::rerun_of(&rerun))
        } else {
            let states = states.unwrap_or_default();
            let slot_states = states.iter().map(|state| initial_state(*state, &rerun));
            slot_states.collect()
        };
        let is_closed = |slot_state: &&SlotState| !slot_state.is_claimable();
        open.set(layout.tasks - slot_states.iter().filter(is_closed).count());
        let mut beginning = InitialTable {
            slot_states,
            order: Vec::new(),
        };
        if let Some(order) = order {
            beginning.order = closure.run(|| Ok(order(layout.tasks)))?;
        }
        Ok(beginning)
    });
    let client = closure.finish(client)?;
    let directory = directory.map(|(dir, options)| {
        let attach = || Store::attach(dir, names.clone(), &options);
        Directory::new(
            created.take().unwrap_or_else(attach),
            directory::rerun_of(&rerun),
        )
    });
    let shows = builder.progress && all.rank() == root;
    let given = BatchConfig {
        names,
        directory,
        retries: builder.retries,
        root,
        stop: Stop::new(builder.at_sigterm, builder.walltime),
        progress: shows.then(|| Progress::new(open.get() as u64)),
    };
    let core = BatchRank::new(client, worker_group, given);
    Ok(Batch {
        core: Rc::new(core),
    })
}

impl BatchBuilder<'_> {
    /// What all ranks must give alike, as text.
    pub(in crate::batch) fn summary(&self) -> String {
        let mut hasher = DefaultHasher::new();
        (&self.names, &self.dir, self.lease_timeout).hash(&mut hasher);
        if let Sizes::BatchConfig(sizes) = &self.sizes {
            sizes.hash(&mut hasher);
        }
        for state in self.states.iter().flatten().chain(&self.rerun) {
            (*state as i32).hash(&mut hasher);
        }
        let workers = match &self.sizes {
            Sizes::Equal(size) => format!("workers of {size}"),
            Sizes::BatchConfig(sizes) => format!("{} workers", sizes.len()),
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
        let refusal = |name: &str, value: String, reason: &str| Error::InvalidSetting {
            name: name.to_owned(),
            value,
            reason: reason.to_owned(),
        };
        if self.tasks > MAX_TASKS {
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
    let names = all
        .core
        .allgather(call.step(Step::Gather), &[root], name.as_ref())?;
    Ok(names.into_iter().next().unwrap_or_default())
}

/// Reports state files that could not be understood.
fn tell(unparsable: &[String]) {
    const SHOWN: usize = 10;
    for what in unparsable.iter().take(SHOWN) {
        report(what);
    }
    if unparsable.len() > SHOWN {
        report(format_args!(
            "and {} more such files",
            unparsable.len() - SHOWN
        ));
    }
}

/// What a task in this state is on the table, if those in `again` are to be run rerun.
fn initial_state(state: TaskState, rerun: &[TaskState]) -> SlotState {
    if state == TaskState::Invalid || rerun.contains(&state) {
        return SlotState::Open;
    }
    state.into()
}
