//! Along the line of ranks: every rank works on each chunk after the rank before it, whichever node that is on.
//!
//! Many chunks are on the line at a time, so that all ranks work; within a node a chunk stays where it is, between two nodes
//! it travels from segment to segment.

use crate::comm::collective::call::Call;
use crate::comm::collective::round::AbortOnDrop;
use crate::comm::collective::turns::TurnCounter;
use crate::comm::rank_state::RankState;
use crate::comm::transfer::pieces::{InFlight, Piece, PieceTransfer, WINDOW};
use crate::comm::transfer::target::Target;
use crate::layout::region::Region;
use std::collections::VecDeque;

impl RankState {
    /// Calls `work` for each chunk, a contiguous region, after the ranks before this one have had it. Afterwards the chunks on
    /// the last rank's node are done.
    ///
    /// To be called by all ranks inside one call, after all of them have arrived at it and have agreed, and before they meet
    /// again.
    pub(crate) fn pipeline(
        &self,
        call: Call,
        target: &Target<'_>,
        chunks: &[Region],
        mut work: impl FnMut(usize),
    ) {
        let abort_on_drop = AbortOnDrop;
        let topology = &self.topology;
        let is_elsewhere = |&rank: &usize| topology.node_of(rank) != topology.node();
        let before = topology.rank.checked_sub(1).filter(is_elsewhere);
        let after = Some(topology.rank + 1)
            .filter(|&rank| rank < topology.size())
            .filter(is_elsewhere);
        // The rank of this node that has each chunk before: it has let go of it here, also when it has sent it elsewhere.
        let mate = topology.local_rank.checked_sub(1);
        let carrier = PieceTransfer::new(self, self.done.get(), call, target, chunks);
        let piece = |chunk: usize| Piece::Direct {
            offset: chunks[chunk].start,
            len: chunks[chunk].run,
        };
        let mut pace = TurnCounter::new(self, call);
        let mut receiving: VecDeque<InFlight> = VecDeque::new();
        let mut sending: VecDeque<InFlight> = VecDeque::new();
        let mut asked = 0;
        for chunk in 0..chunks.len() {
            if let Some(mate) = mate {
                pace.wait_for(mate, chunk + 1);
            }
            if let Some(from) = before {
                while asked < chunks.len()
                    && receiving.len() < WINDOW
                    && mate.is_none_or(|mate| pace.has_done(mate, asked + 1))
                {
                    receiving
                        .push_back(carrier.start_receive(piece(asked), topology.address(from)));
                    asked += 1;
                }
                carrier.finish(receiving.pop_front());
            }
            work(chunk);
            let Some(to) = after else {
                pace.step();
                continue;
            };
            if sending.len() == WINDOW {
                carrier.finish(sending.pop_front());
                pace.step();
            }
            sending.push_back(carrier.start_send(piece(chunk), to));
        }
        while !sending.is_empty() {
            carrier.finish(sending.pop_front());
            pace.step();
        }
        std::mem::forget(abort_on_drop);
    }
}
