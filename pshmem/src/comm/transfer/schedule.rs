//! Which rank sends what to whom if all ranks write: each sends its own bytes to one rank of every other node.
//!
//! Each rank sends as soon as it has written, without a round of its node before, so all ranks send at the same time. On the
//! receiving node, it is the rank with the sender's local rank that receives, modulo the number of ranks of that node; of groups,
//! the n-th rank receives what the n-th group sends.
//!
//! Where ranks have few bytes, the ranks of a node form groups, and the first of each group sends the bytes of all. A thousand ranks
//! on 50 nodes would otherwise send 49,000 messages of a few bytes.

use crate::comm::protocol::call::Call;
use crate::comm::rank_sync::RankSync;
use crate::comm::topology::Topology;
use crate::comm::transfer::exchange::{Peer, exchange};
use crate::comm::transfer::target::Target;
use crate::comm::turns::{Lane, TurnCounter};
use crate::layout::region::Region;
use std::ops::Range;
use std::rc::Rc;

/// Sends this rank's regions to all other nodes, and receives those of their ranks, so that every node has the regions of all
/// ranks. `regions_of` returns the same on all ranks. To be called as [`exchange`].
pub(crate) fn exchange_with_all_nodes(
    sync: &RankSync,
    call: Call,
    target: &Target<'_>,
    regions_of: impl Fn(usize) -> Vec<Region>,
) {
    if !sync.group.is_multi_node() {
        return;
    }
    let topology = &sync.group.topology;
    let group = group_size(topology.size(), target.bytes_of_fields());
    if group > 1 {
        // Those whose bytes this rank sends have written them.
        let mut turns = TurnCounter::in_lane(sync, call, Lane::Written);
        turns.finish();
        let sends_for = sends_for(topology, group).into_iter().flatten();
        sends_for.for_each(|other| turns.wait_for(other, 1));
    }
    let (outgoing, incoming) = peers_of_all_nodes(topology, group, regions_of);
    exchange(sync, call, target, &outgoing, &incoming, None);
}

/// Bytes that are worth a message of their own: sending them takes about as long as a message without any.
pub(crate) const SHORTEST: usize = 16 << 10;

/// How many ranks of a node send together, if all ranks together have at most so many bytes. The same on all ranks.
fn group_size(ranks: usize, bytes: usize) -> usize {
    SHORTEST.saturating_mul(ranks).div_ceil(bytes.max(1)).max(1)
}

/// The local ranks whose bytes this rank sends, if it is the first of its group.
fn sends_for(topology: &Topology, group: usize) -> Option<Range<usize>> {
    let first = topology.local_rank;
    let end = (first + group).min(topology.node_ranks.len());
    first.is_multiple_of(group).then_some(first..end)
}

/// What this rank sends, and what it receives. On each node, `group` ranks send together.
///
/// In step s, every node sends to the s-th node after it and receives from the s-th before it. So no node receives from all
/// others at once, and both ends of a transfer have it at the same position of their lists.
pub(crate) fn peers_of_all_nodes(
    topology: &Topology,
    group: usize,
    regions_of: impl Fn(usize) -> Vec<Region>,
) -> (Vec<Peer>, Vec<Peer>) {
    let (node, nodes) = (topology.node(), topology.nodes());
    let ranks = topology.ranks_of_nodes();
    let regions_of_all = |group: &[usize]| -> Rc<[Region]> {
        let regions = group.iter().flat_map(|&rank| regions_of(rank));
        regions.collect::<Vec<_>>().into()
    };
    let sent = sends_for(topology, group).map(|ours| regions_of_all(&ranks[node][ours]));
    let mut outgoing = Vec::new();
    let mut incoming = Vec::new();
    for step in 1..nodes {
        if let Some(regions) = &sent {
            let to = &ranks[(node + step) % nodes];
            outgoing.push(Peer {
                rank: to[topology.local_rank / group % to.len()],
                regions: regions.clone(),
            });
        }
        let from = &ranks[(node + nodes - step) % nodes];
        let senders = from
            .chunks(group)
            .skip(topology.local_rank)
            .step_by(topology.node_ranks.len());
        incoming.extend(senders.map(|group| Peer {
            rank: group[0],
            regions: regions_of_all(group),
        }));
    }
    (outgoing, incoming)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_with_few_bytes_send_together() {
        for (ranks, bytes, expected) in [
            (4, 1 << 30, 1),
            (4, 64 << 10, 1),
            (4, 32 << 10, 2),
            (1000, 8000, 2048),
            (3, 0, 49_152),
        ] {
            assert_eq!(
                group_size(ranks, bytes),
                expected,
                "{ranks} ranks, {bytes} B"
            );
        }
    }

    #[test]
    fn every_node_gets_every_part_once_and_both_ends_agree() {
        let places = [
            &[0, 0, 1, 1][..],
            &[0, 1, 1, 1],
            &[0, 1, 0, 2, 1, 0, 0],
            &[5, 4, 3],
            &[1],
        ];
        for (places, group) in places
            .into_iter()
            .flat_map(|places| [1, 2, 3, 100].map(|g| (places, g)))
        {
            let size = places.len();
            let topologies: Vec<Topology> = (0..size)
                .map(|rank| Topology::new(rank, (0..size as u32).collect(), places))
                .collect();
            let region = |rank: usize| vec![Region::run(rank, 1)];
            let peers: Vec<_> = topologies
                .iter()
                .map(|topology| peers_of_all_nodes(topology, group, region))
                .collect();
            for (rank, topology) in topologies.iter().enumerate() {
                let mut parts: Vec<usize> = topology
                    .node_ranks
                    .iter()
                    .flat_map(|&node_rank| &peers[node_rank as usize].1)
                    .flat_map(|peer| peer.regions.iter().map(|region| region.start))
                    .chain(
                        topology
                            .node_ranks
                            .iter()
                            .map(|&node_rank| node_rank as usize),
                    )
                    .collect();
                parts.sort_unstable();
                assert_eq!(parts, (0..size).collect::<Vec<_>>(), "{places:?}");
                // What goes from one rank to another is the same list on both.
                for (other, (_, receives)) in peers.iter().enumerate() {
                    let sent = peers[rank].0.iter().filter(|peer| peer.rank == other);
                    let got = receives.iter().filter(|peer| peer.rank == rank);
                    assert!(
                        sent.map(|peer| &peer.regions)
                            .eq(got.map(|peer| &peer.regions)),
                        "{places:?}: {rank} to {other}"
                    );
                }
            }
        }
    }
}
