//! MPI as a program without the library would call it. Without the feature `mpi` there is none, and the same names stand
//! for values that cannot exist.

#[cfg(feature = "mpi")]
mod mpi;
#[cfg(not(feature = "mpi"))]
mod none;

#[cfg(feature = "mpi")]
pub(crate) use mpi::{Leaders, Raw};
#[cfg(not(feature = "mpi"))]
pub(crate) use none::{Leaders, Raw};
