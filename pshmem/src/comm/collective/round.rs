//! How ranks meet: the two ways in which a collective call brings all ranks of a `Comm` together.
//!
//! - [`RankState::agree`]: every rank may add a note; all get the same merged notes, or the same error.
//! - [`RankState::write`]: one rank acts while all others wait; what it wrote is carried to the other nodes, and all get its
//!   outcome.
//!
//! Both gather once and release once. On one node that happens in its control block alone; over several nodes, leaders
//! gather and release through a tree (`tree.rs`) and writers send bytes (`carry`).

use crate::comm::check::Level;
use crate::comm::collective::agreement;
use crate::comm::collective::call::{Argument, Call};
use crate::comm::collective::contribution::{Contribution, Contributions};
use crate::comm::collective::control::{
    CONTRIBUTION_BYTES, Conflict, Gathered, OUTCOME_BYTES, Released,
};
use crate::comm::rank_state::RankState;
use crate::comm::transfer::Target;
use crate::error::{Error, Result};
use crate::layout::region::Region;
use crate::stderr::report;
use serde::{Deserialize, Serialize};

/// What all ranks of a node read when a call has ended.
#[derive(Debug, Serialize, Deserialize)]
enum Outcome {
    Failed(Error),
    /// The merged notes, and what the leader adds for its own node.
    Agreed {
        merged: Contributions,
        from_leader: Vec<u8>,
    },
    /// What the writer says.
    Written(Vec<u8>),
}

/// What [`RankState::agree_with`] returns.
#[derive(Debug, Default)]
pub(crate) struct Agreed {
    pub(crate) merged: Contributions,
    /// What the leader of this rank's node added for its node.
    pub(crate) from_leader: Vec<u8>,
}

fn encode(outcome: &Outcome) -> Vec<u8> {
    postcard::to_allocvec(outcome).expect("outcomes are plain data and always encode")
}

fn failed(error: Error) -> Vec<u8> {
    encode(&Outcome::Failed(error))
}

/// Ends the process if dropped: unwinding between claim and release would leave the other ranks waiting.
pub(crate) struct AbortOnDrop;

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        report("internal error while other ranks wait; ending the process");
        std::process::abort();
    }
}

impl RankState {
    /// All ranks wait for each other.
    pub(crate) fn barrier(&self, call: Call) -> Result<()> {
        self.agree(call, Contribution::default()).map(|_| ())
    }

    /// All ranks get the merged contributions of all of them, or the same error.
    pub(crate) fn agree(&self, call: Call, contribution: Contribution) -> Result<Contributions> {
        self.agree_with(call, contribution, |_| Vec::new())
            .map(|agreed| agreed.merged)
    }

    /// Like `agree`. When no rank has found a fault, `at_leader` runs on the leader of each node before its node is released,
    /// and may add bytes for its node.
    pub(crate) fn agree_with(
        &self,
        call: Call,
        contribution: Contribution,
        at_leader: impl FnOnce(&Contributions) -> Vec<u8>,
    ) -> Result<Agreed> {
        if self.topology.size() == 1 {
            let mut merged = Contributions::default();
            merged.add(0, contribution);
            if let Some((_, fault)) = merged.fault.take() {
                return Err(fault);
            }
            let from_leader = at_leader(&merged);
            return Ok(Agreed {
                merged,
                from_leader,
            });
        }
        let n = self.arrive(call, &contribution);
        if self.topology.is_leader() {
            self.lead(n, call, |verdict| match verdict {
                Contributions {
                    fault: Some((_, fault)),
                    ..
                } => failed(fault),
                Contributions {
                    must_match: Some(ours),
                    mismatch: Some(theirs),
                    ..
                } if call.argument() != Argument::Layout => {
                    failed(agreement::mismatch(call, &ours, &theirs))
                }
                mut merged => {
                    // Keys of layouts only show that these differ: all ranks go on to compare the layouts themselves.
                    merged.compare_in_pieces |= merged.mismatch.is_some();
                    (merged.must_match, merged.mismatch) = (None, None);
                    let from_leader = at_leader(&merged);
                    if from_leader.is_empty() && merged.is_empty() {
                        Vec::new()
                    } else {
                        encode(&Outcome::Agreed {
                            merged,
                            from_leader,
                        })
                    }
                }
            });
        }
        let outcome = self.await_outcome(n, call);
        self.complete(n, outcome).map(|outcome| match outcome {
            Some(Outcome::Agreed {
                merged,
                from_leader,
            }) => Agreed {
                merged,
                from_leader,
            },
            _ => Agreed::default(),
        })
    }

    /// The root of `call` runs `job` while all other ranks wait; then the regions that it names are carried from its node's
    /// copy of `target` to those of the other nodes, and everybody gets its result.
    pub(crate) fn write(
        &self,
        call: Call,
        target: Option<&Target<'_>>,
        job: impl FnOnce(&mut Vec<Region>) -> Result<Vec<u8>>,
    ) -> Result<Vec<u8>> {
        if self.topology.size() == 1 {
            return job(&mut Vec::new());
        }
        let n = self.arrive(call, &Contribution::default());
        let root = call.root_rank();
        let multi = self.is_multi_node();
        let mut seen = None;
        if self.topology.rank == root {
            if self.obtain_claim(n, call) {
                seen = Some(self.act(n, call, target, job));
            }
        } else if multi
            && self.topology.is_leader()
            && let Some(Ok(_)) = self.lead_claimed(n, call)
        {
            if self.topology.node_of(root) == self.topology.node() {
                self.control().go(n);
            } else {
                seen = Some(self.receive(n, call, target));
            }
        }
        let outcome = self.await_outcome(n, call);
        let outcome = self.complete(n, outcome);
        if let Some(target) = target
            && multi
            && self.checks(Level::Copies)
            && !matches!(&outcome, Err(error) if error.is_fatal())
        {
            self.compare_copies(call, target, seen.as_deref())?;
        }
        outcome.map(|outcome| match outcome {
            Some(Outcome::Written(bytes)) => bytes,
            _ => Vec::new(),
        })
    }

    fn arrive(&self, call: Call, contribution: &Contribution) -> u64 {
        let n = self.done.get() + 1;
        let bytes = if contribution.is_empty() {
            Vec::new()
        } else {
            encode_contribution(contribution)
        };
        self.control()
            .arrive(self.topology.local_rank, n, call, &bytes);
        if self.checks(Level::Reports) {
            self.world.wait_table.count_arrival();
        }
        n
    }

    /// The writer waits until nobody can stop it any more. `false` when the call has been released with an error.
    fn obtain_claim(&self, n: u64, call: Call) -> bool {
        if !self.is_multi_node() {
            return self.gather_and_claim(n, call);
        }
        if self.topology.is_leader() {
            return matches!(self.lead_claimed(n, call), Some(Ok(_)));
        }
        self.control().await_go(n, &mut self.wait(n, call), || {
            self.look_for_trouble(n, call);
        })
    }

    /// The writer's own part, once it has the claim. Gives what was written.
    fn act(
        &self,
        n: u64,
        call: Call,
        target: Option<&Target<'_>>,
        job: impl FnOnce(&mut Vec<Region>) -> Result<Vec<u8>>,
    ) -> Vec<Region> {
        let abort_on_drop = AbortOnDrop;
        let mut regions = Vec::new();
        let outcome = match job(&mut regions) {
            Ok(bytes) if bytes.is_empty() => bytes,
            Ok(bytes) => encode(&Outcome::Written(bytes)),
            Err(error) => failed(error),
        };
        self.control().release(n, &outcome);
        if self.is_multi_node() {
            self.send(n, call, target, outcome, &regions);
        }
        std::mem::forget(abort_on_drop);
        regions
    }

    /// A leader's part in a call without a writer.
    fn lead(&self, n: u64, call: Call, decide: impl FnOnce(Contributions) -> Vec<u8>) {
        let verdict = if self.is_multi_node() {
            match self.lead_claimed(n, call) {
                Some(Ok(notes)) => notes,
                _ => return,
            }
        } else {
            if !self.gather_and_claim(n, call) {
                return;
            }
            self.contributions_of_node()
        };
        let abort_on_drop = AbortOnDrop;
        self.control().release(n, &decide(verdict));
        std::mem::forget(abort_on_drop);
    }

    /// Gathers the node and claims the call, or poisons the block. `false` when the call has been released with an error.
    fn gather_and_claim(&self, n: u64, call: Call) -> bool {
        let control = self.control();
        match control.gather(n, call, &mut self.wait(n, call)) {
            Gathered::Agreed => control.claim(n),
            Gathered::Poisoned => false,
            Gathered::Conflict(conflict) => {
                control.poison(n, || failed(self.conflict(conflict, call)));
                false
            }
        }
    }

    /// The leader of one of several nodes gathers its own node, claims the call and settles it with the other leaders.
    /// `None` or an error means that the call has been released with it.
    fn lead_claimed(&self, n: u64, call: Call) -> Option<Result<Contributions>> {
        let control = self.control();
        let gathered = control.gather(n, call, &mut self.wait(n, call));
        // From here on the node leaves the call only by its release: other nodes are told that it has arrived.
        if !control.claim(n) {
            return None;
        }
        let abort_on_drop = AbortOnDrop;
        let conflict = match gathered {
            Gathered::Conflict(conflict) => Some(self.conflict(conflict, call)),
            _ => None,
        };
        let notes = if conflict.is_none() {
            self.contributions_of_node()
        } else {
            Contributions::default()
        };
        let verdict = self.settle(n, call, notes, conflict);
        if let Err(error) = &verdict {
            control.poison_claimed(n, &failed(error.clone()));
        }
        std::mem::forget(abort_on_drop);
        Some(verdict)
    }

    fn contributions_of_node(&self) -> Contributions {
        let mut notes = Contributions::default();
        for (local_rank, &rank) in self.topology.node_ranks.iter().enumerate() {
            let bytes = self.control().note(local_rank);
            if !bytes.is_empty() {
                notes.add(
                    rank as usize,
                    postcard::from_bytes(&bytes).expect("a note that this executable encoded"),
                );
            }
        }
        notes
    }

    fn await_outcome(&self, n: u64, call: Call) -> Result<Option<Outcome>> {
        let control = self.control();
        let trouble = || self.look_for_trouble(n, call);
        let bytes = match control.await_release(n, &mut self.wait(n, call), trouble) {
            Released::Plain => return Ok(None),
            Released::Outcome => control.outcome(),
            Released::Poisoned => control.reason(),
        };
        match postcard::from_bytes(&bytes).expect("an outcome that this executable encoded") {
            Outcome::Failed(error) => Err(error),
            outcome => Ok(Some(outcome)),
        }
    }

    /// Looks for a rank that will never come, on behalf of ranks that wait while nobody gathers.
    fn look_for_trouble(&self, n: u64, call: Call) {
        let control = self.control();
        let conflict = if self.is_multi_node() {
            // Only the leader can tell other nodes, so only a node without one decides by itself.
            (!self.topology.is_leader() && control.is_gone(0, n)).then_some(Conflict::Gone(0))
        } else {
            control.look_around(n, call)
        };
        if let Some(conflict) = conflict {
            control.poison(n, || failed(self.conflict(conflict, call)));
        }
    }

    fn conflict(&self, conflict: Conflict, call: Call) -> Error {
        match conflict {
            Conflict::Gone(local_rank) => self.gone_mate(local_rank, call),
            Conflict::Differs(local_rank) => {
                let (mine, other) = (self.topology.local_rank, local_rank);
                let (first, second) = (mine.min(other), mine.max(other));
                Error::Diverged {
                    what: format!("{}; {}", self.describe(first), self.describe(second)),
                }
            }
        }
    }
}

fn encode_contribution(contribution: &Contribution) -> Vec<u8> {
    let bytes = postcard::to_allocvec(contribution)
        .expect("contributions are plain data and always encode");
    assert!(
        bytes.len() <= CONTRIBUTION_BYTES,
        "a contribution of {} B was not clipped",
        bytes.len()
    );
    bytes
}

/// Bytes that `write` can hand to all ranks at once.
pub(crate) const WRITTEN_BYTES: usize = OUTCOME_BYTES.saturating_sub(64);
