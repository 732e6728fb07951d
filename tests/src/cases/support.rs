//! What several cases need: a call that must be rejected, a call in which a closure panics, and a check of what is left.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use pshmem::{Comm, Error, Shared};

use crate::collective::{check_same_text, check_usable, error_of_others};
use crate::report::{Failure, Outcome};
use crate::values::assert_slice_eq;

/// Asserts that a call fails on all ranks with the same error, that the error matches the pattern, and that the table is
/// unchanged and its `Comm` still works.
macro_rules! assert_rejected {
    ($comm:expr, $table:ident, $pattern:pat $(if $guard:expr)?, $call:expr) => {{
        let before = $table.to_owned();
        let result = $call;
        assert!($table.to_owned() == before, "the data changed");
        let error = crate::collective::same_error($comm, result)?;
        assert!(matches!(error, $pattern $(if $guard)?), "{error:?}");
        $comm.barrier()?;
    }};
}
pub(super) use assert_rejected;

/// The message of [`deliberate_panic`].
pub(super) const PANIC: &str = "a deliberate panic";

/// Panics without printing anything.
pub(super) fn deliberate_panic() -> ! {
    resume_unwind(Box::new(PANIC))
}

/// Makes a call in which rank `root` panics with [`PANIC`], and returns the error that the other ranks get.
pub(super) fn call_with_panic<R>(
    comm: &Comm,
    root: usize,
    call: impl FnOnce() -> Result<R, Error>,
) -> Result<Option<Error>, Failure> {
    // The objects that the call has borrowed are valid after a panic: that is what is tested.
    let error = match catch_unwind(AssertUnwindSafe(call)) {
        Ok(result) => result.err(),
        Err(payload) => {
            let text = payload
                .downcast_ref::<&str>()
                .ok_or("the payload of the panic was replaced")?;
            assert_eq!(*text, PANIC);
            None
        }
    };
    error_of_others(comm, root, error)
}

/// Asserts that the error, if there is one, says that the closure on rank `root` panicked with [`PANIC`].
pub(super) fn assert_panic_error(error: Option<Error>, root: usize) {
    if let Some(error) = error {
        let Error::Closure { rank, message } = &error else {
            panic!("{error:?}")
        };
        assert!(*rank == root && message.contains(PANIC), "{error:?}");
    }
}

/// Checks that the copies of all nodes hold these values, and that `comm` still works.
pub(super) fn check_values(comm: &Comm, list: &mut Shared<[u64]>, expected: &[u64]) -> Outcome {
    assert_slice_eq(list.view(), expected);
    check_same_text(comm, &format!("{:?}", list.view()))?;
    check_usable(comm)
}
