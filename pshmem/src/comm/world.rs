//! What a rank has once per world, however many `Comm`s it makes: its transport, its mailbox, its server.

use crate::comm::check::Level;
use crate::comm::topology::Topology;
use crate::comm::wait::monitor::WaitTable;
use crate::home::allocator::WordAllocator;
use crate::lock::backend::server::{LockReply, Reply, Server};
use crate::memory::Segment;
use crate::transport::Transport;
use crate::transport::mailbox::Mailbox;
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
    /// How much is checked; the same on all ranks.
    pub(crate) level: Cell<Level>,
    /// The objects for which this rank answers requests.
    pub(crate) server: Arc<Mutex<Server>>,
    /// The remote words of this rank that are in use.
    pub(crate) words: RefCell<WordAllocator>,
    /// Replies that have arrived and that nobody has taken yet.
    replies: RefCell<Vec<Reply>>,
}

impl World {
    /// `topology` is that of all ranks of the transport.
    ///
    /// # Safety
    /// `control` was placed for the control block of the ranks of this node, was zeroed, and the other ranks of the node make
    /// their world with the same memory.
    pub(crate) unsafe fn new(
        transport: Rc<dyn Transport>,
        topology: &Topology,
        control: Rc<Segment>,
    ) -> Rc<Self> {
        // SAFETY: passed on from the caller.
        let wait_table =
            unsafe { WaitTable::new(control, topology.node_addresses(), topology.local_rank) };
        Rc::new(World {
            mailbox: Mailbox::new(transport.clone(), WORLD_ID + 1),
            wait_table,
            level: Cell::new(Level::Calls),
            server: Arc::new(Mutex::new(Server::new(transport.nodes()))),
            words: RefCell::default(),
            replies: RefCell::default(),
            transport,
        })
    }

    /// The reply to request `number` about the object `lock`, if it has arrived.
    pub(crate) fn take_reply(&self, lock: u64, number: u64) -> Option<LockReply> {
        let mut replies = self.replies.borrow_mut();
        if let Some(bytes) = self.transport.answer() {
            replies.push(postcard::from_bytes(&bytes).expect("a reply that a server encoded"));
        }
        let wanted = |reply: &Reply| (reply.lock, reply.number) == (lock, number);
        let index = replies.iter().position(wanted)?;
        Some(replies.swap_remove(index).what)
    }
}
