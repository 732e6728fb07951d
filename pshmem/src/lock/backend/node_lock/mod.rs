//! The lock of ranks that share a node: one word that says who has it, and a list of the ranks that wait.
//!
//! Each rank has one entry, so the list needs no memory of its own, and a rank that gives up takes its entry out of the
//! middle. A free lock is acquired by one compare-and-swap on the state word, and released by another one if no rank waits.
//! Everything else happens under the latch bit of that word, for a few loads and stores. Entries are in order of request. All
//! of it is atomics, and zeroed memory is a free lock.
//!
//! `[LOCK]` release and acquire pass on what earlier holders have written: through the state word to a rank that acquires a
//! free lock, through the status of its entry to a rank that has waited. Readers that release pass it on through the state
//! word.

use crate::lock::backend::{Mode, futex};
use crate::memory::Segment;
use crate::memory::cast::AtomicBlock;
use crate::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use crate::sync::relax;

/// The part of a lock that all ranks use.
#[derive(Debug)]
#[repr(C, align(64))]
struct LockHead {
    state: AtomicU64,
    /// Ends of the list of waiting ranks: index of the entry plus one, 0 for none. Changed under the latch.
    first: AtomicU32,
    last: AtomicU32,
    /// The rank that panicked while it had the lock, plus one.
    poisoned: AtomicU32,
}

/// The entry of one rank, on a cache line of its own.
#[derive(Debug)]
#[repr(C, align(64))]
struct WaitEntry {
    status: AtomicU32,
    mode: AtomicU32,
    next: AtomicU32,
    previous: AtomicU32,
    /// For reports: whether this rank has the lock, and since when.
    holds: AtomicU32,
    since: AtomicU64,
}

// SAFETY: a `repr(C)` struct of atomic integers.
unsafe impl AtomicBlock for LockHead {}
// SAFETY: a `repr(C)` struct of atomic integers.
unsafe impl AtomicBlock for WaitEntry {}

impl WaitEntry {
    fn waits(&self) -> bool {
        matches!(self.status.load(Ordering::Relaxed), WAITING | SLEEPING)
    }
}

// Values of `holds`.
const NOTHING: u32 = 0;
const READS: u32 = 1;
const WRITES: u32 = 2;

// Bits of the state word: a latch for the list, whether a writer has the lock, whether a rank waits, and the number of readers
// that have it.
const LATCH: u64 = 1;
const WRITER: u64 = 2;
const QUEUED: u64 = 4;
const READER: u64 = 8;

// Values of `status`.
const WAITING: u32 = 1;
const SLEEPING: u32 = 2;
const GRANTED: u32 = 3;

/// A lock as the rank with the entry `me` uses it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NodeLock<'a> {
    head: &'a LockHead,
    entries: &'a [WaitEntry],
    me: usize,
}

impl<'a> NodeLock<'a> {
    /// Bytes of a lock for `ranks` ranks. The value that it protects may follow.
    pub(crate) fn bytes(ranks: usize) -> usize {
        size_of::<LockHead>() + ranks * size_of::<WaitEntry>()
    }

    /// The lock at the start of a segment, for the rank with the entry `me`.
    ///
    /// # Safety
    /// The segment was allocated for [`NodeLock::bytes`] of `ranks` ranks and more, aligned to 64, and zeroed before the first
    /// rank used it. Every rank of the node uses these bytes as a lock of that many ranks only.
    #[inline]
    pub(crate) unsafe fn in_segment(segment: &'a Segment, ranks: usize, me: usize) -> Self {
        // SAFETY: the caller's duties.
        let head = unsafe { segment.get(0) };
        // SAFETY: the caller's duties. The entries follow the head, whose size is a multiple of their alignment.
        let entries = unsafe { segment.slice(size_of::<LockHead>(), ranks) };
        NodeLock { head, entries, me }
    }

    /// Acquires the lock if it is free and no rank waits for it.
    #[inline]
    pub(crate) fn try_acquire(self, mode: Mode) -> bool {
        let mut state = self.head.state.load(Ordering::Relaxed);
        let mut polls = 0;
        loop {
            let acquired = match mode {
                Mode::Write if state == 0 => WRITER,
                Mode::Read if state & (LATCH | WRITER | QUEUED) == 0 => state + READER,
                // The latch is held briefly, and says nothing about the lock.
                _ if state & LATCH != 0 => {
                    relax(&mut polls);
                    state = self.head.state.load(Ordering::Relaxed);
                    continue;
                }
                _ => return false,
            };
            // [LOCK] acquire.
            match self.exchange(state, acquired, Ordering::Acquire) {
                Ok(_) => return true,
                Err(found) => state = found,
            }
        }
    }

    /// Acquires the lock if it is free, no rank waits for it, and it is not poisoned.
    #[inline]
    pub(crate) fn try_acquire_unpoisoned(self, mode: Mode) -> bool {
        if self.poisoned().is_some() || !self.try_acquire(mode) {
            return false;
        }
        if self.poisoned().is_some() {
            // Poisoned since the first test, which made it unlikely that the lock is acquired in vain.
            self.release(mode);
            return false;
        }
        true
    }

    /// Acquires the lock, or enters the queue. Whether it was acquired.
    pub(crate) fn acquire_or_enqueue(self, mode: Mode) -> bool {
        if self.try_acquire(mode) {
            return true;
        }
        let mut state = self.latch();
        let entry = &self.entries[self.me];
        entry.mode.store(mode as u32, Ordering::Relaxed);
        entry.status.store(WAITING, Ordering::Relaxed);
        let last = self.head.last.load(Ordering::Relaxed);
        entry.previous.store(last, Ordering::Relaxed);
        entry.next.store(0, Ordering::Relaxed);
        let number = self.me as u32 + 1;
        self.link(last, 0).store(number, Ordering::Relaxed);
        self.head.last.store(number, Ordering::Relaxed);
        // The lock may have been released since `try_acquire`. If the queue was empty then, this rank gets it now. Otherwise the
        // release has granted it already, so no other rank is granted it here and would have to be woken.
        self.grant_next(&mut state);
        self.unlatch(state);
        self.is_granted()
    }

    /// Whether the lock has been granted to this rank, which waits for it.
    #[inline]
    pub(crate) fn is_granted(self) -> bool {
        // [LOCK] acquire.
        self.entries[self.me].status.load(Ordering::Acquire) == GRANTED
    }

    /// Sleeps until the lock is granted, or for at most this long.
    pub(crate) fn sleep(self, at_most: std::time::Duration) {
        let status = &self.entries[self.me].status;
        let swap = |from, to| {
            status
                .compare_exchange(from, to, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
        };
        if swap(WAITING, SLEEPING) {
            futex::until_changed(status, SLEEPING, at_most);
            swap(SLEEPING, WAITING);
        }
    }

    /// Leaves the queue. `false` when the lock has been granted in the meantime.
    pub(crate) fn cancel(self) -> bool {
        let mut state = self.latch();
        if self.is_granted() {
            self.unlatch(state);
            return false;
        }
        self.unlink(self.me);
        self.entries[self.me].status.store(0, Ordering::Relaxed);
        // Ranks behind this one may not have to wait any longer.
        let asleep = self.grant_next(&mut state);
        self.unlatch(state);
        self.wake(asleep);
        true
    }

    /// Releases the lock, and grants it to the first in the queue if there is one.
    #[inline]
    pub(crate) fn release(self, mode: Mode) {
        let held = match mode {
            Mode::Write => WRITER,
            Mode::Read => READER,
        };
        // [LOCK] release.
        if self.exchange(held, 0, Ordering::Release).is_err() {
            self.release_to_next(held);
        }
    }

    fn release_to_next(self, held: u64) {
        let mut state = self.latch() - held;
        let asleep = self.grant_next(&mut state);
        self.unlatch(state);
        self.wake(asleep);
    }

    /// Records, for reports, that this rank has had the lock since `now`.
    #[inline]
    pub(crate) fn record_acquired(self, mode: Mode, now: u64) {
        let entry = &self.entries[self.me];
        let holds = match mode {
            Mode::Write => WRITES,
            Mode::Read => READS,
        };
        entry.since.store(now, Ordering::Relaxed);
        entry.holds.store(holds, Ordering::Relaxed);
    }

    /// Records that this rank is about to release the lock.
    #[inline]
    pub(crate) fn record_released(self) {
        let entry = &self.entries[self.me];
        entry.holds.store(NOTHING, Ordering::Relaxed);
    }

    /// The entry of the rank that has the lock for writing, and since when.
    pub(crate) fn holder(self) -> Option<(usize, u64)> {
        let writes = |entry: &WaitEntry| entry.holds.load(Ordering::Relaxed) == WRITES;
        let rank = self.entries.iter().position(writes)?;
        Some((rank, self.entries[rank].since.load(Ordering::Relaxed)))
    }

    /// Entries of ranks that have the lock.
    pub(crate) fn holders(&self) -> impl Iterator<Item = usize> {
        let holds = |entry: &WaitEntry| entry.holds.load(Ordering::Relaxed) != NOTHING;
        (0..self.entries.len()).filter(move |&rank| holds(&self.entries[rank]))
    }

    /// Number of ranks in the queue. Read entry by entry: for reports, not for decisions.
    pub(crate) fn waiting(self) -> usize {
        self.entries.iter().filter(|entry| entry.waits()).count()
    }

    /// Whether this rank is in the queue.
    pub(crate) fn is_queued(self) -> bool {
        self.entries[self.me].waits()
    }

    /// Whether this rank is the first in the queue.
    pub(crate) fn is_first(self) -> bool {
        self.head.first.load(Ordering::Relaxed) == self.me as u32 + 1
    }

    /// Only a rank that has the lock calls it.
    pub(crate) fn set_poisoned(self, by: Option<u32>) {
        let by = by.map_or(0, |rank| rank + 1);
        self.head.poisoned.store(by, Ordering::Relaxed);
    }

    /// The rank that panicked while it had the lock.
    #[inline]
    pub(crate) fn poisoned(self) -> Option<u32> {
        self.head.poisoned.load(Ordering::Relaxed).checked_sub(1)
    }

    #[inline]
    fn exchange(self, from: u64, to: u64, order: Ordering) -> Result<u64, u64> {
        self.head
            .state
            .compare_exchange(from, to, order, Ordering::Relaxed)
    }

    fn latch(self) -> u64 {
        let mut polls = 0;
        loop {
            let state = self.head.state.load(Ordering::Relaxed);
            // [LOCK] acquire: the list, and what earlier holders have written.
            if state & LATCH == 0
                && self
                    .exchange(state, state | LATCH, Ordering::Acquire)
                    .is_ok()
            {
                return state;
            }
            relax(&mut polls);
        }
    }

    fn unlatch(self, state: u64) {
        // [LOCK] release: the list.
        self.head.state.store(state, Ordering::Release);
    }

    /// Grants the lock to those first in the queue that may have it. Returns one that must be woken, after the latch is
    /// released.
    fn grant_next(self, state: &mut u64) -> Option<usize> {
        let mut asleep = None;
        while let Some(rank) = self.head.first.load(Ordering::Relaxed).checked_sub(1) {
            let rank = rank as usize;
            let reads = self.entries[rank].mode.load(Ordering::Relaxed) == Mode::Read as u32;
            let held = *state & !QUEUED;
            if held & WRITER != 0 || (!reads && held != 0) {
                break;
            }
            *state += if reads { READER } else { WRITER };
            self.unlink(rank);
            // [LOCK] release: what all earlier holders have written, which the latch has acquired.
            if self.entries[rank].status.swap(GRANTED, Ordering::Release) == SLEEPING {
                // All but the last are readers that get the lock together.
                let before = asleep.replace(rank);
                self.wake(before);
            }
        }
        let is_empty = self.head.first.load(Ordering::Relaxed) == 0;
        *state = (*state & !QUEUED) | if is_empty { 0 } else { QUEUED };
        asleep
    }

    fn wake(self, rank: Option<usize>) {
        if let Some(rank) = rank {
            futex::wake(&self.entries[rank].status);
        }
    }

    fn unlink(self, rank: usize) {
        let entry = &self.entries[rank];
        let next = entry.next.load(Ordering::Relaxed);
        let previous = entry.previous.load(Ordering::Relaxed);
        self.link(previous, 0).store(next, Ordering::Relaxed);
        self.link(next, 1).store(previous, Ordering::Relaxed);
    }

    /// The link to the next entry (direction 0) or to the previous one (1), from the entry with this number or from the head.
    fn link(&self, number: u32, direction: usize) -> &AtomicU32 {
        match number.checked_sub(1) {
            None => [&self.head.first, &self.head.last][direction],
            Some(rank) => {
                let entry = &self.entries[rank as usize];
                [&entry.next, &entry.previous][direction]
            }
        }
    }
}

#[cfg(test)]
impl LockHead {
    /// Of a lock that nobody has or waits for, in memory of its own.
    fn free() -> Self {
        let word = || AtomicU32::new(0);
        LockHead {
            state: AtomicU64::new(0),
            first: word(),
            last: word(),
            poisoned: word(),
        }
    }
}

#[cfg(test)]
impl WaitEntry {
    /// Of a rank that neither has the lock nor waits for it.
    fn idle() -> Self {
        let word = || AtomicU32::new(0);
        WaitEntry {
            status: word(),
            mode: word(),
            holds: word(),
            since: AtomicU64::new(0),
            next: word(),
            previous: word(),
        }
    }
}

#[cfg(all(test, loom))]
mod models;
#[cfg(all(test, not(loom)))]
mod tests;
