//! One-sided operations on 64-bit words of other ranks, in which the target rank takes no part.
//!
//! The contract is [`RemoteAtomics`]. [`ThreadAtomics`](thread_atomics::ThreadAtomics) implements it for ranks that are
//! threads, `mpi/rma_window.rs` for MPI processes. [`word_allocator`] divides a rank's words among the objects it keeps.

pub(crate) mod thread_atomics;
pub(crate) mod word_allocator;

use std::fmt::Debug;

/// One word of one rank.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RemoteAddress {
    pub(crate) rank: usize,
    pub(crate) word: usize,
}

impl RemoteAddress {
    /// The word that is `words` further on.
    pub(crate) fn plus(self, words: usize) -> Self {
        RemoteAddress {
            word: self.word + words,
            ..self
        }
    }
}

/// The word of each rank at which it waits for a lock.
pub(crate) const WAKE: usize = 0;
/// The word that the self-test uses.
#[cfg(feature = "__mpi")]
pub(crate) const TEST: usize = 1;
/// Words of each rank before those that objects can get.
pub(crate) const RESERVED: usize = 2;

/// Atomic operations on the words of all ranks. The reserved words are zero at first, the others may hold anything.
///
/// Operations on one word are atomic and are complete when the call returns, unless stated otherwise. What a rank wrote
/// before an operation is visible to every rank that sees the effect of the operation.
pub(crate) trait RemoteAtomics: Debug {
    /// Number of words of each rank.
    fn len(&self) -> usize;

    /// Adds `n`, wrapping around, and returns the previous value.
    fn fetch_add(&self, at: RemoteAddress, n: u64) -> u64;

    /// Replaces `from` by `to`. Returns the previous value; the word was replaced if that is `from`.
    fn compare_swap(&self, at: RemoteAddress, from: u64, to: u64) -> u64;

    /// Adds `n` at some time before the next `complete` for the same rank.
    fn add_later(&self, at: RemoteAddress, n: u64);

    /// Waits until all operations of this rank on words of `rank` are complete.
    fn complete(&self, rank: usize);

    /// Reads consecutive words, each atomically but not all at one moment.
    fn read(&self, at: RemoteAddress, words: &mut [u64]);

    /// Writes consecutive words that no other rank uses during the call.
    fn write(&self, at: RemoteAddress, words: &[u64]);

    /// Reads one word.
    fn load(&self, at: RemoteAddress) -> u64 {
        self.fetch_add(at, 0)
    }
}
