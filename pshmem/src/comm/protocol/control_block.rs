//! Layout of the control block: the atomic words in node memory through which the ranks of a node synchronize.
//!
//! One head for the node is followed by one block for each rank. Zeroed memory is the state before the first call.

use crate::comm::protocol::call::CALL_WORDS;
use crate::memory::cast::AtomicBlock;
use crate::sync::atomic::{AtomicU64, Ordering};

/// Bytes of an encoded contribution, or of the reason why a rank has left.
pub(crate) const CONTRIBUTION_BYTES: usize = CONTRIBUTION_WORDS * 8;
/// Bytes of an encoded outcome.
pub(crate) const OUTCOME_BYTES: usize = OUTCOME_WORDS * 8;
/// Bytes of a source line; of a longer one, the end is kept.
pub(crate) const SITE_BYTES: usize = SITE_WORDS * 8;
/// Counters of turns that each rank has.
pub(crate) const LANES: usize = 4;
/// Bytes of the error that a poisoned block holds.
pub(crate) const POISON_BYTES: usize = POISON_WORDS * 8;

#[cfg(not(loom))]
mod sizes {
    pub(super) const CONTRIBUTION_WORDS: usize = 128;
    pub(super) const SITE_WORDS: usize = 16;
    pub(super) const OUTCOME_WORDS: usize = 1024;
    pub(super) const POISON_WORDS: usize = 256;
}
/// The model checker's time grows with every word.
#[cfg(loom)]
mod sizes {
    pub(super) const CONTRIBUTION_WORDS: usize = 1;
    pub(super) const SITE_WORDS: usize = 1;
    pub(super) const OUTCOME_WORDS: usize = 1;
    pub(super) const POISON_WORDS: usize = 1;
}
use sizes::{CONTRIBUTION_WORDS, OUTCOME_WORDS, POISON_WORDS, SITE_WORDS};

/// A word on a cache line of its own, so that a rank which polls it is not disturbed by writes to other words.
#[derive(Debug)]
#[repr(C, align(64))]
pub(super) struct PaddedWord(pub(super) AtomicU64);

/// The words that all ranks of the node share.
#[derive(Debug)]
#[repr(C, align(64))]
pub(crate) struct ControlHead {
    /// `OPEN(n)`, `WRITING(n)` or `POISONED`, see `control`. Zero is `OPEN(1)`.
    pub(super) state: PaddedWord,
    /// The last call whose claim the leader has passed on to a writer.
    pub(super) passed: PaddedWord,
    /// The call that was poisoned, 0 for none. Written once.
    pub(super) poisoned: PaddedWord,
    pub(super) release: Release,
    pub(super) poison_len: AtomicU64,
    /// Why the block was poisoned.
    pub(super) poison: [AtomicU64; POISON_WORDS],
}

/// How a call has ended. A short outcome is on the cache line that waiting ranks poll.
#[derive(Debug)]
#[repr(C, align(64))]
pub(super) struct Release {
    /// The call that was released last, and whether it has an outcome.
    pub(super) released: AtomicU64,
    pub(super) outcome_len: AtomicU64,
    pub(super) outcome: [AtomicU64; OUTCOME_WORDS],
}

/// What one rank publishes. The first cache line is all that a call without a contribution needs.
#[derive(Debug)]
#[repr(C, align(64))]
pub(crate) struct RankBlock {
    /// The last call at which the rank has arrived; with the flag `LEFT`, it makes no further one.
    pub(super) arrived: AtomicU64,
    pub(super) call: [AtomicU64; CALL_WORDS],
    pub(super) contribution_len: AtomicU64,
    pub(super) site_len: AtomicU64,
    /// The contribution to the current call, or why the rank has left.
    pub(super) contribution: [AtomicU64; CONTRIBUTION_WORDS],
    /// The source line of the call, as text: a pointer means nothing in another process.
    pub(super) site: [AtomicU64; SITE_WORDS],
    pub(super) turns: Turns,
}

/// Turns that a rank has finished inside calls, in each lane; see `comm::turns`. On a cache line of their own, because other ranks
/// poll them.
#[derive(Debug)]
#[repr(C, align(64))]
pub(super) struct Turns(pub(super) [AtomicU64; LANES]);

// SAFETY: a `repr(C)` struct of one atomic integer.
unsafe impl AtomicBlock for PaddedWord {}
// SAFETY: a `repr(C)` struct of atomic integers and an array of these.
unsafe impl AtomicBlock for Release {}
// SAFETY: a `repr(C)` struct of an array of atomic integers.
unsafe impl AtomicBlock for Turns {}
// SAFETY: a `repr(C)` struct of atomic integers, arrays of these, `PaddedWord`s and a `Release`.
unsafe impl AtomicBlock for ControlHead {}
// SAFETY: a `repr(C)` struct of atomic integers, arrays of these, and `Turns`.
unsafe impl AtomicBlock for RankBlock {}

#[cfg(not(loom))]
const _: () = assert!(std::mem::offset_of!(RankBlock, contribution) <= 64);

/// Stores bytes in words. Relaxed: the caller publishes them by a release store to another word.
pub(crate) fn store_bytes(len: &AtomicU64, words: &[AtomicU64], bytes: &[u8]) {
    debug_assert!(bytes.len() <= words.len() * 8);
    len.store(bytes.len() as u64, Ordering::Relaxed);
    for (word, chunk) in words.iter().zip(bytes.chunks(8)) {
        let mut value = [0; 8];
        value[..chunk.len()].copy_from_slice(chunk);
        word.store(u64::from_le_bytes(value), Ordering::Relaxed);
    }
}

/// The bytes that were stored in words. Relaxed, as `store_bytes`.
pub(crate) fn load_bytes(len: &AtomicU64, words: &[AtomicU64]) -> Vec<u8> {
    let mut bytes = Vec::new();
    load_into(&mut bytes, len, words);
    bytes
}

/// The same, in place of what `bytes` holds.
pub(crate) fn load_into(bytes: &mut Vec<u8>, len: &AtomicU64, words: &[AtomicU64]) {
    // A report may read while the owner stores. It may then show a mixture, but must not panic.
    let len = (len.load(Ordering::Relaxed) as usize).min(words.len() * 8);
    bytes.clear();
    bytes.reserve(len.next_multiple_of(8));
    for word in &words[..len.div_ceil(8)] {
        bytes.extend_from_slice(&word.load(Ordering::Relaxed).to_le_bytes());
    }
    bytes.truncate(len);
}

#[cfg(all(test, loom))]
mod models {
    //! Control blocks outside node memory.
    use super::*;

    impl ControlHead {
        pub(crate) fn zeroed() -> Self {
            ControlHead {
                state: padded(),
                passed: padded(),
                poisoned: padded(),
                release: Release {
                    released: AtomicU64::new(0),
                    outcome_len: AtomicU64::new(0),
                    outcome: zeros(),
                },
                poison_len: AtomicU64::new(0),
                poison: zeros(),
            }
        }
    }

    impl RankBlock {
        pub(crate) fn zeroed() -> Self {
            RankBlock {
                arrived: AtomicU64::new(0),
                call: zeros(),
                contribution_len: AtomicU64::new(0),
                site_len: AtomicU64::new(0),
                contribution: zeros(),
                site: zeros(),
                turns: Turns(zeros()),
            }
        }
    }

    fn padded() -> PaddedWord {
        PaddedWord(AtomicU64::new(0))
    }

    fn zeros<const N: usize>() -> [AtomicU64; N] {
        std::array::from_fn(|_| AtomicU64::new(0))
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_restored_from_words() {
        let (len, words) = (AtomicU64::new(0), [const { AtomicU64::new(0) }; 2]);
        for text in ["", "a", "12345678", "123456789", "0123456789abcdef"] {
            store_bytes(&len, &words, text.as_bytes());
            assert_eq!(load_bytes(&len, &words), text.as_bytes());
        }
        // As a reader may see it while the owner stores.
        len.store(u64::MAX, Ordering::Relaxed);
        assert_eq!(load_bytes(&len, &words).len(), 16);
    }
}
