//! A hard time limit: what hangs is a failure, not a wait.

use std::io::{Read, Write};
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

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

/// Runs a program with a limit of its own. Its output is read while it runs, so that a full pipe does not hold it up.
///
/// # Panics
/// When the program cannot be started, or does not end in time; then it is ended.
pub fn run(command: &mut Command, limit: Duration) -> (Output, Duration) {
    fn reader(mut pipe: impl Read + Send + 'static) -> std::thread::JoinHandle<Vec<u8>> {
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            // What was read before an error is what there is.
            let _ = pipe.read_to_end(&mut bytes);
            bytes
        })
    }
    let start = Instant::now();
    let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program can be started");
    let stdout = reader(child.stdout.take().expect("it is piped"));
    let stderr = reader(child.stderr.take().expect("it is piped"));
    let status = loop {
        if let Some(status) = child.try_wait().expect("a child can be waited for") {
            break status;
        }
        if start.elapsed() > limit {
            child.kill().expect("a child can be ended");
            panic!("{command:?} hangs");
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    let join = |reader: std::thread::JoinHandle<Vec<u8>>| reader.join().expect("it does not panic");
    let (stdout, stderr) = (join(stdout), join(stderr));
    let output = Output {
        status,
        stdout,
        stderr,
    };
    (output, start.elapsed())
}
