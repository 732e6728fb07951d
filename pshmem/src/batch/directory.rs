//! The state directory of a batch, as one rank uses it: leases on the tasks that the table hands out, and their results.

use crate::batch::store::{BeginOutcome, CommitOutcome, Lease, Owner, RerunPolicy, Store};
use crate::batch::table::{Claim, SlotState};
use crate::batch::task_state::TaskState;
use crate::error::Result;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Limits of the time between two polls of tasks that other jobs run.
const MIN_PAUSE: Duration = Duration::from_millis(10);
const MAX_PAUSE: Duration = Duration::from_millis(200);

/// One rank's access to the state directory.
#[derive(Debug)]
pub(crate) struct StateDirectory {
    pub(crate) store: Store,
    rerun: RerunPolicy,
    /// The lease on the task of this rank's worker, if this rank has begun it.
    lease: RefCell<Option<Lease>>,
    /// Tasks that other jobs ran when the table handed them out.
    of_other_jobs: RefCell<VecDeque<Claim>>,
}

/// Whether a task that the table has handed out may be run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TaskLease {
    /// It may, as the attempt with this number in the directory.
    Acquired(u32),
    /// It may not; this is its state in the table.
    Unavailable(SlotState),
}

/// The states of the tasks in the table when the batch begins.
pub(crate) fn initial_states(states: &[TaskState], rerun: RerunPolicy) -> Vec<SlotState> {
    let slot_state = |state: &TaskState| match state {
        TaskState::Invalid | TaskState::Open => SlotState::Open,
        // Only its lease tells whether a live job runs it.
        TaskState::Running => SlotState::Unverified,
        TaskState::Done if rerun.done => SlotState::Unverified,
        TaskState::Failed if rerun.failed => SlotState::Unverified,
        TaskState::Done => SlotState::Done,
        TaskState::Failed => SlotState::Failed,
    };
    states.iter().map(slot_state).collect()
}

/// The policy for the states in which tasks are run again.
pub(crate) fn rerun_policy(states: &[TaskState]) -> RerunPolicy {
    RerunPolicy {
        failed: states.contains(&TaskState::Failed),
        done: states.contains(&TaskState::Done),
    }
}

impl StateDirectory {
    pub(crate) fn new(store: Store, rerun: RerunPolicy) -> Self {
        StateDirectory {
            store,
            rerun,
            lease: RefCell::default(),
            of_other_jobs: RefCell::default(),
        }
    }

    /// Begins a task that the table has handed out, unless another job runs it or has ended it.
    pub(crate) fn begin(&self, claim: Claim) -> Result<TaskLease> {
        let rerun = RerunPolicy {
            // A later claim in this job is a retry: the task is FAILED by an attempt of this job.
            failed: self.rerun.failed || claim.attempt > 1,
            ..self.rerun
        };
        Ok(match self.store.begin(claim.task as usize, rerun)? {
            BeginOutcome::Leased(lease) => TaskLease::Acquired(self.keep(lease)),
            BeginOutcome::OwnedBy(owner) => {
                let Owner {
                    job,
                    host,
                    pid,
                    silence,
                } = owner;
                let task = claim.task;
                tracing::debug!(task, job, host, pid, ?silence, "run by another job");
                self.of_other_jobs.borrow_mut().push_back(claim);
                TaskLease::Unavailable(SlotState::Running)
            }
            BeginOutcome::NotOpen(state) => TaskLease::Unavailable(state.into()),
        })
    }

    /// Takes over a task of another job that has died. Called when the table has no more tasks.
    ///
    /// A worker with nothing left stays here until every other job's tasks are known to be in live hands: their owners have
    /// given a heartbeat since, or they have been silent for so long that their tasks can be taken over. `ended` is told of
    /// tasks that have ended meanwhile.
    pub(crate) fn take_over(
        &self,
        mut ended: impl FnMut(Claim, SlotState) -> Result<()>,
    ) -> Result<Option<(Claim, u32)>> {
        let start = Instant::now();
        let mut pause = MIN_PAUSE;
        let mut unknown = self.of_other_jobs.take();
        let mut alive = VecDeque::new();
        let outcome = loop {
            let polled = self.poll_owners(&mut unknown, &mut alive, start, &mut ended);
            if unknown.is_empty() || !matches!(polled, Ok(None)) || self.store.stop_requested() {
                break polled;
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(MAX_PAUSE);
        };
        alive.append(&mut unknown);
        self.of_other_jobs.replace(alive);
        outcome
    }

    /// Polls the owners of the tasks in `unknown` once, until a task can be taken over. Tasks with an owner that has given a
    /// heartbeat since `start` move to `alive`.
    fn poll_owners(
        &self,
        unknown: &mut VecDeque<Claim>,
        alive: &mut VecDeque<Claim>,
        start: Instant,
        ended: &mut impl FnMut(Claim, SlotState) -> Result<()>,
    ) -> Result<Option<(Claim, u32)>> {
        for _ in 0..unknown.len() {
            let Some(claim) = unknown.pop_front() else {
                break;
            };
            match self.store.begin(claim.task as usize, self.rerun) {
                Ok(BeginOutcome::Leased(lease)) => return Ok(Some((claim, self.keep(lease)))),
                Ok(BeginOutcome::OwnedBy(owner)) if owner.silence < start.elapsed() => {
                    alive.push_back(claim);
                }
                Ok(BeginOutcome::OwnedBy(_)) => unknown.push_back(claim),
                Ok(BeginOutcome::NotOpen(state)) => ended(claim, state.into())?,
                Err(error) => {
                    unknown.push_back(claim);
                    return Err(error);
                }
            }
        }
        Ok(None)
    }

    /// Keeps a lease until the task ends. Returns its number.
    fn keep(&self, lease: Lease) -> u32 {
        let number = lease.attempt();
        self.lease.replace(Some(lease));
        number
    }

    /// Records how attempt `number` at a task of this rank's worker has ended.
    pub(crate) fn commit(
        &self,
        claim: Claim,
        number: u32,
        state: TaskState,
        reason: &str,
    ) -> Result<CommitOutcome> {
        let own = self.lease.take();
        let lease = match own {
            Some(lease) => Some(lease),
            // Begun by the leader of the worker, which was not the last rank to end it.
            None => self.store.adopt(claim.task as usize, number)?,
        };
        let outcome = match lease {
            Some(lease) => lease.commit(state, reason)?,
            None => CommitOutcome::Refused,
        };
        if outcome == CommitOutcome::Refused {
            self.of_other_jobs.borrow_mut().push_back(claim);
        }
        Ok(outcome)
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
