//! One rank's part of a batch: claims tasks for its worker, and records how they ended.

use crate::batch::directory::{StateDirectory, TaskLease};
use crate::batch::names::TaskNames;
use crate::batch::progress::Progress;
use crate::batch::report::records::AttemptRecords;
use crate::batch::stop::StopConditions;
use crate::batch::store::CommitOutcome;
use crate::batch::table::client::TableClient;
use crate::batch::table::{Claim, SlotState, TaskEnd};
use crate::batch::task_state::TaskState;
use crate::batch::worker::{Assignment, Worker};
use crate::error::{Error, Result};
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
}

/// The settings of a batch, as one rank needs them.
#[derive(Debug)]
pub(crate) struct BatchConfig {
    /// The names of the tasks; empty if they have none.
    pub(crate) names: TaskNames,
    pub(crate) directory: Option<StateDirectory>,
    /// How often a task that failed is run again.
    pub(crate) retries: u32,
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
                    self.client
                        .set(assigned.claim.task as usize, SlotState::Open)?;
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
            tracing::debug!(worker, task = claim.task, attempt = claim.attempt, "begun");
        }
    }

    /// Claims a task for all ranks of the worker. Called on its leader.
    #[inline]
    fn claim(&self) -> Result<Option<Assignment>> {
        if self.config.stop.is_requested() {
            self.client.close()?;
        }
        if self.config.stop.is_late() {
            return Ok(None);
        }
        match &self.config.directory {
            None => {
                let claim = self.client.claim(self.worker.index, self.worker.size())?;
                Ok(claim.map(|claim| Assignment { claim, lease: 0 }))
            }
            Some(directory) => self.claim_leased(directory),
        }
    }

    /// The same with a state directory, where a task must be claimed in the table and leased in the directory.
    fn claim_leased(&self, directory: &StateDirectory) -> Result<Option<Assignment>> {
        // All ranks have ended the task before.
        directory.drop_lease();
        if self.config.stop.is_requested() || directory.store.stop_requested() {
            return Ok(None);
        }
        let worker = self.worker.index;
        while let Some(claim) = self.client.claim(worker, self.worker.size())? {
            match directory.begin(claim) {
                Ok(TaskLease::Acquired(lease)) => return Ok(Some(Assignment { claim, lease })),
                Ok(TaskLease::Unavailable(slot_state)) => {
                    self.client.finish(worker, claim, slot_state, false)?;
                }
                Err(error) => {
                    self.client.set(claim.task as usize, SlotState::Open)?;
                    return Err(error);
                }
            }
        }
        let taken_over = directory
            .take_over(|claim, slot_state| self.client.finish(worker, claim, slot_state, false))?;
        Ok(taken_over.map(|(claim, lease)| Assignment { claim, lease }))
    }

    /// This rank ends its task. The last rank of the worker to do so records it.
    #[inline]
    pub(crate) fn end(
        &self,
        assigned: Assignment,
        since: Instant,
        failure: Option<&str>,
    ) -> Result<()> {
        self.current.set(None);
        let elapsed = since.elapsed();
        self.config.stop.note_duration(elapsed);
        let worker = &self.worker;
        if worker.size() == 1 {
            return self.record(assigned, elapsed, failure);
        }
        let ended = self
            .client
            .end(worker.index, worker.size(), worker.rank(), failure);
        // After the reason is in the table: ranks whose calls return now fail too, with a reason of their own.
        if let Some(reason) = failure {
            worker.fail(assigned.claim.task as usize, reason);
        }
        match ended? {
            None => Ok(()),
            Some(TaskEnd::Done) => self.record(assigned, elapsed, None),
            Some(TaskEnd::Failed(_, reason)) => self.record(assigned, elapsed, Some(&reason)),
        }
    }

    #[inline]
    fn record(&self, assigned: Assignment, elapsed: Duration, failure: Option<&str>) -> Result<()> {
        let Assignment { claim, lease } = assigned;
        let state = if failure.is_some() {
            TaskState::Failed
        } else {
            TaskState::Done
        };
        if let Some(directory) = &self.config.directory {
            let outcome = directory.commit(claim, lease, state, failure.unwrap_or_default());
            if !matches!(outcome, Ok(CommitOutcome::Recorded)) {
                return self.not_recorded(claim, elapsed, outcome);
            }
        }
        let retries = failure.is_some() && claim.attempt <= self.config.retries;
        let (worker, task) = (self.worker.index, claim.task);
        match failure {
            None => tracing::debug!(worker, task, "done"),
            Some(reason) => tracing::warn!(worker, task, reason, retries, "failed"),
        }
        let mut records = self.records.borrow_mut();
        records.add(claim, elapsed, failure);
        drop(records);
        self.client.finish(worker, claim, state.into(), !retries)?;
        if retries {
            self.client.set(task as usize, SlotState::Open)?;
        }
        Ok(())
    }

    /// The result of a task could not be recorded in its directory.
    #[cold]
    fn not_recorded(
        &self,
        claim: Claim,
        elapsed: Duration,
        outcome: Result<CommitOutcome>,
    ) -> Result<()> {
        let (worker, task) = (self.worker.index, claim.task as usize);
        let name = self.config.names.get(task).unwrap_or_default().to_owned();
        let (error, slot_state) = match outcome {
            Err(error) => (error, SlotState::Failed),
            // Another job runs it now.
            Ok(_) => (Error::TaskTakenOver { task, name }, SlotState::Running),
        };
        tracing::warn!(worker, task, %error, "not recorded");
        let mut records = self.records.borrow_mut();
        records.add(claim, elapsed, Some(&error.to_string()));
        drop(records);
        let counts = slot_state == SlotState::Failed;
        self.client.finish(worker, claim, slot_state, counts)?;
        Err(error)
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
