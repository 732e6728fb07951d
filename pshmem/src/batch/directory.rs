//! The state directory of a batch, as one rank uses it: leases on the tasks that the table hands out, and their results.

use crate::batch::store::{
    Admission, BeginOutcome, CommitOutcome, EndedAttempt, Lease, Owner, Recorded, Store,
};
use crate::batch::table::{Claim, SlotState};
use crate::batch::task_state::TaskState;
use crate::error::Result;
use crate::events;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::time::Instant;

/// One rank's access to the state directory.
#[derive(Debug)]
pub(crate) struct StateDirectory {
    pub(crate) store: Store,
    admission: Admission,
    /// The lease on the task of this rank's worker, if this rank has begun it.
    lease: RefCell<Option<Lease>>,
    /// Tasks that other jobs ran when the table handed them out.
    of_other_jobs: RefCell<VecDeque<Claim>>,
}

/// Whether a task that the table has handed out may be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TaskLease {
    /// It may, as the attempt with this number in the directory.
    Acquired(u32),
    /// This process of another job runs it.
    RunElsewhere(Owner),
    /// It has this state, in which it is not to be run.
    NotOpen(TaskState),
}

/// The state of a task in the table when the batch begins.
pub(crate) fn initial_state(found: Recorded, admission: &Admission) -> SlotState {
    match (found.state, admission.failures_before(found)) {
        // Only its lease tells whether a live job runs it.
        (TaskState::Running, _) => SlotState::RerunRunning,
        (state, Some(_)) => SlotState::to_be_rerun(state),
        (state, None) => state.into(),
    }
}

/// What is to be rerun, and retried, by a job with this rerun request.
pub(crate) fn admission(rerun: &[TaskState], retries: u32, request: u32) -> Admission {
    Admission {
        retries,
        reruns_failed: rerun.contains(&TaskState::Failed),
        reruns_done: rerun.contains(&TaskState::Done),
        request,
    }
}

impl StateDirectory {
    pub(crate) fn new(store: Store, admission: Admission) -> Self {
        StateDirectory {
            store,
            admission,
            lease: RefCell::default(),
            of_other_jobs: RefCell::default(),
        }
    }

    /// Begins a task that the table has handed out, unless another job runs it or has ended it.
    pub(crate) fn begin(&self, claim: Claim) -> Result<TaskLease> {
        let task = claim.task as usize;
        let begun = if claim.is_new {
            self.store.begin_new(task, &self.admission)?
        } else {
            self.store.begin(task, &self.admission)?
        };
        Ok(match begun {
            BeginOutcome::Leased(lease) => TaskLease::Acquired(self.keep(lease)),
            BeginOutcome::OwnedBy(owner) => {
                self.of_other_jobs.borrow_mut().push_back(claim);
                TaskLease::RunElsewhere(owner)
            }
            BeginOutcome::NotOpen(state) => TaskLease::NotOpen(state),
        })
    }

    /// Begins to take over tasks of other jobs that have died. To be used when the table has no more tasks.
    pub(crate) fn takeover(&self) -> Takeover<'_> {
        Takeover {
            directory: self,
            unknown: self.of_other_jobs.take(),
            alive: VecDeque::new(),
            start: Instant::now(),
        }
    }

    /// Tasks of other jobs that have ended meanwhile, and how. They are forgotten here.
    pub(crate) fn take_ended(&self) -> Vec<(Claim, TaskState)> {
        let mut all = self.of_other_jobs.borrow_mut();
        let mut ended = Vec::new();
        all.retain(|&claim| {
            // What cannot be read still runs, as far as this job knows.
            let state = self.store.state(claim.task as usize);
            let state = state.unwrap_or(TaskState::Running);
            let has_ended = matches!(state, TaskState::Done | TaskState::Failed);
            if has_ended {
                ended.push((claim, state));
            }
            !has_ended
        });
        ended
    }

    /// Keeps a lease until the task ends. Returns its number.
    fn keep(&self, lease: Lease) -> u32 {
        let number = lease.attempt();
        self.lease.replace(Some(lease));
        number
    }

    /// Records how attempt `number` at a task of this rank's worker has ended. Also returns how often the task had failed
    /// before.
    pub(crate) fn commit(
        &self,
        claim: Claim,
        number: u32,
        state: TaskState,
        reason: &str,
    ) -> Result<(CommitOutcome, u32)> {
        let own = self.lease.take();
        let lease = match own {
            Some(lease) => Some(lease),
            // Begun by the leader of the worker, which was not the last rank to end it.
            None => self.store.adopt(claim.task as usize, number)?,
        };
        let failures = lease.as_ref().map_or(0, Lease::failures);
        let outcome = match lease {
            Some(lease) => lease.commit(state, reason)?,
            None => CommitOutcome::Refused,
        };
        if outcome == CommitOutcome::Refused {
            self.of_other_jobs.borrow_mut().push_back(claim);
        }
        Ok((outcome, failures))
    }

    /// Writes the end of an attempt to the log.
    pub(crate) fn log(&self, ended: &EndedAttempt<'_>) {
        self.store.log_end(ended);
    }

    /// Drops a lease that this rank still has: on an attempt that another rank of its worker has ended, or that cannot be made.
    pub(crate) fn drop_lease(&self) {
        self.lease.replace(None);
    }

    /// Leaves a lease to the other ranks of the worker, which may still have to record the task, when this rank drops the
    /// batch.
    pub(crate) fn leak_lease(&self) {
        std::mem::forget(self.lease.take());
    }
}

/// The search of a worker with nothing left for tasks of jobs that have died.
///
/// It lasts until every other job's tasks are known to be in live hands: their owners have given a heartbeat since it began, or
/// they have been silent for so long that their tasks can be taken over.
#[derive(Debug)]
pub(crate) struct Takeover<'a> {
    directory: &'a StateDirectory,
    unknown: VecDeque<Claim>,
    alive: VecDeque<Claim>,
    start: Instant,
}

impl Takeover<'_> {
    /// Whether all tasks are known to be in live hands.
    pub(crate) fn is_over(&self) -> bool {
        self.unknown.is_empty()
    }

    /// Asks once for the owner of each task that is not known to be alive, until a task can be taken over: its claim, and the
    /// number of the attempt. `ended` is told of tasks that have ended meanwhile.
    pub(crate) fn poll(
        &mut self,
        mut ended: impl FnMut(Claim, TaskState) -> Result<()>,
    ) -> Result<Option<(Claim, u32)>> {
        for _ in 0..self.unknown.len() {
            let Some(claim) = self.unknown.pop_front() else {
                break;
            };
            let task = claim.task as usize;
            match self.directory.store.begin(task, &self.directory.admission) {
                Ok(BeginOutcome::Leased(lease)) => {
                    return Ok(Some((claim, self.directory.keep(lease))));
                }
                Ok(BeginOutcome::OwnedBy(owner)) => {
                    if owner.changed.is_some_and(|at| at >= self.start) {
                        self.alive.push_back(claim);
                    } else {
                        self.unknown.push_back(claim);
                    }
                }
                Ok(BeginOutcome::NotOpen(state)) => ended(claim, state)?,
                // It has been tried for a while. The task is left to its owner, or to the next job.
                Err(error) => {
                    events::warn!(task, %error, "whether its job is alive is not known");
                    self.alive.push_back(claim);
                }
            }
        }
        Ok(None)
    }
}

impl Drop for Takeover<'_> {
    fn drop(&mut self) {
        let mut all = self.directory.of_other_jobs.borrow_mut();
        all.append(&mut self.alive);
        all.append(&mut self.unknown);
    }
}
