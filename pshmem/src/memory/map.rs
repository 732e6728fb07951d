//! Mappings of node memory into this process: how they are made, populated and unmapped. The only file that calls the
//! system's memory functions.

use std::alloc::Layout;
use std::io;
use std::ptr::NonNull;
use std::sync::Arc;

use crate::layout::placer::PAGE;

/// Node memory in this rank's address space, at least page aligned. Dropping it unmaps it for this rank only.
#[derive(Debug)]
pub(crate) struct Mapping {
    /// Start of `len` bytes that stay mapped, readable and writable until this is dropped. No reference to them is kept.
    start: NonNull<u8>,
    len: usize,
    backing: Backing,
}

#[derive(Debug)]
enum Backing {
    /// Memory of this process, shared by the threads that are the node's ranks.
    Heap(#[allow(dead_code, reason = "held for its drop")] Arc<Heap>),
    /// A mapping of this process. The pages live until every process has unmapped them.
    #[cfg(feature = "__mpi")]
    Pages { start: NonNull<u8>, len: usize },
}

// SAFETY: memory of the process, which any thread may access through `start`, and free or unmap. Its bytes are either atomics
// (see `cast.rs`), or bytes of an object, whose uses the collective calls and locks order by such atomics.
unsafe impl Send for Mapping {}
// SAFETY: as for Send; the value itself is never changed once it is made.
unsafe impl Sync for Mapping {}

impl Mapping {
    pub(crate) fn heap(heap: Arc<Heap>) -> Self {
        Mapping {
            start: heap.start,
            len: heap.len,
            backing: Backing::Heap(heap),
        }
    }

    /// New anonymous memory, for a node with one rank.
    #[cfg(feature = "__mpi")]
    pub(crate) fn anonymous(len: usize) -> io::Result<Self> {
        // SAFETY: a new private anonymous mapping at an address of the system's choice touches nothing that exists.
        let start = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                len,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
                -1,
                0,
            )
        };
        Self::pages(start, len, 0, len)
    }

    /// A second mapping of a shared window: its bytes from the first page boundary at or behind its base on. It stays valid and
    /// shared when MPI frees the window or ends.
    ///
    /// # Safety
    /// What [`Window::new`] was told is true, and the window is still there.
    #[cfg(feature = "__mpi")]
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

    #[cfg(feature = "__mpi")]
    fn pages(start: *mut libc::c_void, total: usize, skip: usize, len: usize) -> io::Result<Self> {
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let start = NonNull::new(start.cast::<u8>())
            .ok_or_else(|| io::Error::other("mapped at address 0"))?;
        // SAFETY: `skip + len` is at most `total`, the length of the mapping.
        let first = unsafe { start.add(skip) };
        Ok(Mapping {
            start: first,
            len,
            backing: Backing::Pages { start, len: total },
        })
    }

    pub(crate) fn start(&self) -> NonNull<u8> {
        self.start
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Allocates the pages of this rank's share (`part` of `parts`) now, so that a full `/dev/shm` is an error here and not
    /// a signal at the first write, and so that each rank's pages are near its core.
    ///
    /// # Safety
    /// The mapping holds zeros only, and no rank uses its bytes yet.
    pub(crate) unsafe fn populate(&self, part: usize, parts: usize) -> io::Result<()> {
        let pages = self.len / PAGE;
        let first = pages * part / parts * PAGE;
        let end = pages * (part + 1) / parts * PAGE;
        // SAFETY: the share is inside the mapping.
        let share = unsafe { self.start.add(first) };
        // SAFETY: as above; the rest is the caller's duty.
        unsafe { populate(share, end - first) }
    }
}

/// A shared window of MPI that can be mapped again, such that each byte has the same place in the mappings of all ranks.
#[cfg(any(feature = "__mpi", all(test, not(loom))))]
#[derive(Debug)]
pub(crate) struct Window {
    /// Start of at least `len + PAGE` bytes, at the same offset inside a page on all ranks of the node.
    base: *mut u8,
    len: usize,
}

#[cfg(any(feature = "__mpi", all(test, not(loom))))]
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

/// Allocates the pages of a range of zeros.
///
/// # Safety
/// The range is mapped, page aligned, holds zeros, and no rank uses its bytes.
#[cfg(not(miri))]
unsafe fn populate(start: NonNull<u8>, len: usize) -> io::Result<()> {
    const MADV_POPULATE_WRITE: i32 = 23;
    if len == 0 {
        return Ok(());
    }
    // SAFETY: populating changes no byte of a mapping; a failure is returned and raises no signal (madvise(2)).
    if unsafe { libc::madvise(start.as_ptr().cast(), len, MADV_POPULATE_WRITE) } == 0 {
        return Ok(());
    }
    let error = io::Error::last_os_error();
    if error.raw_os_error() != Some(libc::EINVAL) {
        return Err(error);
    }
    // Kernels before 5.14: let the kernel write the zeros. Its copy fails with EFAULT where a store would raise SIGBUS.
    let mut zeros = std::fs::File::open("/dev/zero")?;
    // SAFETY: the range is valid for writes and not used otherwise (caller's duty); every byte is a valid u8.
    let bytes = unsafe { std::slice::from_raw_parts_mut(start.as_ptr(), len) };
    io::Read::read_exact(&mut zeros, bytes)
}

/// Miri does not know madvise, and its heap does not need it.
#[cfg(miri)]
#[allow(clippy::unnecessary_wraps, reason = "same signature as the real one")]
unsafe fn populate(_: NonNull<u8>, _: usize) -> io::Result<()> {
    Ok(())
}

impl Drop for Mapping {
    fn drop(&mut self) {
        match self.backing {
            Backing::Heap(_) => {}
            #[cfg(feature = "__mpi")]
            Backing::Pages { start, len } => {
                // SAFETY: this value owns the mapping; whoever holds a pointer into it keeps this value alive.
                let code = unsafe { libc::munmap(start.as_ptr().cast(), len) };
                debug_assert_eq!(code, 0, "munmap of a mapping of our own");
            }
        }
    }
}

/// Zeroed memory of this process.
#[derive(Debug)]
pub(crate) struct Heap {
    /// The first page boundary inside the allocation; `len` bytes follow.
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
    pub(crate) fn new(len: usize) -> io::Result<Self> {
        let no_memory = || io::Error::from(io::ErrorKind::OutOfMemory);
        // One page more instead of page alignment: the allocator then returns untouched pages of the system, which are zero.
        // It would clear page-aligned memory itself, on one core.
        let size = len.checked_add(PAGE).ok_or_else(no_memory)?;
        let layout = Layout::from_size_align(size, 16).map_err(|_| no_memory())?;
        // SAFETY: the layout's size is at least a page.
        let allocation =
            NonNull::new(unsafe { std::alloc::alloc_zeroed(layout) }).ok_or_else(no_memory)?;
        let skip = allocation.as_ptr().align_offset(PAGE);
        assert!(skip < PAGE, "a byte pointer can be aligned to any page");
        // SAFETY: `skip + len` is less than the size of the allocation.
        let start = unsafe { allocation.add(skip) };
        Ok(Heap {
            start,
            len,
            allocation,
            layout,
        })
    }
}

impl Drop for Heap {
    fn drop(&mut self) {
        // SAFETY: allocated in `new` with this layout and not freed before.
        unsafe { std::alloc::dealloc(self.allocation.as_ptr(), self.layout) };
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
