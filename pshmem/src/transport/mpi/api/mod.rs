//! The MPI library of this process: its functions and constants, wherever they come from.
//!
//! The rest of the transport calls MPI through one [`Api`], with handles in a form that fits every library.
//!
//! - `types` handles, statuses and callbacks · `functions` the one list of functions · `constants` the one list of constants
//! - `errors` how functions return errors · `recorded_errors` handlers of our own for that
//! - `library_name` what a library says of itself
//! - `linked` the library that the program is linked with, through the crate `mpi` (feature `mpi`)
//! - `abi` a library with the standard ABI of MPI 5.0, loaded when the program starts (feature `mpi-abi`); `find_library` says
//!   which file that is, `neighbours` whether other ranks have the same,
//!   `fake_libraries` tests

#[cfg(feature = "mpi-abi")]
pub(super) mod abi;
mod constants;
mod errors;
#[cfg(all(test, feature = "mpi-abi"))]
mod fake_libraries;
#[cfg(feature = "mpi-abi")]
mod find_library;
mod functions;
mod library_name;
#[cfg(feature = "mpi")]
pub(super) mod linked;
#[cfg(feature = "mpi-abi")]
mod neighbours;
#[cfg(feature = "mpi-abi")]
mod recorded_errors;
mod types;

pub(super) use constants::Constants;
pub(super) use errors::Errors;
pub(super) use functions::Functions;
pub(super) use library_name::library_name;
pub(super) use types::{
    Aint, Comm, CopyAttribute, Datatype, DeleteAttribute, Errhandler, Group, Info, Op, Request,
    Status, Win,
};

/// What MPI functions return when they succeed, in every library (section 9.4).
pub(super) const SUCCESS: std::ffi::c_int = 0;
/// Room for the texts of any library: an error's, a processor's name.
pub(super) const MAX_TEXT: usize = 1024;

/// The functions and constants of one MPI library.
#[derive(Debug)]
pub(super) struct Api {
    pub(super) functions: Functions,
    pub(super) constants: Constants,
    pub(super) errors: Errors,
}
