//! Memory from `MPI_Win_allocate_shared`, kept by a mapping of our own.
//!
//! The window is freed at once: windows are few (MPICH stops near 2,000), freeing them is collective, and Open MPI unmaps those
//! that are left when MPI ends. The duplicate mapping needs no window and outlives MPI. Memory without a window is outside MPI's
//! separate memory model (section 12.4). Processes share it by the processor's own rules, as the atomics of
//! `comm/collective/control.rs` use them.

use crate::error::{Error, Result};
use crate::layout::placer::PAGE;
use crate::memory::map::{Mapping, Window};
use crate::transport::mpi::api::{Aint, Comm, Win};
use crate::transport::mpi::mpi_calls::MpiCalls;
use std::ffi::c_int;
use std::ptr::null_mut;

/// Maps `len` bytes, a multiple of the page size, that the processes of `comm` share. Collective over `comm`, all of whose
/// processes can share memory.
pub(super) fn map(calls: &MpiCalls, comm: Comm, len: usize) -> Result<Mapping> {
    debug_assert!(len.is_multiple_of(PAGE));
    // One page more, because bases need not be page aligned (Open MPI: 8 mod 64): the memory begins at the first whole page.
    let bytes = if calls.comm_rank(comm) == 0 {
        len + PAGE
    } else {
        0
    };
    let mut base: *mut u8 = null_mut();
    let mut window = Win::unset();
    // SAFETY: collective over `comm`, whose processes share a node; `base` and `window` are places for the results (section
    // 12.2.3). The communicator returns errors.
    let code = unsafe {
        (calls.mpi().win_allocate_shared)(
            bytes as Aint,
            1,
            calls.constants().info_null,
            comm,
            (&raw mut base).cast(),
            &raw mut window,
        )
    };
    calls.must_on_all("MPI_Win_allocate_shared", code);
    // SAFETY: a window of ours.
    calls.expect(unsafe { calls.win_return_errors(window) });
    let mapping = duplicate(calls, comm, window, len);
    // SAFETY: a window of ours, not used again; collective, and all processes come here also when `duplicate` failed.
    let code = unsafe { (calls.mpi().win_free)(&raw mut window) };
    calls.must("MPI_Win_free", code);
    mapping
}

fn duplicate(calls: &MpiCalls, comm: Comm, window: Win, len: usize) -> Result<Mapping> {
    let mut size: Aint = 0;
    let mut unit: c_int = 0;
    let mut base: *mut u8 = null_mut();
    // SAFETY: asks a shared window for the part of its rank 0; the results go to places of ours (section 12.2.3).
    let code = unsafe {
        (calls.mpi().win_shared_query)(
            window,
            0,
            &raw mut size,
            &raw mut unit,
            (&raw mut base).cast(),
        )
    };
    calls.must("MPI_Win_shared_query", code);
    let offset = (base.addr() % PAGE) as u64;
    let offsets = calls.extremes(comm, offset);
    let failed = |text: String| Error::System {
        call: "keeping the memory of an MPI window".to_owned(),
        rank: calls.rank(),
        host: calls.host().to_owned(),
        text,
    };
    let window = Window::new(base, size as usize, offsets, len).map_err(failed)?;
    // SAFETY: the base and the size are those of a shared window of this node, which its caller frees later, and the offsets
    // those of all its ranks.
    unsafe { Mapping::duplicate(&window) }.map_err(|error| {
        failed(format!("mremap: {error}; this MPI library does not share memory in a way that can be mapped again"))
    })
}
