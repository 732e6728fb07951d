//! One rank's part of a batch: how tasks are claimed for its worker, and how their ends are recorded.

use crate::batch::board::{Claimed, Ended, Mark};
use crate::batch::disk::{Begun, Disk};
use crate::batch::progress::Progress;
use crate::batch::records::Records;
use crate::batch::seat::Seat;
use crate::batch::state::TaskState;
use crate::batch::stop::Stop;
use crate::batch::store::Commit;
use crate::batch::team::{Grant, Team};
use crate::error::{Error, Result};
use std::cell::{Cell, RefCell};
use std::panic::Location;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What all handles of one rank share.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) seat: Seat,
    pub(crate) team: Team,
    pub(crate) given: Given,
    /// The task that this rank has and has not ended.
    held: Cell<Option<u32>>,
    pub(crate) records: RefCell<Records>,
    /// Why this rank cannot go on, until its worker meets.
    broken: RefCell<Option<Error>>,
}

/// What the settings of a batch have given to this rank.
#[derive(Debug)]
pub(crate) struct Given {
    /// The names of the tasks, where they have some.
    pub(crate) names: Arc<[String]>,
    /// Where their states are kept, if they are.
    pub(crate) disk: Option<Disk>,
    /// How often a task that failed is run again.
    pub(crate) retries: u32,
    /// Rank of the batch that keeps the account.
    pub(crate) root: usize,
    pub(crate) stop: Stop,
    /// On the root, if it was asked for.
    pub(crate) progress: Option<Progress>,
}

/// The state that a mark stands for.
pub(crate) fn state_of(mark: Mark) -> TaskState {
    match mark {
        Mark::Open => TaskState::Open,
        Mark::Running | Mark::Unsure => TaskState::Running,
        Mark::Done => TaskState::Done,
        Mark::Failed => TaskState::Failed,
        Mark::Invalid => TaskState::Invalid,
    }
}

/// The mark of a task that is set to a state.
pub(crate) fn mark_of(state: TaskState) -> Mark {
    match state {
        TaskState::Open => Mark::Open,
        TaskState::Running => Mark::Running,
        TaskState::Done => Mark::Done,
        TaskState::Failed => Mark::Failed,
        TaskState::Invalid => Mark::Invalid,
    }
}

impl Core {
    pub(crate) fn new(seat: Seat, team: Team, given: Given) -> Self {
        Core {
            seat,
            team,
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
            rank: self.team.rank(),
            task: task as usize,
        };
        let fault = self.held.get().map(held).or_else(|| self.broken.take());
        let granted = self.team.meet(fault, site, || {
            let grant = self.claim().map_err(Error::clipped)?;
            claimed.set(grant);
            Ok(grant)
        });
        match &granted {
            Ok(grant) => {
                self.held.set(grant.map(|grant| grant.claim.task));
                if let Some(progress) = &self.given.progress {
                    let counts = || self.seat.counts().unwrap_or_default();
                    progress.show(grant.is_none(), counts);
                }
                if let Some(Grant { claim, .. }) = grant {
                    let worker = self.team.worker;
                    tracing::debug!(worker, task = claim.task, attempt = claim.attempt, "begun");
                }
            }
            Err(_) => {
                // The ranks could not meet after the claim, so it is for others.
                if let Some(grant) = claimed.get() {
                    if let Some(disk) = &self.given.disk {
                        disk.give_up();
                    }
                    self.seat.set(grant.claim.task as usize, Mark::Open)?;
                }
            }
        }
        granted
    }

    /// The leader of a worker claims for all of its ranks.
    #[inline]
    fn claim(&self) -> Result<Option<Grant>> {
        if self.given.stop.is_asked() {
            self.seat.close()?;
        }
        if self.given.stop.is_late() {
            return Ok(None);
        }
        let (worker, size) = (self.team.worker, self.team.size());
        match &self.given.disk {
            None => {
                let claim = self.seat.claim(worker, size)?;
                Ok(claim.map(|claim| Grant { claim, fence: 0 }))
            }
            Some(disk) => self.claim_on(disk),
        }
    }

    fn claim_on(&self, disk: &Disk) -> Result<Option<Grant>> {
        let (worker, size) = (self.team.worker, self.team.size());
        // Of the task before, which all ranks have ended.
        disk.give_up();
        if self.given.stop.is_asked() || disk.store.stop_requested() {
            return Ok(None);
        }
        while let Some(claim) = self.seat.claim(worker, size)? {
            match disk.begin(claim) {
                Ok(Begun::Ours(fence)) => return Ok(Some(Grant { claim, fence })),
                Ok(Begun::Not(mark)) => self.seat.finish(worker, claim, mark, false)?,
                Err(error) => {
                    self.seat.set(claim.task as usize, Mark::Open)?;
                    return Err(error);
                }
            }
        }
        let begun =
            disk.begin_elsewhere(|claim, mark| self.seat.finish(worker, claim, mark, false))?;
        Ok(begun.map(|(claim, fence)| Grant { claim, fence }))
    }

    /// This rank ends its task; the last one of the worker to do so records it.
    #[inline]
    pub(crate) fn end(&self, grant: Grant, since: Instant, failure: Option<&str>) -> Result<()> {
        self.held.set(None);
        let took = since.elapsed();
        self.given.stop.note(took);
        let team = &self.team;
        if team.size() == 1 {
            return self.record(grant, took, failure);
        }
        let ended = self
            .seat
            .end(team.worker, team.size(), team.rank(), failure);
        // Now that the reason is known as the first, or not; those who come back have one of their own.
        if let Some(reason) = failure {
            team.fail(grant.claim.task as usize, reason);
        }
        match ended? {
            None => Ok(()),
            Some(Ended::Well) => self.record(grant, took, None),
            Some(Ended::Failed(_, reason)) => self.record(grant, took, Some(&reason)),
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
        if let Some(disk) = &self.given.disk {
            let commit = disk.commit(claim, fence, state, failure.unwrap_or_default());
            if !matches!(commit, Ok(Commit::Recorded)) {
                return self.not_recorded(claim, took, commit);
            }
        }
        let again = failure.is_some() && claim.attempt <= self.given.retries;
        let (worker, task) = (self.team.worker, claim.task);
        match failure {
            None => tracing::debug!(worker, task, "done"),
            Some(reason) => tracing::warn!(worker, task, reason, again, "failed"),
        }
        self.records.borrow_mut().add(claim, state, took, failure);
        self.seat
            .finish(self.team.worker, claim, mark_of(state), !again)?;
        if again {
            self.seat.set(claim.task as usize, Mark::Open)?;
        }
        Ok(())
    }

    /// The end of a task could not be recorded in its directory.
    #[cold]
    fn not_recorded(&self, claim: Claimed, took: Duration, commit: Result<Commit>) -> Result<()> {
        let task = claim.task as usize;
        let name = self.given.names.get(task).cloned().unwrap_or_default();
        let (error, mark) = match commit {
            Err(error) => (error, Mark::Failed),
            // What it is now, the other job decides.
            Ok(_) => (Error::TaskTakenOver { task, name }, Mark::Running),
        };
        tracing::warn!(worker = self.team.worker, task, %error, "not recorded");
        let mut records = self.records.borrow_mut();
        records.add(claim, TaskState::Failed, took, Some(&error.to_string()));
        drop(records);
        let counts = mark == Mark::Failed;
        self.seat.finish(self.team.worker, claim, mark, counts)?;
        Err(error)
    }

    /// The directory of a task, where the batch has one for each.
    pub(crate) fn dir(&self, task: usize) -> Option<PathBuf> {
        self.given.disk.as_ref().map(|disk| disk.store.dir(task))
    }

    /// The number, if there is such a task.
    pub(crate) fn check(&self, call: &str, task: usize) -> Result<usize> {
        let tasks = self.seat.layout.tasks;
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
        let mark = self.seat.mark(task)?;
        match &self.given.disk {
            // Other jobs may have changed it.
            Some(disk) if mark != Mark::Done => disk.store.state(task),
            _ => Ok(state_of(mark)),
        }
    }

    pub(crate) fn set_state(&self, task: usize, state: TaskState) -> Result<()> {
        let task = self.check("set_state", task)?;
        if let Some(disk) = &self.given.disk {
            disk.store.set_state(task, state)?;
        }
        self.seat.set(task, mark_of(state))
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        if let Some(disk) = &self.given.disk
            && self.team.size() > 1
        {
            disk.leave_lease();
        }
    }
}
