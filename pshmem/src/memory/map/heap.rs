//! Zeroed memory of this process.

use crate::layout::placer::PAGE;
use std::alloc::Layout;
use std::io;
use std::ptr::NonNull;

/// Zeroed memory of this process.
#[derive(Debug)]
pub(crate) struct Heap {
    /// The first boundary of the alignment inside the allocation; `len` bytes follow.
    start: NonNull<u8>,
    len: usize,
    /// Allocated with `layout`, freed when the last rank of the node drops its reference.
    allocation: NonNull<u8>,
    layout: Layout,
}

// SAFETY: the allocation is owned. Its bytes are either atomics (see `cast.rs`), or bytes of an object, whose uses the
// collective calls and locks order by such atomics.
unsafe impl Send for Heap {}
// SAFETY: as for Send; the value itself is never changed after `new`.
unsafe impl Sync for Heap {}

impl Heap {
    /// `len` bytes from a multiple of `align` on, which is at least a page.
    pub(crate) fn new(len: usize, align: usize) -> io::Result<Self> {
        debug_assert!(align >= PAGE && align.is_power_of_two());
        let no_memory = || io::Error::from(io::ErrorKind::OutOfMemory);
        // More bytes instead of an aligned allocation: the allocator then returns untouched pages of the system, which are zero.
        // It would clear aligned memory itself, on one core.
        let size = len.checked_add(align).ok_or_else(no_memory)?;
        let layout = Layout::from_size_align(size, 16).map_err(|_| no_memory())?;
        // SAFETY: the layout's size is at least a page.
        let allocation =
            NonNull::new(unsafe { std::alloc::alloc_zeroed(layout) }).ok_or_else(no_memory)?;
        let skip = allocation.as_ptr().align_offset(align);
        assert!(skip < align, "a byte pointer can be aligned to any page");
        // SAFETY: `skip + len` is less than the size of the allocation.
        let start = unsafe { allocation.add(skip) };
        Ok(Heap {
            start,
            len,
            allocation,
            layout,
        })
    }

    pub(super) fn start(&self) -> NonNull<u8> {
        self.start
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }
}

impl Drop for Heap {
    fn drop(&mut self) {
        // SAFETY: allocated in `new` with this layout and not freed before.
        unsafe { std::alloc::dealloc(self.allocation.as_ptr(), self.layout) };
    }
}
