//! Checks that an argument is identical on all ranks.

use crate::comm::collective::agree::agree;
use crate::comm::collective::mismatch::mismatch;
use crate::comm::collective::write::write_long;
use crate::comm::protocol::call::{Call, Step};
use crate::comm::protocol::contribution::{Contribution, Contributions};
use crate::comm::rank_sync::RankSync;
use crate::error::Result;

/// Bytes that fit into a contribution. Longer arguments are compared in rounds of their own.
pub(crate) const AGREEMENT_BYTES: usize = 900;

/// All ranks agree, and compare `mine`, which may be of any length on any rank. The argument of a rank that contributes a
/// fault is not compared.
pub(crate) fn agree_on(
    sync: &RankSync,
    call: Call,
    mine: &[u8],
    contribution: Contribution,
) -> Result<Contributions> {
    let is_long = mine.len() > AGREEMENT_BYTES;
    // A fault needs the room, and all ranks get it even if their arguments differ.
    let has_room = !is_long && contribution.fault.is_none();
    let agreed = agree(
        sync,
        call,
        Contribution {
            must_match: has_room.then(|| mine.to_vec()),
            compare_in_pieces: is_long,
            ..contribution
        },
    )?;
    if agreed.compare_in_pieces {
        compare(sync, call, mine)?;
    }
    Ok(agreed)
}

/// All ranks compare `mine` with that of rank 0, which they receive piece by piece.
pub(super) fn compare(sync: &RankSync, call: Call, mine: &[u8]) -> Result<()> {
    let reference = call.root(0).step(Step::Reference);
    let reference = write_long(sync, reference, || Ok(mine.to_vec()))?;
    let rank = sync.group.topology.rank;
    let fault =
        (reference != mine).then(|| mismatch(call, &(0, reference), &(rank, mine.to_vec())));
    agree(sync, call.step(Step::Compare), Contribution::fault(fault)).map(|_| ())
}
