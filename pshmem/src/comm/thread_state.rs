//! Per-thread state: inside a user's closure, or failing.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    /// How many closures, one inside the other, collective calls are running on this thread.
    static INSIDE: Cell<usize> = const { Cell::new(0) };
    /// Why this rank fails, if it does.
    static FAILURE: RefCell<Option<String>> = const { RefCell::new(None) };
    /// Message and source line of the last panic.
    static PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Whether a collective is running a closure on this thread.
pub(crate) fn is_inside() -> bool {
    INSIDE.get() > 0
}

/// Runs a user's closure. Inside it, other collective calls return an error. `Err` is the payload of its panic.
pub(crate) fn run_inside<R>(closure: impl FnOnce() -> R) -> std::thread::Result<R> {
    INSIDE.set(INSIDE.get() + 1);
    // What the closure borrowed is only used again after the panic continues.
    let result = catch_unwind(AssertUnwindSafe(closure));
    INSIDE.set(INSIDE.get() - 1);
    result
}

/// Keeps why this rank fails, for ranks that wait for it.
pub(crate) fn set_failure(message: Option<String>) {
    FAILURE.replace(message);
}

/// Keeps message and source line of a panic, for the report of this rank, and for ranks that wait for it.
pub(crate) fn keep_panic(text: String) {
    // While the thread is torn down, there is nothing left to report.
    let _ = PANIC.try_with(|kept| kept.replace(Some(text)));
}

/// Takes what was kept of the last panic.
pub(crate) fn take_panic() -> Option<String> {
    PANIC.take()
}

/// Why this rank fails, if it does.
pub(crate) fn failure() -> Option<String> {
    let kept = FAILURE
        .try_with(|failure| failure.borrow().clone())
        .ok()
        .flatten();
    let panic = || {
        let kept = PANIC.try_with(|panic| panic.borrow().clone());
        kept.ok()
            .flatten()
            .unwrap_or_else(|| "it panicked".to_owned())
    };
    kept.or_else(|| std::thread::panicking().then(panic))
}
