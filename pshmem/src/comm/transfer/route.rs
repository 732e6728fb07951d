//! The way from one writer to all other nodes: a tree for few bytes, a chain for many.

use crate::comm::collective::call::Call;
use crate::comm::collective::message::NodeMessage;
use crate::comm::rank_state::RankState;
use crate::comm::topology::{tree_children, tree_parent};
use crate::comm::wait::Wait;
use crate::layout::region::Region;

/// Up to this many bytes go down the tree, where the fewest hops count.
const SHORT: usize = 64 << 10;

/// Whom this node hears from and whom it tells, for a writer on any node.
pub(super) struct Route<'a> {
    core: &'a RankState,
    root: usize,
    /// Distance from the writer's node in the order of nodes, round the end.
    at: usize,
    nodes: usize,
}

impl<'a> Route<'a> {
    pub(super) fn new(core: &'a RankState, root: usize) -> Self {
        let nodes = core.topology.nodes();
        let at = (core.topology.node() + nodes - core.topology.node_of(root)) % nodes;
        Route {
            core,
            root,
            at,
            nodes,
        }
    }

    /// The wait for what the node above sends.
    pub(super) fn wait(&self, n: u64, call: Call) -> Wait<'a> {
        let above = tree_parent(self.at).map_or(0, |at| self.node(at));
        self.core.wait_for_node(n, call, above)
    }

    fn node(&self, at: usize) -> usize {
        (self.core.topology.node_of(self.root) + at) % self.nodes
    }

    /// World rank of who acts for a node: the writer itself for its own, the leader for others.
    fn address(&self, at: usize) -> usize {
        let topology = &self.core.topology;
        if at == 0 {
            return topology.address(self.root);
        }
        topology.leader_address(self.node(at))
    }

    pub(super) fn tree_parent(&self) -> usize {
        self.address(tree_parent(self.at).expect("the writer's node receives nothing"))
    }

    fn tree_children(&self) -> Vec<usize> {
        tree_children(self.at, self.nodes)
            .into_iter()
            .map(|at| self.address(at))
            .collect()
    }

    /// Passes a header on down the tree.
    pub(super) fn announce(&self, letter: &NodeMessage) {
        for to in self.tree_children() {
            if let NodeMessage::Header(header) = letter {
                self.core.world.mailbox.count_bytes_sent(header.bytes.len());
            }
            self.core.world.mailbox.send(to, self.core.id, letter);
        }
    }

    fn is_short(regions: &[Region]) -> bool {
        regions.iter().map(Region::bytes).sum::<usize>() <= SHORT
    }

    pub(super) fn sender(&self, regions: &[Region]) -> usize {
        if Self::is_short(regions) {
            self.tree_parent()
        } else {
            self.address(self.at - 1)
        }
    }

    pub(super) fn receivers(&self, regions: &[Region]) -> Vec<usize> {
        if Self::is_short(regions) {
            self.tree_children()
        } else if self.at + 1 < self.nodes {
            vec![self.address(self.at + 1)]
        } else {
            Vec::new()
        }
    }
}
