//! The entry of MPI_Finalize, so that all that this library does with MPI is over when it begins.
//!
//! A service thread must have made its last call of MPI before MPI_Finalize (section 11.6.2). The callback of
//! `lifecycle::watch_finalize` comes a moment too late for that: MPICH stops taking its locks before it. So this file defines
//! MPI_Finalize as the profiling interface allows (section 15.2): it ends what there is, and goes on to the next definition, that of a
//! tool or of the MPI library.
//!
//! The definition is weak. Another one in the same program (a tool that is linked statically) replaces it, and programs in other
//! languages that load this library do not see it. Then the callback is all there is.

use crate::transport::mpi::lifecycle;
use std::ffi::c_int;

unsafe extern "C" {
    /// The MPI library's own function, under the name that nobody replaces.
    fn PMPI_Finalize() -> c_int;
}

#[cfg(target_arch = "x86_64")]
std::arch::global_asm!(
    ".weak MPI_Finalize",
    ".type MPI_Finalize, @function",
    "MPI_Finalize:",
    "jmp {finalize}",
    finalize = sym finalize,
);

#[cfg(target_arch = "aarch64")]
std::arch::global_asm!(
    ".weak MPI_Finalize",
    ".type MPI_Finalize, %function",
    "MPI_Finalize:",
    "b {finalize}",
    finalize = sym finalize,
);

extern "C" fn finalize() -> c_int {
    lifecycle::finalize();
    // SAFETY: looks for a function by its name, which is a C string.
    let next = unsafe { libc::dlsym(libc::RTLD_NEXT, c"MPI_Finalize".as_ptr()) };
    if next.is_null() {
        // The library is linked statically, so there is no next definition.
        // SAFETY: the program calls MPI_Finalize, so its duties are the program's.
        return unsafe { PMPI_Finalize() };
    }
    // SAFETY: a function of this name has this type in every MPI library and tool (section 11.2.4).
    let next: extern "C" fn() -> c_int = unsafe { std::mem::transmute(next) };
    next()
}

/// Makes the linker take this file into the program, whose archive of compiled files it would not search for a function that the MPI
/// library has as well.
#[inline(never)]
pub(super) fn link() {
    std::hint::black_box(finalize as extern "C" fn() -> c_int);
}
