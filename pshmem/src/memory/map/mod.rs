//! Mappings of node memory into this process: how they are made, populated and unmapped. The only folder that calls the
//! system's memory functions.
//!
//! - [`Heap`]: memory of this process, for ranks that are threads
//! - [`MemoryFile`]: a file in memory that processes map, made by one of them
//! - [`Window`]: a shared window of MPI, mapped a second time
//! - `populate`: pages, small and huge, before they are used

#[cfg(feature = "__mpi")]
mod file;
mod heap;
mod populate;
#[cfg(any(feature = "__mpi", all(test, not(loom))))]
mod window;

#[cfg(feature = "__mpi")]
pub(crate) use file::MemoryFile;
pub(crate) use heap::Heap;
#[cfg(feature = "__mpi")]
pub(crate) use window::Window;

use crate::layout::placer::PAGE;
use crate::memory::node_usage::Account;
#[cfg(feature = "__mpi")]
use std::io;
use std::ptr::NonNull;
use std::sync::Arc;

/// Node memory in this rank's address space, at least page aligned. Dropping it unmaps it for this rank only.
#[derive(Debug)]
pub(crate) struct Mapping {
    /// Start of `len` bytes that stay mapped, readable and writable until this is dropped. No reference to them is kept.
    start: NonNull<u8>,
    len: usize,
    /// Set for a mapping that counts in the use of its node. A page that belongs to it follows the `len` bytes.
    account: Option<Account>,
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
// SAFETY: as for Send; the value itself is never changed once it is shared.
unsafe impl Sync for Mapping {}

impl Mapping {
    pub(crate) fn heap(heap: Arc<Heap>) -> Self {
        Mapping {
            start: heap.start(),
            len: heap.len(),
            account: None,
            backing: Backing::Heap(heap),
        }
    }

    /// New anonymous memory, for a node with one rank. It begins at a multiple of `align`, which is one of the page size.
    #[cfg(feature = "__mpi")]
    pub(crate) fn anonymous(len: usize, align: usize) -> io::Result<Self> {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        Self::map(len, align, flags, -1)
    }

    /// A new mapping of `len` bytes from the start of a file, or of anonymous memory, at a multiple of `align`.
    #[cfg(feature = "__mpi")]
    fn map(len: usize, align: usize, flags: libc::c_int, fd: libc::c_int) -> io::Result<Self> {
        // Addresses are multiples of the page size. More are reserved than needed, so that an aligned one is among them.
        let spare = align.saturating_sub(PAGE);
        let reserved = len.checked_add(spare).ok_or(io::ErrorKind::OutOfMemory)?;
        let (protection, first_flags, first_fd) = if spare == 0 {
            (libc::PROT_READ | libc::PROT_WRITE, flags, fd)
        } else {
            let reserve = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
            (libc::PROT_NONE, reserve, -1)
        };
        // SAFETY: a new mapping at an address of the system's choice touches nothing that exists.
        let start = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                reserved,
                protection,
                first_flags,
                first_fd,
                0,
            )
        };
        if spare == 0 {
            return Self::pages(start, len, 0, len);
        }
        // Unmapped when it is dropped, also on the way out of an error.
        let mut reserve = Self::pages(start, reserved, 0, reserved)?;
        let skip = reserve.start.as_ptr().align_offset(align);
        // SAFETY: `align_offset` of a page-aligned address is at most `spare`, so `skip + len` bytes are inside the reservation.
        let place = unsafe { reserve.start.add(skip) };
        // SAFETY: replaces a part of the reservation, which is owned and used by nobody.
        let start = unsafe {
            libc::mmap(
                place.as_ptr().cast(),
                len,
                libc::PROT_READ | libc::PROT_WRITE,
                flags | libc::MAP_FIXED,
                fd,
                0,
            )
        };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        // The rest of the reservation stays with it: it has no pages.
        reserve.start = place;
        reserve.len = len;
        Ok(reserve)
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
            account: None,
            backing: Backing::Pages { start, len: total },
        })
    }

    pub(crate) fn start(&self) -> NonNull<u8> {
        self.start
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Lets the mapping count in the use of its node from now on. Its last page is used for that, and is no longer one of its
    /// bytes.
    ///
    /// # Safety
    /// The mapping is longer than a page, and its last page is zeroed and used by no rank. All ranks of `account` do this with
    /// their mappings of the same memory.
    pub(crate) unsafe fn count(&mut self, account: Account) {
        assert!(self.len > PAGE && self.account.is_none());
        self.len -= PAGE;
        self.account = Some(account);
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        if let Some(account) = self.account.take() {
            // SAFETY: the page behind the `len` bytes belongs to the mapping.
            let page = unsafe { self.start.add(self.len) };
            // SAFETY: page aligned, and zeroed before all ranks of the account began to use it for this only (duties of `count`).
            unsafe { account.close(page) };
        }
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
