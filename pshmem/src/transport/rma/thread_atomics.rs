//! Remote atomics of ranks that are threads: plain atomics in the memory of the process.

use crate::sync::atomic::{AtomicU64, Ordering};
use crate::transport::rma::{RemoteAddress, RemoteAtomics};

/// The words of all ranks of a process.
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

// [REMOTE] Every operation acquires and releases, as the contract requires.
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
        swapped.unwrap_or_else(|found| found)
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
