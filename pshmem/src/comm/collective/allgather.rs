//! Tables of which each row comes from another rank, and which all ranks get.

use crate::comm::collective::call::Call;
use crate::comm::collective::contribution::Contribution;
use crate::comm::collective::round::WRITTEN_BYTES;
use crate::comm::rank_state::RankState;
use crate::error::{Result, clip};
use crate::layout::placement::{PLACEMENT_BYTES, Placement};
use serde::{Deserialize, Serialize};

/// What a row can be: plain data of a bounded size.
pub(crate) trait AllgatherItem: Serialize + for<'de> Deserialize<'de> {
    /// The most bytes that a row takes, encoded.
    const BYTES: usize;
}

/// Bytes of a host's name that travel.
const HOST: usize = 64;

impl AllgatherItem for String {
    const BYTES: usize = HOST + 1;
}

impl AllgatherItem for Placement {
    const BYTES: usize = PLACEMENT_BYTES;
}

impl AllgatherItem for u64 {
    const BYTES: usize = 10;
}

impl RankState {
    /// All ranks learn the hosts of all nodes, at the first call on their `Comm`.
    pub(crate) fn learn_hosts(&self, call: Call) -> Result<()> {
        if self.hosts.get().is_none() {
            let mine = clip(self.world.transport.host(), HOST);
            let mine = self.topology.is_leader().then_some(mine);
            let hosts = self.allgather_nodes(call, mine.as_ref())?;
            self.hosts.get_or_init(|| hosts);
        }
        Ok(())
    }

    /// The same with one row for each node, which its leader passes.
    pub(crate) fn allgather_nodes<R: AllgatherItem>(
        &self,
        call: Call,
        mine: Option<&R>,
    ) -> Result<Vec<R>> {
        let leaders: Vec<usize> = self
            .topology
            .leaders
            .iter()
            .map(|&rank| rank as usize)
            .collect();
        self.allgather(call, &leaders, mine)
    }

    /// The host of a rank, if it is known.
    pub(crate) fn host_of(&self, rank: usize) -> &str {
        let node = self.topology.node_of(rank);
        if node == self.topology.node() {
            return self.world.transport.host();
        }
        let host = self.hosts.get().and_then(|hosts| hosts.get(node));
        host.map_or("another host", String::as_str)
    }

    /// Gives all ranks the rows of `contributors`, in their order. All of these pass one; the ranks are in rising order.
    ///
    /// One meeting carries as many rows as fit, about 8 KiB.
    pub(crate) fn allgather<R: AllgatherItem>(
        &self,
        call: Call,
        contributors: &[usize],
        mine: Option<&R>,
    ) -> Result<Vec<R>> {
        // With each row goes the number of its rank, and a length.
        let at_once = WRITTEN_BYTES / (R::BYTES + 16);
        let mut table = Vec::with_capacity(contributors.len());
        for group in contributors.chunks(at_once) {
            let row = mine
                .filter(|_| group.contains(&self.topology.rank))
                .map(|row| postcard::to_allocvec(row).expect("plain data always encodes"));
            assert!(
                row.as_ref().is_none_or(|row| row.len() <= R::BYTES),
                "a row was not clipped"
            );
            let contribution = Contribution {
                item: row,
                ..Contribution::default()
            };
            let mut rows = self.agree(call, contribution)?.items;
            rows.sort_unstable_by_key(|&(rank, _)| rank);
            table.extend(rows.iter().map(|(_, row)| {
                postcard::from_bytes::<R>(row).expect("a row that this executable encoded")
            }));
        }
        Ok(table)
    }
}
