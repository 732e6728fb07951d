//! Pipeline of all ranks: each rank works on every chunk after the rank before it.
//!
//! Different ranks work on different chunks at the same time. Between ranks of one node a chunk stays where it is; between
//! nodes it is sent from segment to segment.

use crate::comm::abort::AbortOnDrop;
use crate::comm::protocol::call::Call;
use crate::comm::rank_sync::RankSync;
use crate::comm::transfer::pieces::{InFlight, Piece, PieceTransfer, WINDOW};
use crate::comm::transfer::target::Target;
use crate::comm::turns::TurnCounter;
use crate::layout::region::Region;
use std::collections::VecDeque;

/// Calls `work` for each chunk, a contiguous region, after the ranks before this one have finished it. Afterwards the copy of
/// the last rank's node holds the result.
///
/// To be called by all ranks inside one call, after all of them have arrived at it and agreed, and before its next round.
pub(crate) fn pipeline(
    sync: &RankSync,
    call: Call,
    target: &Target<'_>,
    chunks: &[Region],
    mut work: impl FnMut(usize),
) {
    let abort_on_drop = AbortOnDrop;
    let topology = &sync.group.topology;
    let is_elsewhere = |&rank: &usize| topology.node_of(rank) != topology.node();
    let receives_from = topology.rank.checked_sub(1).filter(is_elsewhere);
    let sends_to = Some(topology.rank + 1)
        .filter(|&rank| rank < topology.size())
        .filter(is_elsewhere);
    // The rank of this node that has each chunk before this one. When it has finished its turn, it no longer uses the chunk's
    // bytes here, not even to send them.
    let before = topology.local_rank.checked_sub(1);
    let transfer = PieceTransfer::new(sync, sync.done(), call, target, chunks);
    let piece = |chunk: usize| Piece::Direct {
        offset: chunks[chunk].start,
        len: chunks[chunk].run,
    };
    let mut turns = TurnCounter::new(sync, call);
    let mut receiving: VecDeque<InFlight> = VecDeque::new();
    let mut sending: VecDeque<InFlight> = VecDeque::new();
    let mut started = 0;
    for chunk in 0..chunks.len() {
        if let Some(before) = before {
            turns.wait_for(before, chunk + 1);
        }
        if let Some(from) = receives_from {
            while started < chunks.len()
                && receiving.len() < WINDOW
                && before.is_none_or(|before| turns.has_finished(before, started + 1))
            {
                receiving.push_back(transfer.start_receive(piece(started), topology.address(from)));
                started += 1;
            }
            transfer.finish(receiving.pop_front());
        }
        work(chunk);
        let Some(to) = sends_to else {
            turns.finish();
            continue;
        };
        if sending.len() == WINDOW {
            transfer.finish(sending.pop_front());
            turns.finish();
        }
        sending.push_back(transfer.start_send(piece(chunk), to));
    }
    while !sending.is_empty() {
        transfer.finish(sending.pop_front());
        turns.finish();
    }
    std::mem::forget(abort_on_drop);
}
