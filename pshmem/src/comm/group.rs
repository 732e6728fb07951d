//! Which `Comm` this is: its id, its ranks and their nodes, and the world in which they reach each other.

use crate::comm::protocol::call::Call;
use crate::comm::protocol::message::NodeMessage;
use crate::comm::topology::{Topology, tree_children, tree_parent};
use crate::comm::world::World;
use std::cell::OnceCell;
use std::rc::Rc;

/// The identity of a `Comm`, as one of its ranks sees it.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) world: Rc<World>,
    /// Unique among the `Comm`s of every rank that belongs to it.
    pub(crate) id: u64,
    pub(crate) topology: Topology,
    /// Neighbours of this node in the two trees of nodes, which are the binomial tree without the edge from its root to the first
    /// child: two trees of about the same size. A root has no parent, but the other root.
    pub(crate) parent: Option<usize>,
    pub(crate) children: Vec<usize>,
    pub(crate) other_root: Option<usize>,
    /// The host of each node, once the ranks have exchanged them.
    hosts: OnceCell<Vec<String>>,
}

impl Group {
    pub(crate) fn new(world: &Rc<World>, id: u64, topology: Topology) -> Self {
        let (node, nodes) = (topology.node(), topology.nodes());
        let second_root = tree_children(0, nodes).first().copied();
        let is_root = node == 0 || second_root == Some(node);
        let mut children = tree_children(node, nodes);
        children.retain(|&child| Some(child) != second_root);
        Group {
            world: world.clone(),
            id,
            parent: tree_parent(node).filter(|_| !is_root),
            children,
            other_root: if node == 0 {
                second_root
            } else {
                is_root.then_some(0)
            },
            topology,
            hosts: OnceCell::new(),
        }
    }

    pub(crate) fn is_multi_node(&self) -> bool {
        self.topology.nodes() > 1
    }

    /// This rank's host.
    pub(crate) fn host(&self) -> &str {
        self.world.transport.host()
    }

    /// Whether `set_hosts` was called.
    pub(crate) fn knows_hosts(&self) -> bool {
        self.hosts.get().is_some()
    }

    /// Keeps the host of each node.
    pub(crate) fn set_hosts(&self, hosts: Vec<String>) {
        self.hosts.get_or_init(|| hosts);
    }

    /// The host of a rank, if it is known.
    pub(crate) fn host_of(&self, rank: usize) -> &str {
        let node = self.topology.node_of(rank);
        if node == self.topology.node() {
            return self.host();
        }
        let host = self.hosts.get().and_then(|hosts| hosts.get(node));
        host.map_or("another host", String::as_str)
    }

    /// A call on this `Comm` as text, with the type of its object.
    pub(crate) fn call_text(&self, call: Call) -> String {
        call.text(self.world.objects.type_name(self.id, call.object))
    }

    /// Sends a message to the leader of another node.
    pub(crate) fn send_to_node(&self, node: usize, message: &NodeMessage) {
        let leader = self.topology.leader_address(node);
        self.world.mailbox.send(leader, self.id, message);
    }
}
