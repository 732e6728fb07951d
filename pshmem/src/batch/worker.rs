//! Workers: groups of ranks that work on one task together, and how the ranks of one get their next task.
//!
//! A worker of several ranks has two `Comm`s. On the first, its ranks synchronize in `next_task`; it is never handed out. The
//! second is for the program. A rank leaves it when it ends its task with a failure or asks for the next task, so that calls
//! of ranks which still wait there return. Once all have asked, they join it again, or get a new one if it has ended.

use crate::batch::table::Claim;
use crate::comm::Comm;
use crate::comm::protocol::call::{Call, Kind, Step};
use crate::comm::protocol::contribution::Contribution;
use crate::comm::thread_state;
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::panic::Location;

/// What a rank has done that no longer takes part in calls on the program's `Comm`, for ranks that wait there.
const NEXT_TASK: &str = "has ended its task and called `next_task`";

/// Why a call on a `Comm` that the program has kept from an earlier task is an error.
const REPLACED: &str =
    "`next_task` has replaced this Comm; `Batch::worker_comm` returns the current one";

/// A task that a worker is to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Assignment {
    pub(crate) claim: Claim,
    /// The number of the attempt in the state directory; 0 without one.
    pub(crate) lease: u32,
}

impl Assignment {
    /// How often the task has been begun, this time included: in all jobs together with a state directory, otherwise in this one.
    pub(crate) fn number(&self) -> u32 {
        if self.lease > 0 {
            self.lease
        } else {
            self.claim.attempt
        }
    }
}

/// What the leader of a worker, its rank 0, tells the other ranks.
#[derive(Debug, Serialize, Deserialize)]
struct LeaderMessage {
    assigned: Result<Option<Assignment>>,
    /// Whether the program needs a new `Comm`.
    needs_comm: bool,
}

impl LeaderMessage {
    fn encode(&self) -> Vec<u8> {
        postcard::to_allocvec(self).expect("plain data always encodes")
    }

    fn decode(bytes: &[u8]) -> Self {
        postcard::from_bytes(bytes).expect("what this executable encoded")
    }
}

/// The worker of one rank.
#[derive(Debug)]
pub(crate) struct Worker {
    /// Its number.
    pub(crate) index: usize,
    /// How many workers there are.
    pub(crate) count: usize,
    /// Where its ranks synchronize.
    comm: Comm,
    /// For the program.
    program_comm: RefCell<Comm>,
}

impl Worker {
    /// Splits the ranks of a batch into `count` workers; this rank is in worker `index`. Collective.
    pub(crate) fn new(all: &Comm, index: usize, count: usize) -> Result<Self> {
        let comm = split(all, index)?;
        let program_comm = if comm.size() == 1 {
            comm.clone()
        } else {
            split(&comm, 0)?
        };
        Ok(Worker {
            index,
            count,
            comm,
            program_comm: RefCell::new(program_comm),
        })
    }

    #[inline]
    pub(crate) fn size(&self) -> usize {
        self.comm.size()
    }

    #[inline]
    pub(crate) fn rank(&self) -> usize {
        self.comm.rank()
    }

    /// The `Comm` for the program.
    pub(crate) fn program_comm(&self) -> Comm {
        self.program_comm.borrow().clone()
    }

    /// This rank has ended its task with a failure: calls of ranks that wait for it on the program's `Comm` return.
    pub(crate) fn fail(&self, task: usize, reason: &str) {
        let core = self.program_comm.borrow().core.clone();
        let error = Error::TaskFailed {
            task,
            rank: core.group.topology.rank,
            host: core.group.host().to_owned(),
            message: reason.to_owned(),
        };
        thread_state::after_call(move || core.sync.end(error));
    }

    /// Synchronizes the ranks of the worker. If none has a fault, the leader claims a task for all of them.
    #[inline]
    pub(crate) fn next(
        &self,
        fault: Option<Error>,
        site: &'static Location<'static>,
        claim: impl FnOnce() -> Result<Option<Assignment>>,
    ) -> Result<Option<Assignment>> {
        if self.size() == 1 {
            return fault.map_or_else(claim, Err);
        }
        self.next_of_many(fault, site, claim)
    }

    fn next_of_many(
        &self,
        fault: Option<Error>,
        site: &'static Location<'static>,
        claim: impl FnOnce() -> Result<Option<Assignment>>,
    ) -> Result<Option<Assignment>> {
        let core = &self.comm.core;
        let _call = core.enter(Kind::NextTask.name(), site)?;
        let call = Call::new(Kind::NextTask);
        let program = self.program_comm();
        if fault.is_none() {
            program.core.sync.suspend(NEXT_TASK);
        }
        let contribution = Contribution {
            fault,
            maximum: program.core.sync.has_ended().then_some(1),
            ..Contribution::default()
        };
        if core.group.is_multi_node() {
            if let Err(error) = core.agree(call, contribution) {
                return Err(self.resume_after(error));
            }
            self.replace_program_comm()?;
            let message = core.write(call.step(Step::Write).root(0), None, |_| {
                let message = LeaderMessage {
                    assigned: claim(),
                    needs_comm: false,
                };
                Ok(message.encode())
            })?;
            return LeaderMessage::decode(&message).assigned;
        }
        let agreed = core.agree_with(call, contribution, |agreed| {
            let needs_comm = agreed.maximum.is_some() || !program.core.sync.resume_all();
            let assigned = claim();
            let message = LeaderMessage {
                assigned,
                needs_comm,
            };
            message.encode()
        });
        let agreed = match agreed {
            Ok(agreed) => agreed,
            Err(error) => return Err(self.resume_after(error)),
        };
        let message = LeaderMessage::decode(&agreed.from_leader);
        if message.needs_comm {
            self.replace_program_comm()?;
        } else {
            program.core.sync.resume();
        }
        message.assigned
    }

    /// After a `next_task` that failed on all ranks of the worker: some have suspended the program's `Comm`, others not. All get
    /// a new one.
    fn resume_after(&self, error: Error) -> Error {
        if error.is_fatal() {
            return error;
        }
        self.replace_program_comm().err().unwrap_or(error)
    }

    /// Gives the program a new `Comm`. Collective over the worker.
    ///
    /// A handle to the old one that the program has kept returns an error. Some ranks may have suspended the old one and others
    /// not, so that a call of one of them would wait for ever for another one that uses the new `Comm`.
    fn replace_program_comm(&self) -> Result<()> {
        let new = split(&self.comm, 0)?;
        let old = self.program_comm.replace(new);
        old.core.sync.end(Error::Diverged {
            what: REPLACED.to_owned(),
        });
        Ok(())
    }
}

/// The ranks of `comm` with the same color, in the same order. Collective.
fn split(comm: &Comm, color: usize) -> Result<Comm> {
    let split = comm.split(Some(color), comm.rank())?;
    Ok(split.expect("a rank with a color gets a Comm"))
}
