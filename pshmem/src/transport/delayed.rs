//! A transport for tests: ranks that are threads, with messages that arrive late, and in another order than on most networks.
//!
//! MPI promises an order only between one sender and one receiver, and nothing about the time that a message takes. Queues in
//! memory promise far more: a message that is sent before another one is there before it, whoever sent them, and all are there
//! at once. Code that relies on this passes every test on them. This transport takes it back: each pair of ranks is a link with
//! a delay of its own, which a seed chooses, and what travels on one link says nothing about what travels on another.
//!
//! A delay is a number of polls, not a time: ranks that wait poll, so everything arrives, however slow the machine is.

use crate::error::{Error, Result};
use crate::memory::free_memory::FreeMemory;
use crate::memory::map::Mapping;
use crate::memory::source::MemorySource;
use crate::sync::lock;
use crate::transport::rma::{RemoteAddress, RemoteAtomics};
use crate::transport::rpc::Server;
use crate::transport::threads::{ThreadWorld, Threads};
use crate::transport::{MapRequest, NewMemory, RawMessage, TransferHandle, Transport};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// What all ranks of a cluster with delays share.
#[derive(Debug)]
pub(crate) struct Network {
    seed: u64,
    /// Whether there are one-sided operations. Without them, locks and batches over several nodes use requests.
    is_one_sided: bool,
    /// Polls of all ranks: the clock by which requests arrive.
    polls: AtomicU64,
    /// Requests on their way, by sender and home rank. They are delivered by whichever rank polls, because their sender may
    /// never poll again, and the home rank need not take part.
    requests: Mutex<BTreeMap<(usize, usize), Link>>,
    /// Number of requests on their way.
    in_transit: AtomicUsize,
}

/// What is on its way from one sender to one receiver, in order.
type Link = VecDeque<Late>;

/// A message that arrives when its receiver has polled so often.
#[derive(Debug)]
struct Late {
    due: u64,
    message: Vec<u8>,
}

/// Takes the first message of a link, if it is due.
fn take_due(link: &mut Link, now: u64) -> Option<Vec<u8>> {
    let is_due = link.front()?.due <= now;
    let first = is_due.then(|| link.pop_front()).flatten()?;
    Some(first.message)
}

impl Network {
    pub(crate) fn new(seed: u64) -> Arc<Self> {
        Arc::new(Network {
            seed,
            is_one_sided: mix(seed).is_multiple_of(2),
            polls: AtomicU64::new(0),
            requests: Mutex::default(),
            in_transit: AtomicUsize::new(0),
        })
    }
}

/// One rank of a cluster of threads with delays.
#[derive(Debug)]
pub(crate) struct Delayed {
    threads: Threads,
    network: Arc<Network>,
    random: Random,
    /// Polls of this rank: the clock by which messages, replies and transfers arrive.
    polls: Cell<u64>,
    /// Messages on their way, by sender.
    messages: RefCell<BTreeMap<usize, Link>>,
    replies: RefCell<Link>,
    /// When transfers of this rank may be found to be complete.
    transfers: RefCell<HashMap<usize, u64>>,
    atomics: DelayedAtomics,
}

impl Delayed {
    pub(crate) fn new(network: Arc<Network>, world: Arc<ThreadWorld>, rank: usize) -> Self {
        let random = Random::new(network.seed, rank as u64);
        Delayed {
            atomics: DelayedAtomics {
                world: world.clone(),
                random: random.clone(),
                later: RefCell::default(),
            },
            threads: Threads::new(world, rank),
            network,
            random,
            polls: Cell::new(0),
            messages: RefCell::default(),
            replies: RefCell::default(),
            transfers: RefCell::default(),
        }
    }

    /// A number of polls for something on a link. Of eight links, five have no delay at first, two a short one, and one a long
    /// one; any of them is slow now and then.
    fn delay(&self, from: usize, to: usize) -> u64 {
        let link = mix(self.network.seed ^ mix(((from as u64) << 32) | to as u64));
        let longest = match (link % 8, self.random.below(32)) {
            (_, 0) => 64,
            (0..5, _) => return 0,
            (5..7, _) => 4,
            _ => 24,
        };
        self.random.below(longest)
    }

    fn tick(&self) -> u64 {
        let now = self.polls.get() + 1;
        self.polls.set(now);
        self.deliver_requests();
        now
    }

    /// Delivers requests of all ranks that are due.
    fn deliver_requests(&self) {
        let network = &*self.network;
        let now = network.polls.fetch_add(1, Ordering::Relaxed);
        if network.in_transit.load(Ordering::Relaxed) == 0 {
            return;
        }
        // Locked until they are delivered, so that those of one link keep their order.
        let mut links = lock(&network.requests);
        for (&(from, home), requests) in &mut *links {
            while let Some(request) = take_due(requests, now) {
                network.in_transit.fetch_sub(1, Ordering::Relaxed);
                self.threads.world().request(from, home, &request);
            }
        }
    }

    /// Puts what the other ranks have sent on its way.
    fn accept_messages(&self, now: u64) {
        let mut messages = self.messages.borrow_mut();
        while let Some((from, message)) = self.threads.poll_message() {
            let due = now + self.delay(from, self.rank());
            let link = messages.entry(from).or_default();
            link.push_back(Late { due, message });
        }
    }
}

impl Transport for Delayed {
    fn rank(&self) -> usize {
        self.threads.rank()
    }

    fn node_of(&self) -> &Arc<[u32]> {
        self.threads.node_of()
    }

    fn ranks_on_machine(&self) -> usize {
        self.threads.ranks_on_machine()
    }

    fn host(&self) -> &str {
        self.threads.host()
    }

    fn send(&self, to: usize, message: &[u8]) {
        self.random.yield_sometimes();
        self.threads.send(to, message);
    }

    fn send_unacknowledged(&self, to: usize, message: &[u8]) {
        self.send(to, message);
    }

    fn poll_message(&self) -> Option<RawMessage> {
        let now = self.tick();
        self.accept_messages(now);
        let mut messages = self.messages.borrow_mut();
        // A random sender first: of two that are due, neither is always served before the other.
        let first = self.random.below(self.node_of().len() as u64) as usize;
        let (before, after): (Vec<_>, Vec<_>) =
            messages.iter_mut().partition(|(from, _)| **from < first);
        after.into_iter().chain(before).find_map(|(&from, link)| {
            let message = take_due(link, now)?;
            Some((from, message))
        })
    }

    unsafe fn send_bytes(&self, to: usize, bytes: *const u8, len: usize) -> TransferHandle {
        self.random.yield_sometimes();
        // SAFETY: passed on from the caller.
        let transfer = unsafe { self.threads.send_bytes(to, bytes, len) };
        let due = self.polls.get() + self.delay(self.rank(), to);
        self.transfers.borrow_mut().insert(transfer.0, due);
        transfer
    }

    unsafe fn recv_bytes(&self, from: usize, bytes: *mut u8, len: usize) -> TransferHandle {
        // SAFETY: passed on from the caller.
        let transfer = unsafe { self.threads.recv_bytes(from, bytes, len) };
        let due = self.polls.get() + self.delay(from, self.rank());
        self.transfers.borrow_mut().insert(transfer.0, due);
        transfer
    }

    fn test(&self, transfer: &TransferHandle) -> bool {
        let now = self.tick();
        let mut transfers = self.transfers.borrow_mut();
        if transfers[&transfer.0] > now {
            return false;
        }
        let is_complete = self.threads.test(transfer);
        if is_complete {
            transfers.remove(&transfer.0);
        }
        is_complete
    }

    fn new_memory(&self, ranks: usize, len: usize) -> Result<NewMemory> {
        self.threads.new_memory(ranks, len)
    }

    fn memory_source(&self) -> (MemorySource, &str) {
        self.threads.memory_source()
    }

    fn map_shared(
        &self,
        group: &[usize],
        request: &MapRequest,
        memory: &NewMemory,
    ) -> Result<Mapping> {
        self.random.yield_sometimes();
        self.threads.map_shared(group, request, memory)
    }

    fn agree(&self, error: Option<Error>) -> Result<()> {
        self.threads.agree(error)
    }

    fn free_memory(&self, ranks: usize, needed: usize) -> Result<FreeMemory> {
        self.threads.free_memory(ranks, needed)
    }

    fn abort(&self) -> ! {
        self.threads.abort()
    }

    fn start_server(&self, server: &Arc<Mutex<Server>>) -> bool {
        self.threads.start_server(server)
    }

    fn send_request(&self, home: usize, request: &[u8], _: bool) {
        self.random.yield_sometimes();
        let delay = self.delay(self.rank(), home);
        let network = &*self.network;
        let mut links = lock(&network.requests);
        let due = network.polls.load(Ordering::Relaxed) + delay;
        let link = links.entry((self.rank(), home)).or_default();
        link.push_back(Late {
            due,
            message: request.to_vec(),
        });
        network.in_transit.fetch_add(1, Ordering::Relaxed);
    }

    fn poll_reply(&self) -> Option<Vec<u8>> {
        let now = self.tick();
        let mut replies = self.replies.borrow_mut();
        while let Some(message) = self.threads.poll_reply() {
            let due = now + self.random.below(8);
            replies.push_back(Late { due, message });
        }
        take_due(&mut replies, now)
    }

    fn has_probed_remote_atomics(&self) -> bool {
        self.threads.has_probed_remote_atomics()
    }

    fn probe_remote_atomics(&self) -> Result<()> {
        self.threads.probe_remote_atomics()
    }

    fn remote_atomics(&self) -> Option<&dyn RemoteAtomics> {
        self.network.is_one_sided.then_some(&self.atomics as _)
    }

    fn is_open(&self) -> bool {
        self.threads.is_open()
    }
}

/// One-sided operations of one rank, between which other ranks get their turn, and of which those that may complete later do.
#[derive(Debug)]
struct DelayedAtomics {
    world: Arc<ThreadWorld>,
    random: Random,
    /// Operations of `add_later` that are not complete.
    later: RefCell<Vec<(RemoteAddress, u64)>>,
}

impl DelayedAtomics {
    /// Completes operations that may be complete by now, or those on words of one rank.
    fn complete_some(&self, is_complete: impl Fn(RemoteAddress) -> bool) {
        self.later.borrow_mut().retain(|&(at, n)| {
            let is_complete = is_complete(at);
            if is_complete {
                self.world.atomics().fetch_add(at, n);
            }
            !is_complete
        });
    }

    fn words(&self) -> &dyn RemoteAtomics {
        self.random.yield_sometimes();
        self.complete_some(|_| self.random.below(4) == 0);
        self.world.atomics()
    }
}

impl RemoteAtomics for DelayedAtomics {
    fn len(&self) -> usize {
        self.world.atomics().len()
    }

    fn fetch_add(&self, at: RemoteAddress, n: u64) -> u64 {
        self.words().fetch_add(at, n)
    }

    fn compare_swap(&self, at: RemoteAddress, from: u64, to: u64) -> u64 {
        self.words().compare_swap(at, from, to)
    }

    fn add_later(&self, at: RemoteAddress, n: u64) {
        self.later.borrow_mut().push((at, n));
    }

    fn complete(&self, rank: usize) {
        self.complete_some(|at| at.rank == rank);
    }

    fn read(&self, at: RemoteAddress, words: &mut [u64]) {
        self.words().read(at, words);
    }

    fn write(&self, at: RemoteAddress, words: &[u64]) {
        self.words().write(at, words);
    }
}

impl Drop for DelayedAtomics {
    fn drop(&mut self) {
        // The end of MPI completes what is left.
        self.complete_some(|_| true);
    }
}

/// Pseudo-random numbers of one rank.
#[derive(Debug, Clone)]
struct Random(Cell<u64>);

impl Random {
    fn new(seed: u64, stream: u64) -> Self {
        Random(Cell::new(mix(seed ^ mix(stream))))
    }

    fn below(&self, limit: u64) -> u64 {
        let next = self.0.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.0.set(next);
        mix(next) % limit
    }

    /// Lets other ranks run at a point where a process could be interrupted.
    fn yield_sometimes(&self) {
        if self.below(8) == 0 {
            std::thread::yield_now();
        }
    }
}

/// A function that spreads small differences over all bits (splitmix64).
fn mix(number: u64) -> u64 {
    let mut x = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The ranks of a world whose link from 0 to 2 is slower than that from 1 to 2.
    fn ranks(is_wanted: impl Fn(&Delayed) -> bool) -> Vec<Delayed> {
        let start = |seed| {
            let (network, world) = (Network::new(seed), ThreadWorld::new(vec![0, 1, 2]));
            let rank = |rank| Delayed::new(network.clone(), world.clone(), rank);
            (0..3).map(rank).collect::<Vec<_>>()
        };
        let found = (0..1000).map(start).find(|ranks| is_wanted(&ranks[2]));
        found.expect("one of many seeds has the delays that are wanted")
    }

    fn all_messages(receiver: &Delayed) -> Vec<RawMessage> {
        (0..1000).filter_map(|_| receiver.poll_message()).collect()
    }

    #[test]
    fn messages_of_one_sender_keep_their_order_and_those_of_two_do_not() {
        let is_slow = |receiver: &Delayed, from| (0..20).any(|_| receiver.delay(from, 2) > 1);
        let ranks = ranks(|receiver| is_slow(receiver, 0) && !is_slow(receiver, 1));
        for number in 0..50 {
            ranks[0].send(2, &[number]);
            ranks[1].send(2, &[number]);
        }
        let messages = all_messages(&ranks[2]);
        for sender in 0..2 {
            let of_sender = messages.iter().filter(|(from, _)| *from == sender);
            assert!(of_sender.map(|(_, bytes)| bytes[0]).eq(0..50));
        }
        let sent_first = |(from, bytes): &RawMessage| (bytes[0], *from);
        assert!(!messages.is_sorted_by_key(sent_first), "{messages:?}");
    }

    #[test]
    fn a_request_arrives_although_its_sender_never_polls_again() {
        use crate::transport::rpc::{HomeObject, RequestId, encode_request};

        #[derive(Debug)]
        struct Echo;

        impl HomeObject for Echo {
            type Request = u8;
            type Reply = u8;

            fn has_reply(_: &u8) -> bool {
                true
            }

            fn handle(&mut self, from: RequestId, request: u8) -> Vec<(RequestId, u8)> {
                vec![(RequestId { rank: 2, ..from }, request)]
            }
        }

        let ranks = ranks(|_| true);
        let mut server = Server::default();
        server.insert(7, 3, Echo);
        ranks[1].start_server(&Arc::new(Mutex::new(server)));
        for number in 0..20_u8 {
            ranks[0].send_request(1, &encode_request(7, 0, &number), true);
        }
        let replies: Vec<_> = (0..1000).filter_map(|_| ranks[2].poll_reply()).collect();
        let numbers = replies.iter().map(|bytes| *bytes.last().unwrap());
        assert!(numbers.eq(0..20), "{replies:?}");
    }

    #[test]
    fn later_operations_are_complete_when_they_must_be() {
        let ranks = ranks(|receiver| receiver.network.is_one_sided);
        let at = RemoteAddress { rank: 1, word: 3 };
        let atomics = ranks[0].remote_atomics().unwrap();
        atomics.add_later(at, 5);
        assert_eq!(ranks[2].remote_atomics().unwrap().load(at), 0);
        atomics.complete(0);
        assert_eq!(ranks[2].remote_atomics().unwrap().load(at), 0);
        atomics.complete(1);
        assert_eq!(ranks[2].remote_atomics().unwrap().load(at), 5);
    }
}
