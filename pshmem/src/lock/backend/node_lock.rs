//! The queue of a lock whose ranks share a node: a word that says who has the lock, and a list of those who wait.
//!
//! Every rank has one entry, so the list needs no memory of its own, and a rank that gives up takes its entry out in the
//! middle. A free lock is taken, and given back when nobody waits, by one compare-and-swap on the word; everything else
//! happens under the word's latch bit, for a few loads and stores. Entries are in order of request. As in `control.rs`, all
//! is typed atomics, and zeroed memory is a free lock.
//!
//! `[LOCK]` release and acquire pass on what the holders before have written: from the word to whoever takes a free lock,
//! through the status of its entry to whoever has waited. Readers that give back pass it on through the word.

use crate::lock::backend::futex;
use crate::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use crate::sync::relax;
use serde::{Deserialize, Serialize};

/// What a rank wants the lock for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[repr(u32)]
pub(crate) enum Mode {
    Write = 0,
    Read = 1,
}

/// The words of a lock.
#[derive(Debug)]
#[repr(C, align(64))]
pub(crate) struct Head {
    state: AtomicU64,
    /// The list of entries: their numbers plus one, 0 for none. Changed under the latch.
    first: AtomicU32,
    last: AtomicU32,
    /// The rank that panicked while it had the lock, plus one.
    poisoned: AtomicU32,
}

/// The entry of one rank.
#[derive(Debug)]
#[repr(C, align(64))]
pub(crate) struct Entry {
    status: AtomicU32,
    mode: AtomicU32,
    next: AtomicU32,
    previous: AtomicU32,
    /// For reports: whether this rank has the lock, and since when. On its own line, so that noting it disturbs nobody.
    holds: AtomicU32,
    since: AtomicU64,
}

// What `holds` says.
const NOTHING: u32 = 0;
const READS: u32 = 1;
const WRITES: u32 = 2;

// The word: a latch for the list, whether a writer has the lock, whether anybody waits, and how many readers have it.
const LATCH: u64 = 1;
const WRITER: u64 = 2;
const QUEUED: u64 = 4;
const READER: u64 = 8;

// The status of an entry.
const WAITING: u32 = 1;
const SLEEPING: u32 = 2;
const GRANTED: u32 = 3;

/// A lock, seen through typed atomics by the rank with the entry `me`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NodeLock<'a> {
    pub(crate) head: &'a Head,
    pub(crate) entries: &'a [Entry],
    pub(crate) me: usize,
}

impl NodeLock<'_> {
    /// Takes the lock if it is free and nobody waits for it.
    #[inline]
    pub(crate) fn try_acquire(self, mode: Mode) -> bool {
        let mut state = self.head.state.load(Ordering::Relaxed);
        let mut looks = 0;
        loop {
            let taken = match mode {
                Mode::Write if state == 0 => WRITER,
                Mode::Read if state & (LATCH | WRITER | QUEUED) == 0 => state + READER,
                // The latch is held for moments only, and says nothing about the lock.
                _ if state & LATCH != 0 => {
                    relax(&mut looks);
                    state = self.head.state.load(Ordering::Relaxed);
                    continue;
                }
                _ => return false,
            };
            // [LOCK] acquire.
            match self.exchange(state, taken, Ordering::Acquire) {
                Ok(_) => return true,
                Err(now) => state = now,
            }
        }
    }

    /// Takes the lock, or gets in line. Whether it was taken.
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
        // It may have been given back since the look above; then the first in line gets it, perhaps this rank.
        self.hand_over(&mut state);
        self.unlatch(state);
        self.is_granted()
    }

    /// Whether the lock has been handed to this rank, which waits for it.
    #[inline]
    pub(crate) fn is_granted(self) -> bool {
        // [LOCK] acquire.
        self.entries[self.me].status.load(Ordering::Acquire) == GRANTED
    }

    /// Sleeps until the lock is handed over or some time has passed.
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

    /// Leaves the line. `false` when the lock has been handed over in the meantime.
    pub(crate) fn cancel(self) -> bool {
        let mut state = self.latch();
        if self.is_granted() {
            self.unlatch(state);
            return false;
        }
        self.unlink(self.me);
        self.entries[self.me].status.store(0, Ordering::Relaxed);
        // Whoever stood behind this rank may not have to wait any longer.
        let asleep = self.hand_over(&mut state);
        self.unlatch(state);
        self.wake(asleep);
        true
    }

    /// Gives the lock back, to the first in line if there is one.
    #[inline]
    pub(crate) fn release(self, mode: Mode) {
        let held = match mode {
            Mode::Write => WRITER,
            Mode::Read => READER,
        };
        // [LOCK] release.
        if self.exchange(held, 0, Ordering::Release).is_err() {
            self.pass_on(held);
        }
    }

    fn pass_on(self, held: u64) {
        let mut state = self.latch() - held;
        let asleep = self.hand_over(&mut state);
        self.unlatch(state);
        self.wake(asleep);
    }

    /// Contributions for reports that this rank has the lock since `now`.
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

    /// Contributions that this rank is about to give the lock back.
    #[inline]
    pub(crate) fn record_released(self) {
        let entry = &self.entries[self.me];
        entry.holds.store(NOTHING, Ordering::Relaxed);
    }

    /// The entry of the rank that has the lock for writing, and since when.
    pub(crate) fn holder(self) -> Option<(usize, u64)> {
        let writes = |entry: &Entry| entry.holds.load(Ordering::Relaxed) == WRITES;
        let rank = self.entries.iter().position(writes)?;
        Some((rank, self.entries[rank].since.load(Ordering::Relaxed)))
    }

    /// Entries of ranks that have the lock.
    pub(crate) fn holders(&self) -> impl Iterator<Item = usize> {
        let holds = |entry: &Entry| entry.holds.load(Ordering::Relaxed) != NOTHING;
        (0..self.entries.len()).filter(move |&rank| holds(&self.entries[rank]))
    }

    /// Ranks in line. Their entries are looked at one by one: for reports, not for deciding.
    pub(crate) fn waiting(self) -> usize {
        let waits =
            |entry: &&Entry| matches!(entry.status.load(Ordering::Relaxed), WAITING | SLEEPING);
        self.entries.iter().filter(waits).count()
    }

    /// Whether this rank is the first in line.
    pub(crate) fn is_first(self) -> bool {
        self.head.first.load(Ordering::Relaxed) == self.me as u32 + 1
    }

    /// Changed only by ranks that have the lock.
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
        let mut looks = 0;
        loop {
            let state = self.head.state.load(Ordering::Relaxed);
            // [LOCK] acquire: the list, and what those who gave back before have written.
            if state & LATCH == 0
                && self
                    .exchange(state, state | LATCH, Ordering::Acquire)
                    .is_ok()
            {
                return state;
            }
            relax(&mut looks);
        }
    }

    fn unlatch(self, state: u64) {
        // [LOCK] release: the list.
        self.head.state.store(state, Ordering::Release);
    }

    /// Hands the lock to those first in line who may have it. Gives one whose sleep must be ended.
    fn hand_over(self, state: &mut u64) -> Option<usize> {
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
            // [LOCK] release: what all holders before have written, which the latch has acquired.
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

    /// The word that points forward from an entry (0) or back from it (1); those of the head for no entry.
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

#[cfg(all(test, loom))]
mod models {
    //! Exclusion, order, hand-over and giving up under the model checker.
    use super::*;
    use loom::cell::UnsafeCell;
    use loom::sync::Arc;

    struct World {
        head: Head,
        entries: Vec<Entry>,
        data: UnsafeCell<u32>,
    }

    fn world(ranks: usize) -> Arc<World> {
        let word = || AtomicU32::new(0);
        Arc::new(World {
            head: Head {
                state: AtomicU64::new(0),
                first: word(),
                last: word(),
                poisoned: word(),
            },
            entries: (0..ranks)
                .map(|_| Entry {
                    status: word(),
                    mode: word(),
                    holds: word(),
                    since: AtomicU64::new(0),
                    next: word(),
                    previous: word(),
                })
                .collect(),
            data: UnsafeCell::new(0),
        })
    }

    impl World {
        fn queue(&self, me: usize) -> NodeLock<'_> {
            NodeLock {
                head: &self.head,
                entries: &self.entries,
                me,
            }
        }

        fn lock(&self, me: usize, mode: Mode) {
            if !self.queue(me).acquire_or_enqueue(mode) {
                while !self.queue(me).is_granted() {
                    loom::thread::yield_now();
                }
            }
        }

        fn add(&self, me: usize) {
            // SAFETY: the model checker reports a race if the lock does not exclude the other ranks.
            self.data.with_mut(|data| unsafe { *data += 1 });
            self.queue(me).release(Mode::Write);
        }
    }

    fn check(model: impl Fn() + Send + Sync + 'static) {
        let mut builder = loom::model::Builder::new();
        builder.preemption_bound = Some(3);
        builder.check(model);
    }

    #[test]
    fn loom_writers_exclude_each_other() {
        check(|| {
            let world = world(2);
            let other = {
                let world = world.clone();
                loom::thread::spawn(move || {
                    world.lock(1, Mode::Write);
                    world.add(1);
                })
            };
            world.lock(0, Mode::Write);
            world.add(0);
            other.join().unwrap();
            world.data.with(|data| {
                // SAFETY: the other thread has ended.
                assert_eq!(unsafe { *data }, 2);
            });
            assert!(world.queue(0).try_acquire(Mode::Write));
        });
    }

    #[test]
    fn loom_who_is_in_line_first_is_served_first() {
        check(|| {
            let world = world(3);
            world.lock(0, Mode::Write);
            let others = {
                let world = world.clone();
                // One after the other, while the lock is given back.
                loom::thread::spawn(move || {
                    let first = world.queue(1).acquire_or_enqueue(Mode::Write);
                    let second = world.queue(2).acquire_or_enqueue(Mode::Write);
                    assert!(!second);
                    first
                })
            };
            world.queue(0).release(Mode::Write);
            let taken = others.join().unwrap();
            assert!(taken || world.queue(1).is_granted());
            assert!(!world.queue(2).is_granted());
            world.queue(1).release(Mode::Write);
            assert!(world.queue(2).is_granted());
        });
    }

    #[test]
    fn loom_a_rank_that_gives_up_leaves_the_line() {
        check(|| {
            let world = world(2);
            world.lock(0, Mode::Write);
            let other = {
                let world = world.clone();
                loom::thread::spawn(move || {
                    let queue = world.queue(1);
                    if queue.acquire_or_enqueue(Mode::Write)
                        || queue.is_granted()
                        || !queue.cancel()
                    {
                        world.add(1);
                    }
                })
            };
            world.add(0);
            other.join().unwrap();
            assert!(world.queue(0).try_acquire(Mode::Write));
            let queue = world.queue(0);
            assert_eq!(queue.head.first.load(Ordering::Relaxed), 0);
            assert_eq!(queue.head.last.load(Ordering::Relaxed), 0);
        });
    }

    #[test]
    fn loom_readers_share_and_writers_wait() {
        check(|| {
            let world = world(2);
            let other = {
                let world = world.clone();
                loom::thread::spawn(move || {
                    world.lock(1, Mode::Read);
                    world.data.with(|data| {
                        // SAFETY: as in `add`.
                        unsafe { *data }
                    });
                    world.queue(1).release(Mode::Read);
                })
            };
            world.lock(0, Mode::Write);
            world.add(0);
            other.join().unwrap();
            assert!(world.queue(0).try_acquire(Mode::Write));
        });
    }
}
