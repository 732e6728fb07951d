//! A first-in-first-out lock on words of a home rank, acquired and released by one-sided operations.
//!
//! ```text
//! home rank:  | tail | holder | entry 0 | entry 1 | … | value … |
//! every rank: | wake |
//! ```
//!
//! A rank that wants the lock draws a ticket from `tail` and adds its signature to the ticket's entry. A rank that releases the
//! lock adds a grant to the entry of the next ticket; if that is signed, it also adds the grant to the `wake` word of the rank
//! that signed it. Whichever of the two comes second sees the other, so no grant is lost. A rank polls a word of its own, and a
//! hand-over takes two operations, whatever the number of ranks. Addition and compare-and-swap are what every network does in
//! hardware. A maximum or a swap would make simpler entries, but some MPI libraries end the job when they are asked for one.
//!
//! The rank that gets the lock clears the entry of its ticket, and the rank that skips an abandoned ticket clears that one's.
//! The next ticket is granted only after the entry has been cleared at the home rank. So one entry can serve many tickets,
//! those that are equal modulo the number of entries, if no ticket needs it before the previous one is over. None does: the
//! holder has no ticket that is still to be granted, any other rank has at most [`ENTRIES_PER_RANK`] (one that it waits with,
//! the others abandoned), and there are that many entries for every rank.
//!
//! `[REMOTE]` orders what holders write: each releases by an operation on an entry whose effect the next one sees.

mod entry;
#[cfg(all(test, loom))]
mod models;
#[cfg(all(test, not(loom)))]
mod tests;

use crate::transport::rma::{RemoteAddress, RemoteAtomics, WAKE};
use entry::TicketEntry;
use std::cell::{Cell, RefCell};

/// Entries for each rank: one to wait at, and some that it has abandoned.
const ENTRIES_PER_RANK: usize = 4;

// The words of a lock.
const TAIL: usize = 0;
const HOLDER: usize = 1;
const ENTRIES: usize = 2;

/// The most ranks of the world that such a lock can have.
pub(crate) const MAX_RANKS: usize = entry::MAX_RANKS;

/// The holder word: a rank plus one, and the low bits of a time in milliseconds, see [`time_near`].
const TIME_BITS: u32 = 40;
const TIME: u64 = (1 << TIME_BITS) - 1;

/// One rank's part of a lock. The methods get the words of all ranks as `atomics`, and the time as `now`.
#[derive(Debug)]
pub(crate) struct TicketLock {
    /// The first of its words.
    first: RemoteAddress,
    /// The rank of the world whose part this is.
    me: usize,
    entries: u64,
    /// The ticket that this rank waits with, or holds the lock with.
    ticket: Cell<u64>,
    /// Tickets that this rank has abandoned and that may not have been skipped yet.
    abandoned: RefCell<Vec<u64>>,
    /// What this rank has added to the holder word.
    holder: Cell<u64>,
}

/// What a rank gets with the lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TicketAcquired {
    /// The rank that panicked while it had the lock.
    pub(crate) poisoned: Option<usize>,
}

/// The outcome of a request for the lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// The rank has the lock.
    Now(TicketAcquired),
    /// It is in the queue.
    Later,
    /// It cannot enter the queue until one of its abandoned tickets has been skipped.
    Full,
}

/// The state of a lock at one moment, in ranks of the world.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TicketStatus {
    /// The rank that has the lock, and since when.
    pub(crate) holder: Option<(usize, u64)>,
    pub(crate) next: Option<usize>,
    pub(crate) waiting: usize,
}

/// Number of words of a lock for `ranks` ranks, without the value.
fn words(ranks: usize) -> usize {
    ENTRIES + ranks * ENTRIES_PER_RANK
}

/// The words of a free lock for `ranks` ranks: the first ticket is granted to whoever draws it.
pub(crate) fn initial_words(ranks: usize) -> Vec<u64> {
    let mut initial = vec![0; words(ranks)];
    initial[ENTRIES] = TicketEntry::grant(None).0;
    initial
}

/// The word at which a rank waits for any of its locks. It waits for one at a time.
fn wake(rank: usize) -> RemoteAddress {
    RemoteAddress { rank, word: WAKE }
}

/// The time next to `now` with these low bits. The bits that are missing count periods of 34 years.
fn time_near(low: u64, now: u64) -> u64 {
    let age = now.wrapping_sub(low) & TIME;
    // Clocks of two hosts may differ, so a time may also be a little later than `now`.
    if age <= TIME / 2 {
        now.saturating_sub(age)
    } else {
        now + (TIME + 1 - age)
    }
}

impl TicketLock {
    /// The lock of `ranks` ranks whose words begin at `first`, for rank `me` of the world.
    pub(crate) fn new(first: RemoteAddress, ranks: usize, me: usize) -> Self {
        TicketLock {
            first,
            me,
            entries: (ranks * ENTRIES_PER_RANK) as u64,
            ticket: Cell::new(0),
            abandoned: RefCell::default(),
            holder: Cell::new(0),
        }
    }

    /// Where the value begins.
    pub(crate) fn value(&self) -> RemoteAddress {
        self.first.plus(ENTRIES + self.entries as usize)
    }

    fn entry(&self, ticket: u64) -> RemoteAddress {
        self.first.plus(ENTRIES + (ticket % self.entries) as usize)
    }

    /// Acquires the lock if it is free and no rank waits.
    pub(crate) fn try_acquire(
        &self,
        atomics: &dyn RemoteAtomics,
        now: u64,
    ) -> Option<TicketAcquired> {
        let tail = self.first.plus(TAIL);
        let ticket = atomics.load(tail);
        let entry = TicketEntry(atomics.load(self.entry(ticket)));
        let is_free = entry.is_granted() && entry.signer().is_none();
        if !is_free || atomics.compare_swap(tail, ticket, ticket + 1) != ticket {
            return None;
        }
        self.ticket.set(ticket);
        Some(self.acquired(atomics, entry, now))
    }

    /// Acquires the lock or enters the queue.
    pub(crate) fn acquire_or_enqueue(&self, atomics: &dyn RemoteAtomics, now: u64) -> Turn {
        let signature = TicketEntry::signature(self.me);
        let mut abandoned = self.abandoned.borrow_mut();
        if abandoned.len() >= ENTRIES_PER_RANK {
            // An entry that holds anything else has been skipped since.
            let is_waiting =
                |&ticket: &u64| atomics.load(self.entry(ticket)) == signature.abandoned().0;
            abandoned.retain(is_waiting);
            if abandoned.len() >= ENTRIES_PER_RANK {
                return Turn::Full;
            }
        }
        let ticket = atomics.fetch_add(self.first.plus(TAIL), 1);
        self.ticket.set(ticket);
        let found = TicketEntry(atomics.fetch_add(self.entry(ticket), signature.0));
        if !found.is_granted() {
            return Turn::Later;
        }
        Turn::Now(self.acquired(atomics, found.plus(signature), now))
    }

    /// Whether the lock has been granted to this rank, which waits for it.
    pub(crate) fn poll_granted(
        &self,
        atomics: &dyn RemoteAtomics,
        now: u64,
    ) -> Option<TicketAcquired> {
        let wake = wake(self.me);
        let grant = TicketEntry(atomics.load(wake));
        if !grant.is_granted() {
            return None;
        }
        atomics.fetch_add(wake, grant.negative());
        let entry = grant.plus(TicketEntry::signature(self.me));
        Some(self.acquired(atomics, entry, now))
    }

    /// Clears the entry with which this rank has got the lock, and records it as the holder.
    fn acquired(
        &self,
        atomics: &dyn RemoteAtomics,
        entry: TicketEntry,
        now: u64,
    ) -> TicketAcquired {
        atomics.add_later(self.entry(self.ticket.get()), entry.negative());
        let holder = ((self.me as u64 + 1) << TIME_BITS) + (now & TIME);
        self.holder.set(holder);
        atomics.add_later(self.first.plus(HOLDER), holder);
        let poisoned = entry.poisoned();
        TicketAcquired { poisoned }
    }

    /// Gives up waiting. `false` when the lock has been granted in the meantime, which `poll_granted` will soon see.
    pub(crate) fn cancel(&self, atomics: &dyn RemoteAtomics) -> bool {
        let ticket = self.ticket.get();
        let signature = TicketEntry::signature(self.me);
        if atomics.compare_swap(self.entry(ticket), signature.0, signature.abandoned().0)
            != signature.0
        {
            return false;
        }
        let mut abandoned = self.abandoned.borrow_mut();
        // An earlier ticket with the same entry is over.
        abandoned.retain(|earlier| earlier % self.entries != ticket % self.entries);
        abandoned.push(ticket);
        true
    }

    /// Releases the lock, and grants it to the first in the queue if there is one.
    pub(crate) fn release(&self, atomics: &dyn RemoteAtomics, poisoned: Option<usize>) {
        atomics.add_later(self.first.plus(HOLDER), self.holder.take().wrapping_neg());
        // The entry of this rank's ticket is cleared before the next ticket is granted.
        atomics.complete(self.first.rank);
        let grant = TicketEntry::grant(poisoned);
        let mut ticket = self.ticket.get();
        loop {
            ticket += 1;
            let found = TicketEntry(atomics.fetch_add(self.entry(ticket), grant.0));
            let Some(rank) = found.signer() else {
                // The lock is free: the rank that draws this ticket gets it.
                return;
            };
            if !found.is_abandoned() {
                atomics.fetch_add(wake(rank), grant.0);
                return;
            }
            atomics.fetch_add(self.entry(ticket), found.plus(grant).negative());
        }
    }

    /// The state for reports, read entry by entry.
    pub(crate) fn status(&self, atomics: &dyn RemoteAtomics, now: u64) -> TicketStatus {
        let mut all = vec![0; ENTRIES + self.entries as usize];
        atomics.read(self.first, &mut all);
        let rank = ((all[HOLDER] >> TIME_BITS) as usize).checked_sub(1);
        // Once round all entries, from that of the ticket that is drawn next: the oldest ticket comes first.
        let waiting = (0..self.entries)
            .map(|step| ENTRIES + ((all[TAIL] + step) % self.entries) as usize)
            .map(|entry| TicketEntry(all[entry]))
            .filter(|entry| entry.is_waiting());
        TicketStatus {
            holder: rank.map(|rank| (rank, time_near(all[HOLDER] & TIME, now))),
            next: waiting.clone().find_map(TicketEntry::signer),
            waiting: waiting.count(),
        }
    }
}
