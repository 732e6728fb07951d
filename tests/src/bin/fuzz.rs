//! Random sequences of valid and invalid calls on random clusters of threads, one after the other.
//!
//! `fuzz [--sequences N] [--seconds S] [--seed S]` ends after N sequences or S seconds, whichever comes first. Sequence `i` has
//! the seed `S + i`, so that `--seed` with the seed of a failure and `--sequences 1` reproduces it. A failing sequence is
//! shrunk before it is printed; a sequence that hangs ends the process at once.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use pshmem_tests::model::{self, ops};

/// The default number of sequences.
const SEQUENCES: u64 = 200_000;
/// The largest number of attempts to shrink a failing sequence.
const MAX_SHRINKS: u32 = 2_000;
/// The time between two lines about the progress.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(30);

struct Options {
    sequences: u64,
    limit: Option<Duration>,
    seed: u64,
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
    let mut options = Options {
        sequences: SEQUENCES,
        limit: None,
        seed: 0,
    };
    while let Some(name) = arguments.next() {
        let value = arguments.next().unwrap_or_default();
        let number = value.parse();
        let number: u64 = number.map_err(|_| format!("{name} needs a number, not `{value}`"))?;
        match name.as_str() {
            "--sequences" => options.sequences = number,
            "--seconds" => options.limit = Some(Duration::from_secs(number)),
            "--seed" => options.seed = number,
            _ => return Err(format!("`{name}`: --sequences, --seconds or --seed")),
        }
    }
    Ok(options)
}

fn fuzz(options: &Options) -> ExitCode {
    let start = Instant::now();
    let mut next_report = PROGRESS_INTERVAL;
    let mut passed = 0;
    let rate = |passed: u64| {
        let seconds = start.elapsed().as_secs().max(1);
        format!("{seconds} s, {} per second", passed / seconds)
    };
    while passed < options.sequences && options.limit.is_none_or(|limit| start.elapsed() < limit) {
        let seed = options.seed.wrapping_add(passed);
        if let Err(message) = run_sequence(seed) {
            println!("{message}");
            println!("to reproduce it: cargo xtask fuzz --seed {seed} --sequences 1");
            println!("{passed} passed, 1 failed");
            return ExitCode::FAILURE;
        }
        passed += 1;
        if start.elapsed() >= next_report {
            next_report += PROGRESS_INTERVAL;
            println!("{passed} sequences in {}", rate(passed));
        }
    }
    let first = options.seed;
    println!("seeds {first} and following, {}", rate(passed));
    println!("{passed} passed, 0 failed");
    ExitCode::SUCCESS
}

/// Runs the sequence of a seed.
fn run_sequence(seed: u64) -> Result<(), String> {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config = Config {
        cases: 1,
        max_shrink_iters: MAX_SHRINKS,
        failure_persistence: None,
        ..Config::default()
    };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let name = format!("seed {seed}: ");
    let result = TestRunner::new_with_rng(config, rng)
        .run(&(ops::shapes(), ops::anything()), |(shape, ops)| {
            model::run(&name, &shape, &ops).map_err(TestCaseError::fail)
        });
    result.map_err(|error| format!("seed {seed}: {error}"))
}
