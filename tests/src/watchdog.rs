//! Hard time limits for cases and programs, so that a hang is a failure.

use std::io::{Read, Write};
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// The default limit of one case on one world, in seconds. `PSHMEM_TEST_LIMIT` overrides it.
const LIMIT: u64 = 120;

/// The limit of one case on one world.
///
/// # Panics
/// When `PSHMEM_TEST_LIMIT` is not a number.
#[must_use]
pub fn limit() -> Duration {
    let seconds = std::env::var("PSHMEM_TEST_LIMIT").map_or(LIMIT, |text| {
        text.parse()
            .expect("PSHMEM_TEST_LIMIT is a number of seconds")
    });
    Duration::from_secs(seconds)
}

/// Runs `job`, and aborts the process with a message when it takes longer than the limit.
///
/// A thread that hangs cannot be unwound, so nothing less than an abort ends all ranks.
pub fn guard<R>(what: &str, job: impl FnOnce() -> R) -> R {
    let limit = limit();
    let (done, watched) = channel::<()>();
    let what = what.to_owned();
    let watch = std::thread::spawn(move || {
        // A disconnected channel means that `job` has returned or panicked.
        if watched.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
            // Not `eprintln`: the test harness captures its output, and never prints that of a test that does not end.
            let text = format!(
                "watchdog: {what} hangs: it has not ended after {} s\n",
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

/// Runs a program with a time limit, and returns its output and run time. The output is read while the program runs, so that it
/// does not wait for a full pipe.
///
/// # Panics
/// When the program cannot be started, or does not end in time; then it is killed.
pub fn run(command: &mut Command, limit: Duration) -> (Output, Duration) {
    fn reader(mut pipe: impl Read + Send + 'static) -> std::thread::JoinHandle<Vec<u8>> {
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            // After an error, the bytes read so far are the output.
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
