//! Error handlers of our own, which record the error, for libraries with the standard ABI.
//!
//! MPI_ERRORS_RETURN is not used there: in the ABI of Intel MPI 2021.18 its number is that of MPI_ERRORS_ABORT in the standard.
//! Nor is a handler enough that only returns: the call then returns success in the ABI of MPICH 5.0.2.

use super::{Errhandler, SUCCESS};
use libloading::Library;
use std::cell::Cell;
use std::ffi::{c_int, c_void};
use std::sync::OnceLock;

thread_local! {
    /// The code of the last error of a call of this thread that nobody has asked for.
    static LAST: Cell<c_int> = const { Cell::new(SUCCESS) };
}

/// Called with a pointer to the handle of the object and one to the code.
type Handler = unsafe extern "C" fn(*mut c_void, *mut c_int);
/// MPI_Comm_create_errhandler and MPI_Win_create_errhandler. The standard declares handlers with more arguments that no library
/// has to pass, as `...`; on the hosts of MPI the first two arrive in the same registers without it.
type Create = unsafe extern "C" fn(Handler, *mut Errhandler) -> c_int;

/// The handlers of a library.
#[derive(Debug)]
pub(in crate::transport::mpi) struct RecordedErrors {
    create_for_comm: Create,
    create_for_win: Create,
    for_comm: OnceLock<Errhandler>,
    for_win: OnceLock<Errhandler>,
}

impl RecordedErrors {
    /// Returns the name of a function that the library lacks.
    ///
    /// # Safety
    /// The library has the standard ABI, and is never unloaded.
    pub(super) unsafe fn load(library: &Library) -> Result<Self, &'static str> {
        let function = |name: &'static str| {
            // SAFETY: the standard gives both functions this type, up to the `...` of the handler.
            let symbol = unsafe { library.get::<Create>(name.as_bytes()) };
            symbol.map(|symbol| *symbol).map_err(|_| name)
        };
        Ok(RecordedErrors {
            create_for_comm: function("MPI_Comm_create_errhandler")?,
            create_for_win: function("MPI_Win_create_errhandler")?,
            for_comm: OnceLock::new(),
            for_win: OnceLock::new(),
        })
    }

    pub(super) fn for_comm(&self) -> Result<Errhandler, c_int> {
        made(&self.for_comm, self.create_for_comm)
    }

    pub(super) fn for_win(&self) -> Result<Errhandler, c_int> {
        made(&self.for_win, self.create_for_win)
    }

    pub(super) fn code(code: c_int) -> c_int {
        let recorded = LAST.replace(SUCCESS);
        if code == SUCCESS { recorded } else { code }
    }
}

/// A handler that lives until MPI ends.
fn made(place: &OnceLock<Errhandler>, create: Create) -> Result<Errhandler, c_int> {
    if let Some(handler) = place.get() {
        return Ok(*handler);
    }
    let mut handler = Errhandler::unset();
    // SAFETY: the handler lives as long as the program; a place for the handle (section 9.3).
    let code = unsafe { create(record, &raw mut handler) };
    if code == SUCCESS {
        Ok(*place.get_or_init(|| handler))
    } else {
        Err(code)
    }
}

/// # Safety
/// Called by MPI, with a pointer to a code.
unsafe extern "C" fn record(_: *mut c_void, code: *mut c_int) {
    // SAFETY: the caller's duty.
    LAST.set(unsafe { *code });
}
