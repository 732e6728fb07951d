//! Handles, statuses and callbacks of MPI in a form that fits every library.
//!
//! The standard ABI and Open MPI have pointers as handles, MPICH has C ints. A handle of this module is as large as a pointer, and
//! its first bytes hold the handle of the library, so that a pointer to it is a pointer to the library's.

use std::ffi::{c_int, c_void};
use std::ptr::null_mut;

/// A number of bytes or an address (section 2.5.6).
pub(in crate::transport::mpi) type Aint = isize;

macro_rules! handles {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        #[repr(transparent)]
        pub(in crate::transport::mpi) struct $name(pub(super) *mut c_void);

        impl $name {
            /// A place for a handle that a function writes.
            #[allow(dead_code, reason = "constants without `mpi` are never written")]
            pub(in crate::transport::mpi) const fn unset() -> Self {
                $name(null_mut())
            }
        }
    )*};
}

handles!(
    /// A communicator.
    Comm,
    /// A group of processes.
    Group,
    /// A window.
    Win,
    /// A nonblocking operation.
    Request,
    /// A matched message.
    /// A data type.
    Datatype,
    /// An operation of a reduction.
    Op,
    /// Hints.
    Info,
    /// An error handler.
    Errhandler,
);

/// A place for the status of a message. Libraries have statuses of 20 to 32 bytes.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(8))]
pub(in crate::transport::mpi) struct Status([c_int; Status::LEN]);

impl Status {
    /// Ints of a status, with room for larger ones than those known.
    pub(super) const LEN: usize = 16;

    /// A place for a status that a function writes.
    pub(in crate::transport::mpi) const fn unset() -> Self {
        Status([0; Status::LEN])
    }

    /// The int at a place that [`Constants`](super::Constants) names.
    pub(in crate::transport::mpi) fn int(&self, at: usize) -> c_int {
        self.0[at]
    }
}

/// Decides whether an attribute is copied with its communicator (section 7.7.2). There is one only.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(in crate::transport::mpi) struct CopyAttribute(
    unsafe extern "C" fn(Comm, c_int, *mut c_void, *mut c_void, *mut c_void, *mut c_int) -> c_int,
);

impl CopyAttribute {
    /// Attributes that are never copied.
    pub(in crate::transport::mpi) const NEVER: Self = CopyAttribute(never_copy::<Comm>);
}

/// # Safety
/// Called by MPI, with a valid place for the flag.
pub(super) unsafe extern "C" fn never_copy<C>(
    _: C,
    _: c_int,
    _: *mut c_void,
    _: *mut c_void,
    _: *mut c_void,
    flag: *mut c_int,
) -> c_int {
    // SAFETY: the caller's duty; 0 means that the attribute is not copied.
    unsafe { *flag = 0 };
    super::SUCCESS
}

/// Runs when an attribute is deleted with its communicator (section 7.7.2). There is one only: it calls the function whose
/// address is the attribute's extra state.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(in crate::transport::mpi) struct DeleteAttribute(
    unsafe extern "C" fn(Comm, c_int, *mut c_void, *mut c_void) -> c_int,
);

impl DeleteAttribute {
    /// Calls the function in the extra state.
    pub(in crate::transport::mpi) const CALL: Self = DeleteAttribute(call_on_delete::<Comm>);
}

/// # Safety
/// `extra` is a function pointer of type `fn()`.
pub(super) unsafe extern "C" fn call_on_delete<C>(
    _: C,
    _: c_int,
    _: *mut c_void,
    extra: *mut c_void,
) -> c_int {
    // SAFETY: the caller's duty; data and function pointers have one size on all hosts of MPI.
    let function = unsafe { std::mem::transmute::<*mut c_void, fn()>(extra) };
    function();
    super::SUCCESS
}
