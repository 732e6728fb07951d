//! The start of MPI on this process: a report if it takes long, and the end of a process that cannot take part in the job.

use crate::comm::wait::limits::wait_limits;
use crate::error::Error;
use crate::run::launch::hydra::{self, Joined};
use crate::run::launch::{self, Launchers};
use crate::stderr::report;
use crate::transport::mpi::{Started, end_by_signal, name_of_library};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::Duration;

/// MPI may take so long to start that limits below this are none of it.
const LEAST: Duration = Duration::from_secs(60);

/// Starts MPI. Where that fails, it says why, and `None` means that this process is the only one.
pub(super) fn start(launchers: &Launchers) -> Option<Started> {
    let watch = Watch::new(launchers);
    let started = name_of_library().and_then(|library| {
        if let Some(warning) = launch::warning_before_start(launchers, &library) {
            report(warning);
        }
        Started::new()
    });
    drop(watch);
    match started {
        Ok(started) => Some(started),
        Err(error) => {
            give_up(launchers, &error);
            None
        }
    }
}

/// Ends this process if there are others.
fn give_up(launchers: &Launchers, error: &Error) {
    launch::leave_to_first(launchers);
    report(format_args!("{}{error}", launchers.place()));
    if launchers.announced() > 1 {
        // Those that have entered MPI_Init wait for this process. For the launcher of MPICH, a process may end before it with any
        // exit code; that of Intel MPI does not even notice a signal.
        hydra::end_job(Joined::No);
        end_by_signal();
    }
}

/// A thread that reports once that MPI takes long to start.
struct Watch {
    over: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    fn new(launchers: &Launchers) -> Self {
        let (over, is_over) = mpsc::channel();
        let place = launchers.place();
        let limits = wait_limits();
        let report_at = limits.report.max(LEAST);
        let abort_at = limits.abort.map(|abort| abort.max(LEAST));
        let thread = std::thread::Builder::new().spawn(move || {
            let wait = |time| is_over.recv_timeout(time) == Err(RecvTimeoutError::Timeout);
            let first = abort_at.map_or(report_at, |abort| abort.min(report_at));
            if !wait(first) {
                return;
            }
            report(format_args!(
                "{place}MPI_Init_thread has waited for {} s: not all processes of the job have come to it, or they use different MPI \
                 libraries",
                first.as_secs_f64()
            ));
            if let Some(abort) = abort_at
                && wait(abort.saturating_sub(first))
            {
                report("PSHMEM_HANG_ABORT is over, ending the job");
                hydra::end_job(Joined::Yes);
                end_by_signal();
            }
        });
        Watch {
            over: Some(over),
            // Where there can be no thread, nothing is reported.
            thread: thread.ok(),
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        drop(self.over.take());
        if let Some(thread) = self.thread.take() {
            // It does not panic.
            let _ = thread.join();
        }
    }
}
