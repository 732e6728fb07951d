//! Exclusion, order and cancelling under the model checker.
use super::*;
use crate::transport::rma::RESERVED;
use crate::transport::rma::thread_atomics::ThreadAtomics;
use loom::cell::UnsafeCell;
use loom::sync::Arc;

struct ModelLock {
    memory: ThreadAtomics,
    order: UnsafeCell<Vec<(usize, u64)>>,
}

fn shared(ranks: usize) -> Arc<ModelLock> {
    let memory = ThreadAtomics::new(ranks, RESERVED + words(ranks));
    memory.write(at(), &initial_words(ranks));
    let order = UnsafeCell::new(Vec::new());
    Arc::new(ModelLock { memory, order })
}

fn at() -> RemoteAddress {
    RemoteAddress {
        rank: 0,
        word: RESERVED,
    }
}

impl ModelLock {
    fn wait(&self, lock: &TicketLock, turn: Turn) {
        assert_ne!(turn, Turn::Full);
        if turn == Turn::Later {
            while lock.poll_granted(&self.memory, 1).is_none() {
                loom::thread::yield_now();
            }
        }
    }

    fn use_and_release(&self, lock: &TicketLock) {
        let entry = (lock.me, lock.ticket.get());
        // SAFETY: the model checker reports a race if the lock does not exclude the other ranks.
        self.order.with_mut(|order| unsafe { (*order).push(entry) });
        lock.release(&self.memory, None);
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
        let shared = shared(2);
        let other = {
            let shared = shared.clone();
            loom::thread::spawn(move || {
                let lock = TicketLock::new(at(), 2, 1);
                shared.wait(&lock, lock.acquire_or_enqueue(&shared.memory, 1));
                shared.use_and_release(&lock);
            })
        };
        let lock = TicketLock::new(at(), 2, 0);
        for _ in 0..2 {
            shared.wait(&lock, lock.acquire_or_enqueue(&shared.memory, 1));
            shared.use_and_release(&lock);
        }
        other.join().unwrap();
        let served = shared.served();
        assert_eq!(served.len(), 3);
        assert!(served.is_sorted_by_key(|&(_, ticket)| ticket));
    });
}

#[test]
fn loom_a_rank_that_gives_up_is_skipped_or_has_the_lock() {
    check(|| {
        let shared = shared(2);
        let lock = TicketLock::new(at(), 2, 0);
        shared.wait(&lock, lock.acquire_or_enqueue(&shared.memory, 1));
        let other = {
            let shared = shared.clone();
            loom::thread::spawn(move || {
                let lock = TicketLock::new(at(), 2, 1);
                let turn = lock.acquire_or_enqueue(&shared.memory, 1);
                if turn != Turn::Later || !lock.cancel(&shared.memory) {
                    shared.wait(&lock, turn);
                    shared.use_and_release(&lock);
                }
            })
        };
        shared.use_and_release(&lock);
        other.join().unwrap();
        assert!(lock.try_acquire(&shared.memory, 1).is_some(), "it is free");
    });
}
