//! Node memory in which ranks pass each other long values inside one call. It is kept for the next calls if it is small, because
//! mapping it takes longer than copying the bytes.

use crate::comm::collective::allocate::{allocate, map_for_call};
use crate::comm::node_memory::{AllocRequest, NodeMemory};
use crate::comm::protocol::call::{Call, Step};
use crate::comm::rank_sync::RankSync;
use crate::error::{Error, Result};
use crate::layout::identity::Described;
use crate::layout::placer::PAGE;
use crate::memory::Segment;
use std::rc::Rc;

/// The most bytes that are kept, on each node.
const KEPT: usize = 8 << 20;
/// The fewest bytes that are asked for.
const SMALLEST: usize = 64 << 10;

/// Memory of at least `bytes` bytes for the rest of `call`, aligned to a page, with any bytes in it. All ranks pass the same
/// number. No round if it is there from an earlier call.
///
/// Until the call ends, other ranks of the node may use it. So a rank returns from the call only after a round that all ranks
/// join when they no longer use it.
pub(crate) fn scratch(
    sync: &RankSync,
    memory: &NodeMemory,
    call: Call,
    bytes: usize,
) -> Result<Rc<Segment>> {
    let scratch = scratch_on(sync, memory, call, bytes, true)?;
    Ok(scratch.expect("this node asks for memory"))
}

/// The same, but memory that is not kept is made on those nodes only whose ranks pass `is_here`.
pub(crate) fn scratch_on(
    sync: &RankSync,
    memory: &NodeMemory,
    call: Call,
    bytes: usize,
    is_here: bool,
) -> Result<Option<Rc<Segment>>> {
    if bytes <= KEPT {
        return keep(sync, memory, call, bytes).map(Some);
    }
    // The same on all ranks, so no round is needed.
    if bytes > isize::MAX as usize - PAGE {
        return Err(Error::TooLarge {
            what: "memory for the values of all ranks".to_owned(),
            extents: vec![bytes],
            size: 1,
        });
    }
    let mapped = map_for_call(sync, memory, call, if is_here { bytes } else { 0 })?;
    Ok(mapped.map(Rc::new))
}

/// The memory that is kept. It is made, or replaced by more, if it is too small.
fn keep(sync: &RankSync, memory: &NodeMemory, call: Call, bytes: usize) -> Result<Rc<Segment>> {
    if let Some(kept) = memory.scratch()
        && kept.len() >= bytes
    {
        return Ok(kept);
    }
    // First, so that the node has room for more.
    memory.keep_scratch(None);
    let bytes = bytes.next_power_of_two().max(SMALLEST);
    let request = AllocRequest {
        bytes,
        align: PAGE,
        ranks: sync.group.topology.node_ranks.len(),
    };
    let object = Described::new::<[u8]>(&bytes);
    let call = call.step(Step::Place);
    let segment = allocate(sync, memory, call, Some(&object), &[request], Some(0))?;
    let scratch = Rc::new(segment.expect("a segment was asked for"));
    memory.keep_scratch(Some(scratch.clone()));
    Ok(scratch)
}
