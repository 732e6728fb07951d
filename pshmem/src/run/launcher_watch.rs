//! Ends a rank whose launcher has been killed.
//!
//! MPI libraries end ranks that are inside MPI then, but not all of them notice it elsewhere: under Open MPI 5, a rank that computes
//! would go on for ever.

use crate::stderr::report;
use crate::transport::mpi::end_by_signal;
use std::os::unix::process::parent_id;
use std::thread;
use std::time::Duration;

/// How often a rank looks, and how long it leaves its end to the MPI library, which may remove its files.
const PERIOD: Duration = Duration::from_secs(1);

/// Watches the process that has started this one, until the program ends. `place` is rank and host, for the report.
pub(super) fn watch(place: String) {
    let launcher = parent_id();
    let thread = thread::Builder::new().name("pshmem launcher watch".to_owned());
    // Where there can be no thread, the rank is as it would be without one.
    let _ = thread.spawn(move || {
        // A process without its parent gets another one.
        while parent_id() == launcher {
            thread::sleep(PERIOD);
        }
        thread::sleep(PERIOD);
        report(format_args!(
            "{place}: the launcher has ended, and so does this rank"
        ));
        end_by_signal();
    });
}
