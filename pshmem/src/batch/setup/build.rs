//! Collective construction of a batch: the ranks agree on the settings, split into workers, and get access to the task table,
//! which the root fills.

use crate::batch::batch_rank::{BatchConfig, BatchRank};
use crate::batch::directory::{StateDirectory, initial_states, rerun_policy};
use crate::batch::names::{self, TaskNames};
use crate::batch::progress::Progress;
use crate::batch::setup::job_facts::JobFacts;
use crate::batch::setup::settings::Settings;
use crate::batch::signals::SignalWatch;
use crate::batch::stop::StopConditions;
use crate::batch::store::{Store, StoreOptions};
use crate::batch::table::client::TableClient;
use crate::batch::table::{InitialTable, SlotState, TableLayout};
use crate::batch::task_state::TaskState;
use crate::batch::worker::Worker;
use crate::comm::Comm;
use crate::comm::closure::ClosureRunner;
use crate::comm::protocol::call::{Call, Kind};
use crate::comm::protocol::contribution::Contribution;
use crate::error::Result;
use crate::stderr::report;
use std::cell::Cell;
use std::panic::Location;

/// Makes one rank's part of a batch. Collective.
pub(super) fn build(
    comm: &Comm,
    settings: Settings<'_>,
    site: &'static Location<'static>,
) -> Result<BatchRank> {
    let core = &comm.core;
    let call = Call::new(Kind::Batch);
    let _call = core.enter(Kind::Batch.name(), site)?;
    core.check_root(call, settings.root)?;
    let signals = agree_on_settings(comm, call, &settings)?;
    let all = comm.split(Some(0), comm.rank())?;
    let all = all.expect("a rank with a color gets a Comm");
    let (index, count) = settings.sizes.worker_of(all.rank(), all.size())?;
    let worker = Worker::new(&all, index, count)?;
    let layout = TableLayout {
        tasks: settings.tasks,
        workers: count,
        ordered: settings.order.is_some(),
    };
    let names = match (settings.make_names, settings.names) {
        (None, None) => TaskNames::default(),
        (make, list) => {
            let encoded = || match make {
                Some(make) => make(layout.tasks),
                None => names::encode(layout.tasks, list.into_iter().flatten()),
            };
            TaskNames::from_root(&all, settings.root, site, layout.tasks, encoded)?
        }
    };
    let asks_time = settings.walltime.is_none();
    let facts = if asks_time || settings.dir.is_some() {
        Some(JobFacts::learn(&all, call, settings.root, asks_time)?)
    } else {
        None
    };
    let directory = settings.dir.as_ref().zip(facts.as_ref());
    let directory = directory.map(|(dir, facts)| {
        let options = StoreOptions {
            lease_timeout: settings.lease_timeout,
            job: facts.name.clone(),
            rank: all.rank(),
            host: all.host().to_owned(),
        };
        (dir, options)
    });
    let rerun = settings.rerun;
    // On the root: the tasks to be run, the store that it has opened, and the closure of `order`.
    let open = Cell::new(layout.tasks);
    let created: Cell<Option<Store>> = Cell::new(None);
    let mut closure = ClosureRunner::new(settings.root);
    let client = TableClient::new(&all, call, settings.root, layout, || {
        let slot_states: Vec<SlotState> = if let Some((dir, options)) = &directory {
            let opened = Store::create(dir, names.clone(), options)?;
            created.set(Some(opened.store));
            report_unparsable(&opened.unparsable);
            initial_states(&opened.states, rerun_policy(&rerun))
        } else {
            let states = settings.states.unwrap_or_default();
            let states = states.into_iter();
            states.map(|state| initial_state(state, &rerun)).collect()
        };
        let is_closed = |slot_state: &&SlotState| !slot_state.is_claimable();
        open.set(layout.tasks - slot_states.iter().filter(is_closed).count());
        let order = match settings.order {
            Some(order) => closure.run(|| Ok(order(layout.tasks)))?,
            None => Vec::new(),
        };
        Ok(InitialTable { slot_states, order })
    });
    let client = closure.finish(client)?;
    let directory = directory.map(|(dir, options)| {
        let attach = || Store::attach(dir, names.clone(), &options);
        let store = created.take().unwrap_or_else(attach);
        StateDirectory::new(store, rerun_policy(&rerun))
    });
    let left = settings
        .walltime
        .or_else(|| facts.and_then(|facts| facts.left()));
    let shows_progress = settings.progress && all.rank() == settings.root;
    let config = BatchConfig {
        names,
        directory,
        retries: settings.retries,
        root: settings.root,
        stop: StopConditions::new(signals, left),
        progress: shows_progress.then(|| Progress::new(open.get() as u64)),
    };
    Ok(BatchRank::new(client, worker, config))
}

/// Checks the settings on every rank, and that all ranks gave the same. Starts to watch for the signals that
/// they name.
fn agree_on_settings(comm: &Comm, call: Call, settings: &Settings<'_>) -> Result<SignalWatch> {
    let checked = settings
        .check(comm.rank(), comm.size())
        .and_then(|()| SignalWatch::new(&settings.stop_signals(), comm.rank(), comm.host()));
    let (signals, fault) = match checked {
        Ok(signals) => (signals, None),
        Err(error) => (SignalWatch::default(), Some(error)),
    };
    let summary = settings.summary();
    let fault = Contribution::fault(fault);
    comm.core.agree_on(call, summary.as_bytes(), fault)?;
    Ok(signals)
}

/// Reports state files that could not be parsed.
fn report_unparsable(unparsable: &[String]) {
    const SHOWN: usize = 10;
    for what in unparsable.iter().take(SHOWN) {
        report(what);
    }
    if unparsable.len() > SHOWN {
        report(format_args!(
            "and {} more state files that cannot be parsed",
            unparsable.len() - SHOWN
        ));
    }
}

/// The state in the table of a task without a state directory. Those in one of the states `rerun` are open.
fn initial_state(state: TaskState, rerun: &[TaskState]) -> SlotState {
    if state == TaskState::Invalid || rerun.contains(&state) {
        return SlotState::Open;
    }
    state.into()
}
