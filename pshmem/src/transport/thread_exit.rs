//! The end of a process whose ranks are threads, while they run: `exit` on one of them ends all, so it is reported and never a
//! success.
//!
//! Under MPI, `mpi::lifecycle` does the same for the processes of a job.

use crate::stderr::report;
use crate::transport::threads::host_of;
use std::cell::Cell;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

thread_local! {
    /// Which rank this thread is. Without a destructor: `exit` runs those of its thread before the handlers.
    static RANK: Cell<Option<RankPlace>> = const { Cell::new(None) };
}

/// Set once this crate ends the process, and has said why.
static ENDING: AtomicBool = AtomicBool::new(false);

/// A rank, as reports name it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RankPlace {
    pub(crate) rank: usize,
    /// The number of its node, of which the name of its host consists.
    pub(crate) node: u32,
}

/// This thread is a rank, from now on until the value is dropped.
#[derive(Debug)]
#[must_use = "it marks the thread until it is dropped"]
pub(crate) struct RankThread {
    outer: Option<RankPlace>,
}

impl RankThread {
    pub(crate) fn new(place: RankPlace) -> Self {
        static ONCE: Once = Once::new();
        ONCE.call_once(|| {
            // Registration fails for lack of memory only; then nothing is reported. Miri knows no handlers.
            if !cfg!(miri) {
                // SAFETY: the function lives as long as the program.
                unsafe { libc::atexit(at_exit) };
            }
        });
        RankThread {
            outer: RANK.replace(Some(place)),
        }
    }
}

impl Drop for RankThread {
    fn drop(&mut self) {
        RANK.replace(self.outer.take());
    }
}

/// Ends the process, because of something that has been reported.
pub(crate) fn end_process() -> ! {
    ENDING.store(true, Ordering::Release);
    std::process::exit(1)
}

/// Runs on the thread that has called `exit`.
extern "C" fn at_exit() {
    let Some(RankPlace { rank, node }) = RANK.get() else {
        return;
    };
    if ENDING.load(Ordering::Acquire) {
        return;
    }
    report(format_args!(
        "rank {rank} on {} exits inside `run`; ending the job",
        host_of(node)
    ));
    // SAFETY: writes what C code has buffered; Rust has written its own buffers before.
    unsafe { libc::fflush(std::ptr::null_mut()) };
    // SAFETY: ends the process. `exit` must not be called again here, and its code cannot be changed otherwise.
    unsafe { libc::_exit(1) }
}
