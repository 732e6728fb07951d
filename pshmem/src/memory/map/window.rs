//! A second mapping of a shared window of MPI, which outlives the window.

#[cfg(feature = "__mpi")]
use super::Mapping;
use crate::layout::placer::PAGE;
#[cfg(feature = "__mpi")]
use std::io;

#[cfg(feature = "__mpi")]
impl Mapping {
    /// A second mapping of a shared window: its bytes from the first page boundary at or behind its base on. It stays valid and
    /// shared when MPI frees the window or ends.
    ///
    /// # Safety
    /// What [`Window::new`] was told is true, and the window is still there.
    pub(crate) unsafe fn duplicate(window: &Window) -> io::Result<Self> {
        let &Window { base: window, len } = window;
        let skip = window.addr() % PAGE;
        let first = window.wrapping_sub(skip);
        let ours = if skip == 0 { 0 } else { PAGE };
        let total = ours + len.next_multiple_of(PAGE);
        // SAFETY: an old length of zero makes mremap duplicate a shared mapping and leave the old one alone (mremap(2));
        // `first` is page aligned and inside the window's mapping, because the window starts in that page. The new length
        // ends inside the window: `ours + len` rounded up to a page is at most `skip + len + PAGE` rounded up.
        let start = unsafe { libc::mremap(first.cast(), 0, total, libc::MREMAP_MAYMOVE) };
        Self::pages(start, total, ours, len)
    }
}

/// A shared window of MPI that can be mapped again, such that each byte has the same place in the mappings of all ranks.
#[derive(Debug)]
pub(crate) struct Window {
    /// Start of at least `len + PAGE` bytes, at the same offset inside a page on all ranks of the node.
    base: *mut u8,
    len: usize,
}

impl Window {
    /// A window of `size` bytes at `base`, of which `len` are to be mapped. `offsets` are the lowest and the highest offset of a
    /// base inside a page, among all ranks of the node. The error says why it cannot be mapped again.
    pub(crate) fn new(
        base: *mut u8,
        size: usize,
        offsets: [u64; 2],
        len: usize,
    ) -> Result<Self, String> {
        let [low, high] = offsets;
        // Rounding up to a page gives the same byte on all ranks only if their bases have the same offset inside a page.
        if low != high || size < len + PAGE {
            return Err(format!(
                "bases differ inside a page ({low} and {high}) or the window is short ({size} B)"
            ));
        }
        Ok(Window { base, len })
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn windows_whose_bases_differ_inside_a_page_are_not_mapped_again() {
        let base = std::ptr::without_provenance_mut(3 * PAGE + 8);
        let new = |size, offsets| Window::new(base, size, offsets, 2 * PAGE);
        let window = new(3 * PAGE, [8, 8]).unwrap();
        assert_eq!((window.base, window.len), (base, 2 * PAGE));
        for (size, offsets) in [
            (3 * PAGE, [8, 72]),
            (3 * PAGE, [0, 8]),
            (3 * PAGE - 1, [8, 8]),
        ] {
            assert!(new(size, offsets).is_err(), "{size} {offsets:?}");
        }
    }
}
