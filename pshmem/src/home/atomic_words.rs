//! Atomic words that ranks share, wherever they are: the operations that protocols need, and their form in memory of this node.

use crate::sync::atomic::{AtomicU64, Ordering};

/// Atomic words, wherever they are.
///
/// `[WORDS]` Every operation that changes a word releases, and every operation that reads one acquires: whoever sees a value
/// also sees all that its writer had seen or written before.
pub(crate) trait AtomicWords {
    /// Adds to a word and returns its value before.
    fn fetch_add(&self, at: usize, by: u64) -> u64;
    /// Adds to a word; an implementation need not wait for the outcome.
    fn add(&self, at: usize, by: u64) {
        self.fetch_add(at, by);
    }
    /// Replaces `old` by `new`. `Err` with the value that was found if it was another one.
    fn compare_exchange(&self, at: usize, old: u64, new: u64) -> Result<u64, u64>;
    fn load(&self, at: usize) -> u64;
    fn store(&self, at: usize, value: u64);
}

impl AtomicWords for &[AtomicU64] {
    fn fetch_add(&self, at: usize, by: u64) -> u64 {
        // [WORDS] release and acquire.
        self[at].fetch_add(by, Ordering::AcqRel)
    }

    fn compare_exchange(&self, at: usize, old: u64, new: u64) -> Result<u64, u64> {
        // [WORDS] release and acquire; acquire also when it fails, because the caller acts on the value it found.
        self[at].compare_exchange(old, new, Ordering::AcqRel, Ordering::Acquire)
    }

    fn load(&self, at: usize) -> u64 {
        // [WORDS] acquire.
        self[at].load(Ordering::Acquire)
    }

    fn store(&self, at: usize, value: u64) {
        // [WORDS] release.
        self[at].store(value, Ordering::Release);
    }
}
