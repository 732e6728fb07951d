//! Ends the process where unwinding would leave other ranks waiting for ever.

use crate::stderr::report;

/// Aborts the process when it is dropped. Code that must not unwind makes one at its beginning and forgets it at its end.
pub(crate) struct AbortOnDrop;

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        report("internal error while other ranks wait; ending the process");
        std::process::abort();
    }
}
