//! Records how tasks have ended.

use crate::batch::batch_rank::BatchRank;
use crate::batch::store::{CommitOutcome, EndedAttempt};
use crate::batch::table::{Claim, ClaimEnd, RankEnd, TaskEnd};
use crate::batch::task_state::TaskState;
use crate::batch::worker::Assignment;
use crate::error::{Error, Result};
use crate::events;
use crate::stderr::report;
use std::time::{Duration, Instant};

impl BatchRank {
    /// This rank ends its task. The last rank of the worker to do so records it.
    #[inline]
    pub(crate) fn end(&self, assigned: Assignment, since: Instant, end: RankEnd) -> Result<()> {
        self.current.set(None);
        let elapsed = since.elapsed();
        let claim = assigned.claim;
        self.config.stop.note_duration(elapsed, self.cost(claim));
        let end = match self.config.task_timeout {
            Some(limit) if elapsed > limit => too_long(elapsed, limit, end),
            _ => end,
        };
        let worker = &self.worker;
        if worker.size() == 1 {
            return match end {
                RankEnd::Done => self.record(assigned, elapsed, &TaskEnd::Done),
                RankEnd::PutBack => self.record(assigned, elapsed, &TaskEnd::PutBack),
                RankEnd::Failed(reason) => {
                    self.record(assigned, elapsed, &TaskEnd::Failed(0, reason))
                }
            };
        }
        let ended = self
            .client
            .end(worker.index, worker.size(), worker.rank(), &end);
        // After the reason is in the table: ranks whose calls return now fail too, with a reason of their own.
        if let RankEnd::Failed(reason) = &end {
            worker.fail(claim.task as usize, reason);
        }
        match ended? {
            None => Ok(()),
            Some(end) => self.record(assigned, elapsed, &end),
        }
    }

    #[inline]
    fn record(&self, assigned: Assignment, elapsed: Duration, end: &TaskEnd) -> Result<()> {
        let claim = assigned.claim;
        let (state, reason) = match end {
            TaskEnd::Done => (TaskState::Done, ""),
            TaskEnd::PutBack => (TaskState::Open, ""),
            TaskEnd::Failed(_, reason) => (TaskState::Failed, reason.as_str()),
        };
        let mut failures_before = claim.attempt - 1;
        if let Some(directory) = &self.config.directory {
            match directory.commit(claim, assigned.lease, state, reason) {
                Ok((CommitOutcome::Recorded, failures)) => failures_before = failures,
                Ok((CommitOutcome::Refused, _)) => return self.taken_over(assigned, elapsed),
                Err(error) => return self.not_recorded(assigned, elapsed, &error),
            }
            directory.log(&EndedAttempt {
                task: claim.task as usize,
                attempt: assigned.lease,
                state,
                worker: self.worker.index,
                elapsed,
                reason,
            });
        }
        let is_retried = failures_before < self.config.retries;
        let (worker, task) = (self.worker.index, claim.task);
        let (claim_end, failure) = match end {
            TaskEnd::Done => (ClaimEnd::Done, None),
            TaskEnd::PutBack => (ClaimEnd::PutBack, None),
            TaskEnd::Failed(..) if is_retried => (ClaimEnd::Retry, Some(reason)),
            TaskEnd::Failed(..) => (ClaimEnd::Failed, Some(reason)),
        };
        if claim_end != ClaimEnd::PutBack {
            self.remember(assigned, elapsed, failure);
        }
        let ended = self.end_claim(worker, claim, claim_end);
        // After the claim has ended: who receives events is part of the program, and may panic.
        match end {
            TaskEnd::Done => events::debug!(worker, task, "done"),
            TaskEnd::PutBack => events::debug!(worker, task, "put back"),
            TaskEnd::Failed(..) => events::warn!(worker, task, reason, is_retried, "failed"),
        }
        ended
    }

    /// Another job runs the task now, because this process was silent for too long: its result is not recorded. That is no error
    /// of the program, which goes on with the next task.
    #[cold]
    fn taken_over(&self, assigned: Assignment, elapsed: Duration) -> Result<()> {
        let task = assigned.claim.task as usize;
        let name = self.config.names.get(task).unwrap_or_default().to_owned();
        let error = Error::TaskTakenOver { task, name };
        self.end_unrecorded(assigned, elapsed, &error, ClaimEnd::RunElsewhere)
    }

    /// The result of a task could not be recorded in its directory, although it was tried for a while: the task fails.
    #[cold]
    fn not_recorded(&self, assigned: Assignment, elapsed: Duration, error: &Error) -> Result<()> {
        self.end_unrecorded(assigned, elapsed, error, ClaimEnd::Failed)
    }

    fn end_unrecorded(
        &self,
        assigned: Assignment,
        elapsed: Duration,
        error: &Error,
        end: ClaimEnd,
    ) -> Result<()> {
        let (worker, task) = (self.worker.index, assigned.claim.task);
        self.remember(assigned, elapsed, Some(&error.to_string()));
        let ended = self.end_claim(worker, assigned.claim, end);
        report(format_args!(
            "the end of task {task} is not recorded: {error}"
        ));
        events::warn!(worker, task, %error, "not recorded");
        ended
    }

    /// Remembers an attempt for the report.
    #[inline]
    fn remember(&self, assigned: Assignment, elapsed: Duration, failure: Option<&str>) {
        let claim = Claim {
            attempt: assigned.number(),
            ..assigned.claim
        };
        self.records.borrow_mut().add(claim, elapsed, failure);
    }
}

/// The end of a task that took too long. What was put back stays so: it is for somebody else to finish.
fn too_long(elapsed: Duration, limit: Duration, end: RankEnd) -> RankEnd {
    let what = format!("it took {elapsed:.1?}, more than its limit of {limit:?} (`task_timeout`)");
    match end {
        RankEnd::Done => RankEnd::Failed(what),
        RankEnd::PutBack => RankEnd::PutBack,
        RankEnd::Failed(reason) => RankEnd::Failed(format!("{what}: {reason}")),
    }
}
