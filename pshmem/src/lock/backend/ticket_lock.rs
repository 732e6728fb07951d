//! A first-in-first-out lock on words of one rank that the others reach by one-sided operations.
//!
//! ```text
//! host:       | tail | note | entry 0 | entry 1 | … | value … |
//! every rank: | wake |
//! ```
//!
//! Whoever wants the lock draws a ticket from `tail` and adds its signature to the ticket's entry; whoever gives it back adds a
//! grant to the entry of the next ticket, and writes to the `wake` word of the rank that has signed it, if one has. Whichever
//! of the two comes second sees the other, so the lock is never lost, a rank waits at a word of its own, and a hand-over is two
//! operations, whatever the number of ranks. Adding and comparing are what every network does by itself; a maximum or a swap
//! would make simpler entries, but some MPI libraries end the job when they are asked for one.
//!
//! A ticket's entry is cleared by whoever gets the lock with it (by whoever skips it, when it was abandoned), and the next
//! ticket is granted only after that has happened at the host. So an entry can serve many tickets, equal modulo the number of
//! entries, if no ticket needs it before the one before is over. It does not: the holder has no ticket that the lock has
//! still to come to, any other rank has at most [`PER_RANK`] (one to wait with, the others abandoned), and there are that many entries
//! for every rank.
//!
//! `[WORDS]` orders what holders write: each gives back by an operation on an entry whose outcome the next one sees.

use crate::transport::rma::{RemoteAddress, RemoteAtomics, WAKE};
use std::cell::{Cell, RefCell};

/// Entries for each rank: one to wait at and some that it has abandoned.
pub(crate) const PER_RANK: usize = 4;

// The words of a lock.
const TAIL: usize = 0;
const NOTE: usize = 1;
const ENTRIES: usize = 2;

/// The most ranks that entries can tell apart: numbers in them have 24 bits.
pub(crate) const MOST_RANKS: usize = (1 << NUMBER_BITS) - 1;
const NUMBER_BITS: u32 = 24;
const NUMBER: u64 = (1 << NUMBER_BITS) - 1;
const ABANDONED: u64 = 1 << NUMBER_BITS;
const GRANTED: u64 = 1 << 32;
const POISON_SHIFT: u32 = 33;
/// A note: a rank plus one, and milliseconds in which the next 70 years fit.
const TIME_BITS: u32 = 40;
const TIME: u64 = (1 << TIME_BITS) - 1;

/// What an entry holds: the sum of the signature of the rank that drew its ticket, and of the grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry(u64);

impl Entry {
    fn signature(rank: usize) -> Self {
        Entry(rank as u64 + 1)
    }

    /// `poisoned` is the rank that panicked with the lock.
    fn grant(poisoned: Option<usize>) -> Self {
        let number = poisoned.map_or(0, |rank| rank as u64 + 1);
        Entry(GRANTED | (number << POISON_SHIFT))
    }

    fn and(self, other: Self) -> Self {
        Entry(self.0 + other.0)
    }

    fn signer(self) -> Option<usize> {
        ((self.0 & NUMBER) as usize).checked_sub(1)
    }

    fn is_granted(self) -> bool {
        self.0 & GRANTED != 0
    }

    fn is_abandoned(self) -> bool {
        self.0 & ABANDONED != 0
    }

    /// Whether a rank waits for it.
    fn waits(self) -> bool {
        self.signer().is_some() && !self.is_granted() && !self.is_abandoned()
    }

    fn abandoned(self) -> Self {
        Entry(self.0 | ABANDONED)
    }

    fn poisoned(self) -> Option<usize> {
        ((self.0 >> POISON_SHIFT) as usize).checked_sub(1)
    }

    /// What has to be added to clear it.
    fn negative(self) -> u64 {
        self.0.wrapping_neg()
    }
}

/// One rank's part of such a lock.
#[derive(Debug)]
pub(crate) struct TicketLock {
    /// The first of its words.
    at: RemoteAddress,
    /// The rank whose part this is, as `RemoteAtomics` counts.
    me: usize,
    entries: u64,
    /// The ticket that this rank waits for or has the lock with.
    ticket: Cell<u64>,
    /// Tickets that this rank no longer wants, and the lock had not reached when it last looked.
    abandoned: RefCell<Vec<u64>>,
    note: Cell<u64>,
}

/// What a rank gets with the lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TicketAcquired {
    /// The rank that panicked while it had the lock.
    pub(crate) poisoned: Option<usize>,
}

/// What a rank gets that wants the lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// The lock.
    Now(TicketAcquired),
    /// A place in line.
    Later,
    /// Not even that yet: the lock has to come to a ticket first that this rank has abandoned.
    Full,
}

/// A lock from outside.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct View {
    /// Who has it, and since when.
    pub(crate) holder: Option<(usize, u64)>,
    pub(crate) next: Option<usize>,
    pub(crate) waiting: usize,
}

/// RemoteAtomics that a lock of so many ranks takes, without its value.
pub(crate) fn words(ranks: usize) -> usize {
    ENTRIES + ranks * PER_RANK
}

/// These words of a free lock: the first ticket is granted to whoever draws it.
pub(crate) fn fresh(ranks: usize) -> Vec<u64> {
    let mut fresh = vec![0; words(ranks)];
    fresh[ENTRIES] = Entry::grant(None).0;
    fresh
}

fn wake(rank: usize) -> RemoteAddress {
    RemoteAddress { rank, word: WAKE }
}

impl TicketLock {
    pub(crate) fn new(at: RemoteAddress, ranks: usize, me: usize) -> Self {
        TicketLock {
            at,
            me,
            entries: (ranks * PER_RANK) as u64,
            ticket: Cell::new(0),
            abandoned: RefCell::default(),
            note: Cell::new(0),
        }
    }

    /// The first of its words.
    pub(crate) fn first(&self) -> RemoteAddress {
        self.at
    }

    /// Where the value begins.
    pub(crate) fn value(&self) -> RemoteAddress {
        self.at.plus(ENTRIES + self.entries as usize)
    }

    fn entry(&self, ticket: u64) -> RemoteAddress {
        self.at.plus(ENTRIES + (ticket % self.entries) as usize)
    }

    /// Takes the lock if it is free and nobody waits.
    pub(crate) fn try_acquire(
        &self,
        words: &dyn RemoteAtomics,
        now: u64,
    ) -> Option<TicketAcquired> {
        let tail = self.at.plus(TAIL);
        let ticket = words.load(tail);
        let entry = Entry(words.load(self.entry(ticket)));
        let is_free = entry.is_granted() && entry.signer().is_none();
        if !is_free || words.compare_swap(tail, ticket, ticket + 1) != ticket {
            return None;
        }
        self.ticket.set(ticket);
        Some(self.taken(words, entry, now))
    }

    /// Takes the lock or gets in line.
    pub(crate) fn acquire_or_enqueue(&self, words: &dyn RemoteAtomics, now: u64) -> Turn {
        let mine = Entry::signature(self.me);
        let mut abandoned = self.abandoned.borrow_mut();
        if abandoned.len() >= PER_RANK {
            // An entry that holds anything else has been skipped since.
            let waits = |&ticket: &u64| words.load(self.entry(ticket)) == mine.abandoned().0;
            abandoned.retain(waits);
            if abandoned.len() >= PER_RANK {
                return Turn::Full;
            }
        }
        let ticket = words.fetch_add(self.at.plus(TAIL), 1);
        self.ticket.set(ticket);
        let found = Entry(words.fetch_add(self.entry(ticket), mine.0));
        if !found.is_granted() {
            return Turn::Later;
        }
        Turn::Now(self.taken(words, found.and(mine), now))
    }

    /// The lock, if it has come to this rank, which waits for it.
    pub(crate) fn granted(&self, words: &dyn RemoteAtomics, now: u64) -> Option<TicketAcquired> {
        let mine = wake(self.me);
        let grant = Entry(words.load(mine));
        if !grant.is_granted() {
            return None;
        }
        words.fetch_add(mine, grant.negative());
        Some(self.taken(words, grant.and(Entry::signature(self.me)), now))
    }

    /// Clears the entry with which this rank has got the lock.
    fn taken(&self, words: &dyn RemoteAtomics, entry: Entry, now: u64) -> TicketAcquired {
        words.add_later(self.entry(self.ticket.get()), entry.negative());
        let note = ((self.me as u64 + 1) << TIME_BITS) + (now & TIME);
        self.note.set(note);
        words.add_later(self.at.plus(NOTE), note);
        let poisoned = entry.poisoned();
        TicketAcquired { poisoned }
    }

    /// No longer waits. `false` when the lock has come in the meantime, and `granted` will soon say so.
    pub(crate) fn cancel(&self, words: &dyn RemoteAtomics) -> bool {
        let ticket = self.ticket.get();
        let mine = Entry::signature(self.me);
        if words.compare_swap(self.entry(ticket), mine.0, mine.abandoned().0) != mine.0 {
            return false;
        }
        let mut abandoned = self.abandoned.borrow_mut();
        // One that had the same entry is over.
        abandoned.retain(|before| before % self.entries != ticket % self.entries);
        abandoned.push(ticket);
        true
    }

    /// Gives the lock back, to the first in line if there is one.
    pub(crate) fn release(&self, words: &dyn RemoteAtomics, poisoned: Option<usize>) {
        words.add_later(self.at.plus(NOTE), self.note.take().wrapping_neg());
        // The entry of this rank's ticket is clear before the next ticket is granted.
        words.complete(self.at.rank);
        let grant = Entry::grant(poisoned);
        let mut ticket = self.ticket.get();
        loop {
            ticket += 1;
            let found = Entry(words.fetch_add(self.entry(ticket), grant.0));
            let Some(rank) = found.signer() else {
                // The lock is free for whoever draws this ticket.
                return;
            };
            if !found.is_abandoned() {
                words.fetch_add(wake(rank), grant.0);
                return;
            }
            words.fetch_add(self.entry(ticket), found.and(grant).negative());
        }
    }

    /// What reports want to know, read entry by entry.
    pub(crate) fn look(&self, words: &dyn RemoteAtomics) -> View {
        let mut all = vec![0; ENTRIES + self.entries as usize];
        words.read(self.at, &mut all);
        let note = all[NOTE];
        let holder = ((note >> TIME_BITS) as usize).checked_sub(1);
        // From the ticket that would be drawn next, all round the ring: the oldest ticket comes first.
        let line = (0..self.entries)
            .map(|step| Entry(all[ENTRIES + ((all[TAIL] + step) % self.entries) as usize]))
            .filter(|entry| entry.waits());
        View {
            holder: holder.map(|rank| (rank, note & TIME)),
            next: line.clone().find_map(Entry::signer),
            waiting: line.count(),
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    //! One thread plays all ranks, so that every order of requests can be had.
    use super::*;
    use crate::transport::rma::{RESERVED, ThreadAtomics};
    use proptest::prelude::*;
    use std::collections::VecDeque;

    const RANKS: usize = 4;

    /// A lock on rank 1 beside others, and the ranks' parts of it.
    fn lock() -> (ThreadAtomics, Vec<TicketLock>) {
        let at = RemoteAddress {
            rank: 1,
            word: RESERVED + 3,
        };
        let memory = ThreadAtomics::new(RANKS, at.word + words(RANKS));
        memory.write(at, &fresh(RANKS));
        let ring = |me| TicketLock::new(at, RANKS, me);
        (memory, (0..RANKS).map(ring).collect())
    }

    #[derive(Debug, Clone, Copy)]
    enum Step {
        Request(usize),
        Try(usize),
        GiveUp(usize),
        GiveBack { panics: bool },
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => (0..RANKS).prop_map(Step::Request),
            1 => (0..RANKS).prop_map(Step::Try),
            2 => (0..RANKS).prop_map(Step::GiveUp),
            3 => any::<bool>().prop_map(|panics| Step::GiveBack { panics }),
        ]
    }

    /// What the lock has to do: tickets in order, each of a rank that waits or has given up, and who panicked last.
    #[derive(Default)]
    struct Model {
        holder: Option<usize>,
        line: VecDeque<(usize, bool)>,
        poisoned: Option<usize>,
    }

    impl Model {
        fn waiting(&self) -> impl Iterator<Item = usize> {
            let waits = |&(rank, waits): &(usize, bool)| waits.then_some(rank);
            self.line.iter().filter_map(waits)
        }

        fn is_idle(&self, rank: usize) -> bool {
            self.holder != Some(rank) && !self.waiting().any(|waits| waits == rank)
        }

        fn given_up(&self, rank: usize) -> usize {
            let gave_up = |&&(of, waits): &&(usize, bool)| of == rank && !waits;
            self.line.iter().filter(gave_up).count()
        }
    }

    proptest! {
        #[test]
        fn serves_in_order_of_request(steps in proptest::collection::vec(step(), 1..200)) {
            let (memory, rings) = lock();
            let mut model = Model::default();
            for step in steps {
                match step {
                    Step::Request(rank) if model.is_idle(rank) => {
                        let turn = rings[rank].acquire_or_enqueue(&memory, 7);
                        prop_assert_eq!(turn == Turn::Full, model.given_up(rank) == PER_RANK);
                        match turn {
                            Turn::Now(TicketAcquired { poisoned }) => {
                                prop_assert_eq!(model.holder.replace(rank), None);
                                prop_assert_eq!(poisoned, model.poisoned);
                            }
                            Turn::Later => {
                                prop_assert!(model.holder.is_some());
                                model.line.push_back((rank, true));
                            }
                            Turn::Full => {}
                        }
                    }
                    Step::Try(rank) if model.is_idle(rank) => {
                        let taken = rings[rank].try_acquire(&memory, 7);
                        if let Some(TicketAcquired { poisoned }) = taken {
                            prop_assert_eq!(model.holder.replace(rank), None);
                            prop_assert_eq!(poisoned, model.poisoned);
                        } else {
                            prop_assert!(model.holder.is_some());
                        }
                    }
                    Step::GiveUp(rank) => if let Some(place) = model.line.iter_mut().find(|place| **place == (rank, true)) {
                        prop_assert!(rings[rank].cancel(&memory));
                        place.1 = false;
                    },
                    Step::GiveBack { panics } => if let Some(rank) = model.holder.take() {
                        if panics {
                            model.poisoned = Some(rank);
                        }
                        rings[rank].release(&memory, model.poisoned);
                        while let Some((next, waits)) = model.line.pop_front() {
                            if !waits {
                                continue;
                            }
                            prop_assert!(!rings[next].cancel(&memory), "it has come already");
                            let told = rings[next].granted(&memory, 7);
                            let poisoned = model.poisoned;
                            prop_assert_eq!(told, Some(TicketAcquired { poisoned }));
                            model.holder = Some(next);
                            break;
                        }
                    },
                    _ => {}
                }
                for rank in model.waiting() {
                    prop_assert_eq!(rings[rank].granted(&memory, 7), None);
                }
                let view = View {
                    holder: model.holder.map(|rank| (rank, 7)),
                    next: model.waiting().next(),
                    waiting: model.waiting().count(),
                };
                prop_assert_eq!(rings[0].look(&memory), view);
            }
        }
    }
}

#[cfg(all(test, loom))]
mod models {
    //! Exclusion, order and giving up under the model checker.
    use super::*;
    use crate::transport::rma::{RESERVED, ThreadAtomics};
    use loom::cell::UnsafeCell;
    use loom::sync::Arc;

    struct World {
        memory: ThreadAtomics,
        order: UnsafeCell<Vec<(usize, u64)>>,
    }

    fn world(ranks: usize) -> Arc<World> {
        let memory = ThreadAtomics::new(ranks, RESERVED + words(ranks));
        memory.write(at(), &fresh(ranks));
        let order = UnsafeCell::new(Vec::new());
        Arc::new(World { memory, order })
    }

    fn at() -> RemoteAddress {
        RemoteAddress {
            rank: 0,
            word: RESERVED,
        }
    }

    impl World {
        fn wait(&self, ring: &TicketLock, turn: Turn) {
            assert_ne!(turn, Turn::Full);
            if turn == Turn::Later {
                while ring.granted(&self.memory, 1).is_none() {
                    loom::thread::yield_now();
                }
            }
        }

        fn use_and_give_back(&self, ring: &TicketLock) {
            let entry = (ring.me, ring.ticket.get());
            // SAFETY: the model checker reports a race if the lock does not exclude the other ranks.
            self.order.with_mut(|order| unsafe { (*order).push(entry) });
            ring.release(&self.memory, None);
        }

        fn served(&self) -> Vec<(usize, u64)> {
            // SAFETY: the other threads have ended.
            self.order.with(|order| unsafe { (*order).clone() })
        }
    }

    fn check(model: impl Fn() + Send + Sync + 'static) {
        let mut builder = loom::model::Builder::new();
        builder.preemption_bound = Some(3);
        builder.check(model);
    }

    #[test]
    fn loom_ranks_have_the_lock_one_after_the_other_in_order_of_tickets() {
        check(|| {
            let world = world(2);
            let other = {
                let world = world.clone();
                loom::thread::spawn(move || {
                    let ring = TicketLock::new(at(), 2, 1);
                    world.wait(&ring, ring.acquire_or_enqueue(&world.memory, 1));
                    world.use_and_give_back(&ring);
                })
            };
            let ring = TicketLock::new(at(), 2, 0);
            for _ in 0..2 {
                world.wait(&ring, ring.acquire_or_enqueue(&world.memory, 1));
                world.use_and_give_back(&ring);
            }
            other.join().unwrap();
            let served = world.served();
            assert_eq!(served.len(), 3);
            assert!(served.is_sorted_by_key(|&(_, ticket)| ticket));
        });
    }

    #[test]
    fn loom_a_rank_that_gives_up_is_skipped_or_has_the_lock() {
        check(|| {
            let world = world(2);
            let ring = TicketLock::new(at(), 2, 0);
            world.wait(&ring, ring.acquire_or_enqueue(&world.memory, 1));
            let other = {
                let world = world.clone();
                loom::thread::spawn(move || {
                    let ring = TicketLock::new(at(), 2, 1);
                    let turn = ring.acquire_or_enqueue(&world.memory, 1);
                    if turn != Turn::Later || !ring.cancel(&world.memory) {
                        world.wait(&ring, turn);
                        world.use_and_give_back(&ring);
                    }
                })
            };
            world.use_and_give_back(&ring);
            other.join().unwrap();
            assert!(ring.try_acquire(&world.memory, 1).is_some(), "it is free");
        });
    }
}
