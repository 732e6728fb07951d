//! Ranks, nodes and leaders of one `Comm`, and the binomial tree of nodes. Arithmetic only.

/// The ranks of a `Comm` and their nodes. Eight bytes for each rank, shared by all clones of the `Comm`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Topology {
    /// This rank.
    pub(crate) rank: usize,
    /// World rank of each rank.
    pub(crate) world: Vec<u32>,
    /// Node of each rank; nodes are numbered in the order of their lowest ranks.
    node_of: Vec<u32>,
    /// The lowest rank of each node.
    pub(crate) leaders: Vec<u32>,
    /// The ranks of this rank's node, in order.
    pub(crate) node_ranks: Vec<u32>,
    /// Index of this rank among them.
    pub(crate) local_rank: usize,
}

impl Topology {
    /// `world` has the world rank of each rank. `nodes` has the node of each rank, by numbers that need not be consecutive.
    pub(crate) fn new(rank: usize, world: Vec<u32>, nodes: &[u64]) -> Self {
        let mut numbers = std::collections::HashMap::new();
        let mut leaders = Vec::new();
        let node_of: Vec<u32> = nodes
            .iter()
            .enumerate()
            .map(|(rank, node)| {
                *numbers.entry(*node).or_insert_with(|| {
                    leaders.push(rank as u32);
                    leaders.len() as u32 - 1
                })
            })
            .collect();
        let mine = node_of[rank];
        let node_ranks: Vec<u32> = (0..node_of.len())
            .filter(|&r| node_of[r] == mine)
            .map(|r| r as u32)
            .collect();
        let local_rank = node_ranks
            .iter()
            .position(|&r| r as usize == rank)
            .expect("a rank is on its own node");
        Topology {
            rank,
            world,
            node_of,
            leaders,
            node_ranks,
            local_rank,
        }
    }

    pub(crate) fn size(&self) -> usize {
        self.world.len()
    }

    pub(crate) fn node(&self) -> usize {
        self.node_of(self.rank)
    }

    pub(crate) fn node_of(&self, rank: usize) -> usize {
        self.node_of[rank] as usize
    }

    pub(crate) fn nodes(&self) -> usize {
        self.leaders.len()
    }

    pub(crate) fn is_leader(&self) -> bool {
        self.local_rank == 0
    }

    /// World rank of a node's leader.
    pub(crate) fn leader_address(&self, node: usize) -> usize {
        self.address(self.leaders[node] as usize)
    }

    /// World rank of a rank.
    pub(crate) fn address(&self, rank: usize) -> usize {
        self.world[rank] as usize
    }

    /// World ranks of the ranks of this node.
    pub(crate) fn node_addresses(&self) -> Vec<usize> {
        self.node_ranks
            .iter()
            .map(|&rank| self.address(rank as usize))
            .collect()
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

/// The parent of `at` in a binomial tree of nodes rooted at 0.
pub(crate) fn tree_parent(at: usize) -> Option<usize> {
    (at != 0).then(|| at & (at - 1))
}

/// The children of `at` in a binomial tree of `count` nodes rooted at 0, the one with the largest subtree first.
pub(crate) fn tree_children(at: usize, count: usize) -> Vec<usize> {
    let below = if at == 0 {
        usize::BITS
    } else {
        at.trailing_zeros()
    };
    (0..below.min(usize::BITS - 1))
        .map(|bit| at | 1 << bit)
        .take_while(|&child| child < count)
        .collect::<Vec<_>>()
        .into_iter()
        .rev()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_numbered_by_their_lowest_ranks() {
        let topology = Topology::new(3, vec![10, 11, 12, 13, 14], &[7, 3, 7, 3, 9]);
        assert_eq!(
            (topology.node(), topology.nodes(), topology.local_rank),
            (1, 3, 1)
        );
        assert_eq!(topology.leaders, [0, 1, 4]);
        assert_eq!(topology.node_addresses(), [11, 13]);
    }

    #[test]
    fn the_tree_reaches_every_node_once() {
        for count in 1..40 {
            let mut seen = vec![0; count];
            let mut todo = vec![0];
            while let Some(at) = todo.pop() {
                seen[at] += 1;
                for child in tree_children(at, count) {
                    assert_eq!(tree_parent(child), Some(at));
                    todo.push(child);
                }
            }
            assert!(seen.iter().all(|&times| times == 1), "{count}: {seen:?}");
        }
    }
}
