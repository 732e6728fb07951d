//! Per-thread state: inside a collective call, inside a user's closure, holding locks, or failing.

use std::cell::{Cell, RefCell};
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;

thread_local! {
    /// How many collective calls, one inside a closure of the other, this thread is in.
    static CALLS: Cell<usize> = const { Cell::new(0) };
    /// What waits for the end of the outermost call.
    static DEFERRED: RefCell<Vec<Box<dyn FnOnce()>>> = const { RefCell::new(Vec::new()) };
    static HAS_DEFERRED: Cell<bool> = const { Cell::new(false) };
    /// How many closures, one inside the other, collective calls are running on this thread.
    static INSIDE: Cell<usize> = const { Cell::new(0) };
    /// Why this rank fails, if it does.
    static FAILURE: RefCell<Option<String>> = const { RefCell::new(None) };
    /// Message and source line of the last panic.
    static PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// A collective call of this thread, from its beginning to its end.
///
/// User code that runs inside (closures, operations, conversions, `Drop` of values) may drop a `Comm`, end a task, or run ranks
/// of its own. If that told the other ranks at once that this rank makes no further call, they could return from a call of
/// several rounds while this rank still writes. So it waits until the outermost call has ended.
#[must_use = "it marks the call until it is dropped"]
#[derive(Debug)]
pub(crate) struct CallScope(PhantomData<*const ()>);

impl CallScope {
    #[inline]
    pub(crate) fn new() -> Self {
        CALLS.set(CALLS.get() + 1);
        CallScope(PhantomData)
    }
}

impl Drop for CallScope {
    #[inline]
    fn drop(&mut self) {
        let calls = CALLS.get() - 1;
        CALLS.set(calls);
        if calls == 0 && HAS_DEFERRED.get() {
            run_deferred();
        }
    }
}

#[cold]
fn run_deferred() {
    // An action may defer others only inside a call of its own, which runs them.
    HAS_DEFERRED.set(false);
    for action in DEFERRED.take() {
        action();
    }
}

/// Whether this thread is inside a collective call.
#[inline]
pub(crate) fn is_in_call() -> bool {
    // After the thread's own data are gone there is no call.
    CALLS.try_with(|calls| calls.get() > 0).unwrap_or(false)
}

/// Runs `action` when this thread is in no collective call: now, or at the end of the outermost one.
pub(crate) fn after_call(action: impl FnOnce() + 'static) {
    if !is_in_call() {
        return action();
    }
    HAS_DEFERRED.set(true);
    DEFERRED.with_borrow_mut(|deferred| deferred.push(Box::new(action)));
}

/// Lists the locks that this thread's rank holds: all, or those for which other ranks wait.
type ListLocks = fn(only_awaited: bool) -> Vec<String>;

/// Locks are made on a floor above, which sets this when it makes the first one.
static LIST_LOCKS: OnceLock<ListLocks> = OnceLock::new();

/// Sets what lists the locks of a rank.
pub(crate) fn list_locks_by(list: ListLocks) {
    LIST_LOCKS.get_or_init(|| list);
}

/// The locks that this rank holds, for reports.
pub(crate) fn held_locks(only_awaited: bool) -> Vec<String> {
    LIST_LOCKS
        .get()
        .map_or(Vec::new(), |list| list(only_awaited))
}

/// A call as text, with the locks that this rank holds.
pub(crate) fn while_holding(call: String) -> String {
    match &held_locks(false)[..] {
        [] => call,
        locks => format!("{call} while it has {}", locks.join(" and ")),
    }
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
