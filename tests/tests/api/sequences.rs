//! Random sequences of calls on random clusters, compared with an `ndarray` model on every rank after each call.
//!
//! `PSHMEM_TEST_SEQUENCES` is the number of sequences of each kind. `cargo xtask fuzz` runs far more.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use pshmem_tests::model;
use pshmem_tests::model::ops::{self, Op};

/// The default number of sequences of each kind.
const CASES: u32 = 60;

fn check(ops: impl Strategy<Value = Vec<Op>>) {
    let cases = std::env::var("PSHMEM_TEST_SEQUENCES")
        .map_or(CASES, |text| text.parse().expect("a number of sequences"));
    // Each iteration starts threads, so their number is limited.
    let config = Config {
        cases,
        max_shrink_iters: 300,
        failure_persistence: None,
        ..Config::default()
    };
    let result = TestRunner::new(config).run(&(ops::shapes(), ops), |(shape, ops)| {
        model::run("", &shape, &ops).map_err(TestCaseError::fail)
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
fn invalid_calls_change_nothing() {
    check(ops::with_invalid_calls());
}

#[test]
fn divergence_fails_one_comm_only() {
    check(ops::with_divergence());
}

#[test]
fn early_exits_are_errors_on_the_others() {
    check(ops::anything());
}
