//! MPI as a program without the library would call it. Without the feature `mpi`, the same types have no values.

#[cfg(feature = "mpi")]
mod mpi;
#[cfg(not(feature = "mpi"))]
mod none;

#[cfg(feature = "mpi")]
pub(crate) use mpi::{Leaders, Raw};
#[cfg(not(feature = "mpi"))]
pub(crate) use none::{Leaders, Raw};
