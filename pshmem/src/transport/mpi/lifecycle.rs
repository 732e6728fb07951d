//! The life of MPI in this process: what happens before MPI ends, service threads, and a process that exits early.

use crate::stderr::report;
use crate::sync::lock;
use crate::transport::mpi::api::{Api, CopyAttribute, DeleteAttribute};
#[cfg(feature = "mpi")]
use crate::transport::mpi::finalize_entry;
use crate::transport::mpi::mpi_calls::MpiCalls;
use crate::transport::mpi::shutdown;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, Once, OnceLock};
use std::thread::{JoinHandle, Thread};
use std::time::Duration;

/// Set while MPI_Finalize runs, before MPI releases anything.
static FINALIZED: AtomicBool = AtomicBool::new(false);

/// Set once this process is ending the job.
static ENDING: AtomicBool = AtomicBool::new(false);

/// Whether MPI has ended, or is ending, on this process.
pub(super) fn is_finalized() -> bool {
    FINALIZED.load(Ordering::Acquire)
}

/// Threads that call MPI. MPI_Finalize has to wait for their end, including what libraries do when a thread ends.
static SERVICES: Mutex<Vec<JoinHandle<()>>> = Mutex::new(Vec::new());

/// Set when no rank sends requests any more.
static STOPPING: AtomicBool = AtomicBool::new(false);

/// Whether service threads have to end.
pub(super) fn is_stopping() -> bool {
    STOPPING.load(Ordering::SeqCst)
}

/// Ends the service threads and waits for them.
pub(super) fn stop_services() {
    STOPPING.store(true, Ordering::SeqCst);
    let services = std::mem::take(&mut *lock(&SERVICES));
    for service in services {
        service.thread().unpark();
        // A thread that panicked has printed its panic.
        let _ = service.join();
    }
}

/// Starts a thread that calls MPI and ends soon after `is_stopping` returns `true`. `None` when there can be no such thread.
pub(super) fn start_service(serve: impl FnOnce() + Send + 'static) -> Option<Thread> {
    let mut services = lock(&SERVICES);
    // Read with the list locked: whoever sets it takes the list afterwards.
    if is_stopping() {
        return None;
    }
    let thread = std::thread::Builder::new().name("pshmem service".to_owned());
    let handle = thread.spawn(serve).ok()?;
    let thread = handle.thread().clone();
    services.push(handle);
    Some(thread)
}

/// Ends the job, after a moment: launchers may drop what they have not yet read of a rank's output.
///
/// On the whole world, because that involves only the launcher. With any other communicator MPICH sends messages to its ranks,
/// and waits for ever for those that are not inside MPI.
pub(super) fn abort(api: &Api) {
    ENDING.store(true, Ordering::Release);
    std::thread::sleep(Duration::from_millis(100));
    // SAFETY: MPI is initialised; MPI_Abort may be called at any time (section 9.7).
    unsafe { (api.functions.abort)(api.constants.comm_world, 1) };
}

/// Ends the job when this process exits while MPI runs.
///
/// Otherwise the outcome depends on the launcher. For that of MPICH such a process has succeeded, so the others wait for it for
/// ever, or are killed and the job counts as a success.
pub(super) fn abort_at_exit(api: &'static Api, place: &str) {
    /// The id of this process, which differs from that of one that it forks, its library and its description.
    static ME: OnceLock<(u32, &Api, String)> = OnceLock::new();
    extern "C" fn at_exit() {
        let Some((_, api, place)) = ME.get().filter(|(id, ..)| *id == std::process::id()) else {
            return;
        };
        // MPI_Abort may end the process by `exit`.
        if !is_finalized() && !ENDING.load(Ordering::Acquire) {
            report(format_args!("{place} exits inside `run`; ending the job"));
            // Handlers run in the reverse order of their registration, so MPI's own, registered in MPI_Init, run later.
            abort(api);
        }
    }
    if ME.set((std::process::id(), api, place.to_owned())).is_ok() {
        // SAFETY: the function lives as long as the program. Registration fails for lack of memory only; then the job ends as
        // its launcher decides.
        unsafe { libc::atexit(at_exit) };
    }
}

/// What `before_finalize` has added.
static BEFORE: Mutex<Vec<fn()>> = Mutex::new(Vec::new());

/// Adds a function to what is called before MPI ends, on the thread that ends it, while MPI can still be used. One that was added
/// before is not added again.
#[cfg(feature = "mpi")]
pub(super) fn before_finalize(action: fn()) {
    let mut actions = lock(&BEFORE);
    if !actions
        .iter()
        .any(|&other| std::ptr::fn_addr_eq(other, action))
    {
        actions.push(action);
    }
}

/// MPI is about to end: calls what `before_finalize` has added, sets [`is_finalized`] and ends all connections. When it is called
/// again, there is nothing left to do.
pub(super) fn finalize() {
    let actions = std::mem::take(&mut *lock(&BEFORE));
    for action in actions {
        action();
    }
    FINALIZED.store(true, Ordering::SeqCst);
    shutdown::end_all();
}

/// Makes MPI_Finalize call [`finalize`] before it does anything else: it first deletes the attributes of MPI_COMM_SELF, whose
/// callbacks may still use MPI (section 11.2.4).
///
/// Where it can, `finalize_entry` has done so before. It is too late here for the service thread: MPICH no longer takes its locks, so
/// that a call of MPI that was not over when MPI_Finalize began is at the mercy of the two threads' timing.
pub(super) fn watch_finalize(calls: &MpiCalls) {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        #[cfg(feature = "mpi")]
        finalize_entry::link();
        let mut key = 0;
        let extra = finalize as fn() as *mut std::ffi::c_void;
        // SAFETY: both functions live as long as the program, and the extra state is what `CALL` asks for (section 7.7.2).
        let code = unsafe {
            (calls.mpi().comm_create_keyval)(
                CopyAttribute::NEVER,
                DeleteAttribute::CALL,
                &raw mut key,
                extra,
            )
        };
        calls.must("MPI_Comm_create_keyval", code);
        // SAFETY: a key of ours, on a communicator that always exists.
        let code =
            unsafe { (calls.mpi().comm_set_attr)(calls.constants().comm_self, key, null_mut()) };
        calls.must("MPI_Comm_set_attr", code);
    });
}
