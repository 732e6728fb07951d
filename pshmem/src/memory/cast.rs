//! The casts from node memory to references, all in one place.
//!
//! Other processes may change node memory at any time, so it is accessed through atomics. A type that consists of atomics is
//! an [`AtomicBlock`], and its owner casts its part of node memory to it: `Segment::get` and `Segment::slice` for what lies
//! in the segment of an object.

use crate::sync::atomic::{AtomicU32, AtomicU64};
use std::ptr::NonNull;

/// A type that node memory can be cast to while other processes change that memory.
///
/// # Safety
/// The type is an atomic integer, an array of `AtomicBlock`s, or a `#[repr(C)]` struct whose fields are all `AtomicBlock`s.
/// It follows that
/// - zeroed memory is a valid value, and so is whatever other processes store through the same type,
/// - all bytes but padding are inside an `UnsafeCell`, so that a shared reference does not claim that they stay unchanged,
/// - its layout is the same in every process that runs this executable.
pub(crate) unsafe trait AtomicBlock: Sync {}

// SAFETY: an atomic integer.
unsafe impl AtomicBlock for AtomicU32 {}
// SAFETY: an atomic integer.
unsafe impl AtomicBlock for AtomicU64 {}
// SAFETY: an array of `AtomicBlock`s.
unsafe impl<T: AtomicBlock, const N: usize> AtomicBlock for [T; N] {}

/// Casts memory to one block.
///
/// # Safety
/// As for `slice`, with one block.
#[inline]
pub(super) unsafe fn get<'a, T: AtomicBlock>(start: NonNull<u8>) -> &'a T {
    // SAFETY: passed on from the caller.
    let blocks = unsafe { slice::<T>(start, 1) };
    &blocks[0]
}

/// Casts memory to consecutive blocks.
///
/// # Safety
/// - `start` is aligned for `T`, and points to `len * size_of::<T>()` bytes of one mapping that stay valid during `'a`.
/// - These bytes were zeroed before the first rank used them, and every access of any rank since then is one through the same
///   `T` at the same place.
#[inline]
pub(super) unsafe fn slice<'a, T: AtomicBlock>(start: NonNull<u8>, len: usize) -> &'a [T] {
    debug_assert!(start.addr().get().is_multiple_of(align_of::<T>()));
    // Zeroed memory is no valid value of the model checker's atomics, so models make their blocks themselves.
    if cfg!(loom) {
        unreachable!("models do not use node memory");
    }
    // SAFETY: aligned, valid for so many blocks and part of one allocation (caller's duties); initialised and only changed
    // through interior mutability, because the bytes were zeroed and are used as `T` only (caller's duty, `AtomicBlock`).
    unsafe { std::slice::from_raw_parts(start.cast::<T>().as_ptr(), len) }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::sync::atomic::Ordering;

    #[test]
    fn two_references_to_the_same_memory_see_each_other() {
        let mut memory = [0_u64; 4];
        let start = NonNull::from(&mut memory).cast::<u8>();
        // SAFETY: aligned, as long, zeroed, on this stack frame, and used as atomics of this size only.
        let words = unsafe { slice::<AtomicU64>(start, 4) };
        // SAFETY: as above.
        let block = unsafe { get::<[AtomicU64; 4]>(start) };
        words[2].store(5, Ordering::Relaxed);
        assert_eq!(block[2].fetch_add(1, Ordering::Relaxed), 5);
        assert_eq!(words[2].load(Ordering::Relaxed), 6);
    }
}
