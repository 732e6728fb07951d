//! Which rank moves what when all ranks write: each sends its own bytes to one rank of every other node.
//!
//! Each rank moves its own part, as soon as it has written it: no meeting of the node comes before, and all its ranks move at
//! the same time. The rank that receives for its node is the one with the sender's place on it, wrapped where a node has
//! fewer ranks.

use crate::comm::topology::Topology;
use crate::comm::transfer::exchange::Peer;
use crate::layout::region::Region;

impl Topology {
    /// What this rank sends and receives so that every node gets the regions of all ranks.
    ///
    /// In step s every node sends to the s-th after it and receives from the s-th before it, so that no node is met by all
    /// others at once, and both ends of a transfer come to it in the same order.
    pub(crate) fn all_to_nodes(
        &self,
        regions_of: impl Fn(usize) -> Vec<Region>,
    ) -> (Vec<Peer>, Vec<Peer>) {
        let (node, nodes) = (self.node(), self.nodes());
        let ranks = self.ranks_of_nodes();
        let mut sends = Vec::new();
        let mut receives = Vec::new();
        for step in 1..nodes {
            let to = &ranks[(node + step) % nodes];
            sends.push(Peer {
                peer: to[self.local_rank % to.len()],
                regions: regions_of(self.rank),
            });
            let from = &ranks[(node + nodes - step) % nodes];
            let for_me = from
                .iter()
                .skip(self.local_rank)
                .step_by(self.node_ranks.len());
            receives.extend(for_me.map(|&peer| Peer {
                peer,
                regions: regions_of(peer),
            }));
        }
        (sends, receives)
    }

    /// The ranks of every node, in order.
    pub(crate) fn ranks_of_nodes(&self) -> Vec<Vec<usize>> {
        let mut ranks = vec![Vec::new(); self.nodes()];
        for rank in 0..self.size() {
            ranks[self.node_of(rank)].push(rank);
        }
        ranks
    }
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
            let legs: Vec<_> = topologies
                .iter()
                .map(|topology| topology.all_to_nodes(region))
                .collect();
            for (rank, topology) in topologies.iter().enumerate() {
                let mut parts: Vec<usize> = topology
                    .node_ranks
                    .iter()
                    .flat_map(|&mate| &legs[mate as usize].1)
                    .map(|leg| leg.regions[0].start)
                    .chain(topology.node_ranks.iter().map(|&mate| mate as usize))
                    .collect();
                parts.sort_unstable();
                assert_eq!(parts, (0..size).collect::<Vec<_>>(), "{places:?}");
                // What goes from one rank to another is the same list on both.
                for (other, (_, receives)) in legs.iter().enumerate() {
                    let sent = legs[rank].0.iter().filter(|leg| leg.peer == other);
                    let got = receives.iter().filter(|leg| leg.peer == rank);
                    assert!(
                        sent.map(|leg| &leg.regions).eq(got.map(|leg| &leg.regions)),
                        "{places:?}: {rank} to {other}"
                    );
                }
            }
        }
    }
}
