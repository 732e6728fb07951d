//! Stripes: the elements of an array, cut into pieces of equal length. And the locks of the stripes of one node.

use crate::layout::partition::Partition;
use crate::memory::Segment;
use crate::sync::atomic::{AtomicU64, Ordering};
use std::ops::Range;

/// Stripes of an array, unless it has fewer elements or far more ranks.
const STRIPES: usize = 256;
/// Stripes of each rank, where that is more.
const PER_RANK: usize = 4;

/// The stripes of an array. Their length is a power of two, so that the stripe of an element costs a shift.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stripes {
    elements: usize,
    shift: u32,
}

impl Stripes {
    /// The stripes of an array of so many elements, to which so many ranks add.
    pub(super) fn new(elements: usize, ranks: usize) -> Self {
        let most = STRIPES.max(PER_RANK.saturating_mul(ranks));
        let len = elements.div_ceil(most).next_power_of_two();
        Stripes {
            elements,
            shift: len.trailing_zeros(),
        }
    }

    pub(super) fn count(self) -> usize {
        self.elements.div_ceil(1 << self.shift)
    }

    /// The stripe of an element.
    #[inline]
    pub(super) fn of(self, place: usize) -> usize {
        place >> self.shift
    }

    /// The elements of adjacent stripes.
    pub(super) fn elements(self, stripes: &Range<usize>) -> Range<usize> {
        let bound = |stripe: usize| (stripe << self.shift).min(self.elements);
        bound(stripes.start)..bound(stripes.end)
    }

    /// The stripes that each rank owns. Those of a node are adjacent; `nodes` lists the ranks of each node.
    pub(super) fn owners(self, nodes: &[Vec<usize>]) -> Partition {
        Partition::balanced(self.count(), nodes)
    }
}

/// A lock of one stripe, on a cache line of its own.
pub(super) type StripeLock = [AtomicU64; 8];

const FREE: u64 = 0;
const HELD: u64 = 1;

/// Takes the lock if it is free. Then this rank may use the stripe, and sees what ranks before it have written there.
#[inline]
pub(super) fn try_lock(lock: &StripeLock) -> bool {
    // [STRIPE] acquire: the stripe as the rank that had the lock before has left it.
    lock[0]
        .compare_exchange(FREE, HELD, Ordering::Acquire, Ordering::Relaxed)
        .is_ok()
}

/// Releases a lock that this rank holds.
#[inline]
pub(super) fn unlock(lock: &StripeLock) {
    // [STRIPE] release: what this rank has written to the stripe.
    lock[0].store(FREE, Ordering::Release);
}

/// The locks of the stripes of one node, in a segment that was allocated for them.
#[derive(Debug)]
pub(super) struct StripeLocks {
    segment: Segment,
    count: usize,
}

impl StripeLocks {
    /// Bytes of the locks of so many stripes.
    pub(super) fn bytes(count: usize) -> usize {
        count.max(1) * size_of::<StripeLock>()
    }

    /// # Safety
    /// The segment was allocated for `bytes(count)`, aligned to 64 and zeroed. Every rank of the node uses it as these locks only.
    pub(super) unsafe fn new(segment: Segment, count: usize) -> Self {
        StripeLocks { segment, count }
    }

    #[inline]
    pub(super) fn get(&self, index: usize) -> &StripeLock {
        // SAFETY: duty of `new`, kept by the private fields.
        let locks = unsafe { self.segment.slice::<StripeLock>(0, self.count) };
        &locks[index]
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn every_element_is_in_the_stripe_that_contains_it() {
        for elements in [0, 1, 5, 256, 257, 1000, 100_003] {
            for ranks in [1, 3, 100] {
                let stripes = Stripes::new(elements, ranks);
                assert!(stripes.count() <= STRIPES.max(PER_RANK * ranks));
                let mut next = 0;
                for stripe in 0..stripes.count() {
                    let range = stripes.elements(&(stripe..stripe + 1));
                    assert_eq!(range.start, next);
                    assert!(!range.is_empty());
                    assert_eq!(stripes.of(range.start), stripe);
                    assert_eq!(stripes.of(range.end - 1), stripe);
                    next = range.end;
                }
                assert_eq!(next, elements);
            }
        }
    }

    #[test]
    fn the_largest_array_has_stripes() {
        let stripes = Stripes::new(isize::MAX as usize, 2);
        assert_eq!(stripes.of(isize::MAX as usize - 1), stripes.count() - 1);
        let all = stripes.elements(&(0..stripes.count()));
        assert_eq!(all, 0..isize::MAX as usize);
    }
}

/// Loom model of the lock.
#[cfg(all(test, loom))]
mod models {
    use super::*;
    use loom::cell::UnsafeCell;
    use loom::sync::Arc;
    use loom::thread;

    struct Stripe {
        lock: StripeLock,
        element: UnsafeCell<u32>,
    }

    fn add(stripe: &Stripe, hits: u32) {
        for _ in 0..hits {
            while !try_lock(&stripe.lock) {
                thread::yield_now();
            }
            // SAFETY: the checker reports a write that is not ordered after the other's.
            stripe.element.with_mut(|element| unsafe { *element += 1 });
            unlock(&stripe.lock);
        }
    }

    #[test]
    fn loom_ranks_add_to_a_stripe_one_after_the_other() {
        loom::model(|| {
            let stripe = Arc::new(Stripe {
                lock: std::array::from_fn(|_| AtomicU64::new(FREE)),
                element: UnsafeCell::new(0),
            });
            let other = {
                let stripe = stripe.clone();
                thread::spawn(move || add(&stripe, 1))
            };
            add(&stripe, 2);
            other.join().unwrap();
            // SAFETY: as in `add`.
            assert_eq!(stripe.element.with(|element| unsafe { *element }), 3);
        });
    }
}
