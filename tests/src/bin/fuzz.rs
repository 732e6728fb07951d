//! Random sequences of valid and invalid calls on random clusters of threads.
//!
//! `fuzz [--sequences N] [--seconds S] [--seed S] [--jobs J] [--repeat R]` ends after N sequences or S seconds, whichever comes
//! first. Sequence `i` has the seed `S + i`, which decides the cluster, its delays and all operations, so that `--seed` with the
//! seed of a failure and `--sequences 1` makes the same calls again; `--repeat` makes them R times, because the order in which
//! threads run is not reproducible. J sequences run at the same time: ranks that wait leave the cores to others.
//!
//! A failing sequence is shrunk before it is printed; a sequence that hangs ends the process at once.

use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use pshmem_tests::model::sequence;

/// The default number of sequences.
const SEQUENCES: u64 = 200_000;
/// The time between two lines about the progress.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(30);

struct Options {
    sequences: u64,
    limit: Option<Duration>,
    seed: u64,
    jobs: u64,
    repeat: u64,
}

fn main() -> ExitCode {
    match options(std::env::args().skip(1)) {
        Ok(options) => fuzz(&options),
        Err(message) => {
            eprintln!("fuzz: {message}");
            ExitCode::FAILURE
        }
    }
}

fn options(mut arguments: impl Iterator<Item = String>) -> Result<Options, String> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut options = Options {
        sequences: SEQUENCES,
        limit: None,
        seed: 0,
        jobs: 2 * cores as u64,
        repeat: 1,
    };
    while let Some(name) = arguments.next() {
        let value = arguments.next().unwrap_or_default();
        let number = value.parse();
        let number: u64 = number.map_err(|_| format!("{name} needs a number, not `{value}`"))?;
        match name.as_str() {
            "--sequences" => options.sequences = number,
            "--seconds" => options.limit = Some(Duration::from_secs(number)),
            "--seed" => options.seed = number,
            "--jobs" => options.jobs = number.max(1),
            "--repeat" => options.repeat = number,
            _ => {
                return Err(format!(
                    "`{name}`: --sequences, --seconds, --seed, --jobs or --repeat"
                ));
            }
        }
    }
    Ok(options)
}

/// What has been run so far.
#[derive(Default)]
struct Progress {
    /// Sequences that were begun.
    begun: AtomicU64,
    /// Sequences that have passed.
    passed: AtomicU64,
    /// Operations in all runs.
    operations: AtomicU64,
    /// The same on all ranks together.
    calls: AtomicU64,
    has_failed: AtomicBool,
}

fn fuzz(options: &Options) -> ExitCode {
    let start = Instant::now();
    let progress = Progress::default();
    let next_report = Mutex::new(PROGRESS_INTERVAL);
    let summary = || {
        let passed = progress.passed.load(Ordering::Relaxed);
        let seconds = start.elapsed().as_secs().max(1);
        let operations = progress.operations.load(Ordering::Relaxed);
        let calls = progress.calls.load(Ordering::Relaxed);
        format!(
            "{passed} sequences of {operations} operations, {calls} calls of ranks, in {seconds} s: {} per second",
            passed / seconds
        )
    };
    let is_over = || {
        progress.has_failed.load(Ordering::Relaxed)
            || options.limit.is_some_and(|limit| start.elapsed() >= limit)
    };
    let job = || {
        while !is_over() {
            let index = progress.begun.fetch_add(1, Ordering::Relaxed);
            if index >= options.sequences {
                return;
            }
            let seed = options.seed.wrapping_add(index);
            for _ in 0..options.repeat {
                let size = match sequence::run(seed) {
                    Ok(size) => size,
                    Err(message) => {
                        if !progress.has_failed.swap(true, Ordering::Relaxed) {
                            println!("{message}");
                        }
                        return;
                    }
                };
                progress
                    .operations
                    .fetch_add(size.operations, Ordering::Relaxed);
                progress.calls.fetch_add(size.calls, Ordering::Relaxed);
            }
            progress.passed.fetch_add(1, Ordering::Relaxed);
            let mut next_report = next_report.lock().expect("no job panics");
            if start.elapsed() >= *next_report {
                *next_report = start.elapsed() + PROGRESS_INTERVAL;
                println!("{}", summary());
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..options.jobs {
            scope.spawn(job);
        }
    });
    let (passed, failed) = (
        progress.passed.load(Ordering::Relaxed),
        u64::from(progress.has_failed.load(Ordering::Relaxed)),
    );
    println!("seeds {} and following: {}", options.seed, summary());
    println!("{passed} passed, {failed} failed");
    if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
