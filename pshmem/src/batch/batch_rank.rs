//! One rank's part of a batch: how tasks are claimed for its worker, and how their ends are recorded.

use crate::batch::directory::{Begun, Directory};
use crate::batch::progress::Progress;
use crate::batch::report::records::Records;
use crate::batch::stop::Stop;
use crate::batch::store::CommitOutcome;
use crate::batch::table::client::TableClient;
use crate::batch::table::{Claim, SlotState, TaskEnd};
use crate::batch::task_state::TaskState;
use crate::batch::worker::{Grant, Worker};
use crate::error::{Error, Result};
use std::cell::{Cell, RefCell};
use std::panic::Location;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What all handles of one rank share.
#[derive(Debug)]
pub(crate) struct BatchRank {
    pub(crate) client: TableClient,
    pub(crate) worker_group: Worker,
    pub(crate) given: BatchConfig,
    /// The task that this rank has and has not ended.
    held: Cell<Option<u32>>,
    pub(crate) records: RefCell<Records>,
    /// Why this rank cannot go on, until its worker meets.
    broken: RefCell<Option<Error>>,
}

/// What the settings of a batch have given to this rank.
#[derive(Debug)]
pub(crate) struct BatchConfig {
    /// The names of the tasks, where they have some.
    pub(crate) names: Arc<[String]>,
    /// Where their states are kept, if they are.
    pub(crate) directory: Option<Directory>,
    /// How often a task that failed is run rerun.
    pub(crate) retries: u32,
    /// Rank of the batch that keeps the account.
    pub(crate) root: usize,
    pub(crate) stop: Stop,
    /// On the root, if it was asked for.
    pub(crate) progress: Option<Progress>,
}

impl BatchRank {
    pub(crate) fn new(client: TableClient, worker_group: Worker, given: BatchConfig) -> Self {
        BatchRank {
            client,
            worker_group,
            given,
            held: Cell::new(None),
            records: RefCell::default(),
            broken: RefCell::default(),
        }
    }

    /// Keeps an error for the ranks of the worker, which get it when they meet.
    pub(crate) fn give_up(&self, error: Error) {
        self.broken.borrow_mut().get_or_insert(error.clipped());
    }

    /// The next task of this rank's worker.
    #[inline]
    pub(crate) fn next(&self, site: &'static Location<'static>) -> Result<Option<Grant>> {
        let claimed = Cell::new(None);
        let held = |task| Error::TaskHeld {
            rank: self.worker_group.rank(),
            task: task as usize,
        };
        let fault = self.held.get().map(held).or_else(|| self.broken.take());
        let granted = self.worker_group.meet(fault, site, || {
            let grant = self.claim().map_err(Error::clipped)?;
            claimed.set(grant);
            Ok(grant)
        });
        match &granted {
            Ok(grant) => {
                self.held.set(grant.map(|grant| grant.claim.task));
                if let Some(progress) = &self.given.progress {
                    let counts = || self.client.counts().unwrap_or_default();
                    progress.show(grant.is_none(), counts);
                }
                if let Some(Grant { claim, .. }) = grant {
                    let worker = self.worker_group.worker;
                    tracing::debug!(worker, task = claim.task, attempt = claim.attempt, "begun");
                }
            }
            Err(_) => {
                // The ranks could not meet after the claim, so it is for others.
                if let Some(grant) = claimed.get() {
                    if let Some(directory) = &self.given.directory {
                        directory.give_up();
                    }
                    self.client
                        .set(grant.claim.task as usize, SlotState::Open)?;
                }
            }
        }
        granted
    }

    /// The leader of a worker claims for all of its ranks.
    #[inline]
    fn claim(&self) -> Result<Option<Grant>> {
        if self.given.stop.is_asked() {
            self.client.close()?;
        }
        if self.given.stop.is_late() {
            return Ok(None);
        }
        let (worker, size) = (self.worker_group.worker, self.worker_group.size());
        match &self.given.directory {
            None => {
                let claim = self.client.claim(worker, size)?;
                Ok(claim.map(|claim| Grant { claim, fence: 0 }))
            }
            Some(directory) => self.claim_on(directory),
        }
    }

    fn claim_on(&self, directory: &Directory) -> Result<Option<Grant>> {
        let (worker, size) = (self.worker_group.worker, self.worker_group.size());
        // Of the task before, which all ranks have ended.
        directory.give_up();
        if self.given.stop.is_asked() || directory.store.stop_requested() {
            return Ok(None);
        }
        while let Some(claim) = self.client.claim(worker, size)? {
            match directory.begin(claim) {
                Ok(Begun::Ours(fence)) => return Ok(Some(Grant { claim, fence })),
                Ok(Begun::Not(slot_state)) => {
                    self.client.finish(worker, claim, slot_state, false)?
                }
                Err(error) => {
                    self.client.set(claim.task as usize, SlotState::Open)?;
                    return Err(error);
                }
            }
        }
        let begun = directory.begin_elsewhere(|claim, slot_state| {
            self.client.finish(worker, claim, slot_state, false)
        })?;
        Ok(begun.map(|(claim, fence)| Grant { claim, fence }))
    }

    /// This rank ends its task; the last one of the worker to do so records it.
    #[inline]
    pub(crate) fn end(&self, grant: Grant, since: Instant, failure: Option<&str>) -> Result<()> {
        self.held.set(None);
        let took = since.elapsed();
        self.given.stop.note(took);
        let worker_group = &self.worker_group;
        if worker_group.size() == 1 {
            return self.record(grant, took, failure);
        }
        let ended = self.client.end(
            worker_group.worker,
            worker_group.size(),
            worker_group.rank(),
            failure,
        );
        // Now that the reason is known as the first, or not; those who come back have one of their own.
        if let Some(reason) = failure {
            worker_group.fail(grant.claim.task as usize, reason);
        }
        match ended? {
            None => Ok(()),
            Some(TaskEnd::Done) => self.record(grant, took, None),
            Some(TaskEnd::Failed(_, reason)) => self.record(grant, took, Some(&reason)),
        }
    }

    #[inline]
    fn record(&self, grant: Grant, took: Duration, failure: Option<&str>) -> Result<()> {
        let Grant { claim, fence } = grant;
        let state = if failure.is_some() {
            TaskState::Failed
        } else {
            TaskState::Done
        };
        if let Some(directory) = &self.given.directory {
            let commit = directory.commit(claim, fence, state, failure.unwrap_or_default());
            if !matches!(commit, Ok(CommitOutcome::Recorded)) {
                return self.not_recorded(claim, took, commit);
            }
        }
        let rerun = failure.is_some() && claim.attempt <= self.given.retries;
        let (worker, task) = (self.worker_group.worker, claim.task);
        match failure {
            None => tracing::debug!(worker, task, "done"),
            Some(reason) => tracing::warn!(worker, task, reason, rerun, "failed"),
        }
        self.records.borrow_mut().add(claim, state, took, failure);
        self.client
            .finish(self.worker_group.worker, claim, state.into(), !rerun)?;
        if rerun {
            self.client.set(claim.task as usize, SlotState::Open)?;
        }
        Ok(())
    }

    /// The end of a task could not be recorded in its directory.
    #[cold]
    fn not_recorded(
        &self,
        claim: Claim,
        took: Duration,
        commit: Result<CommitOutcome>,
    ) -> Result<()> {
        let task = claim.task as usize;
        let name = self.given.names.get(task).cloned().unwrap_or_default();
        let (error, slot_state) = match commit {
            Err(error) => (error, SlotState::Failed),
            // What it is now, the other job decides.
            Ok(_) => (Error::TaskTakenOver { task, name }, SlotState::Running),
        };
        tracing::warn!(worker = self.worker_group.worker, task, %error, "not recorded");
        let mut records = self.records.borrow_mut();
        records.add(claim, TaskState::Failed, took, Some(&error.to_string()));
        drop(records);
        let counts = slot_state == SlotState::Failed;
        self.client
            .finish(self.worker_group.worker, claim, slot_state, counts)?;
        Err(error)
    }

    /// The directory of a task, where the batch has one for each.
    pub(crate) fn dir(&self, task: usize) -> Option<PathBuf> {
        self.given
            .directory
            .as_ref()
            .map(|directory| directory.store.dir(task))
    }

    /// The number, if there is such a task.
    pub(crate) fn check(&self, call: &str, task: usize) -> Result<usize> {
        let tasks = self.client.layout.tasks;
        if task < tasks {
            return Ok(task);
        }
        Err(Error::NoSuchTask {
            call: call.to_owned(),
            task,
            tasks,
        })
    }

    pub(crate) fn state(&self, task: usize) -> Result<TaskState> {
        let task = self.check("state", task)?;
        let slot_state = self.client.slot_state(task)?;
        match &self.given.directory {
            // Other jobs may have changed it.
            Some(directory) if slot_state != SlotState::Done => directory.store.state(task),
            _ => Ok(slot_state.task_state()),
        }
    }

    pub(crate) fn set_state(&self, task: usize, state: TaskState) -> Result<()> {
        let task = self.check("set_state", task)?;
        if let Some(directory) = &self.given.directory {
            directory.store.set_state(task, state)?;
        }
        self.client.set(task, state.into())
    }
}

impl Drop for BatchRank {
    fn drop(&mut self) {
        if let Some(directory) = &self.given.directory
            && self.worker_group.size() > 1
        {
            directory.leave_lease();
        }
    }
}
