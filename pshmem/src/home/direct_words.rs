//! Words that this rank changes itself: in node memory, or at a home rank by one-sided operations.

use crate::home::atomic_words::AtomicWords;
use crate::sync::atomic::AtomicU64;
use crate::transport::rma::{RemoteAddress, RemoteAtomics};

/// The words at a home rank, which takes no part in the operations.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RmaWords<'a> {
    pub(crate) atomics: &'a dyn RemoteAtomics,
    pub(crate) first: RemoteAddress,
}

impl AtomicWords for RmaWords<'_> {
    fn fetch_add(&self, at: usize, by: u64) -> u64 {
        self.atomics.fetch_add(self.first.plus(at), by)
    }

    fn add(&self, at: usize, by: u64) {
        self.atomics.add_later(self.first.plus(at), by);
    }

    fn compare_exchange(&self, at: usize, old: u64, new: u64) -> Result<u64, u64> {
        let found = self.atomics.compare_swap(self.first.plus(at), old, new);
        if found == old { Ok(found) } else { Err(found) }
    }

    fn load(&self, at: usize) -> u64 {
        self.atomics.load(self.first.plus(at))
    }

    fn store(&self, at: usize, value: u64) {
        self.atomics.write(self.first.plus(at), &[value]);
    }
}

/// Either of the two. An enum, so that operations in node memory are inlined.
#[derive(Debug, Clone, Copy)]
pub(crate) enum DirectWords<'a> {
    Node(&'a [AtomicU64]),
    Rma(RmaWords<'a>),
}

impl AtomicWords for DirectWords<'_> {
    #[inline]
    fn fetch_add(&self, at: usize, by: u64) -> u64 {
        match self {
            DirectWords::Node(words) => words.fetch_add(at, by),
            DirectWords::Rma(words) => words.fetch_add(at, by),
        }
    }

    #[inline]
    fn add(&self, at: usize, by: u64) {
        match self {
            DirectWords::Node(words) => words.add(at, by),
            DirectWords::Rma(words) => words.add(at, by),
        }
    }

    #[inline]
    fn compare_exchange(&self, at: usize, old: u64, new: u64) -> Result<u64, u64> {
        match self {
            DirectWords::Node(words) => words.compare_exchange(at, old, new),
            DirectWords::Rma(words) => words.compare_exchange(at, old, new),
        }
    }

    #[inline]
    fn load(&self, at: usize) -> u64 {
        match self {
            DirectWords::Node(words) => words.load(at),
            DirectWords::Rma(words) => words.load(at),
        }
    }

    #[inline]
    fn store(&self, at: usize, value: u64) {
        match self {
            DirectWords::Node(words) => words.store(at, value),
            DirectWords::Rma(words) => words.store(at, value),
        }
    }
}
