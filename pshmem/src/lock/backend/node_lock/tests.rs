//! The queue of a lock, step by step, on one thread.
use super::*;
use Mode::{Read, Write};

struct TestLock {
    head: LockHead,
    entries: Vec<WaitEntry>,
}

impl TestLock {
    fn new(ranks: usize) -> Self {
        TestLock {
            head: LockHead::free(),
            entries: (0..ranks).map(|_| WaitEntry::idle()).collect(),
        }
    }

    fn rank(&self, me: usize) -> NodeLock<'_> {
        NodeLock {
            head: &self.head,
            entries: &self.entries,
            me,
        }
    }

    /// The ranks that have been granted the lock.
    fn granted(&self) -> Vec<usize> {
        let ranks = 0..self.entries.len();
        ranks.filter(|&rank| self.rank(rank).is_granted()).collect()
    }

    /// Like a rank that has got the lock and enters the queue no more.
    fn release(&self, me: usize, mode: Mode) {
        self.entries[me].status.store(0, Ordering::Relaxed);
        self.rank(me).release(mode);
    }
}

#[test]
fn readers_do_not_overtake_a_writer_that_waits() {
    let lock = TestLock::new(4);
    assert!(lock.rank(0).acquire_or_enqueue(Read));
    assert!(!lock.rank(1).acquire_or_enqueue(Write));
    assert!(!lock.rank(2).try_acquire(Read));
    assert!(!lock.rank(2).try_acquire_unpoisoned(Read));
    assert!(!lock.rank(2).acquire_or_enqueue(Read));
    assert!(!lock.rank(3).acquire_or_enqueue(Read));
    assert_eq!(lock.rank(0).waiting(), 3);
    assert!(lock.rank(1).is_first() && !lock.rank(2).is_first());
    lock.release(0, Read);
    assert_eq!(lock.granted(), [1]);
    lock.release(1, Write);
    // The readers behind it get the lock together.
    assert_eq!(lock.granted(), [2, 3]);
    assert!(!lock.rank(1).try_acquire(Write));
    lock.release(2, Read);
    assert!(!lock.rank(1).try_acquire(Write));
    lock.release(3, Read);
    assert_eq!(lock.rank(0).waiting(), 0);
    assert!(lock.rank(1).try_acquire(Write));
}

#[test]
fn the_queue_closes_where_a_rank_leaves_it() {
    // Whoever of three gives up, the other two are served in their order.
    for leaver in 1..4 {
        let lock = TestLock::new(4);
        assert!(lock.rank(0).acquire_or_enqueue(Write));
        for rank in 1..4 {
            assert!(!lock.rank(rank).acquire_or_enqueue(Write));
        }
        assert!(lock.rank(leaver).cancel());
        assert_eq!(lock.rank(0).waiting(), 2);
        lock.release(0, Write);
        for rank in (1..4).filter(|&rank| rank != leaver) {
            assert_eq!(lock.granted(), [rank], "{leaver} left");
            assert!(!lock.rank(rank).cancel(), "it has the lock");
            lock.release(rank, Write);
        }
        assert!(lock.granted().is_empty());
        assert!(lock.rank(leaver).try_acquire(Write), "{leaver} left");
    }
}

#[test]
fn a_writer_that_leaves_the_queue_lets_the_readers_behind_it_in() {
    let lock = TestLock::new(3);
    assert!(lock.rank(0).acquire_or_enqueue(Read));
    assert!(!lock.rank(1).acquire_or_enqueue(Write));
    assert!(!lock.rank(2).acquire_or_enqueue(Read));
    assert!(lock.rank(1).cancel());
    assert_eq!(lock.granted(), [2]);
    lock.release(0, Read);
    lock.release(2, Read);
    assert!(lock.rank(1).try_acquire(Write));
}

#[test]
fn holders_and_poison_are_recorded() {
    let lock = TestLock::new(3);
    assert_eq!(lock.rank(0).holder(), None);
    assert!(lock.rank(1).try_acquire_unpoisoned(Write));
    lock.rank(1).record_acquired(Write, 7);
    assert_eq!(lock.rank(0).holder(), Some((1, 7)));
    assert_eq!(lock.rank(0).holders().collect::<Vec<_>>(), [1]);
    assert_eq!(lock.rank(2).poisoned(), None);
    lock.rank(1).set_poisoned(Some(0));
    lock.rank(1).record_released();
    assert_eq!(lock.rank(0).holder(), None);
    lock.release(1, Write);
    assert_eq!(lock.rank(2).poisoned(), Some(0));
    assert!(!lock.rank(2).try_acquire_unpoisoned(Write));
    assert!(lock.rank(2).try_acquire(Write), "who asks for it gets it");
    lock.rank(2).set_poisoned(None);
    lock.release(2, Write);
    // Readers are no holders that `holder` names, but they have the lock.
    for rank in [0, 2] {
        assert!(lock.rank(rank).try_acquire_unpoisoned(Read));
        lock.rank(rank).record_acquired(Read, 9);
    }
    assert_eq!(lock.rank(1).holder(), None);
    assert_eq!(lock.rank(1).holders().collect::<Vec<_>>(), [0, 2]);
}

#[test]
fn who_sleeps_is_woken_by_the_grant() {
    let lock = TestLock::new(2);
    assert!(lock.rank(0).acquire_or_enqueue(Write));
    assert!(!lock.rank(1).acquire_or_enqueue(Write));
    std::thread::scope(|scope| {
        let sleeper = scope.spawn(|| {
            // Far longer than the test may take: only the grant ends it in time. The system may wake a thread without need.
            while !lock.rank(1).is_granted() {
                lock.rank(1).sleep(std::time::Duration::from_secs(3600));
            }
        });
        while lock.entries[1].status.load(Ordering::Relaxed) != SLEEPING {
            std::thread::yield_now();
        }
        assert_eq!(lock.rank(0).waiting(), 1, "asleep, it still waits");
        lock.rank(0).release(Write);
        sleeper.join().unwrap();
    });
    // A sleep that ends by itself leaves the rank in the queue.
    lock.release(1, Write);
    assert!(lock.rank(0).acquire_or_enqueue(Write));
    assert!(!lock.rank(1).acquire_or_enqueue(Write));
    lock.rank(1).sleep(std::time::Duration::from_millis(1));
    assert_eq!(lock.rank(0).waiting(), 1);
    assert_eq!(lock.entries[1].status.load(Ordering::Relaxed), WAITING);
    lock.rank(0).release(Write);
    assert_eq!(lock.granted(), [1]);
}

#[test]
fn a_lock_has_a_head_and_one_entry_for_each_rank() {
    assert_eq!(NodeLock::bytes(0), size_of::<LockHead>());
    let more = NodeLock::bytes(5) - NodeLock::bytes(2);
    assert_eq!(more, 3 * size_of::<WaitEntry>());
}

#[test]
fn writers_exclude_and_readers_share() {
    let lock = TestLock::new(3);
    assert!(lock.rank(0).try_acquire(Write));
    assert!(!lock.rank(1).try_acquire(Read) && !lock.rank(1).try_acquire(Write));
    lock.release(0, Write);
    for rank in 0..2 {
        assert!(lock.rank(rank).try_acquire(Read));
    }
    assert!(!lock.rank(2).try_acquire(Write));
    lock.release(0, Read);
    assert!(!lock.rank(2).try_acquire(Write), "one still reads");
    lock.release(1, Read);
    assert!(lock.rank(2).try_acquire(Write));
}

#[test]
fn who_finds_the_latch_taken_waits_for_it() {
    let lock = TestLock::new(2);
    for mode in [Read, Write] {
        let state = lock.rank(0).latch();
        assert_eq!((state, lock.head.state.load(Ordering::Relaxed)), (0, LATCH));
        std::thread::scope(|scope| {
            let acquires = scope.spawn(|| lock.rank(1).try_acquire(mode));
            // The latch says nothing about the lock, so the attempt neither fails nor succeeds before it is free.
            std::thread::sleep(std::time::Duration::from_millis(20));
            assert!(!acquires.is_finished());
            lock.rank(0).unlatch(state);
            assert!(acquires.join().unwrap());
        });
        std::thread::scope(|scope| {
            let state = lock.rank(0).latch();
            let latches = scope.spawn(|| lock.rank(1).latch());
            std::thread::sleep(std::time::Duration::from_millis(20));
            assert!(!latches.is_finished());
            lock.rank(0).unlatch(state);
            assert_eq!(latches.join().unwrap(), state);
        });
        lock.rank(1)
            .unlatch(lock.head.state.load(Ordering::Relaxed) & !LATCH);
        lock.release(1, mode);
    }
}
