//! The state directory of a batch, as one rank uses it: what its worker may begin, and what it has to record.

use crate::batch::store::{
    BeginOutcome, CommitOutcome, Lease, Owner, RerunPolicy, Store, StoreOptions,
};
use crate::batch::table::{Claim, SlotState};
use crate::batch::task_state::TaskState;
use crate::error::Result;
use std::cell::RefCell;
use std::time::{Duration, Instant};

/// How long a worker sleeps between two looks at tasks that others run.
const SHORTEST: Duration = Duration::from_millis(10);
const LONGEST: Duration = Duration::from_millis(200);

/// One rank's access to the directory.
#[derive(Debug)]
pub(crate) struct Directory {
    pub(crate) store: Store,
    pub(crate) rerun: RerunPolicy,
    /// The lease on the task of this rank's worker, where this rank has begun it.
    lease: RefCell<Option<Lease>>,
    /// Tasks that other jobs ran when this worker came to them.
    elsewhere: RefCell<Vec<Claim>>,
}

/// What became of a task that the table has given to a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Begun {
    /// It is ours, under this number.
    Ours(u32),
    /// It is not to be begun; the slot_state is what it is.
    Not(SlotState),
}

/// What the tasks are on the table when the batch begins.
pub(crate) fn initial_states(states: &[TaskState], rerun: RerunPolicy) -> Vec<SlotState> {
    let slot_state = |state: &TaskState| match state {
        TaskState::Invalid | TaskState::Open => SlotState::Open,
        // Only its lease tells whether somebody runs it.
        TaskState::Running => SlotState::Unverified,
        TaskState::Done if rerun.done => SlotState::Unverified,
        TaskState::Failed if rerun.failed => SlotState::Unverified,
        TaskState::Done => SlotState::Done,
        TaskState::Failed => SlotState::Failed,
    };
    states.iter().map(slot_state).collect()
}

/// States in which tasks are run rerun.
pub(crate) fn rerun_of(states: &[TaskState]) -> RerunPolicy {
    RerunPolicy {
        failed: states.contains(&TaskState::Failed),
        done: states.contains(&TaskState::Done),
    }
}

impl Directory {
    pub(crate) fn new(store: Store, rerun: RerunPolicy) -> Self {
        Directory {
            store,
            rerun,
            lease: RefCell::default(),
            elsewhere: RefCell::default(),
        }
    }

    /// Begins a task that the table has given to this rank's worker, if no other job runs it or has ended it.
    pub(crate) fn begin(&self, claim: Claim) -> Result<Begun> {
        let rerun = RerunPolicy {
            // Its first attempts have failed, and this is a retry.
            failed: self.rerun.failed || claim.attempt > 1,
            ..self.rerun
        };
        Ok(match self.store.begin(claim.task as usize, rerun)? {
            BeginOutcome::Leased(lease) => {
                let number = lease.attempt();
                self.lease.replace(Some(lease));
                Begun::Ours(number)
            }
            BeginOutcome::OwnedBy(Owner {
                job,
                host,
                pid,
                silence,
            }) => {
                tracing::debug!(
                    task = claim.task,
                    job,
                    host,
                    pid,
                    ?silence,
                    "run by another job"
                );
                self.elsewhere.borrow_mut().push(claim);
                Begun::Not(SlotState::Running)
            }
            BeginOutcome::NotOpen(state) => Begun::Not(state.into()),
        })
    }

    /// When the table has no more tasks: begins one of those that other jobs ran, if such a job has died. Waits until each of
    /// these jobs has given a sign of life, or has been silent for so long that its tasks are ours. `end` is told what
    /// else became of them.
    pub(crate) fn begin_elsewhere(
        &self,
        mut end: impl FnMut(Claim, SlotState) -> Result<()>,
    ) -> Result<Option<(Claim, u32)>> {
        let start = Instant::now();
        let mut sleep = SHORTEST;
        let mut silent = self.elsewhere.take();
        let mut alive = Vec::new();
        let outcome = loop {
            let mut outcome = Ok(None);
            for claim in std::mem::take(&mut silent) {
                if !matches!(outcome, Ok(None)) {
                    silent.push(claim);
                    continue;
                }
                match self.store.begin(claim.task as usize, self.rerun) {
                    Ok(BeginOutcome::Leased(lease)) => {
                        outcome = Ok(Some((claim, lease.attempt())));
                        self.lease.replace(Some(lease));
                    }
                    Ok(BeginOutcome::OwnedBy(owner)) if owner.silence < start.elapsed() => {
                        alive.push(claim)
                    }
                    Ok(BeginOutcome::OwnedBy(_)) => silent.push(claim),
                    Ok(BeginOutcome::NotOpen(state)) => {
                        if let Err(error) = end(claim, state.into()) {
                            outcome = Err(error);
                        }
                    }
                    Err(error) => {
                        silent.push(claim);
                        outcome = Err(error);
                    }
                }
            }
            if silent.is_empty() || !matches!(outcome, Ok(None)) || self.store.stop_requested() {
                break outcome;
            }
            std::thread::sleep(sleep);
            sleep = (sleep * 2).min(LONGEST);
        };
        alive.append(&mut silent);
        self.elsewhere.replace(alive);
        outcome
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
            // Begun by the leader of this worker, which was not the last to end it.
            None => self.store.adopt(claim.task as usize, number)?,
        };
        let commit = match lease {
            Some(lease) => lease.commit(state, reason)?,
            None => CommitOutcome::Refused,
        };
        if commit == CommitOutcome::Refused {
            self.elsewhere.borrow_mut().push(claim);
        }
        Ok(commit)
    }

    /// Lets go of a lease that this rank still has: on an attempt that another rank of its worker has ended, or that cannot be
    /// made.
    pub(crate) fn give_up(&self) {
        self.lease.replace(None);
    }

    /// This rank is done with the batch, while others of its worker may still have to record a task that it has begun.
    pub(crate) fn leave_lease(&self) {
        std::mem::forget(self.lease.take());
    }
}

/// Who this rank is for other jobs.
pub(crate) fn options(job: &str, lease_timeout: Duration, rank: usize, host: &str) -> StoreOptions {
    StoreOptions {
        lease_timeout,
        job: job.to_owned(),
        rank,
        host: host.to_owned(),
    }
}
