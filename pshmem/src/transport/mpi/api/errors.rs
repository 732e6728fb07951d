//! How a library returns errors instead of ending the process (section 9.3).

use super::Errhandler;
#[cfg(feature = "mpi-abi")]
use super::recorded_errors::RecordedErrors;
use std::ffi::c_int;

/// What makes the library's objects return errors.
#[derive(Debug)]
pub(in crate::transport::mpi) enum Errors {
    /// MPI_ERRORS_RETURN.
    #[cfg(feature = "mpi")]
    Returned(Errhandler),
    /// Handlers of our own.
    #[cfg(feature = "mpi-abi")]
    Recorded(RecordedErrors),
}

// SAFETY: a handle is a name of the library's own object, which any thread may pass to it. Nothing is read through it.
unsafe impl Send for Errors {}
// SAFETY: as above; it never changes.
unsafe impl Sync for Errors {}

#[cfg_attr(
    not(feature = "mpi-abi"),
    allow(
        clippy::unnecessary_wraps,
        reason = "a handler of our own may fail to be made"
    )
)]
impl Errors {
    /// The handler for communicators. `Err` with the code of a call that failed.
    pub(in crate::transport::mpi) fn for_comm(&self) -> Result<Errhandler, c_int> {
        match self {
            #[cfg(feature = "mpi")]
            Errors::Returned(handler) => Ok(*handler),
            #[cfg(feature = "mpi-abi")]
            Errors::Recorded(recorded) => recorded.for_comm(),
        }
    }

    /// The handler for windows.
    pub(in crate::transport::mpi) fn for_win(&self) -> Result<Errhandler, c_int> {
        match self {
            #[cfg(feature = "mpi")]
            Errors::Returned(handler) => Ok(*handler),
            #[cfg(feature = "mpi-abi")]
            Errors::Recorded(recorded) => recorded.for_win(),
        }
    }

    /// The code of the call that this thread has just made, which returned `code`.
    pub(in crate::transport::mpi) fn code(&self, code: c_int) -> c_int {
        match self {
            #[cfg(feature = "mpi")]
            Errors::Returned(_) => code,
            #[cfg(feature = "mpi-abi")]
            Errors::Recorded(_) => RecordedErrors::code(code),
        }
    }
}
