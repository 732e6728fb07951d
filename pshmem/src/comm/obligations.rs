//! What other ranks may be waiting for on this rank: that it arrives at a call, or that it releases a lock.
//!
//! Every `Comm` and every lock of the rank has a counter or flag here, so that the rank can answer for itself, without a look at
//! memory of other nodes. Only the rank itself changes them, while it does not wait.

use serde::{Deserialize, Serialize};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

/// What ends a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Awaited {
    /// All ranks of a `Comm` arrive at its `n`-th call.
    Arrivals { comm: u64, n: u64 },
    /// The ranks that hold a lock release it. Locks are numbered in their `Comm`.
    Release { comm: u64, lock: u64 },
}

/// How far this rank has come on one `Comm`.
#[derive(Debug, Default)]
pub(crate) struct CallCount {
    /// The number of the last call at which it has arrived.
    arrived: Cell<u64>,
    /// Whether it makes no further call, so that the others get an error instead of waiting for it.
    is_over: Cell<bool>,
}

impl CallCount {
    #[inline]
    pub(crate) fn set_arrived(&self, n: u64) {
        self.arrived.set(n);
    }

    pub(crate) fn set_over(&self, is_over: bool) {
        self.is_over.set(is_over);
    }
}

/// Whether this rank holds one lock.
pub(crate) type Holds = Cell<bool>;

/// The `Comm`s and locks of this rank.
#[derive(Debug, Default)]
pub(crate) struct Obligations {
    calls: RefCell<HashMap<u64, Rc<CallCount>>>,
    /// By `Comm` and number.
    locks: RefCell<HashMap<(u64, u64), Rc<Holds>>>,
    numbers: Cell<u64>,
}

impl Obligations {
    /// A number that this rank has not used before, for a wait or a search.
    pub(crate) fn next_number(&self) -> u64 {
        self.numbers.set(self.numbers.get() + 1);
        self.numbers.get()
    }

    pub(crate) fn add_comm(&self, comm: u64) -> Rc<CallCount> {
        let count = Rc::<CallCount>::default();
        self.calls.borrow_mut().insert(comm, count.clone());
        count
    }

    pub(crate) fn remove_comm(&self, comm: u64) {
        self.calls.borrow_mut().remove(&comm);
    }

    pub(crate) fn add_lock(&self, comm: u64, lock: u64) -> Rc<Holds> {
        let holds = Rc::<Holds>::default();
        self.locks.borrow_mut().insert((comm, lock), holds.clone());
        holds
    }

    pub(crate) fn remove_lock(&self, comm: u64, lock: u64) {
        self.locks.borrow_mut().remove(&(comm, lock));
    }

    /// Whether a wait for `awaited` cannot end before this rank acts. What this rank does not know does not depend on it.
    pub(crate) fn block(&self, awaited: Awaited) -> bool {
        match awaited {
            Awaited::Arrivals { comm, n } => {
                let calls = self.calls.borrow();
                let count = calls.get(&comm);
                count.is_some_and(|count| !count.is_over.get() && count.arrived.get() < n)
            }
            Awaited::Release { comm, lock } => {
                let locks = self.locks.borrow();
                locks.get(&(comm, lock)).is_some_and(|holds| holds.get())
            }
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_rank_blocks_the_calls_at_which_it_has_not_arrived() {
        let own = Obligations::default();
        let count = own.add_comm(7);
        let blocks = |comm, n| own.block(Awaited::Arrivals { comm, n });
        count.set_arrived(3);
        assert_eq!([3, 4, 9].map(|n| blocks(7, n)), [false, true, true]);
        assert!(!blocks(8, 4), "a Comm that it is not in");
        count.set_over(true);
        assert!(!blocks(7, 4));
        count.set_over(false);
        assert!(blocks(7, 4));
        own.remove_comm(7);
        assert!(!blocks(7, 4));
    }

    #[test]
    fn a_rank_blocks_those_that_wait_for_its_locks() {
        let own = Obligations::default();
        let [first, second] = [1, 2].map(|lock| own.add_lock(7, lock));
        let blocks = |comm, lock| own.block(Awaited::Release { comm, lock });
        second.set(true);
        assert_eq!([1, 2, 3].map(|lock| blocks(7, lock)), [false, true, false]);
        assert!(!blocks(8, 2));
        second.set(false);
        first.set(true);
        assert_eq!([1, 2].map(|lock| blocks(7, lock)), [true, false]);
        own.remove_lock(7, 1);
        assert!(!blocks(7, 1));
    }
}
