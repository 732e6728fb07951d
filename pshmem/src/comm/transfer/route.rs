//! The route from one writer to all other nodes: a tree for few bytes, a chain for many.

use crate::comm::protocol::call::Call;
use crate::comm::protocol::message::NodeMessage;
use crate::comm::rank_sync::RankSync;
use crate::comm::topology::{tree_children, tree_parent};
use crate::comm::wait::Wait;
use crate::layout::region::Region;

/// Up to this many bytes are sent along the tree, which has the fewest hops.
const SHORT: usize = 64 << 10;

/// From whom this node receives, and to whom it sends, for a writer on any node.
pub(super) struct Route<'a> {
    sync: &'a RankSync,
    root: usize,
    /// Position of this node, counted from the writer's node on and wrapping around.
    at: usize,
    nodes: usize,
}

impl<'a> Route<'a> {
    pub(super) fn new(sync: &'a RankSync, root: usize) -> Self {
        let topology = &sync.group.topology;
        let nodes = topology.nodes();
        let at = (topology.node() + nodes - topology.node_of(root)) % nodes;
        Route {
            sync,
            root,
            at,
            nodes,
        }
    }

    /// The wait for a message of the parent.
    pub(super) fn wait(&self, n: u64, call: Call) -> Wait<'a> {
        let parent = tree_parent(self.at).map_or(0, |at| self.node(at));
        Wait::for_node(self.sync, n, call, parent)
    }

    /// The node at a position.
    fn node(&self, at: usize) -> usize {
        (self.sync.group.topology.node_of(self.root) + at) % self.nodes
    }

    /// World rank of the rank that sends and receives for the node at a position: the writer for its own node, the leader for
    /// others.
    fn address(&self, at: usize) -> usize {
        let topology = &self.sync.group.topology;
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

    /// Sends a header down the tree.
    pub(super) fn forward(&self, header: &NodeMessage) {
        let mailbox = &self.sync.group.world.mailbox;
        for to in self.tree_children() {
            if let NodeMessage::Written(header) = header {
                mailbox.count_bytes_sent(header.bytes.len());
            }
            mailbox.send(to, self.sync.group.id, header);
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
