//! An allocator that counts the bytes that each thread asks for.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    /// Bytes that this thread has asked for. What is freed is not counted back.
    static ASKED: Cell<u64> = const { Cell::new(0) };
}

struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

/// What the closure returns, and how many bytes it has asked for.
pub(crate) fn count<T>(f: impl FnOnce() -> T) -> (T, u64) {
    let before = ASKED.get();
    let value = f();
    (value, ASKED.get() - before)
}

fn add(bytes: usize) {
    // A thread that ends allocates after its variables are gone.
    let _ = ASKED.try_with(|asked| asked.set(asked.get() + bytes as u64));
}

// SAFETY: every call is passed on to `System` with the same arguments, and its result is returned. Counting neither allocates
// nor unwinds.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        add(layout.size());
        // SAFETY: the caller keeps the contract of the same function.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        add(layout.size());
        // SAFETY: the caller keeps the contract of the same function.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, old: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        add(new_size);
        // SAFETY: the caller keeps the contract of the same function, and `System` has allocated `old`.
        unsafe { System.realloc(old, layout, new_size) }
    }

    unsafe fn dealloc(&self, old: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of the same function, and `System` has allocated `old`.
        unsafe { System.dealloc(old, layout) }
    }
}
