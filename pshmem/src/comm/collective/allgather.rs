//! Small allgather: ranks pass an item each, and all ranks get all items.

use crate::comm::collective::agree::agree;
use crate::comm::collective::round::WRITTEN_BYTES;
use crate::comm::protocol::call::Call;
use crate::comm::protocol::contribution::Contribution;
use crate::comm::rank_sync::RankSync;
use crate::error::{Result, clip};
use crate::layout::placement::{PLACEMENT_BYTES, Placement};
use serde::{Deserialize, Serialize};

/// Plain data of a bounded size.
pub(crate) trait AllgatherItem: Serialize + for<'de> Deserialize<'de> {
    /// The most bytes that an item takes, encoded.
    const BYTES: usize;
}

/// Bytes of a host's name that are passed on.
const HOST: usize = 64;

impl AllgatherItem for String {
    // One byte for the length, and three for the ellipsis of a name that was clipped.
    const BYTES: usize = HOST + 4;
}

impl AllgatherItem for Placement {
    const BYTES: usize = PLACEMENT_BYTES;
}

/// Up to [`NUMBERS`] numbers.
impl AllgatherItem for Vec<u64> {
    const BYTES: usize = 1 + 10 * NUMBERS;
}

/// The most numbers of an item.
pub(crate) const NUMBERS: usize = 8;

impl AllgatherItem for u64 {
    const BYTES: usize = 10;
}

/// All ranks get the items of `contributors`, which are in rising order, and of which each passes its own.
///
/// One round for each 8 KiB of items.
pub(crate) fn allgather<T: AllgatherItem>(
    sync: &RankSync,
    call: Call,
    contributors: &[usize],
    mine: Option<&T>,
) -> Result<Vec<T>> {
    // An item is encoded with the number of its rank, and a length.
    let per_round = WRITTEN_BYTES / (T::BYTES + 16);
    let mut all = Vec::with_capacity(contributors.len());
    for group in contributors.chunks(per_round) {
        let item = mine
            .filter(|_| group.contains(&sync.group.topology.rank))
            .map(|item| postcard::to_allocvec(item).expect("plain data always encodes"));
        assert!(
            item.as_ref().is_none_or(|item| item.len() <= T::BYTES),
            "an item was not clipped"
        );
        let contribution = Contribution {
            item,
            ..Contribution::default()
        };
        let mut items = agree(sync, call, contribution)?.items;
        items.sort_unstable_by_key(|&(rank, _)| rank);
        all.extend(items.iter().map(|(_, item)| {
            postcard::from_bytes::<T>(item).expect("an item that this executable encoded")
        }));
    }
    Ok(all)
}

/// The same with one item of each node, which its leader passes.
pub(crate) fn allgather_nodes<T: AllgatherItem>(
    sync: &RankSync,
    call: Call,
    mine: Option<&T>,
) -> Result<Vec<T>> {
    let leaders = &sync.group.topology.leaders;
    let leaders: Vec<usize> = leaders.iter().map(|&rank| rank as usize).collect();
    allgather(sync, call, &leaders, mine)
}

/// All ranks learn the hosts of all nodes, once for each `Comm`.
pub(crate) fn learn_hosts(sync: &RankSync, call: Call) -> Result<()> {
    let group = &sync.group;
    if !group.knows_hosts() {
        let is_leader = group.topology.is_leader();
        let mine = is_leader.then(|| clip(group.host(), HOST));
        group.set_hosts(allgather_nodes(sync, call, mine.as_ref())?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_host_fits_when_it_is_clipped() {
        let host = clip(&"long-host-".repeat(20), HOST);
        let item = postcard::to_allocvec(&host).unwrap();
        assert_eq!(item.len(), String::BYTES);
    }
}
