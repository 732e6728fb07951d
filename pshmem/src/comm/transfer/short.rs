//! Short blocks that the root of a call has before the call begins. They travel with its arrival, so that no message follows when all
//! nodes have agreed: the leader of each node, also of the root's, copies the bytes to their place.

use crate::comm::protocol::call::Call;
use crate::comm::protocol::contribution::Contribution;
use crate::comm::protocol::control_block::CONTRIBUTION_BYTES;
use crate::comm::rank_sync::RankSync;
use crate::comm::transfer::pieces::PieceTransfer;
use crate::comm::transfer::target::Target;
use crate::layout::region::Region;

/// A block that is short enough for a contribution.
#[derive(Debug)]
pub(crate) struct ShortBlock {
    /// The item of the contribution: the region, and its bytes.
    pub(crate) item: Vec<u8>,
    /// Bytes of the block.
    pub(crate) bytes: usize,
}

impl ShortBlock {
    /// `None` if there are too many bytes.
    pub(crate) fn new(region: &Region, bytes: &[u8]) -> Option<Self> {
        let room = Contribution::room_for_item(CONTRIBUTION_BYTES, &[]);
        if bytes.len() >= room {
            return None;
        }
        let start = Vec::with_capacity(room);
        let mut item = postcard::to_extend(region, start).expect("plain data always encodes");
        item.extend_from_slice(bytes);
        (item.len() <= room).then_some(ShortBlock {
            item,
            bytes: bytes.len(),
        })
    }
}

/// Copies a block to its place on this node. All ranks of the node have arrived at call `n` and all nodes have agreed. Returns the
/// regions.
pub(crate) fn place(
    sync: &RankSync,
    n: u64,
    call: Call,
    target: &Target<'_>,
    item: &[u8],
) -> Vec<Region> {
    let (region, bytes) =
        postcard::take_from_bytes(item).expect("an item that this executable encoded");
    let regions = vec![region];
    PieceTransfer::new(sync, n, call, target, &regions).unpack_all(bytes);
    target.must_be_consistent(&regions);
    regions
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_for_a_contribution_is_no_item() {
        for len in [
            0,
            64,
            900,
            CONTRIBUTION_BYTES - 20,
            CONTRIBUTION_BYTES,
            100_000,
        ] {
            let block = ShortBlock::new(&Region::run(8, len), &vec![1; len]);
            assert_eq!(block.is_some(), len < CONTRIBUTION_BYTES - 10, "{len} B");
            if let Some(block) = block {
                assert_eq!(block.bytes, len);
                let one = Contribution {
                    item: Some(block.item),
                    ..Contribution::must_match(&[])
                };
                assert!(one.encode().len() <= CONTRIBUTION_BYTES);
            }
        }
    }
}
