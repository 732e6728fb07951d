//! How much memory the objects of a node take, and how much they may take: three words that all ranks of the node share.
//!
//! The leader of a call reserves the bytes of a new mapping. They are free again when the last rank has unmapped it: each
//! mapping has a count of the ranks that have done so.

use crate::memory::cast::{self, AtomicBlock};
use crate::memory::map::Mapping;
use crate::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::ptr::NonNull;
use std::sync::Arc;

/// The words of a node.
#[derive(Debug)]
#[repr(C, align(64))]
struct Words {
    /// Bytes of the mappings that count.
    used: AtomicU64,
    /// The most that `used` has been.
    peak: AtomicU64,
    /// The most that it may be; 0 for no limit.
    limit: AtomicU64,
}

// SAFETY: a `repr(C)` struct of atomic integers.
unsafe impl AtomicBlock for Words {}

/// The memory use of this node, as one rank sees it.
#[derive(Debug)]
pub(crate) struct NodeUsage {
    /// Holds the words, at the byte `offset`.
    mapping: Arc<Mapping>,
    offset: usize,
}

/// A request that a limit does not allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OverLimit {
    pub(crate) used: usize,
    pub(crate) limit: usize,
}

impl NodeUsage {
    pub(crate) const BYTES: usize = size_of::<Words>();

    /// # Safety
    /// The mapping has [`BYTES`](NodeUsage::BYTES) zeroed bytes at `offset`, a multiple of 64, and every rank of the node uses them
    /// as these words only.
    pub(crate) unsafe fn new(mapping: Arc<Mapping>, offset: usize) -> Self {
        assert!(offset.is_multiple_of(64) && offset + Self::BYTES <= mapping.len());
        NodeUsage { mapping, offset }
    }

    fn words(&self) -> &Words {
        // SAFETY: inside the mapping, as checked in `new`.
        let start = unsafe { self.mapping.start().add(self.offset) };
        // SAFETY: aligned, because mappings are page aligned; the rest is the duty of `new`, kept by the private fields.
        unsafe { cast::get(start) }
    }

    // The words are counts that order nothing else, so all operations on them are relaxed.

    /// Adds bytes, unless there is a limit and they pass it.
    pub(crate) fn reserve(&self, bytes: usize) -> Result<Reservation<'_>, OverLimit> {
        let words = self.words();
        let limit = self.limit();
        let relaxed = Ordering::Relaxed;
        let add = |used| sum_within(used, bytes, limit);
        match words.used.fetch_update(relaxed, relaxed, add) {
            Ok(before) => {
                words.peak.fetch_max(before + bytes as u64, relaxed);
                Ok(Reservation { usage: self, bytes })
            }
            Err(used) => Err(OverLimit {
                used: used as usize,
                limit: limit.unwrap_or(usize::MAX),
            }),
        }
    }

    /// Whether bytes could be reserved now.
    pub(crate) fn allows(&self, bytes: usize) -> Result<(), OverLimit> {
        let (used, limit) = (self.used(), self.limit());
        match sum_within(used as u64, bytes, limit) {
            Some(_) => Ok(()),
            None => Err(OverLimit {
                used,
                limit: limit.unwrap_or(usize::MAX),
            }),
        }
    }

    /// Subtracts bytes that were reserved.
    fn release(&self, bytes: usize) {
        self.words().used.fetch_sub(bytes as u64, Ordering::Relaxed);
    }

    pub(crate) fn used(&self) -> usize {
        self.words().used.load(Ordering::Relaxed) as usize
    }

    pub(crate) fn peak(&self) -> usize {
        self.words().peak.load(Ordering::Relaxed) as usize
    }

    pub(crate) fn limit(&self) -> Option<usize> {
        match self.words().limit.load(Ordering::Relaxed) {
            0 => None,
            limit => Some(limit as usize),
        }
    }

    /// Without a limit, as much as the system gives. A limit of 0 is the same as one of 1: no mapping is that small.
    pub(crate) fn set_limit(&self, limit: Option<usize>) {
        let word = limit.map_or(0, |limit| limit.max(1) as u64);
        self.words().limit.store(word, Ordering::Relaxed);
    }
}

/// The sum of both, if it does not pass the limit.
fn sum_within(used: u64, bytes: usize, limit: Option<usize>) -> Option<u64> {
    let sum = used.checked_add(bytes as u64)?;
    limit.is_none_or(|limit| sum <= limit as u64).then_some(sum)
}

/// Bytes that were reserved for a mapping. They are free again when it is dropped, unless they are kept.
#[derive(Debug)]
pub(crate) struct Reservation<'a> {
    usage: &'a NodeUsage,
    bytes: usize,
}

impl Reservation<'_> {
    /// The bytes are used from now on. The accounts of the mapping free them.
    pub(crate) fn keep(self) {
        std::mem::forget(self);
    }
}

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        self.usage.release(self.bytes);
    }
}

/// What a mapping counts in the use of its node.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) usage: Arc<NodeUsage>,
    /// Reserved by the leader.
    pub(crate) bytes: usize,
    /// Ranks that have mapped the same memory.
    pub(crate) ranks: usize,
}

impl Account {
    /// This rank unmaps the memory. The last one to do so frees its bytes in the use of the node.
    ///
    /// # Safety
    /// `page` is the start of a page of the memory that was zeroed before the first rank used it, and that all ranks of the account
    /// use for this only.
    pub(super) unsafe fn close(&self, page: NonNull<u8>) {
        // SAFETY: page aligned; the rest is the caller's duty.
        let closed: &AtomicU32 = unsafe { cast::get(page) };
        if closed.fetch_add(1, Ordering::Relaxed) + 1 == self.ranks as u32 {
            self.usage.release(self.bytes);
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::layout::placer::PAGE;
    use crate::memory::map::Heap;

    fn heap(pages: usize) -> Arc<Heap> {
        Arc::new(Heap::new(pages * PAGE, PAGE).unwrap())
    }

    fn usage() -> Arc<NodeUsage> {
        let mapping = Arc::new(Mapping::heap(heap(1)));
        // SAFETY: new, zeroed, and used for this only.
        Arc::new(unsafe { NodeUsage::new(mapping, 64) })
    }

    #[test]
    fn the_limit_holds_and_the_peak_stays() {
        let usage = usage();
        usage.reserve(100).unwrap().keep();
        usage.set_limit(Some(150));
        let over = OverLimit {
            used: 100,
            limit: 150,
        };
        for bytes in [51, usize::MAX] {
            assert_eq!(usage.allows(bytes), Err(over));
            assert_eq!(usage.reserve(bytes).unwrap_err(), over);
        }
        assert_eq!(usage.allows(50), Ok(()));
        let reservation = usage.reserve(50).unwrap();
        assert_eq!(usage.used(), 150);
        drop(reservation);
        assert_eq!((usage.used(), usage.peak()), (100, 150));
        assert_eq!(usage.limit(), Some(150));
        usage.set_limit(Some(0));
        assert!(usage.allows(1).is_err());
        usage.set_limit(None);
        usage.reserve(1 << 40).unwrap().keep();
        assert_eq!(usage.peak(), 100 + (1 << 40));
    }

    #[test]
    fn the_last_rank_that_unmaps_frees_the_bytes() {
        let (usage, memory) = (usage(), heap(2));
        usage.reserve(2 * PAGE).unwrap().keep();
        let map = || {
            let mut mapping = Mapping::heap(memory.clone());
            let account = Account {
                usage: usage.clone(),
                bytes: 2 * PAGE,
                ranks: 3,
            };
            // SAFETY: two pages, zeroed, of which the last one is used for this only.
            unsafe { mapping.count(account) };
            assert_eq!(mapping.len(), PAGE);
            mapping
        };
        let [one, two, three] = [map(), map(), map()];
        drop(one);
        // In any order, also on other threads.
        std::thread::spawn(move || drop(three)).join().unwrap();
        assert_eq!(usage.used(), 2 * PAGE);
        drop(two);
        assert_eq!(usage.used(), 0);
    }
}
