//! A hard time limit: what hangs is a failure, not a wait.

use std::io::Write;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

/// Seconds that one case may take on one world, unless `PSHMEM_TEST_LIMIT` says otherwise.
const LIMIT: u64 = 120;

/// The limit of one case on one world.
///
/// # Panics
/// When `PSHMEM_TEST_LIMIT` is no number.
#[must_use]
pub fn limit() -> Duration {
    let seconds = std::env::var("PSHMEM_TEST_LIMIT").map_or(LIMIT, |text| {
        text.parse()
            .expect("PSHMEM_TEST_LIMIT is a number of seconds")
    });
    Duration::from_secs(seconds)
}

/// Runs `job`, and ends the process with a message when it takes longer than the limit.
///
/// A rank that hangs cannot be unwound, so ending the process is the only way out that reaches all ranks.
pub fn guard<R>(what: &str, job: impl FnOnce() -> R) -> R {
    let limit = limit();
    let (done, watched) = channel::<()>();
    let what = what.to_owned();
    let watch = std::thread::spawn(move || {
        // A dropped sender means that `job` has ended, well or by a panic.
        if watched.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
            // Not `eprintln`: a test's output is kept back until it ends, which it never will.
            let text = format!(
                "watchdog: {what} hangs: not over after {} s\n",
                limit.as_secs()
            );
            let _ = std::io::stderr().write_all(text.as_bytes());
            std::process::abort();
        }
    });
    let result = job();
    drop(done);
    watch.join().expect("the watchdog does not panic");
    result
}
