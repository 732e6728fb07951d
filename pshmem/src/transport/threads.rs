//! The transport of ranks that are threads of one process: queues for messages, private heap memory for nodes.
//!
//! The ranks can be divided into several nodes, and these are as separate as on a cluster: ranks of different nodes share no
//! segment, and only [`Transport`] moves bytes from one node to another.

use crate::error::{Error, Result};
use crate::memory::free_memory::{self, FreeMemory};
use crate::memory::map::{Heap, Mapping};
use crate::memory::source::MemorySource;
use crate::sync::lock;
use crate::transport::rma::RemoteAtomics;
use crate::transport::rma::thread_atomics::ThreadAtomics;
use crate::transport::rpc::Server;
use crate::transport::thread_agreement::ThreadAgreement;
use crate::transport::{
    MapRequest, NewMemory, RawMessage, TransferHandle, Transport, system_error, thread_exit,
};
use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

/// What all ranks of a cluster of threads share.
#[derive(Debug)]
pub(crate) struct ThreadWorld {
    node_of: Arc<[u32]>,
    inboxes: Vec<Mutex<VecDeque<RawMessage>>>,
    /// Whether the inbox of a rank holds messages. Set with the inbox locked, so that a rank with an empty inbox polls it
    /// without taking the lock.
    has_messages: Vec<AtomicBool>,
    /// Sends that no receive has met yet, by sender and receiver.
    offers: Mutex<HashMap<(usize, usize), VecDeque<Offer>>>,
    /// The servers of ranks that keep objects. The requester runs the server on its own thread, so that no request waits
    /// for the home rank.
    servers: Vec<OnceLock<Arc<Mutex<Server>>>>,
    replies: Vec<Mutex<VecDeque<Vec<u8>>>>,
    /// Mappings that the first rank of their group has made and others have not fetched yet, by that rank and key.
    mappings: Mutex<HashMap<(usize, u64), SharedHeap>>,
    agreement: ThreadAgreement,
    /// A node whose mappings fail.
    #[cfg(test)]
    pub(crate) failing_node: OnceLock<u32>,
    /// For one-sided operations, created when a rank first asks for them.
    atomics: OnceLock<ThreadAtomics>,
}

/// Words of each rank for one-sided operations.
const WORDS: usize = if cfg!(miri) { 256 } else { 4096 };

/// A new mapping for the other ranks of its group.
#[derive(Debug)]
struct SharedHeap {
    /// Ranks that have not fetched it yet.
    missing: usize,
    /// `None` when there was no memory.
    heap: Option<Arc<Heap>>,
}

/// Bytes that a sender offers. The sender keeps them valid and unwritten until `done`.
#[derive(Debug)]
struct Offer {
    bytes: *const u8,
    len: usize,
    done: Arc<AtomicBool>,
}

// SAFETY: the pointer is only dereferenced by the one receiver that takes the offer from the queue, before it sets `done`;
// until then the sender keeps the bytes valid and nobody writes them (duty of `Transport::send_bytes`).
unsafe impl Send for Offer {}

impl ThreadWorld {
    /// `node_of` is the node of each rank.
    pub(crate) fn new(node_of: Vec<u32>) -> Arc<Self> {
        Arc::new(ThreadWorld {
            inboxes: node_of.iter().map(|_| Mutex::default()).collect(),
            has_messages: node_of.iter().map(|_| AtomicBool::new(false)).collect(),
            servers: node_of.iter().map(|_| OnceLock::new()).collect(),
            replies: node_of.iter().map(|_| Mutex::default()).collect(),
            node_of: node_of.into(),
            offers: Mutex::default(),
            mappings: Mutex::default(),
            agreement: ThreadAgreement::default(),
            #[cfg(test)]
            failing_node: OnceLock::new(),
            atomics: OnceLock::new(),
        })
    }

    pub(crate) fn size(&self) -> usize {
        self.node_of.len()
    }

    pub(crate) fn node_of(&self, rank: usize) -> u32 {
        self.node_of[rank]
    }

    /// Whether messages wait in the inbox of a rank, which drives no progress then.
    #[cfg(all(test, not(loom)))]
    pub(crate) fn has_messages(&self, rank: usize) -> bool {
        self.has_messages[rank].load(Ordering::Acquire)
    }

    /// Puts a message among the replies to a rank.
    #[cfg(all(test, not(loom)))]
    pub(super) fn push_reply(&self, to: usize, reply: Vec<u8>) {
        lock(&self.replies[to]).push_back(reply);
    }

    /// Lets the server of rank `home` handle a request of rank `from`.
    pub(super) fn request(&self, from: usize, home: usize, request: &[u8]) {
        // Requests are about objects, and a rank that keeps one has started its server.
        let Some(server) = self.servers[home].get() else {
            return;
        };
        // Locked until the replies are in their queues, so that they arrive in the order in which they were given.
        let mut server = lock(server);
        for (to, reply) in server.handle(from, request) {
            lock(&self.replies[to]).push_back(reply);
        }
    }

    pub(super) fn atomics(&self) -> &ThreadAtomics {
        let create = || ThreadAtomics::new(self.size(), WORDS);
        self.atomics.get_or_init(create)
    }
}

/// Name of the host that a node is.
pub(super) fn host_of(node: u32) -> String {
    format!("node{node}")
}

/// One rank of a cluster of threads.
#[derive(Debug)]
pub(crate) struct Threads {
    world: Arc<ThreadWorld>,
    rank: usize,
    host: String,
    next_transfer: Cell<usize>,
    /// Transfers of this rank that have not been tested as complete.
    transfers: RefCell<HashMap<usize, Half>>,
}

/// This rank's half of a transfer.
#[derive(Debug)]
enum Half {
    Send {
        done: Arc<AtomicBool>,
    },
    Receive {
        from: usize,
        bytes: *mut u8,
        len: usize,
    },
}

impl Threads {
    pub(crate) fn new(world: Arc<ThreadWorld>, rank: usize) -> Self {
        let host = host_of(world.node_of(rank));
        Threads {
            world,
            rank,
            host,
            next_transfer: Cell::new(0),
            transfers: RefCell::default(),
        }
    }

    /// A rank of a world, as its transport.
    pub(crate) fn connect(world: Arc<ThreadWorld>, rank: usize) -> Rc<dyn Transport> {
        Rc::new(Self::new(world, rank))
    }

    /// What it shares with the other ranks.
    #[cfg(any(test, feature = "__delays"))]
    pub(super) fn world(&self) -> &ThreadWorld {
        &self.world
    }

    fn start(&self, half: Half) -> TransferHandle {
        let number = self.next_transfer.get();
        self.next_transfer.set(number + 1);
        self.transfers.borrow_mut().insert(number, half);
        TransferHandle(number)
    }
}

fn allocation_error(transport: &Threads, error: &std::io::Error) -> Error {
    system_error(transport, "allocation", error)
}

impl Transport for Threads {
    fn rank(&self) -> usize {
        self.rank
    }

    fn node_of(&self) -> &Arc<[u32]> {
        &self.world.node_of
    }

    fn ranks_on_machine(&self) -> usize {
        self.world.size()
    }

    fn host(&self) -> &str {
        &self.host
    }

    fn send(&self, to: usize, message: &[u8]) {
        lock(&self.world.inboxes[to]).push_back((self.rank, message.to_vec()));
        self.world.has_messages[to].store(true, Ordering::Release);
    }

    fn send_unacknowledged(&self, to: usize, message: &[u8]) {
        self.send(to, message);
    }

    fn poll_message(&self) -> Option<RawMessage> {
        if !self.world.has_messages[self.rank].load(Ordering::Acquire) {
            return None;
        }
        let mut inbox = lock(&self.world.inboxes[self.rank]);
        let message = inbox.pop_front();
        if inbox.is_empty() {
            self.world.has_messages[self.rank].store(false, Ordering::Release);
        }
        message
    }

    unsafe fn send_bytes(&self, to: usize, bytes: *const u8, len: usize) -> TransferHandle {
        let done = Arc::new(AtomicBool::new(false));
        let offer = Offer {
            bytes,
            len,
            done: done.clone(),
        };
        lock(&self.world.offers)
            .entry((self.rank, to))
            .or_default()
            .push_back(offer);
        self.start(Half::Send { done })
    }

    unsafe fn recv_bytes(&self, from: usize, bytes: *mut u8, len: usize) -> TransferHandle {
        self.start(Half::Receive { from, bytes, len })
    }

    fn test(&self, transfer: &TransferHandle) -> bool {
        let mut transfers = self.transfers.borrow_mut();
        let is_complete = match &transfers[&transfer.0] {
            // [COPY] acquire: the receiver's reads have ended.
            Half::Send { done } => done.load(Ordering::Acquire),
            Half::Receive { from, bytes, len } => {
                let offer = lock(&self.world.offers)
                    .get_mut(&(*from, self.rank))
                    .and_then(VecDeque::pop_front);
                offer.is_some_and(|offer| {
                    assert_eq!(
                        offer.len, *len,
                        "sender and receiver disagree about the length of a transfer"
                    );
                    // SAFETY: the sender keeps the bytes valid and unwritten until `done` (duty of `send_bytes`); ours are
                    // valid and unused until this transfer is complete (duty of `recv_bytes`); segments of two ranks that
                    // exchange bytes are those of two nodes, so they do not overlap.
                    unsafe { std::ptr::copy_nonoverlapping(offer.bytes, *bytes, *len) };
                    // [COPY] release: our reads of the sender's bytes.
                    offer.done.store(true, Ordering::Release);
                    true
                })
            }
        };
        if is_complete {
            transfers.remove(&transfer.0);
        }
        is_complete
    }

    fn new_memory(&self, _: usize, _: usize) -> Result<NewMemory> {
        Ok(NewMemory::Together)
    }

    fn memory_source(&self) -> (MemorySource, &str) {
        (
            MemorySource::Private,
            "the ranks are threads of one process",
        )
    }

    fn map_shared(
        &self,
        group: &[usize],
        &MapRequest { key, len, align }: &MapRequest,
        _: &NewMemory,
    ) -> Result<Mapping> {
        let name = (group[0], key);
        if group[0] == self.rank {
            #[cfg(test)]
            let len = match self.world.failing_node.get() {
                Some(&node) if node == self.world.node_of[self.rank] => usize::MAX,
                _ => len,
            };
            let made = Heap::new(len, align).map(Arc::new);
            if group.len() > 1 {
                let shared = SharedHeap {
                    missing: group.len() - 1,
                    heap: made.as_ref().ok().cloned(),
                };
                lock(&self.world.mappings).insert(name, shared);
            }
            return made
                .map(Mapping::heap)
                .map_err(|error| allocation_error(self, &error));
        }
        loop {
            let mut mappings = lock(&self.world.mappings);
            if let Some(shared) = mappings.get_mut(&name) {
                let heap = shared.heap.clone();
                shared.missing -= 1;
                if shared.missing == 0 {
                    mappings.remove(&name);
                }
                let failed = || allocation_error(self, &std::io::ErrorKind::OutOfMemory.into());
                return heap.map(Mapping::heap).ok_or_else(failed);
            }
            drop(mappings);
            std::thread::yield_now();
        }
    }

    fn agree(&self, error: Option<Error>) -> Result<()> {
        let ranks = self.world.size();
        self.world.agreement.agree(self.rank, ranks, error)
    }

    fn free_memory(&self, _ranks: usize, needed: usize) -> Result<FreeMemory> {
        Ok(free_memory::private(needed))
    }

    fn start_server(&self, server: &Arc<Mutex<Server>>) -> bool {
        self.world.servers[self.rank].get_or_init(|| server.clone());
        true
    }

    fn send_request(&self, home: usize, request: &[u8], _: bool) {
        self.world.request(self.rank, home, request);
    }

    fn poll_reply(&self) -> Option<Vec<u8>> {
        lock(&self.world.replies[self.rank]).pop_front()
    }

    fn has_probed_remote_atomics(&self) -> bool {
        true
    }

    fn probe_remote_atomics(&self) -> Result<()> {
        Ok(())
    }

    fn remote_atomics(&self) -> Option<&dyn RemoteAtomics> {
        Some(self.world.atomics())
    }

    fn abort(&self) -> ! {
        thread_exit::end_process()
    }

    fn is_open(&self) -> bool {
        true
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::layout::placer::PAGE;

    #[test]
    fn ranks_of_a_node_share_its_host_and_all_share_one_machine() {
        let world = ThreadWorld::new(vec![0, 0, 1, 2]);
        assert_eq!(world.size(), 4);
        let ranks = [0, 1, 2, 3].map(|rank| Threads::new(world.clone(), rank));
        assert_eq!(ranks.each_ref().map(Transport::rank), [0, 1, 2, 3]);
        let hosts = ranks.each_ref().map(Transport::host);
        assert_eq!(hosts, ["node0", "node0", "node1", "node2"]);
        for rank in &ranks {
            assert_eq!(**rank.node_of(), [0, 0, 1, 2]);
            assert_eq!(rank.ranks_on_machine(), 4);
            assert!(rank.is_open() && rank.has_probed_remote_atomics());
            assert!(rank.remote_atomics().is_some());
        }
    }

    #[test]
    fn messages_arrive_in_order_and_each_once() {
        let world = ThreadWorld::new(vec![0, 1]);
        let [sender, receiver] = [0, 1].map(|rank| Threads::new(world.clone(), rank));
        assert_eq!(receiver.poll_message(), None);
        sender.send(1, &[1]);
        sender.send_unacknowledged(1, &[2]);
        for expected in [1, 2] {
            assert!(world.has_messages(1) && !world.has_messages(0));
            assert_eq!(receiver.poll_message(), Some((0, vec![expected])));
        }
        assert!(!world.has_messages(1));
        assert_eq!(receiver.poll_message(), None);
    }

    #[test]
    fn transfers_meet_in_order_and_complete_on_both_sides() {
        let world = ThreadWorld::new(vec![0, 1]);
        let [sender, receiver] = [0, 1].map(|rank| Threads::new(world.clone(), rank));
        let from = [[1_u8, 2], [3, 4], [5, 6]];
        let mut to = [[0_u8; 2]; 3];
        let sends: Vec<TransferHandle> = from
            .iter()
            // SAFETY: the array lives until all transfers are complete, and nobody writes to it.
            .map(|bytes| unsafe { sender.send_bytes(1, bytes.as_ptr(), 2) })
            .collect();
        assert!(sends.iter().all(|transfer| !sender.test(transfer)));
        let into: Vec<TransferHandle> = to
            .iter_mut()
            // SAFETY: the array lives until all transfers are complete, and nobody else uses it.
            .map(|bytes| unsafe { receiver.recv_bytes(0, bytes.as_mut_ptr(), 2) })
            .collect();
        assert!(into.iter().all(|transfer| receiver.test(transfer)));
        assert!(sends.iter().all(|transfer| sender.test(transfer)));
        assert_eq!(to, from);
        assert!(sender.transfers.borrow().is_empty() && receiver.transfers.borrow().is_empty());
    }

    #[test]
    fn a_mapping_is_kept_until_the_last_rank_of_its_group_has_it() {
        let world = ThreadWorld::new(vec![0, 0, 0, 1]);
        let ranks = [0, 1, 2, 3].map(|rank| Threads::new(world.clone(), rank));
        let request = MapRequest {
            key: 7,
            len: 100,
            align: PAGE,
        };
        let map = |rank: usize, group: &[usize]| {
            let memory = NewMemory::Together;
            ranks[rank].map_shared(group, &request, &memory).unwrap()
        };
        let first = map(0, &[0, 1, 2]);
        for rank in [2, 1] {
            assert_eq!(lock(&world.mappings).len(), 1);
            assert_eq!(map(rank, &[0, 1, 2]).start(), first.start());
        }
        assert!(lock(&world.mappings).is_empty());
        // Nobody else fetches it.
        assert_ne!(map(3, &[3]).start(), first.start());
        assert!(lock(&world.mappings).is_empty());
    }
}
