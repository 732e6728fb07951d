//! One rank's part of a batch: how tasks are claimed for its worker, and how their ends are recorded.

use crate::batch::board::{Claimed, Ended, Mark};
use crate::batch::records::Records;
use crate::batch::seat::Seat;
use crate::batch::state::TaskState;
use crate::batch::team::{Grant, Team};
use crate::error::{Error, Result};
use std::cell::{Cell, RefCell};
use std::panic::Location;
use std::path::PathBuf;
use std::time::Instant;

/// What all handles of one rank share.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) seat: Seat,
    pub(crate) team: Team,
    /// The names of the tasks, where they have some.
    pub(crate) names: Vec<String>,
    /// How often a task that failed is run again.
    pub(crate) retries: u32,
    /// The task that this rank has and has not ended.
    pub(crate) held: Cell<Option<u32>>,
    pub(crate) records: RefCell<Records>,
    /// Rank of the batch that keeps the account.
    pub(crate) root: usize,
    /// Why this rank cannot go on, until its worker meets.
    broken: RefCell<Option<Error>>,
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
    pub(crate) fn new(
        seat: Seat,
        team: Team,
        root: usize,
        names: Vec<String>,
        retries: u32,
    ) -> Self {
        Core {
            seat,
            team,
            names,
            retries,
            held: Cell::new(None),
            records: RefCell::default(),
            root,
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
            let grant = self.claim()?;
            claimed.set(grant);
            Ok(grant)
        });
        match &granted {
            Ok(grant) => self.held.set(grant.map(|grant| grant.claim.task)),
            Err(_) => {
                // The ranks could not meet after the claim, so it is for others.
                if let Some(grant) = claimed.get() {
                    self.seat.set(grant.claim.task as usize, Mark::Open)?;
                }
            }
        }
        granted
    }

    /// The leader of a worker claims for all of its ranks.
    fn claim(&self) -> Result<Option<Grant>> {
        let claim = self.seat.claim(self.team.worker, self.team.size())?;
        Ok(claim.map(|claim| Grant { claim, fence: 0 }))
    }

    /// This rank ends its task; the last one of the worker to do so records it.
    #[inline]
    pub(crate) fn end(&self, grant: Grant, since: Instant, failure: Option<&str>) -> Result<()> {
        self.held.set(None);
        let team = &self.team;
        if team.size() == 1 {
            return self.record(grant, since, failure);
        }
        if let Some(reason) = failure {
            team.fail(grant.claim.task as usize, reason);
        }
        let ended = self
            .seat
            .end(team.worker, team.size(), team.rank(), failure)?;
        match ended {
            None => Ok(()),
            Some(Ended::Well) => self.record(grant, since, None),
            Some(Ended::Failed(_, reason)) => self.record(grant, since, Some(&reason)),
        }
    }

    #[inline]
    fn record(&self, grant: Grant, since: Instant, failure: Option<&str>) -> Result<()> {
        let Claimed { task, attempt } = grant.claim;
        let state = if failure.is_some() {
            TaskState::Failed
        } else {
            TaskState::Done
        };
        let again = failure.is_some() && attempt <= self.retries;
        self.records
            .borrow_mut()
            .add(grant.claim, state, since.elapsed(), failure);
        self.seat
            .finish(self.team.worker, grant.claim, mark_of(state), !again)?;
        if again {
            self.seat.set(task as usize, Mark::Open)?;
        }
        Ok(())
    }

    /// The directory of a task, where the batch has one for each.
    pub(crate) fn dir(&self, _task: usize) -> Option<PathBuf> {
        None
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
        Ok(state_of(self.seat.mark(task)?))
    }

    pub(crate) fn set_state(&self, task: usize, state: TaskState) -> Result<()> {
        let task = self.check("set_state", task)?;
        self.seat.set(task, mark_of(state))
    }
}
