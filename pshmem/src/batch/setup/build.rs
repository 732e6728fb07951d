//! Collective construction of a batch: the ranks agree on the settings, split into workers, and get access to the task table,
//! which the root fills.

use crate::batch::batch_rank::{BatchConfig, BatchRank};
use crate::batch::names::{self, TaskNames};
use crate::batch::progress::Progress;
use crate::batch::setup::job_facts::JobFacts;
use crate::batch::setup::open_directory;
use crate::batch::setup::settings::{Order, Settings};
use crate::batch::signals::SignalWatch;
use crate::batch::stop::StopConditions;
use crate::batch::store::StoreOptions;
use crate::batch::table::client::TableClient;
use crate::batch::table::{InitialTable, SlotState, TableLayout};
use crate::batch::task_state::TaskState;
use crate::batch::worker::Worker;
use crate::comm::Comm;
use crate::comm::closure::ClosureRunner;
use crate::comm::protocol::call::{Call, Kind};
use crate::comm::protocol::contribution::Contribution;
use crate::error::Result;
use std::cell::Cell;
use std::panic::Location;

/// Makes one rank's part of a batch. Collective.
pub(super) fn build(
    comm: &Comm,
    mut settings: Settings<'_>,
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
    let names = match (settings.make_names.take(), settings.names.take()) {
        (None, None) => TaskNames::default(),
        (make, list) => {
            let encoded = || match make {
                Some(make) => make(settings.tasks),
                None => names::encode(settings.tasks, list.into_iter().flatten()),
            };
            TaskNames::from_root(&all, settings.root, site, settings.tasks, encoded)?
        }
    };
    let asks_time = settings.walltime.is_none();
    let facts = if asks_time || settings.dir.is_some() {
        Some(JobFacts::learn(&all, call, settings.root, asks_time)?)
    } else {
        None
    };
    let left = settings
        .walltime
        .or_else(|| facts.as_ref().and_then(JobFacts::left));
    let opened = match (&settings.dir, &facts) {
        (Some(dir), Some(facts)) => {
            let [patience, patience_with_results] = StoreOptions::PATIENCE;
            let options = StoreOptions {
                lease_timeout: settings.lease_timeout,
                patience,
                patience_with_results,
                job: facts.name.clone(),
                rank: all.rank(),
                host: all.host().to_owned(),
            };
            let opened = open_directory::open(&all, call, site, dir, &names, &options, &settings);
            Some(opened?)
        }
        _ => None,
    };
    let layout = TableLayout {
        tasks: settings.tasks,
        workers: count,
        ordered: settings.order.is_some(),
        // Whether there is a limit, all ranks know.
        has_costs: settings.order.is_some() && left.is_some(),
        retry_pause: (settings.retries > 0).then_some(settings.retry_pause),
        halt_after: settings.halt_after,
    };
    // On the root: the tasks to be run, and the closure of `order`.
    let open = Cell::new(layout.tasks);
    let mut closure = ClosureRunner::new(settings.root);
    let client = TableClient::new(&all, call, settings.root, layout, || {
        let slot_states: Vec<SlotState> = if let Some(opened) = &opened {
            let states = opened.slot_states.view().iter();
            states
                .map(|&state| SlotState::of(u64::from(state)))
                .collect()
        } else {
            let states = settings.states.unwrap_or_default();
            let states = states.into_iter();
            states
                .map(|state| initial_state(state, &settings.rerun))
                .collect()
        };
        let is_closed = |slot_state: &&SlotState| !slot_state.is_claimable();
        open.set(layout.tasks - slot_states.iter().filter(is_closed).count());
        let order = match settings.order {
            Some(order) => closure.run(|| Ok(order(layout.tasks)))?,
            None => Order::default(),
        };
        Ok(InitialTable {
            slot_states,
            order: order.tasks,
            costs: order.costs,
        })
    });
    let client = closure.finish(client)?;
    let shows_progress = settings.progress && all.rank() == settings.root;
    let (directory, attempts) = match opened {
        Some(opened) => (Some(opened.directory), opened.attempts),
        None => (None, Vec::new()),
    };
    let config = BatchConfig {
        names,
        directory,
        retries: settings.retries,
        task_timeout: settings.task_timeout,
        root: settings.root,
        stop: StopConditions::new(signals, left),
        progress: shows_progress.then(|| Progress::new(open.get() as u64)),
    };
    let rank = BatchRank::new(client, worker, config);
    rank.records.borrow_mut().elsewhere = attempts;
    Ok(rank)
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

/// The state in the table of a task without a state directory. Those in one of the states `rerun` are open.
fn initial_state(state: TaskState, rerun: &[TaskState]) -> SlotState {
    if state == TaskState::Invalid || rerun.contains(&state) {
        return SlotState::to_be_rerun(state);
    }
    state.into()
}
