//! Which rank sends what to whom if all ranks write: each sends its own bytes to one rank of every other node.
//!
//! Each rank sends as soon as it has written, without a round of its node before, so all ranks send at the same time. On the
//! receiving node, it is the rank with the sender's local rank that receives, modulo the number of ranks of that node.

use crate::comm::protocol::call::Call;
use crate::comm::rank_sync::RankSync;
use crate::comm::topology::Topology;
use crate::comm::transfer::exchange::{Peer, exchange};
use crate::comm::transfer::target::Target;
use crate::layout::region::Region;
use std::rc::Rc;

/// Sends this rank's regions to all other nodes, and receives those of their ranks, so that every node has the regions of all
/// ranks. `regions_of` returns the same on all ranks. To be called as [`exchange`].
pub(crate) fn exchange_with_all_nodes(
    sync: &RankSync,
    call: Call,
    target: &Target<'_>,
    regions_of: impl Fn(usize) -> Vec<Region>,
) {
    if sync.group.is_multi_node() {
        let (outgoing, incoming) = peers_of_all_nodes(&sync.group.topology, regions_of);
        exchange(sync, call, target, &outgoing, &incoming, None);
    }
}

/// What this rank sends, and what it receives.
///
/// In step s, every node sends to the s-th node after it and receives from the s-th before it. So no node receives from all
/// others at once, and both ends of a transfer have it at the same position of their lists.
pub(crate) fn peers_of_all_nodes(
    topology: &Topology,
    regions_of: impl Fn(usize) -> Vec<Region>,
) -> (Vec<Peer>, Vec<Peer>) {
    let (node, nodes) = (topology.node(), topology.nodes());
    let ranks = topology.ranks_of_nodes();
    let mine: Rc<[Region]> = regions_of(topology.rank).into();
    let mut outgoing = Vec::new();
    let mut incoming = Vec::new();
    for step in 1..nodes {
        let to = &ranks[(node + step) % nodes];
        outgoing.push(Peer {
            rank: to[topology.local_rank % to.len()],
            regions: mine.clone(),
        });
        let from = &ranks[(node + nodes - step) % nodes];
        let senders = from
            .iter()
            .skip(topology.local_rank)
            .step_by(topology.node_ranks.len());
        incoming.extend(senders.map(|&rank| Peer {
            rank,
            regions: regions_of(rank).into(),
        }));
    }
    (outgoing, incoming)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_node_gets_every_part_once_and_both_ends_agree() {
        for places in [
            &[0, 0, 1, 1][..],
            &[0, 1, 1, 1],
            &[0, 1, 0, 2, 1, 0, 0],
            &[5, 4, 3],
            &[1],
        ] {
            let size = places.len();
            let topologies: Vec<Topology> = (0..size)
                .map(|rank| Topology::new(rank, (0..size as u32).collect(), places))
                .collect();
            let region = |rank: usize| vec![Region::run(rank, 1)];
            let peers: Vec<_> = topologies
                .iter()
                .map(|topology| peers_of_all_nodes(topology, region))
                .collect();
            for (rank, topology) in topologies.iter().enumerate() {
                let mut parts: Vec<usize> = topology
                    .node_ranks
                    .iter()
                    .flat_map(|&node_rank| &peers[node_rank as usize].1)
                    .map(|peer| peer.regions[0].start)
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
