//! Pages of a mapping before they are used: allocated by all ranks of a node, each its share, as huge pages where the system
//! has them.

use super::Mapping;
use crate::layout::placer::PAGE;
use crate::memory::huge_pages::HUGE_PAGE;
use std::io;
use std::ptr::NonNull;

impl Mapping {
    /// Allocates the pages of this rank's share (`part` of `parts`) now, so that a lack of memory is an error here and not a
    /// signal at the first write, and so that each rank's pages are near its core. With `huge`, as huge pages as far as the
    /// system gives them.
    ///
    /// # Safety
    /// The mapping holds zeros only, and no rank uses its bytes yet.
    pub(crate) unsafe fn populate(&self, part: usize, parts: usize, huge: bool) -> io::Result<()> {
        let unit = if huge { HUGE_PAGE } else { PAGE };
        let units = self.len.div_ceil(unit);
        let first = (units * part / parts * unit).min(self.len);
        let end = (units * (part + 1) / parts * unit).min(self.len);
        // SAFETY: the share is inside the mapping.
        let share = unsafe { self.start.add(first) };
        let len = end - first;
        if huge {
            // SAFETY: as above; the rest is the caller's duty.
            unsafe { populate_huge(share, len) };
        }
        // SAFETY: as above; the rest is the caller's duty.
        unsafe { populate(share, len) }
    }

    /// Enters all pages into the page table of this process, once all ranks have populated their shares. With huge pages, that
    /// is one step for each of them, which the first access would do otherwise.
    #[cfg_attr(any(miri, not(target_os = "linux")), allow(clippy::unused_self))]
    pub(crate) fn enter_pages(&self) {
        #[cfg(all(target_os = "linux", not(miri)))]
        {
            const MADV_POPULATE_READ: i32 = 22;
            // SAFETY: a range of the mapping; its bytes do not change. It only saves time, so a failure does not matter.
            unsafe { advise(self.start, self.len, MADV_POPULATE_READ) };
        }
    }
}

/// Gives advice about a range, or carries out what it stands for.
///
/// # Safety
/// The range is mapped and page aligned, and the advice changes no bytes.
#[cfg(not(miri))]
unsafe fn advise(start: NonNull<u8>, len: usize, advice: i32) -> bool {
    // SAFETY: the caller's duties (madvise(2)).
    unsafe { libc::madvise(start.as_ptr().cast(), len, advice) == 0 }
}

/// Allocates huge pages for a range, as far as the system gives them. Whatever fails is left to [`populate`].
///
/// # Safety
/// As for [`populate`]; the range begins at a multiple of [`HUGE_PAGE`].
#[cfg(all(target_os = "linux", not(miri)))]
unsafe fn populate_huge(start: NonNull<u8>, len: usize) {
    const MADV_HUGEPAGE: i32 = 14;
    const MADV_COLLAPSE: i32 = 25;
    // After so many failures in a row, the system has no more, or gives none.
    const PATIENCE: u32 = 3;

    // SAFETY: mapped (caller's duty); changes no bytes.
    unsafe { advise(start, len, MADV_HUGEPAGE) };
    let mut failures = 0;
    for offset in (0..len / HUGE_PAGE).map(|index| index * HUGE_PAGE) {
        // SAFETY: inside the range.
        let extent = unsafe { start.add(offset) };
        // Where the policy of the system allows it, this allocates a huge page. Otherwise it is the one small page that the
        // second call, which fills the others with zeros, wants to find (since Linux 6.1).
        // SAFETY: the first page of the extent; the rest is the caller's duty.
        let has_page = unsafe { populate(extent, PAGE) }.is_ok();
        // SAFETY: an aligned extent inside the range; the pages are replaced by one with the same bytes.
        if has_page && unsafe { advise(extent, HUGE_PAGE, MADV_COLLAPSE) } {
            failures = 0;
            continue;
        }
        failures += 1;
        if failures == PATIENCE {
            return;
        }
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
    // SAFETY: mapped (caller's duty). Populating changes no byte of a mapping; a failure is returned and raises no signal
    // (madvise(2)).
    if unsafe { advise(start, len, MADV_POPULATE_WRITE) } {
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

/// Other systems have other advice.
#[cfg(any(miri, not(target_os = "linux")))]
unsafe fn populate_huge(_: NonNull<u8>, _: usize) {}

#[cfg(all(test, not(loom), not(miri)))]
mod tests {
    use super::*;
    use crate::memory::map::Heap;
    use std::sync::Arc;

    #[test]
    fn shares_cover_the_mapping_once_with_small_and_with_huge_pages() {
        for (len, align, huge) in [
            (5 * PAGE, PAGE, false),
            (3 * HUGE_PAGE + 5 * PAGE, HUGE_PAGE, true),
            (HUGE_PAGE, HUGE_PAGE, true),
        ] {
            for parts in [1, 2, 3, 7] {
                let heap = Heap::new(len, align).unwrap();
                let mapping = Mapping::heap(Arc::new(heap));
                for part in 0..parts {
                    // SAFETY: new memory of zeros that nobody uses.
                    unsafe { mapping.populate(part, parts, huge) }.unwrap();
                }
                assert_eq!(resident(&mapping), len / PAGE, "{len} {parts}");
                // SAFETY: inside the mapping, which nobody writes.
                let bytes = unsafe { std::slice::from_raw_parts(mapping.start().as_ptr(), len) };
                assert!(bytes.iter().all(|&byte| byte == 0));
            }
        }
    }

    /// Pages of the mapping that are in memory.
    fn resident(mapping: &Mapping) -> usize {
        let mut pages = vec![0_u8; mapping.len() / PAGE];
        let start = mapping.start().as_ptr().cast();
        // SAFETY: a mapped range, and room for one byte per page of it.
        let code = unsafe { libc::mincore(start, mapping.len(), pages.as_mut_ptr()) };
        assert_eq!(code, 0);
        pages.iter().filter(|&&page| page & 1 == 1).count()
    }
}
