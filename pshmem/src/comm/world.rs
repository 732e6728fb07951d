//! What a rank has once per world, however many `Comm`s it makes: its transport, its mailbox, its server.

use crate::comm::check::Level;
use crate::comm::cores;
use crate::comm::object_list::ObjectList;
use crate::comm::obligations::Obligations;
use crate::comm::topology::Topology;
use crate::comm::wait_table::WaitTable;
use crate::memory::Segment;
use crate::memory::huge_pages::HugePages;
use crate::memory::node_usage::NodeUsage;
use crate::transport::Transport;
use crate::transport::mailbox::Mailbox;
use crate::transport::rma::word_allocator::WordAllocator;
use crate::transport::rpc::{Replies, Server};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::{Arc, Mutex};

/// Id of the `Comm` of all ranks of the transport.
pub(crate) const WORLD_ID: u64 = 1;

/// One rank's part of a world: everything that its `Comm`s share.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) transport: Rc<dyn Transport>,
    pub(crate) mailbox: Mailbox,
    /// Where the ranks of this node post what they wait for.
    pub(crate) wait_table: WaitTable,
    /// What others may wait for on this rank.
    pub(crate) obligations: Obligations,
    /// Whether the ranks of this machine share cores.
    pub(crate) is_crowded: bool,
    /// How much is checked; the same on all ranks.
    pub(crate) level: Cell<Level>,
    /// Which objects ask for huge pages; the same on all ranks.
    pub(crate) huge_pages: Cell<HugePages>,
    /// How much memory the ranks of this node use.
    pub(crate) node_usage: Arc<NodeUsage>,
    /// The objects of which this rank has handles.
    pub(crate) objects: ObjectList,
    /// The objects whose home is this rank.
    pub(crate) server: Arc<Mutex<Server>>,
    /// Words of this rank that others use by one-sided operations.
    pub(crate) words: RefCell<WordAllocator>,
    /// Replies to this rank's own requests.
    pub(crate) replies: Replies,
}

impl World {
    /// Bytes of node memory that the `Comm`s of a world share, on a node with so many ranks.
    pub(crate) fn bytes(ranks: usize) -> usize {
        NodeUsage::BYTES + WaitTable::bytes(ranks)
    }

    /// `topology` is that of all ranks of the transport. What its `Comm`s share lies in `segment`, from the byte `start` on.
    ///
    /// # Safety
    /// The segment is a mapping of its own, and was zeroed before the first rank used it. Every rank of the node uses its
    /// [`World::bytes`] bytes from `start`, a multiple of 64, for this only.
    pub(crate) unsafe fn new(
        transport: Rc<dyn Transport>,
        topology: &Topology,
        segment: Rc<Segment>,
        start: usize,
    ) -> Rc<Self> {
        let mapping = segment
            .mapping()
            .expect("the world has a mapping of its own");
        // SAFETY: the first bytes of those that the caller tells of.
        let node_usage = unsafe { NodeUsage::new(mapping.clone(), start) };
        if topology.is_leader() {
            let first = node_usage.reserve(segment.own_mapping());
            first.expect("no limit is set yet").keep();
        }
        let (ranks, me) = (topology.node_addresses(), topology.local_rank);
        // SAFETY: the bytes behind those.
        let wait_table = unsafe { WaitTable::new(segment, start + NodeUsage::BYTES, ranks, me) };
        Rc::new(World {
            mailbox: Mailbox::new(transport.clone(), WORLD_ID + 1),
            wait_table,
            obligations: Obligations::default(),
            is_crowded: cores::is_crowded(transport.ranks_on_machine()),
            level: Cell::new(Level::Calls),
            huge_pages: Cell::new(HugePages::Auto),
            node_usage: Arc::new(node_usage),
            objects: ObjectList::default(),
            server: Arc::default(),
            words: RefCell::default(),
            replies: Replies::default(),
            transport,
        })
    }
}
