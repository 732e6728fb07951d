//! Random sequences of calls on random clusters, compared with a model on every rank after each call.
//!
//! `PSHMEM_SEQUENCES` is their number. `cargo xtask fuzz` runs far more.

use std::time::{SystemTime, UNIX_EPOCH};

use pshmem_tests::model::sequence;

/// The default number of sequences.
const SEQUENCES: u64 = 100;
/// Sequences that run at the same time.
const JOBS: u64 = 4;

#[test]
fn sequences_match_the_model() {
    let number = std::env::var("PSHMEM_SEQUENCES").map_or(SEQUENCES, |text| {
        text.parse().expect("a number of sequences")
    });
    // Other sequences in each run. A failure names its seed.
    let time = SystemTime::now().duration_since(UNIX_EPOCH);
    let first = time.expect("a clock that is set").as_millis() as u64;
    std::thread::scope(|scope| {
        for job in 0..JOBS {
            scope.spawn(move || {
                for index in (job..number).step_by(JOBS as usize) {
                    if let Err(message) = sequence::run(first + index) {
                        panic!("{message}");
                    }
                }
            });
        }
    });
}
