//! Calls in which every rank may contribute something, and all get the merged contributions or the same error.

use crate::comm::abort::AbortOnDrop;
use crate::comm::collective::mismatch::mismatch;
use crate::comm::collective::round::{
    Outcome, arrive, await_outcome, claim_on_all_nodes, claim_on_node, contributions_of_node,
};
use crate::comm::protocol::call::{Argument, Call};
use crate::comm::protocol::contribution::{Contribution, Contributions};
use crate::comm::rank_sync::RankSync;
use crate::error::{Error, Result};

/// What a rank gets from [`agree_with`].
#[derive(Debug, Default)]
pub(crate) struct Agreed {
    pub(crate) merged: Contributions,
    /// What the leader of this rank's node has added for its node.
    pub(crate) from_leader: Vec<u8>,
}

/// All ranks wait for each other.
pub(crate) fn barrier(sync: &RankSync, call: Call) -> Result<()> {
    agree(sync, call, Contribution::default()).map(|_| ())
}

/// All ranks get the merged contributions of all of them, or the same error.
pub(crate) fn agree(
    sync: &RankSync,
    call: Call,
    contribution: Contribution,
) -> Result<Contributions> {
    agree_with(sync, call, contribution, |_| Vec::new()).map(|agreed| agreed.merged)
}

/// Like `agree`. If no rank has a fault, `at_leader` runs on the leader of each node before its node is released, and may add
/// bytes for its node.
pub(crate) fn agree_with(
    sync: &RankSync,
    call: Call,
    contribution: Contribution,
    at_leader: impl FnOnce(&Contributions) -> Vec<u8>,
) -> Result<Agreed> {
    if sync.group.topology.size() == 1 {
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
    let n = arrive(sync, call, &contribution);
    if sync.group.topology.is_leader() {
        lead(
            sync,
            n,
            call,
            |_| {},
            |merged| decide(call, merged, at_leader),
        );
    }
    Ok(match await_outcome(sync, n, call)? {
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

/// Takes part in `call` only to say that this rank cannot, so that all ranks get an error. Returns it.
pub(crate) fn refuse(sync: &RankSync, call: Call, error: Error) -> Error {
    agree(sync, call, Contribution::fault(Some(error.clone())))
        .err()
        .unwrap_or(error)
}

/// Checks a root that a user has passed. Ranks that all pass the same wrong one get the same error.
pub(crate) fn check_root(sync: &RankSync, call: Call, root: usize) -> Result<()> {
    let size = sync.group.topology.size();
    if root < size {
        return Ok(());
    }
    let error = Error::NoSuchRank {
        call: call.name().to_owned(),
        root,
        size,
    };
    Err(refuse(sync, call, error))
}

/// The leader's part: claims the call and releases it with the outcome of `decide`. Before that, `at_top` runs on one or two of the
/// leaders, and makes the same of the same contributions.
pub(super) fn lead(
    sync: &RankSync,
    n: u64,
    call: Call,
    at_top: impl FnOnce(&mut Contributions),
    decide: impl FnOnce(Contributions) -> Vec<u8>,
) {
    let (merged, abort_on_drop);
    if sync.group.is_multi_node() {
        match claim_on_all_nodes(sync, n, call, at_top) {
            Some(Ok(of_all)) => merged = *of_all,
            _ => return,
        }
        abort_on_drop = AbortOnDrop;
    } else {
        if !claim_on_node(sync, n, call) {
            return;
        }
        abort_on_drop = AbortOnDrop;
        let mut of_node = contributions_of_node(sync);
        at_top(&mut of_node);
        merged = of_node;
    }
    sync.control().release(n, &decide(merged));
    std::mem::forget(abort_on_drop);
}

/// The outcome for these contributions of all ranks, encoded. Every leader computes the same, but for what it adds.
fn decide(
    call: Call,
    mut merged: Contributions,
    at_leader: impl FnOnce(&Contributions) -> Vec<u8>,
) -> Vec<u8> {
    if let Some((_, fault)) = merged.fault {
        return Outcome::failed(fault);
    }
    let (must_match, differs) = (merged.must_match.take(), merged.mismatch.take());
    if let (Some(ours), Some(theirs)) = (must_match, differs) {
        if call.argument() != Argument::Layout {
            return Outcome::failed(mismatch(call, &ours, &theirs));
        }
        // Keys only show that layouts differ: all ranks then compare the layouts themselves.
        merged.compare_in_pieces = true;
    }
    let from_leader = at_leader(&merged);
    if from_leader.is_empty() && merged.is_empty() {
        return Vec::new();
    }
    Outcome::Agreed {
        merged,
        from_leader,
    }
    .encode()
}
