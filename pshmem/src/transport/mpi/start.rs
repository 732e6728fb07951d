//! Starts and ends MPI for `run`, with the library that the program is linked with or one that it loads.

use crate::error::{Error, Result};
use crate::events;
use crate::transport::mpi::Mpi;
use crate::transport::mpi::api::{Api, SUCCESS, library_name};
use crate::transport::mpi::mpi_calls::MpiCalls;
use std::ptr::null_mut;
use std::time::Duration;

/// MPI, started by this process. It ends when the value is dropped.
#[derive(Debug)]
pub(crate) struct Started {
    api: &'static Api,
}

impl Started {
    /// Starts MPI. All processes of the job call it.
    pub(crate) fn new() -> Result<Self> {
        let api = choose()?;
        let mut is_started = 0;
        // SAFETY: a place for a flag; may be called at any time (section 11.4.1).
        let code = unsafe { (api.functions.initialized)(&raw mut is_started) };
        if code != SUCCESS || is_started != 0 {
            return Err(Error::Start {
                reason: "MPI has been started before `run`; use `Comm::from_mpi` in a program that starts it itself".to_owned(),
            });
        }
        let wanted = api.constants.thread_multiple;
        let mut provided = 0;
        // SAFETY: MPI has not been started in this process; it takes null for the arguments of `main` (section 11.2.1). What it
        // provides is asked again where it matters.
        let code = unsafe {
            (api.functions.init_thread)(null_mut(), null_mut(), wanted, &raw mut provided)
        };
        if code == SUCCESS {
            let started = Started { api };
            events::debug!(library = started.library(), "MPI has started");
            return Ok(started);
        }
        // Its text cannot be asked for before MPI has started.
        Err(Error::Start {
            reason: format!(
                "MPI_Init_thread of {} failed with code {code}; look at what the library itself has printed, and whether the launcher \
                 is of the same library",
                library(api)
            ),
        })
    }

    /// What the library says of itself: name and version.
    pub(crate) fn library(&self) -> String {
        library(self.api)
    }

    /// The same if this process is the only one of its MPI job.
    pub(crate) fn library_if_alone(&self) -> Option<String> {
        library_if_alone(self.api)
    }

    /// The number of this process in its MPI job, and how many there are.
    pub(crate) fn rank_and_size(&self) -> (usize, usize) {
        let calls = MpiCalls::new(self.api, 0, String::new());
        let world = self.api.constants.comm_world;
        (calls.comm_rank(world), calls.comm_size(world))
    }

    /// The transport over all processes. Collective over them.
    pub(crate) fn world(&self) -> Result<Mpi> {
        // SAFETY: it exists from MPI_Init to MPI_Finalize.
        unsafe { Mpi::new(self.api, self.api.constants.comm_world) }
    }
}

/// What the library of this process says of itself. Loads it.
pub(crate) fn name_of_library() -> Result<String> {
    choose().map(library)
}

/// Ends this process without a call of MPI, in a way that launchers notice. They have read by then what it has printed.
pub(crate) fn end_by_signal() -> ! {
    std::thread::sleep(Duration::from_millis(100));
    // SAFETY: the default action of SIGTERM ends the process; no memory is touched.
    unsafe {
        libc::signal(libc::SIGTERM, libc::SIG_DFL);
        libc::raise(libc::SIGTERM);
    }
    // The signal is blocked.
    std::process::abort()
}

/// What the linked library says of itself, if this process is the only one of its MPI job.
#[cfg(feature = "mpi")]
pub(crate) fn linked_library_if_alone() -> Option<String> {
    library_if_alone(super::api::linked::api())
}

fn library_if_alone(api: &'static Api) -> Option<String> {
    let calls = MpiCalls::new(api, 0, String::new());
    (calls.comm_size(api.constants.comm_world) == 1).then(|| library(api))
}

/// What a library says of itself.
pub(super) fn library(api: &Api) -> String {
    // SAFETY: the table has each function under its name.
    let name = unsafe { library_name(api.functions.get_library_version) };
    name.unwrap_or_else(|| "an MPI library without a name".to_owned())
}

impl Drop for Started {
    fn drop(&mut self) {
        // SAFETY: `new` has started MPI, and it is ended once. What still holds an object of MPI asks `lifecycle::is_finalized`
        // before it calls. A failure ends the process; there is nothing left that could be told of it.
        unsafe { (self.api.functions.finalize)() };
    }
}

/// The library that this process uses.
#[cfg(not(feature = "mpi-abi"))]
#[allow(
    clippy::unnecessary_wraps,
    reason = "a library that is loaded may be missing"
)]
fn choose() -> Result<&'static Api> {
    Ok(super::api::linked::api())
}

/// The library that this process uses.
#[cfg(not(feature = "mpi"))]
fn choose() -> Result<&'static Api> {
    super::api::abi::api()
}

/// The library that this process uses: the linked one, because the program needs it in any case, unless another is named.
#[cfg(all(feature = "mpi", feature = "mpi-abi"))]
fn choose() -> Result<&'static Api> {
    if super::api::abi::is_named() {
        return super::api::abi::api();
    }
    Ok(super::api::linked::api())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether the library returns errors to us is seen only by making one.
    #[test]
    #[ignore = "needs an MPI launcher that starts one process"]
    fn a_library_returns_errors() {
        let started = Started::new().unwrap();
        let api = started.api;
        let calls = MpiCalls::new(api, 0, "here".to_owned());
        // SAFETY: it exists until MPI ends.
        let comm = unsafe { calls.comm_dup(api.constants.comm_world) };
        let mut request = crate::transport::mpi::api::Request::unset();
        let byte = 0_u8;
        let send = |to, request: &mut _| {
            let (bytes, uint8_t) = ((&raw const byte).cast(), api.constants.uint8_t);
            // SAFETY: the byte lives on; a send to a rank that does not exist does not begin.
            unsafe { (api.functions.issend)(bytes, 1, uint8_t, to, 1, comm, request) }
        };
        let error = calls
            .check("MPI_Issend", send(99, &mut request))
            .unwrap_err();
        assert!(matches!(error, Error::Mpi { class: 6.., .. }), "{error}");
        // The next call has no error of the last one.
        assert_eq!(calls.comm_rank(comm), 0);
        // SAFETY: ours.
        calls.comm_free(comm);
        drop(started);
    }
}
