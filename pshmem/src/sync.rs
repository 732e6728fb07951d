//! The atomics of all protocols in this crate (the standard ones, or loom's under the model checker), spinning, and locking a
//! mutex.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks a mutex. Poisoning is ignored: no mutex of this crate protects data that a panic could leave inconsistent.
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

/// Called between two polls of a word that another rank is about to change. Counts the polls.
#[cfg(loom)]
pub(crate) fn relax(_: &mut u32) {
    loom::thread::yield_now();
}

/// Called between two polls of a word that another rank is about to change. Counts the polls: after a few, it yields, because
/// the other rank may need this core.
#[cfg(not(loom))]
pub(crate) fn relax(polls: &mut u32) {
    if *polls < 100 {
        *polls += 1;
        std::hint::spin_loop();
    } else {
        std::thread::yield_now();
    }
}
