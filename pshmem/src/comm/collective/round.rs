//! The parts of a round that all collective calls share: arriving, claiming the call, waiting for the outcome.
//!
//! On one node a round takes place in its control block alone (`protocol::control`). On several nodes, the leader of each
//! node claims the call for its node, and all leaders agree on it before anything is written (`tree`).

use crate::comm::abort::AbortOnDrop;
use crate::comm::check::Level;
use crate::comm::collective::tree;
use crate::comm::protocol::call::Call;
use crate::comm::protocol::contribution::{Contribution, Contributions};
use crate::comm::protocol::control::{Conflict, Gathered, Released};
use crate::comm::protocol::control_block::{CONTRIBUTION_BYTES, OUTCOME_BYTES, POISON_BYTES};
use crate::comm::protocol::message::Verdict;
use crate::comm::rank_sync::RankSync;
use crate::comm::wait::Wait;
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};

/// What all ranks of a node read when a call has ended.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Outcome {
    Failed(Error),
    /// The merged contributions, and what the leader has added for its node.
    Agreed {
        merged: Contributions,
        #[serde(with = "serde_bytes")]
        from_leader: Vec<u8>,
    },
    /// What one rank passes to all ranks: the writer, or the one that has made something of the contributions.
    Written(Vec<u8>),
    /// The contributions, or what was made of them, are too long to be passed this way.
    TooLong {
        compare_in_pieces: bool,
    },
}

/// Bytes of the error of an outcome.
const ERROR_BYTES: usize = POISON_BYTES.saturating_sub(8);

/// Bytes that a writer can pass to all ranks.
pub(crate) const WRITTEN_BYTES: usize = OUTCOME_BYTES.saturating_sub(64);

/// First byte of an encoded outcome: what follows are the bytes of `Written`, or the encoding of any outcome. Bytes one by one, as
/// serde treats them, take longer than a round.
const WRITTEN: u8 = 0;
const OTHER: u8 = 1;

impl Outcome {
    pub(super) fn encode(&self) -> Vec<u8> {
        if let Outcome::Written(bytes) = self {
            return [&[WRITTEN], &bytes[..]].concat();
        }
        postcard::to_extend(self, vec![OTHER]).expect("outcomes are plain data and always encode")
    }

    /// The outcome that this executable has encoded.
    fn decode(mut bytes: Vec<u8>) -> Self {
        match bytes.first() {
            Some(&WRITTEN) => {
                bytes.remove(0);
                Outcome::Written(bytes)
            }
            _ => {
                postcard::from_bytes(&bytes[1..]).expect("an outcome that this executable encoded")
            }
        }
    }

    /// The outcome of a call that fails, for a release or for poison. Texts of the error are shortened if they need it; all
    /// ranks read what is encoded here.
    pub(super) fn failed(error: Error) -> Vec<u8> {
        Outcome::Failed(error.fitted(ERROR_BYTES)).encode()
    }
}

/// Begins this rank's next call. Returns its number.
pub(super) fn arrive(sync: &RankSync, call: Call, contribution: &Contribution) -> u64 {
    if contribution.is_empty() {
        return arrive_with(sync, call, &[]);
    }
    arrive_with(sync, call, &encode_contribution(contribution))
}

/// The same with a contribution that is encoded already.
pub(super) fn arrive_with(sync: &RankSync, call: Call, bytes: &[u8]) -> u64 {
    let n = sync.done() + 1;
    let me = sync.group.topology.local_rank;
    sync.control().arrive(me, n, call, bytes);
    if sync.checks(Level::Reports) {
        sync.count_arrival(n);
    }
    n
}

pub(super) fn encode_contribution(contribution: &Contribution) -> Vec<u8> {
    let bytes = contribution.encode();
    if bytes.len() <= CONTRIBUTION_BYTES {
        return bytes;
    }
    // Only an error has texts of any length. The call fails on all ranks, whatever else this one passes.
    let fault = contribution.fault.clone();
    let fault = fault.map(|fault| fault.fitted(CONTRIBUTION_BYTES.saturating_sub(16)));
    let bytes = Contribution::fault(fault).encode();
    assert!(
        contribution.fault.is_some() && bytes.len() <= CONTRIBUTION_BYTES,
        "a contribution has a bounded size"
    );
    bytes
}

/// On one node: waits for all ranks and claims the call, or poisons the block. `false` when it is poisoned.
pub(super) fn claim_on_node(sync: &RankSync, n: u64, call: Call) -> bool {
    let control = sync.control();
    match control.gather(n, call, &mut Wait::new(sync, n, call)) {
        Gathered::Agreed => control.claim(n),
        Gathered::Poisoned => false,
        Gathered::Conflict(conflict) => {
            control.poison(n, || Outcome::failed(sync.conflict(conflict, call)));
            false
        }
    }
}

/// On the leader of one of several nodes: waits for the ranks of its node, claims the call, and agrees on it with the other
/// leaders. If that fails, with `None` or an error, the block is poisoned. `at_top` runs on one or two leaders, with the contributions
/// of all ranks, before any of the others gets them.
pub(super) fn claim_on_all_nodes(
    sync: &RankSync,
    n: u64,
    call: Call,
    at_top: impl FnOnce(&mut Contributions),
) -> Option<Verdict> {
    let control = sync.control();
    let gathered = control.gather(n, call, &mut Wait::new(sync, n, call));
    // Claimed also for a conflict: from here on, the other nodes decide with this one.
    if !control.claim(n) {
        return None;
    }
    let abort_on_drop = AbortOnDrop;
    let (contributions, conflict) = match gathered {
        Gathered::Conflict(conflict) => {
            let conflict = sync.conflict(conflict, call);
            (Box::default(), Some(Box::new(conflict)))
        }
        _ => (Box::new(contributions_of_node(sync)), None),
    };
    let verdict = tree::agree_with_other_nodes(sync, n, call, contributions, conflict, at_top);
    if let Err(error) = &verdict {
        control.poison_claimed(n, &Outcome::failed((**error).clone()));
    }
    std::mem::forget(abort_on_drop);
    Some(verdict)
}

/// The contributions of the ranks of this node, all of which have arrived.
pub(super) fn contributions_of_node(sync: &RankSync) -> Contributions {
    let mut contributions = Contributions::default();
    let mut bytes = Vec::new();
    for (local_rank, &rank) in sync.group.topology.node_ranks.iter().enumerate() {
        sync.control().contribution_into(local_rank, &mut bytes);
        contributions.add_encoded(rank as usize, &bytes);
    }
    contributions
}

/// Waits for the end of call `n` on this node, and ends it on this rank.
pub(super) fn await_outcome(sync: &RankSync, n: u64, call: Call) -> Result<Option<Outcome>> {
    let control = sync.control();
    let check_others = || poison_if_missing(sync, n, call);
    let released = control.await_release(n, &mut Wait::new(sync, n, call), check_others);
    let bytes = match released {
        Released::Plain => return sync.complete(n, Ok(None)),
        Released::Outcome => control.outcome(),
        Released::Poisoned => control.poison_error(),
    };
    sync.complete(
        n,
        match Outcome::decode(bytes) {
            Outcome::Failed(error) => Err(error),
            outcome => Ok(Some(outcome)),
        },
    )
}

/// Ends call `n` with an error if a rank will never arrive. For ranks that wait while perhaps no rank gathers: different
/// ranks may each take another one for the writer.
pub(super) fn poison_if_missing(sync: &RankSync, n: u64, call: Call) {
    let control = sync.control();
    let conflict = if sync.group.is_multi_node() {
        // Only a leader can tell the other nodes, so a node decides by itself only if its leader has left.
        let is_leader = sync.group.topology.is_leader();
        (!is_leader && control.has_left(0, n)).then_some(Conflict::Left(0))
    } else {
        control.find_conflict(n, call)
    };
    if let Some(conflict) = conflict {
        control.poison(n, || Outcome::failed(sync.conflict(conflict, call)));
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn outcomes_come_back() {
        let size = Outcome::Written(vec![9; WRITTEN_BYTES]).encode().len();
        assert!(size <= OUTCOME_BYTES);
        for bytes in [vec![], vec![0], vec![1; 300]] {
            let outcome = Outcome::decode(Outcome::Written(bytes.clone()).encode());
            assert!(matches!(outcome, Outcome::Written(found) if found == bytes));
        }
        let too_long = Outcome::TooLong {
            compare_in_pieces: true,
        };
        let decoded = Outcome::decode(too_long.encode());
        assert_eq!(format!("{decoded:?}"), format!("{too_long:?}"));
    }

    #[test]
    fn errors_of_any_length_fit_where_ranks_read_them() {
        let long = Error::Diverged {
            what: "long ".repeat(5000),
        };
        assert!(Outcome::failed(long.clone()).len() <= POISON_BYTES.min(OUTCOME_BYTES));
        let contribution = Contribution {
            must_match: Some(vec![7; 900]),
            ..Contribution::fault(Some(long))
        };
        assert!(encode_contribution(&contribution).len() <= CONTRIBUTION_BYTES);
    }
}
