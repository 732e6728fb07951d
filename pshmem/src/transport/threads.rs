//! Ranks as threads of one process: messages go through queues, and nodes are memory that their ranks alone share.
//!
//! Nodes are as separate as on a cluster: nothing but [`Transport`] carries bytes from one to another.

use crate::error::{Error, Result};
use crate::lock::backend::server::Server;
use crate::memory::map::{Heap, Mapping};
use crate::sync::lock;
use crate::transport::rma::{RemoteAtomics, ThreadAtomics};
use crate::transport::{RawMessage, Room, TransferHandle, Transport};
use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

/// What all ranks of a cluster of threads share.
#[derive(Debug)]
pub(crate) struct ThreadWorld {
    nodes: Vec<u32>,
    inboxes: Vec<Mutex<VecDeque<RawMessage>>>,
    /// Set with the inbox locked, so that a waiting rank looks into its queue without taking the lock.
    waiting: Vec<AtomicBool>,
    /// Sends that no receive has met yet, by sender and receiver.
    offers: Mutex<HashMap<(usize, usize), VecDeque<Offer>>>,
    /// The desks of ranks that serve. Whoever asks has the server answer on its own thread: on one machine, that is the thread
    /// that never waits for the host.
    desks: Vec<OnceLock<Arc<Mutex<Server>>>>,
    answers: Vec<Mutex<VecDeque<Vec<u8>>>>,
    /// Mappings whose first rank has made them, by group leader and key.
    mappings: Mutex<HashMap<(usize, u64), Wanted>>,
    /// For one-sided operations, made when a rank first asks for them.
    words: OnceLock<ThreadAtomics>,
}

/// RemoteAtomics of each rank for one-sided operations.
const WORDS: usize = if cfg!(miri) { 256 } else { 4096 };

/// A mapping, or nothing when there was no memory, and the number of ranks that still want to know.
type Wanted = (usize, Option<Arc<Heap>>);

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
    pub(crate) fn new(nodes: Vec<u32>) -> Arc<Self> {
        Arc::new(ThreadWorld {
            inboxes: nodes.iter().map(|_| Mutex::default()).collect(),
            waiting: nodes.iter().map(|_| AtomicBool::new(false)).collect(),
            desks: nodes.iter().map(|_| OnceLock::new()).collect(),
            answers: nodes.iter().map(|_| Mutex::default()).collect(),
            nodes,
            offers: Mutex::default(),
            mappings: Mutex::default(),
            words: OnceLock::new(),
        })
    }

    pub(crate) fn size(&self) -> usize {
        self.nodes.len()
    }
}

/// One rank of a cluster of threads.
#[derive(Debug)]
pub(crate) struct Threads {
    world: Arc<ThreadWorld>,
    rank: usize,
    host: String,
    next: Cell<usize>,
    /// Transfers that have been started and not been seen to be over.
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
        let host = format!("node{}", world.nodes[rank]);
        Threads {
            world,
            rank,
            host,
            next: Cell::new(0),
            transfers: RefCell::default(),
        }
    }

    fn start(&self, half: Half) -> TransferHandle {
        let number = self.next.get();
        self.next.set(number + 1);
        self.transfers.borrow_mut().insert(number, half);
        TransferHandle(number)
    }
}

fn no_memory(transport: &Threads, error: &std::io::Error) -> Error {
    super::system_error(transport, "allocation", error)
}

impl Transport for Threads {
    fn rank(&self) -> usize {
        self.rank
    }

    fn nodes(&self) -> &[u32] {
        &self.world.nodes
    }

    fn ranks_on_machine(&self) -> usize {
        self.world.nodes.len()
    }

    fn host(&self) -> &str {
        &self.host
    }

    fn send(&self, to: usize, message: &[u8]) {
        lock(&self.world.inboxes[to]).push_back((self.rank, message.to_vec()));
        self.world.waiting[to].store(true, Ordering::Release);
    }

    fn send_unacknowledged(&self, to: usize, message: &[u8]) {
        self.send(to, message);
    }

    fn poll(&self) -> Option<RawMessage> {
        if !self.world.waiting[self.rank].load(Ordering::Acquire) {
            return None;
        }
        let mut inbox = lock(&self.world.inboxes[self.rank]);
        let message = inbox.pop_front();
        if inbox.is_empty() {
            self.world.waiting[self.rank].store(false, Ordering::Release);
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
        let over = match &transfers[&transfer.0] {
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
                    // valid and unused until this transfer is over (duty of `recv_bytes`); segments of two ranks that
                    // exchange bytes are those of two nodes, so they do not overlap.
                    unsafe { std::ptr::copy_nonoverlapping(offer.bytes, *bytes, *len) };
                    // [COPY] release: our reads of the sender's bytes.
                    offer.done.store(true, Ordering::Release);
                    true
                })
            }
        };
        if over {
            transfers.remove(&transfer.0);
        }
        over
    }

    fn map(&self, group: &[usize], key: u64, len: usize) -> Result<Mapping> {
        let name = (group[0], key);
        if group[0] == self.rank {
            let made = Heap::new(len).map(Arc::new);
            if group.len() > 1 {
                let heap = made.as_ref().ok().cloned();
                lock(&self.world.mappings).insert(name, (group.len() - 1, heap));
            }
            return made
                .map(Mapping::heap)
                .map_err(|error| no_memory(self, &error));
        }
        loop {
            let mut mappings = lock(&self.world.mappings);
            if let Some((wanted, heap)) = mappings.get_mut(&name) {
                let heap = heap.clone();
                *wanted -= 1;
                if *wanted == 0 {
                    mappings.remove(&name);
                }
                let failed = || no_memory(self, &std::io::ErrorKind::OutOfMemory.into());
                return heap.map(Mapping::heap).ok_or_else(failed);
            }
            drop(mappings);
            std::thread::yield_now();
        }
    }

    fn all_agree(&self, well: bool) -> Result<bool> {
        // What one thread of a process gets, all get.
        Ok(well)
    }

    fn room(&self, _ranks: usize) -> Result<Room> {
        Ok(crate::memory::room::memory())
    }

    fn serve(&self, server: &Arc<Mutex<Server>>) -> bool {
        self.world.desks[self.rank].get_or_init(|| server.clone());
        true
    }

    fn ask(&self, host: usize, request: &[u8], _: bool) {
        // A lock that is asked for has been opened, so its host serves.
        let Some(server) = self.world.desks[host].get() else {
            return;
        };
        // Held until the answers are in their queues, so that they come in the order in which they were given.
        let mut server = lock(server);
        for (to, answer) in server.handle_message(self.rank, request) {
            lock(&self.world.answers[to]).push_back(answer);
        }
    }

    fn answer(&self) -> Option<Vec<u8>> {
        lock(&self.world.answers[self.rank]).pop_front()
    }

    fn has_probed_remote_atomics(&self) -> bool {
        true
    }

    fn probe_remote_atomics(&self) -> Result<()> {
        Ok(())
    }

    fn remote_atomics(&self) -> Option<&dyn RemoteAtomics> {
        let make = || ThreadAtomics::new(self.world.size(), WORDS);
        Some(self.world.words.get_or_init(make))
    }

    fn abort(&self) -> ! {
        std::process::exit(1)
    }

    fn is_open(&self) -> bool {
        true
    }
}
