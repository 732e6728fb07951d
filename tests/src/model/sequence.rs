//! The sequence of a seed: which cluster, which delays and which operations, and how to run it again.

use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};

use super::ops;

/// The largest number of attempts to shrink a failing sequence.
const MAX_SHRINKS: u32 = 2_000;

/// How much was done.
#[derive(Debug, Default, Clone, Copy)]
pub struct Size {
    /// Operations of the sequence.
    pub operations: u64,
    /// The same on all ranks together.
    pub calls: u64,
}

/// The command that makes the calls of a seed again. Many times, because the order in which threads run is not reproducible.
#[must_use]
pub fn command(seed: u64) -> String {
    format!("cargo xtask fuzz --seed {seed} --sequences 1 --repeat 100")
}

/// Runs the sequence of a seed.
///
/// # Errors
/// When it fails, with the message, the shortest sequence found that fails too, and the command that runs it again.
pub fn run(seed: u64) -> Result<Size, String> {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config = Config {
        cases: 1,
        max_shrink_iters: MAX_SHRINKS,
        failure_persistence: None,
        ..Config::default()
    };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    // With the command, because a sequence that hangs ends the process before anything else is printed.
    let name = format!("seed {seed} ({}): ", command(seed));
    let size = std::cell::Cell::new(Size::default());
    let result = TestRunner::new_with_rng(config, rng).run(
        &(ops::shapes(), ops::sequences()),
        |(shape, ops)| {
            let (operations, ranks) = (ops.len(), shape.nodes.iter().sum::<usize>());
            size.set(Size {
                operations: operations as u64,
                calls: (operations * ranks) as u64,
            });
            super::run(&name, &shape, &ops).map_err(TestCaseError::fail)
        },
    );
    result.map_err(|error| {
        format!(
            "seed {seed}: {error}\nto make the same calls again: {}",
            command(seed)
        )
    })?;
    Ok(size.get())
}
