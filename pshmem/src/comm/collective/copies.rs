//! Checks that all nodes hold the same bytes after a write, at `PSHMEM_CHECK=2`.

use crate::comm::check::{Level, checksum};
use crate::comm::collective::agree::agree;
use crate::comm::protocol::call::{Call, Step};
use crate::comm::protocol::contribution::Contribution;
use crate::comm::rank_sync::RankSync;
use crate::comm::transfer::Target;
use crate::error::Result;
use crate::layout::region::Region;

/// At the level for it, and on several nodes: all ranks compare the bytes of `regions` over the nodes. For calls in which
/// many ranks have written.
pub(crate) fn check_copies(
    sync: &RankSync,
    call: Call,
    target: &Target<'_>,
    regions: &[Region],
) -> Result<()> {
    if !sync.group.is_multi_node() || !sync.checks(Level::Copies) {
        return Ok(());
    }
    let is_leader = sync.group.topology.is_leader();
    compare_copies(sync, call, target, is_leader.then_some(regions))
}

/// All ranks agree in a round of its own. On one rank of each node, `written` is what the node holds of the write.
pub(super) fn compare_copies(
    sync: &RankSync,
    call: Call,
    target: &Target<'_>,
    written: Option<&[Region]>,
) -> Result<()> {
    let sum = written.map(|regions| checksum(target.runs(regions)));
    let contribution = Contribution {
        must_match: sum.map(|sum| sum.to_le_bytes().to_vec()),
        ..Contribution::default()
    };
    agree(sync, call.step(Step::Copies), contribution).map(|_| ())
}
