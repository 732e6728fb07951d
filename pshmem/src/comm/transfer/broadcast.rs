//! Broadcast of what one rank has written: the header down the tree of nodes, then the bytes.

use crate::comm::protocol::call::Call;
use crate::comm::protocol::message::{NodeMessage, WriteHeader};
use crate::comm::rank_sync::RankSync;
use crate::comm::transfer::pieces::PieceTransfer;
use crate::comm::transfer::route::Route;
use crate::comm::transfer::target::Target;
use crate::layout::region::Region;

/// Up to this many bytes are sent inside the header.
const INLINE: usize = 1 << 10;

/// The writer tells the other nodes that call `n` is written, and sends the bytes. Returns when its segment may change again.
pub(crate) fn send(
    sync: &RankSync,
    n: u64,
    call: Call,
    target: Option<&Target<'_>>,
    outcome: Vec<u8>,
    regions: &[Region],
) {
    let route = Route::new(sync, call.root_rank());
    let transfer = target.map(|target| PieceTransfer::new(sync, n, call, target, regions));
    let is_inline = regions.iter().map(Region::bytes).sum::<usize>() <= INLINE;
    let bytes = transfer
        .as_ref()
        .filter(|_| is_inline)
        .map(PieceTransfer::pack_all)
        .unwrap_or_default();
    route.forward(&NodeMessage::Written(WriteHeader {
        n,
        outcome,
        regions: regions.to_vec(),
        bytes,
    }));
    if let Some(transfer) = transfer.filter(|_| !is_inline) {
        transfer.send(&route.receivers(regions));
    }
}

/// The leader of another node receives call `n`, releases its node, and forwards the bytes. Returns the regions. All ranks of
/// the node have arrived and all nodes have agreed, or the header would not have been sent.
pub(crate) fn receive(
    sync: &RankSync,
    n: u64,
    call: Call,
    target: Option<&Target<'_>>,
) -> Vec<Region> {
    let route = Route::new(sync, call.root_rank());
    let is_header =
        |message: &NodeMessage| matches!(message, NodeMessage::Written(header) if header.n == n);
    let message = route
        .wait(n, call)
        .for_message(route.tree_parent(), |message| {
            is_header(&message).then_some(message)
        });
    route.forward(&message);
    let NodeMessage::Written(WriteHeader {
        outcome,
        regions,
        bytes,
        ..
    }) = message
    else {
        unreachable!("only headers were accepted")
    };
    let release = || {
        if let Some(target) = target {
            target.must_be_consistent(&regions);
        }
        sync.control().release(n, &outcome);
    };
    match target.map(|target| PieceTransfer::new(sync, n, call, target, &regions)) {
        Some(transfer) if bytes.is_empty() => {
            transfer.relay(route.sender(&regions), &route.receivers(&regions), release);
        }
        Some(transfer) => {
            transfer.unpack_all(&bytes);
            release();
        }
        None => release(),
    }
    regions
}
