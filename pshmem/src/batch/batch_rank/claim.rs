//! Claims tasks for a worker. Called on its leader.

use crate::batch::batch_rank::BatchRank;
use crate::batch::directory::{Takeover, TaskLease};
use crate::batch::table::{Claim, ClaimEnd, ClaimOutcome};
use crate::batch::task_state::TaskState;
use crate::batch::worker::Assignment;
use crate::error::{Error, Result};
use crate::events;
use crate::stderr::report;
use std::time::Duration;

/// Limits of the time between two looks of a worker for which there is no task now.
const PAUSES: [Duration; 2] = [Duration::from_millis(10), Duration::from_millis(200)];
/// After so many tasks in a row whose files could not be used, a worker takes no more.
const UNUSABLE_IN_A_ROW: u32 = 5;

impl BatchRank {
    /// Claims a task for all ranks of the worker. Called on its leader.
    #[inline]
    pub(super) fn claim(&self) -> Result<Option<Assignment>> {
        if let Some(directory) = &self.config.directory {
            // All ranks have ended the task before.
            directory.drop_lease();
        }
        if self.has_left.get() || self.is_stopped()? {
            return Ok(None);
        }
        if self.config.directory.is_none() && !self.client.layout.has_costs {
            let (worker, size) = (self.worker.index, self.worker.size());
            match self.client.claim(worker, size, self.age())? {
                ClaimOutcome::Claimed(claim) => return Ok(Some(Assignment { claim, lease: 0 })),
                ClaimOutcome::Empty | ClaimOutcome::Closed => return Ok(None),
                ClaimOutcome::Delayed | ClaimOutcome::Halted => {}
            }
        }
        self.claim_or_wait()
    }

    /// The same where a claim is not all, or nothing can be claimed yet.
    fn claim_or_wait(&self) -> Result<Option<Assignment>> {
        let mut waiting = Waiting::default();
        loop {
            if self.has_left.get() || self.is_stopped()? {
                return Ok(None);
            }
            let (worker, size) = (self.worker.index, self.worker.size());
            match self.client.claim(worker, size, self.age())? {
                ClaimOutcome::Claimed(claim) => {
                    if let Some(assigned) = self.begin(claim)? {
                        return Ok(Some(assigned));
                    }
                    continue;
                }
                ClaimOutcome::Closed => return Ok(None),
                ClaimOutcome::Halted => {
                    let count = self.client.layout.halt_after;
                    self.leave(format_args!(
                        "{count} tasks in a row have failed (`halt_after`)"
                    ));
                    return Ok(None);
                }
                ClaimOutcome::Delayed => {}
                ClaimOutcome::Empty => {
                    let Some(directory) = &self.config.directory else {
                        return Ok(None);
                    };
                    let takeover = waiting.takeover.get_or_insert_with(|| directory.takeover());
                    let ended = |claim, state| self.end_elsewhere(claim, state);
                    if let Some((claim, lease)) = takeover.poll(ended)? {
                        // It may have taken long to get here.
                        if self.is_stopped()? || self.client.is_closed()? {
                            directory.drop_lease();
                            return Ok(None);
                        }
                        return Ok(Some(Assignment { claim, lease }));
                    }
                    if takeover.is_over() {
                        return Ok(None);
                    }
                }
            }
            waiting.pause();
        }
    }

    /// Whether no task is to be begun any more, now that the leader of the worker asks for one.
    #[inline]
    fn is_stopped(&self) -> Result<bool> {
        let stop = &self.config.stop;
        if stop.is_requested() {
            self.client.close()?;
            return Ok(true);
        }
        let directory = self.config.directory.as_ref();
        // With costs, the next task may be shorter: each is judged by its own.
        let is_late = if self.client.layout.has_costs {
            stop.is_over()
        } else {
            stop.is_late(None)
        };
        Ok(is_late || directory.is_some_and(|directory| directory.store.stop_requested()))
    }

    /// Begins a task that was claimed. `None` when it is not to be run.
    #[inline]
    fn begin(&self, claim: Claim) -> Result<Option<Assignment>> {
        let worker = self.worker.index;
        if self.client.layout.has_costs && self.config.stop.is_late(self.cost(claim)) {
            self.end_claim(worker, claim, ClaimEnd::Skipped)?;
            return Ok(None);
        }
        let Some(directory) = &self.config.directory else {
            return Ok(Some(Assignment { claim, lease: 0 }));
        };
        match directory.begin(claim) {
            Ok(TaskLease::Acquired(lease)) => {
                self.unusable.set(0);
                return Ok(Some(Assignment { claim, lease }));
            }
            Ok(TaskLease::RunElsewhere(owner)) => {
                self.end_claim(worker, claim, ClaimEnd::RunElsewhere)?;
                let (task, job, host, pid) = (claim.task, owner.job, owner.host, owner.pid);
                let silence = owner.silence;
                events::debug!(task, job, host, pid, ?silence, "run by another job");
            }
            Ok(TaskLease::NotOpen(state)) => self.end_elsewhere(claim, state)?,
            Err(error) => self.unusable_files(claim, &error)?,
        }
        Ok(None)
    }

    /// Another job has changed the state of a task that the table handed out.
    pub(super) fn end_elsewhere(&self, claim: Claim, state: TaskState) -> Result<()> {
        let end = match state {
            TaskState::Done => ClaimEnd::EndedElsewhere { is_done: true },
            TaskState::Failed => ClaimEnd::EndedElsewhere { is_done: false },
            TaskState::Invalid | TaskState::Open | TaskState::Running => ClaimEnd::OpenElsewhere,
        };
        if let Some(directory) = &self.config.directory
            && let Ok(attempts) = directory.store.attempts(claim.task as usize)
        {
            let mut records = self.records.borrow_mut();
            records.elsewhere.push((claim.task, attempts));
        }
        self.end_claim(self.worker.index, claim, end)
    }

    /// The files of a task could not be used, although it was tried for a while: it fails, and the rest goes on.
    #[cold]
    fn unusable_files(&self, claim: Claim, error: &Error) -> Result<()> {
        let (worker, task) = (self.worker.index, claim.task);
        let mut records = self.records.borrow_mut();
        records.add(claim, Duration::ZERO, Some(&error.to_string()));
        drop(records);
        self.unusable.set(self.unusable.get() + 1);
        if self.unusable.get() >= UNUSABLE_IN_A_ROW {
            self.leave(format_args!(
                "the files of {UNUSABLE_IN_A_ROW} tasks in a row cannot be used: {error}"
            ));
        }
        let ended = self.end_claim(worker, claim, ClaimEnd::Failed);
        events::warn!(worker, task, %error, "not begun");
        ended
    }

    /// The worker takes no more tasks.
    #[cold]
    fn leave(&self, why: std::fmt::Arguments<'_>) {
        self.has_left.set(true);
        report(format_args!(
            "worker {} on {} takes no more tasks, which are left to others: {why}",
            self.worker.index,
            self.client.comm.host()
        ));
    }
}

/// A worker for which there is no task now, but may be one later.
#[derive(Debug, Default)]
struct Waiting<'a> {
    pauses: u32,
    takeover: Option<Takeover<'a>>,
}

impl Waiting<'_> {
    fn pause(&mut self) {
        std::thread::sleep((PAUSES[0] * (1 << self.pauses.min(8))).min(PAUSES[1]));
        self.pauses += 1;
    }
}
