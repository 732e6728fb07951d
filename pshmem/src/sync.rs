//! The atomics of every protocol in this crate: the standard ones, or loom's when a model checker runs the same code.

#[cfg(loom)]
pub(crate) mod atomic {
    pub(crate) use loom::sync::atomic::{AtomicU32, AtomicU64, Ordering};
}

#[cfg(not(loom))]
pub(crate) mod atomic {
    pub(crate) use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
}

/// Between two looks at a word that another rank is about to change.
#[cfg(loom)]
pub(crate) fn relax() {
    loom::thread::yield_now();
}

/// Between two looks at a word that another rank is about to change. It yields: the other rank may need this very core.
#[cfg(not(loom))]
pub(crate) fn relax() {
    std::thread::yield_now();
}
