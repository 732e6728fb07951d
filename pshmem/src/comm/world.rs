//! What a rank has once per world, however many `Comm`s it makes: its transport, its mailbox, its server.

use crate::comm::check::Level;
use crate::comm::cores;
use crate::comm::topology::Topology;
use crate::comm::wait_table::WaitTable;
use crate::memory::Segment;
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
    /// Whether the ranks of this machine share cores.
    pub(crate) is_crowded: bool,
    /// How much is checked; the same on all ranks.
    pub(crate) level: Cell<Level>,
    /// The objects whose home is this rank.
    pub(crate) server: Arc<Mutex<Server>>,
    /// Words of this rank that others use by one-sided operations.
    pub(crate) words: RefCell<WordAllocator>,
    /// Replies to this rank's own requests.
    pub(crate) replies: Replies,
}

impl World {
    /// `topology` is that of all ranks of the transport. The wait table lies in `segment`, from the byte `start` on.
    ///
    /// # Safety
    /// As for [`WaitTable::new`].
    pub(crate) unsafe fn new(
        transport: Rc<dyn Transport>,
        topology: &Topology,
        segment: Rc<Segment>,
        start: usize,
    ) -> Rc<Self> {
        let (ranks, me) = (topology.node_addresses(), topology.local_rank);
        // SAFETY: passed on from the caller.
        let wait_table = unsafe { WaitTable::new(segment, start, ranks, me) };
        Rc::new(World {
            mailbox: Mailbox::new(transport.clone(), WORLD_ID + 1),
            wait_table,
            is_crowded: cores::is_crowded(transport.ranks_on_machine()),
            level: Cell::new(Level::Calls),
            server: Arc::default(),
            words: RefCell::default(),
            replies: Replies::default(),
            transport,
        })
    }
}
