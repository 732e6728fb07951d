//! Random sequences of legal and illegal calls on random clusters of threads, one after the other, each from a seed of its own.
//!
//! `fuzz [--sequences N] [--seconds S] [--seed S]`: ends after N sequences or S seconds, whichever comes first. Sequence `i`
//! has the seed `S + i`, so that `--seed` with the seed of a failure and `--sequences 1` plays it again. A failure is shrunk
//! first; a sequence that hangs ends the process as it is.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use pshmem_tests::model::{self, ops};

/// Sequences unless something else is asked for.
const SEQUENCES: u64 = 200_000;
/// Tries to make a sequence that failed shorter.
const SHRINKS: u32 = 2_000;
/// Time between two signs of life.
const SIGN: Duration = Duration::from_secs(30);

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

fn options(mut words: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut options = Options {
        sequences: SEQUENCES,
        limit: None,
        seed: 0,
    };
    while let Some(word) = words.next() {
        let value = words.next().unwrap_or_default();
        let number = value.parse();
        let number: u64 = number.map_err(|_| format!("{word} needs a number, not `{value}`"))?;
        match word.as_str() {
            "--sequences" => options.sequences = number,
            "--seconds" => options.limit = Some(Duration::from_secs(number)),
            "--seed" => options.seed = number,
            _ => return Err(format!("`{word}`: --sequences, --seconds or --seed")),
        }
    }
    Ok(options)
}

fn fuzz(options: &Options) -> ExitCode {
    let start = Instant::now();
    let mut next_sign = SIGN;
    let mut played = 0;
    let rate = |played: u64| {
        let seconds = start.elapsed().as_secs().max(1);
        format!("{seconds} s, {} per second", played / seconds)
    };
    while played < options.sequences && options.limit.is_none_or(|limit| start.elapsed() < limit) {
        let seed = options.seed.wrapping_add(played);
        if let Err(message) = sequence(seed) {
            println!("{message}");
            println!("to play it again: cargo xtask fuzz --seed {seed} --sequences 1");
            println!("{played} passed, 1 failed");
            return ExitCode::FAILURE;
        }
        played += 1;
        if start.elapsed() >= next_sign {
            next_sign += SIGN;
            println!("{played} sequences in {}", rate(played));
        }
    }
    let first = options.seed;
    println!("seeds {first} and following, {}", rate(played));
    println!("{played} passed, 0 failed");
    ExitCode::SUCCESS
}

/// Plays the sequence of a seed.
fn sequence(seed: u64) -> Result<(), String> {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config = Config {
        cases: 1,
        max_shrink_iters: SHRINKS,
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
