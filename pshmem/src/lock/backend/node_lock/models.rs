//! Exclusion, order, hand-over and cancelling under the model checker.
use super::*;
use loom::cell::UnsafeCell;
use loom::sync::Arc;

struct ModelLock {
    head: LockHead,
    entries: Vec<WaitEntry>,
    data: UnsafeCell<u32>,
}

fn lock(ranks: usize) -> Arc<ModelLock> {
    Arc::new(ModelLock {
        head: LockHead::free(),
        entries: (0..ranks).map(|_| WaitEntry::idle()).collect(),
        data: UnsafeCell::new(0),
    })
}

impl ModelLock {
    fn as_rank(&self, me: usize) -> NodeLock<'_> {
        NodeLock {
            head: &self.head,
            entries: &self.entries,
            me,
        }
    }

    fn acquire(&self, me: usize, mode: Mode) {
        if !self.as_rank(me).acquire_or_enqueue(mode) {
            while !self.as_rank(me).is_granted() {
                loom::thread::yield_now();
            }
        }
    }

    fn add(&self, me: usize) {
        // SAFETY: the model checker reports a race if the lock does not exclude the other ranks.
        self.data.with_mut(|data| unsafe { *data += 1 });
        self.as_rank(me).release(Mode::Write);
    }
}

fn check(model: impl Fn() + Send + Sync + 'static) {
    check_within(3, model);
}

/// Every interleaving within so many preemptions.
fn check_within(preemptions: usize, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(model);
}

#[test]
fn loom_writers_exclude_each_other() {
    check(|| {
        let lock = lock(2);
        let other = {
            let lock = lock.clone();
            loom::thread::spawn(move || {
                lock.acquire(1, Mode::Write);
                lock.add(1);
            })
        };
        lock.acquire(0, Mode::Write);
        lock.add(0);
        other.join().unwrap();
        lock.data.with(|data| {
            // SAFETY: the other thread has ended.
            assert_eq!(unsafe { *data }, 2);
        });
        assert!(lock.as_rank(0).try_acquire(Mode::Write));
    });
}

#[test]
fn loom_who_is_first_in_the_queue_is_served_first() {
    check(|| {
        let lock = lock(3);
        lock.acquire(0, Mode::Write);
        let others = {
            let lock = lock.clone();
            // One after the other, while the lock is released.
            loom::thread::spawn(move || {
                let first = lock.as_rank(1).acquire_or_enqueue(Mode::Write);
                let second = lock.as_rank(2).acquire_or_enqueue(Mode::Write);
                assert!(!second);
                first
            })
        };
        lock.as_rank(0).release(Mode::Write);
        let taken = others.join().unwrap();
        assert!(taken || lock.as_rank(1).is_granted());
        assert!(!lock.as_rank(2).is_granted());
        lock.as_rank(1).release(Mode::Write);
        assert!(lock.as_rank(2).is_granted());
    });
}

#[test]
fn loom_a_rank_that_cancels_leaves_the_queue() {
    check(|| {
        let lock = lock(2);
        lock.acquire(0, Mode::Write);
        let other = {
            let lock = lock.clone();
            loom::thread::spawn(move || {
                let rank = lock.as_rank(1);
                if rank.acquire_or_enqueue(Mode::Write) || rank.is_granted() || !rank.cancel() {
                    lock.add(1);
                }
            })
        };
        lock.add(0);
        other.join().unwrap();
        assert!(lock.as_rank(0).try_acquire(Mode::Write));
        let rank = lock.as_rank(0);
        assert_eq!(rank.head.first.load(Ordering::Relaxed), 0);
        assert_eq!(rank.head.last.load(Ordering::Relaxed), 0);
    });
}

#[test]
fn loom_a_poisoned_lock_is_not_acquired_as_if_it_were_not() {
    check(|| {
        let lock = lock(2);
        lock.acquire(0, Mode::Write);
        let other = {
            let lock = lock.clone();
            loom::thread::spawn(move || {
                let rank = lock.as_rank(1);
                let acquired = rank.try_acquire_unpoisoned(Mode::Write);
                assert!(!acquired, "it was never free without the poison");
            })
        };
        let rank = lock.as_rank(0);
        rank.set_poisoned(Some(0));
        rank.release(Mode::Write);
        other.join().unwrap();
        assert!(rank.try_acquire(Mode::Write), "it was given back");
    });
}

#[test]
fn loom_three_ranks_take_turns() {
    // Two writers and a reader. Each gets the lock once, whoever is first.
    check_within(1, || {
        let lock = lock(3);
        let others = [(1, Mode::Write), (2, Mode::Read)].map(|(me, mode)| {
            let lock = lock.clone();
            loom::thread::spawn(move || {
                lock.acquire(me, mode);
                if mode == Mode::Write {
                    lock.add(me);
                } else {
                    // SAFETY: as in `add`.
                    let found = lock.data.with(|data| unsafe { *data });
                    lock.as_rank(me).release(Mode::Read);
                    assert!(found <= 2);
                }
            })
        });
        lock.acquire(0, Mode::Write);
        lock.add(0);
        for other in others {
            other.join().unwrap();
        }
        lock.data.with(|data| {
            // SAFETY: the other threads have ended.
            assert_eq!(unsafe { *data }, 2);
        });
        assert!(lock.as_rank(0).try_acquire(Mode::Write));
    });
}

#[test]
fn loom_readers_share_and_writers_wait() {
    check(|| {
        let lock = lock(2);
        let other = {
            let lock = lock.clone();
            loom::thread::spawn(move || {
                lock.acquire(1, Mode::Read);
                lock.data.with(|data| {
                    // SAFETY: as in `add`.
                    unsafe { *data }
                });
                lock.as_rank(1).release(Mode::Read);
            })
        };
        lock.acquire(0, Mode::Write);
        lock.add(0);
        other.join().unwrap();
        assert!(lock.as_rank(0).try_acquire(Mode::Write));
    });
}
