//! How written bytes reach the other nodes: straight from segment to segment, in pieces.
//!
//! One writer: the header goes down a binomial tree of nodes rooted at the writer's. Few bytes follow along the same tree;
//! many go down a chain, where each node passes a piece on while it receives the next, so that the time hardly depends on the
//! number of nodes. Many writers: every rank sends what it wrote to one rank of each other node (`lanes`, `exchange`).
//!
//! Contiguous regions are sent from and received into the segments themselves; strided ones are packed into staging
//! buffers of one piece each, so that no rank ever holds a copy of the data.
//!
//! - `target` the bytes that a call may touch · `carrier` regions in pieces · `route` the way from one writer to all nodes
//! - `lanes` which rank moves what when all write · `exchange` many transfers in both directions at once
//! - `line` chunks that all ranks work on one after the other

mod exchange;
mod pieces;
mod pipeline;
mod route;
mod schedule;
mod target;

pub(crate) use exchange::Peer;
pub(crate) use target::Target;

use crate::comm::collective::call::Call;
use crate::comm::collective::message::{Header, NodeMessage};
use crate::comm::rank_state::RankState;
use crate::layout::region::Region;
use pieces::PieceTransfer;
use route::Route;

/// Up to this many bytes travel inside the header.
const INLINE: usize = 1 << 10;

impl RankState {
    /// The writer tells the other nodes that call `n` is written, and sends the bytes. Returns when its segment may change
    /// again.
    pub(crate) fn send(
        &self,
        n: u64,
        call: Call,
        target: Option<&Target<'_>>,
        outcome: Vec<u8>,
        regions: &[Region],
    ) {
        let route = Route::new(self, call.root_rank());
        let carrier = target.map(|target| PieceTransfer::new(self, n, call, target, regions));
        let few = regions.iter().map(Region::bytes).sum::<usize>() <= INLINE;
        let bytes = carrier
            .as_ref()
            .filter(|_| few)
            .map(PieceTransfer::pack_all)
            .unwrap_or_default();
        route.announce(&NodeMessage::Header(Header {
            n,
            outcome,
            regions: regions.to_vec(),
            bytes,
        }));
        if let Some(carrier) = carrier.filter(|_| !few) {
            carrier.send(&route.receivers(regions));
        }
    }

    /// The leader of another node receives call `n`, releases its node and passes the bytes on. All ranks of the node have
    /// arrived and all nodes have agreed, or the header would not have been sent. Gives what was received.
    pub(crate) fn receive(&self, n: u64, call: Call, target: Option<&Target<'_>>) -> Vec<Region> {
        let route = Route::new(self, call.root_rank());
        let letter = self.await_letter(
            route.wait(n, call),
            route.tree_parent(),
            |body| match body {
                NodeMessage::Header(header) if header.n == n => Some(NodeMessage::Header(header)),
                _ => None,
            },
        );
        route.announce(&letter);
        let NodeMessage::Header(Header {
            outcome,
            regions,
            bytes,
            ..
        }) = letter
        else {
            unreachable!("nothing else was waited for")
        };
        let received = || self.control().release(n, &outcome);
        match target.map(|target| PieceTransfer::new(self, n, call, target, &regions)) {
            Some(carrier) if bytes.is_empty() => {
                carrier.relay(route.sender(&regions), &route.receivers(&regions), received);
            }
            Some(carrier) => {
                carrier.unpack_all(&bytes);
                received();
            }
            None => received(),
        }
        regions
    }
}
