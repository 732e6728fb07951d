//! The one list of the constants of MPI that the transport uses.

use super::{Comm, Datatype, Info, Op, Status};
use std::ffi::c_int;

/// Constants of a library, and where its status holds the sender.
#[derive(Debug)]
pub(in crate::transport::mpi) struct Constants {
    pub(in crate::transport::mpi) comm_world: Comm,
    pub(in crate::transport::mpi) comm_self: Comm,
    pub(in crate::transport::mpi) uint8_t: Datatype,
    pub(in crate::transport::mpi) uint64_t: Datatype,
    pub(in crate::transport::mpi) min: Op,
    pub(in crate::transport::mpi) sum: Op,
    pub(in crate::transport::mpi) info_null: Info,
    pub(in crate::transport::mpi) status_ignore: *mut Status,
    pub(in crate::transport::mpi) any_source: c_int,
    pub(in crate::transport::mpi) comm_type_shared: c_int,
    pub(in crate::transport::mpi) mode_nocheck: c_int,
    pub(in crate::transport::mpi) thread_multiple: c_int,
    /// Index of the int of a status that is MPI_SOURCE.
    pub(in crate::transport::mpi) status_source: usize,
}

// SAFETY: the pointers are names of the library's own objects, which any thread may pass to it. Nothing is read through them.
unsafe impl Send for Constants {}
// SAFETY: as above; they never change.
unsafe impl Sync for Constants {}
