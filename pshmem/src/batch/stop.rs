//! Why a batch begins no more tasks although some are open: somebody has asked for it, or the time that is left is too short.

use crate::batch::Batch;
use crate::error::{Error, Result};
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Whether this process has got SIGTERM since it was to be noticed.
static TERMINATED: AtomicBool = AtomicBool::new(false);

extern "C" fn note_signal(_: libc::c_int) {
    TERMINATED.store(true, Ordering::Relaxed);
}

/// Sees to it that SIGTERM is noted and does nothing else.
pub(crate) fn catch_sigterm() -> std::io::Result<()> {
    let handler: extern "C" fn(libc::c_int) = note_signal;
    // SAFETY: the handler does what a signal handler may: it stores to an atomic.
    let before = unsafe { libc::signal(libc::SIGTERM, handler as libc::sighandler_t) };
    if before == libc::SIG_ERR {
        return Err(std::io::Error::last_os_error());
    }
    Ok(())
}

/// What one rank knows about when to stop.
#[derive(Debug)]
pub(crate) struct Stop {
    at_sigterm: bool,
    /// When the job will be ended.
    end: Option<Instant>,
    /// The longest task of this worker so far.
    longest: Cell<Duration>,
}

impl Stop {
    pub(crate) fn new(at_sigterm: bool, left: Option<Duration>) -> Self {
        Stop {
            at_sigterm,
            // A time beyond what the clock can tell is no limit.
            end: left.and_then(|left| Instant::now().checked_add(left)),
            longest: Cell::default(),
        }
    }

    /// Whether a signal asks all workers to stop.
    #[inline]
    pub(crate) fn is_asked(&self) -> bool {
        self.at_sigterm && TERMINATED.load(Ordering::Relaxed)
    }

    /// Whether the next task of this worker would not end in time, if it took as long as the longest one so far.
    #[inline]
    pub(crate) fn is_late(&self) -> bool {
        self.end
            .is_some_and(|end| Instant::now() + self.longest.get() > end)
    }

    #[inline]
    pub(crate) fn note(&self, took: Duration) {
        if took > self.longest.get() {
            self.longest.set(took);
        }
    }
}

impl Batch {
    /// From now on, no worker of this job begins a task; those that run are ended as usual. Any rank may call it; it waits for
    /// no other.
    ///
    /// ```
    /// use pshmem::{Batch, Comm};
    ///
    /// let batch = Batch::builder(&Comm::solo(), 5).build()?;
    /// batch.next_task()?.expect("there are five").done()?;
    /// batch.stop()?;
    /// assert!(batch.next_task()?.is_none());
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::MpiFinalized`] after MPI has ended.
    pub fn stop(&self) -> Result<()> {
        self.core.client.close()
    }
}

/// The error of a handler that cannot be set.
pub(crate) fn no_handler(rank: usize, host: &str, error: &std::io::Error) -> Error {
    Error::System {
        call: "signal".to_owned(),
        rank,
        host: host.to_owned(),
        text: error.to_string(),
    }
}
