//! The atomics of every protocol in this crate: the standard ones, or loom's when a model checker runs the same code.
//! And the way in which threads of one process take a mutex.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// A mutex of this crate protects nothing that a panic could leave half done.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(loom)]
pub(crate) mod atomic {
    pub(crate) use loom::sync::atomic::{AtomicU32, AtomicU64, Ordering};
}

#[cfg(not(loom))]
pub(crate) mod atomic {
    pub(crate) use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
}

/// Between two looks at a word that another rank is about to change. `looks` counts them.
#[cfg(loom)]
pub(crate) fn relax(_: &mut u32) {
    loom::thread::yield_now();
}

/// Between two looks at a word that another rank is about to change. `looks` counts them: after a few, the other rank may
/// need this very core.
#[cfg(not(loom))]
pub(crate) fn relax(looks: &mut u32) {
    if *looks < 100 {
        *looks += 1;
        std::hint::spin_loop();
    } else {
        std::thread::yield_now();
    }
}
