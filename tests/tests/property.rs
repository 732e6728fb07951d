//! Random sequences of calls on random clusters, compared with an `ndarray` model on every rank after each call.
//!
//! `PSHMEM_PROPTEST_CASES` says how many sequences of each kind; the default suits a build that somebody waits for.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use pshmem_tests::model::ops::{self, Op};
use pshmem_tests::model::play;

/// Sequences of each kind by default.
const CASES: u32 = 60;

fn check(ops: impl Strategy<Value = Vec<Op>>) {
    let cases = std::env::var("PSHMEM_PROPTEST_CASES")
        .map_or(CASES, |text| text.parse().expect("a number of sequences"));
    // Each try starts threads, so a failure is not shrunk for ever.
    let config = Config {
        cases,
        max_shrink_iters: 300,
        failure_persistence: None,
        ..Config::default()
    };
    let result = TestRunner::new(config).run(&(ops::shapes(), ops), |(shape, ops)| {
        play("", &shape, &ops).map_err(TestCaseError::fail)
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}

#[test]
fn legal_sequences_match_the_model() {
    check(ops::legal());
}

#[test]
fn bad_arguments_change_nothing() {
    check(ops::with_bad_arguments());
}

#[test]
fn divergence_kills_one_comm_and_nothing_else() {
    check(ops::with_divergence());
}

#[test]
fn ranks_that_end_leave_the_others_with_errors() {
    check(ops::anything());
}
