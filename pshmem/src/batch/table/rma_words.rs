//! The words of a table on the rank that hosts it, which the others change by one-sided operations: the host takes no part.

use crate::batch::table;
use crate::transport::rma::{RemoteAddress, RemoteAtomics};

/// These words, as one rank reaches them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RmaWords<'a> {
    pub(crate) words: &'a dyn RemoteAtomics,
    /// The first of them.
    pub(crate) at: RemoteAddress,
}

impl table::TableWords for RmaWords<'_> {
    fn fetch_add(&self, at: usize, by: u64) -> u64 {
        self.words.fetch_add(self.at.plus(at), by)
    }

    fn add(&self, at: usize, by: u64) {
        self.words.add_later(self.at.plus(at), by);
    }

    fn compare_exchange(&self, at: usize, old: u64, new: u64) -> Result<u64, u64> {
        let found = self.words.compare_swap(self.at.plus(at), old, new);
        if found == old { Ok(found) } else { Err(found) }
    }

    fn load(&self, at: usize) -> u64 {
        self.words.load(self.at.plus(at))
    }

    fn store(&self, at: usize, value: u64) {
        self.words.write(self.at.plus(at), &[value]);
    }
}
