//! RemoteAtomics on every rank that all ranks change without its help.
//!
//! The contract is [`RemoteAtomics`]; [`ThreadAtomics`] implements it for ranks that are threads, `mpi/one_sided.rs` for MPI processes.

use crate::sync::atomic::{AtomicU64, Ordering};
use std::fmt::Debug;

/// One word of one rank.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RemoteAddress {
    pub(crate) rank: usize,
    pub(crate) word: usize,
}

impl RemoteAddress {
    /// The word so many words behind.
    pub(crate) fn plus(self, words: usize) -> Self {
        RemoteAddress {
            word: self.word + words,
            ..self
        }
    }
}

/// The word on every rank that tells it to go on with what it waits for.
pub(crate) const WAKE: usize = 0;
/// The word of the self-test.
#[cfg(feature = "mpi")]
pub(crate) const TEST: usize = 1;
/// RemoteAtomics of a rank before those that can be given to locks.
pub(crate) const RESERVED: usize = 2;

/// One-sided operations: the rank whose words they are takes no part. The reserved words are zero at first, the others may
/// hold anything.
///
/// Operations on one word are atomic, and have happened when the call returns unless it says otherwise. What a rank has written
/// before an operation on a word is visible to whoever sees that operation's outcome.
pub(crate) trait RemoteAtomics: Debug {
    /// RemoteAtomics of each rank.
    fn len(&self) -> usize;

    /// Adds, wrapping round, and gives the value before.
    fn fetch_add(&self, at: RemoteAddress, n: u64) -> u64;

    /// Replaces `from` by `to`; gives the value before, which is `from` when that has happened.
    fn compare_swap(&self, at: RemoteAddress, from: u64, to: u64) -> u64;

    /// Adds, at some time before the next `complete`.
    fn add_later(&self, at: RemoteAddress, n: u64);

    /// Waits until everything that this rank has asked for at `rank` has happened.
    fn complete(&self, rank: usize);

    /// Some words in a row, each at some moment of the call.
    fn read(&self, at: RemoteAddress, words: &mut [u64]);

    /// Replaces some words in a row that no other rank uses meanwhile.
    fn write(&self, at: RemoteAddress, words: &[u64]);

    /// One word.
    fn load(&self, at: RemoteAddress) -> u64 {
        self.fetch_add(at, 0)
    }
}

/// The words of ranks that share the memory of a process.
#[derive(Debug)]
pub(crate) struct ThreadAtomics {
    len: usize,
    words: Vec<Box<[AtomicU64]>>,
}

impl ThreadAtomics {
    pub(crate) fn new(ranks: usize, len: usize) -> Self {
        let zeros = || (0..len).map(|_| AtomicU64::new(0)).collect();
        ThreadAtomics {
            len,
            words: (0..ranks).map(|_| zeros()).collect(),
        }
    }

    fn word(&self, at: RemoteAddress) -> &AtomicU64 {
        &self.words[at.rank][at.word]
    }
}

// [WORDS] Every operation acquires and releases, as the contract asks for.
impl RemoteAtomics for ThreadAtomics {
    fn len(&self) -> usize {
        self.len
    }

    fn fetch_add(&self, at: RemoteAddress, n: u64) -> u64 {
        self.word(at).fetch_add(n, Ordering::AcqRel)
    }

    fn compare_swap(&self, at: RemoteAddress, from: u64, to: u64) -> u64 {
        let swapped = self
            .word(at)
            .compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire);
        swapped.unwrap_or_else(|now| now)
    }

    fn add_later(&self, at: RemoteAddress, n: u64) {
        self.fetch_add(at, n);
    }

    fn complete(&self, _: usize) {}

    fn read(&self, at: RemoteAddress, words: &mut [u64]) {
        for (index, word) in words.iter_mut().enumerate() {
            *word = self.word(at.plus(index)).load(Ordering::Acquire);
        }
    }

    fn write(&self, at: RemoteAddress, words: &[u64]) {
        for (index, word) in words.iter().enumerate() {
            self.word(at.plus(index)).store(*word, Ordering::Release);
        }
    }
}
