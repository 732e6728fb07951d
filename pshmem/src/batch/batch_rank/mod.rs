//! One rank's part of a batch: [`claim`] claims tasks for its worker, [`end`] records how they ended.

mod claim;
mod end;

use crate::batch::directory::StateDirectory;
use crate::batch::names::TaskNames;
use crate::batch::polled::Polled;
use crate::batch::progress::Progress;
use crate::batch::report::records::AttemptRecords;
use crate::batch::stop::StopConditions;
use crate::batch::table::client::TableClient;
use crate::batch::table::{Claim, ClaimEnd, SlotState};
use crate::batch::task_state::TaskState;
use crate::batch::worker::{Assignment, Worker};
use crate::error::{Error, Result};
use crate::events;
use std::cell::{Cell, RefCell};
use std::panic::Location;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// What a [`Batch`](crate::Batch) and its tasks share on one rank.
#[derive(Debug)]
pub(crate) struct BatchRank {
    pub(crate) client: TableClient,
    pub(crate) worker: Worker,
    pub(crate) config: BatchConfig,
    /// The task that this rank has and has not ended.
    current: Cell<Option<u32>>,
    pub(crate) records: RefCell<AttemptRecords>,
    /// Why this rank cannot continue. Its worker learns of it when its ranks synchronize.
    pending_error: RefCell<Option<Error>>,
    /// On the leader of a worker: tasks in a row whose files could not be used.
    unusable: Cell<u32>,
    /// Whether the worker takes no more tasks because of failures. It has said so.
    has_left: Cell<bool>,
    /// Whether the table is closed.
    closed: Polled,
    /// When all ranks have made the batch.
    built: Instant,
}

/// The settings of a batch, as one rank needs them.
#[derive(Debug)]
pub(crate) struct BatchConfig {
    /// The names of the tasks; empty if they have none.
    pub(crate) names: TaskNames,
    pub(crate) directory: Option<StateDirectory>,
    /// How often a task that failed is run again.
    pub(crate) retries: u32,
    /// How long a task may take.
    pub(crate) task_timeout: Option<Duration>,
    pub(crate) root: usize,
    pub(crate) stop: StopConditions,
    /// On the root, if it was asked for.
    pub(crate) progress: Option<Progress>,
}

impl BatchRank {
    pub(crate) fn new(client: TableClient, worker: Worker, config: BatchConfig) -> Self {
        BatchRank {
            client,
            worker,
            config,
            current: Cell::new(None),
            records: RefCell::default(),
            pending_error: RefCell::default(),
            unusable: Cell::default(),
            has_left: Cell::default(),
            closed: Polled::default(),
            built: Instant::now(),
        }
    }

    /// Keeps an error until the ranks of the worker synchronize, when all of them return it.
    pub(crate) fn keep_error(&self, error: Error) {
        self.pending_error
            .borrow_mut()
            .get_or_insert(error.clipped());
    }

    /// The next task of this rank's worker.
    #[inline]
    pub(crate) fn next(&self, site: &'static Location<'static>) -> Result<Option<Assignment>> {
        let claimed = Cell::new(None);
        let held = |task| Error::TaskHeld {
            rank: self.worker.rank(),
            task: task as usize,
        };
        let fault = self
            .current
            .get()
            .map(held)
            .or_else(|| self.pending_error.take());
        let assigned = self.worker.next(fault, site, || {
            let assigned = self.claim().map_err(Error::clipped)?;
            claimed.set(assigned);
            Ok(assigned)
        });
        match &assigned {
            Ok(assigned) => self.note_next(*assigned),
            Err(_) => {
                // The ranks failed to synchronize after the claim, so the task is for other workers.
                if let Some(assigned) = claimed.get() {
                    if let Some(directory) = &self.config.directory {
                        directory.drop_lease();
                    }
                    let worker = self.worker.index;
                    self.end_claim(worker, assigned.claim, ClaimEnd::PutBack)?;
                }
            }
        }
        assigned
    }

    #[inline]
    fn note_next(&self, assigned: Option<Assignment>) {
        self.current
            .set(assigned.map(|assigned| assigned.claim.task));
        if let Some(progress) = &self.config.progress {
            let counts = || self.client.counts().unwrap_or_default();
            progress.show(assigned.is_none(), counts);
        }
        if let Some(Assignment { claim, .. }) = assigned {
            let worker = self.worker.index;
            events::debug!(worker, task = claim.task, attempt = claim.attempt, "begun");
        }
    }

    #[inline]
    fn end_claim(&self, worker: usize, claim: Claim, end: ClaimEnd) -> Result<()> {
        self.client.end_claim(worker, claim, end, self.age())
    }

    /// The age of the batch, where it matters: asking the clock takes as long as claiming a task.
    #[inline]
    fn age(&self) -> Duration {
        match self.client.layout.retry_pause {
            Some(_) => self.built.elapsed(),
            None => Duration::ZERO,
        }
    }

    /// The cost of a task, if it is known.
    fn cost(&self, claim: Claim) -> Option<f64> {
        let has_costs = self.client.layout.has_costs;
        has_costs.then(|| f64::from(f32::from_bits(claim.cost)))
    }

    /// Finds out which tasks other jobs have ended, for the report, and ends this rank's part of the log.
    pub(crate) fn note_other_jobs(&self) {
        let Some(directory) = &self.config.directory else {
            return;
        };
        directory.store.close_log();
        for (claim, state) in directory.take_ended() {
            // If the table cannot be reached, the report says so.
            let _ = self.end_elsewhere(claim, state);
        }
    }

    /// Shows the progress after all workers have ended.
    pub(crate) fn show_end(&self) {
        if let Some(progress) = &self.config.progress {
            progress.finish(self.client.counts().unwrap_or_default());
        }
    }

    /// Makes one file of the logs of all ranks, which have ended their parts.
    pub(crate) fn merge_logs(&self) {
        if let Some(directory) = &self.config.directory
            && self.client.comm.rank() == self.config.root
        {
            directory.store.merge_logs();
        }
    }

    /// Whether a task that began at `since` should end early.
    pub(crate) fn should_stop(&self, since: Instant) -> bool {
        let stop = &self.config.stop;
        let is_too_long = |limit: Duration| since.elapsed() > limit;
        stop.is_requested()
            || stop.is_over()
            || self.config.task_timeout.is_some_and(is_too_long)
            || self
                .config
                .directory
                .as_ref()
                .is_some_and(|directory| directory.store.stop_requested())
            // What cannot be asked counts as no.
            || self.closed.get(|| self.client.is_closed().unwrap_or(false))
    }

    /// The folder of a task, if the batch has a state directory.
    pub(crate) fn dir(&self, task: usize) -> Option<PathBuf> {
        let directory = self.config.directory.as_ref()?;
        Some(directory.store.dir(task))
    }

    pub(crate) fn state(&self, task: usize) -> Result<TaskState> {
        self.check_task("state", task)?;
        let slot_state = self.client.slot_state(task)?;
        match &self.config.directory {
            // Another job may have changed it.
            Some(directory) if slot_state != SlotState::Done => directory.store.state(task),
            _ => Ok(slot_state.task_state()),
        }
    }

    pub(crate) fn set_state(&self, task: usize, state: TaskState) -> Result<()> {
        self.check_task("set_state", task)?;
        if let Some(directory) = &self.config.directory {
            directory.store.set_state(task, state)?;
        }
        self.client.set(task, state.into())
    }

    fn check_task(&self, call: &str, task: usize) -> Result<()> {
        let tasks = self.client.layout.tasks;
        if task < tasks {
            return Ok(());
        }
        Err(Error::NoSuchTask {
            call: call.to_owned(),
            task,
            tasks,
        })
    }
}

impl Drop for BatchRank {
    fn drop(&mut self) {
        if let Some(directory) = &self.config.directory
            && self.worker.size() > 1
        {
            directory.leak_lease();
        }
    }
}
