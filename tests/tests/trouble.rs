//! What the library says about programs that do what they may not, and that the suite holds at every level of checks.

use std::process::{Command, Output};
use std::time::Duration;

use pshmem_tests::watchdog;

/// Runs a program with ranks as threads; one that does not end is ended here, and fails the test.
fn run(program: &str, words: &[&str], env: &[(&str, &str)]) -> Output {
    let mut command = Command::new(program);
    command.args(words).envs(env.iter().copied());
    watchdog::run(&mut command, Duration::from_secs(200)).0
}

fn trouble(scene: &str, env: &[(&str, &str)]) -> String {
    let output = run(env!("CARGO_BIN_EXE_trouble"), &[scene], env);
    assert!(!output.status.success());
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_write_outside_the_touched_fields_is_found_at_level_2() {
    for nodes in ["2", "1+1"] {
        let told = trouble("stray", &[("PSHMEM_LOCAL", nodes), ("PSHMEM_CHECK", "2")]);
        assert!(
            told.contains("field 1 `other` has changed, but was never written to"),
            "{told}"
        );
    }
}

#[test]
fn copies_that_differ_are_found_at_level_2() {
    let told = trouble("race", &[("PSHMEM_LOCAL", "1+2"), ("PSHMEM_CHECK", "2")]);
    let expected = "after `update`: the copies that ranks 0 and 1 read differ in what was written";
    assert!(told.contains(expected), "{told}");
}

#[test]
fn a_circle_of_waiting_ranks_is_reported() {
    let patience = ("PSHMEM_HANG_ABORT", "3");
    let told = trouble("circle", &[("PSHMEM_LOCAL", "2"), patience]);
    assert!(
        told.contains("deadlock: rank 0 of the world waits in `barrier` at "),
        "{told}"
    );
    assert!(
        told.contains("for which rank 1 of the world waits in `barrier` at "),
        "{told}"
    );
    assert!(told.contains("which waits for the first"), "{told}");
}

#[test]
fn who_has_a_lock_is_named() {
    let patience = [("PSHMEM_HANG_REPORT", "0.5"), ("PSHMEM_HANG_ABORT", "1")];
    for nodes in ["2", "1+1"] {
        let told = trouble(
            "holder",
            &[&[("PSHMEM_LOCAL", nodes)], &patience[..]].concat(),
        );
        for part in [
            "rank 1 on node",
            "in `lock` of lock 1 at ",
            "; rank 0 on node0 has it for ",
        ] {
            assert!(told.contains(part), "{part}: {told}");
        }
    }
}

#[test]
fn a_lock_that_left_with_its_rank_is_an_error() {
    let told = trouble("leaked", &[("PSHMEM_LOCAL", "2")]);
    let expected = "`lock`: rank 0 on node0 returned from `run`'s closure while it held the lock, because its guard was leaked";
    assert!(told.contains(expected), "{told}");
    // Hosted on a rank, the lock goes to the next all the same.
    let told = trouble("leaked", &[("PSHMEM_LOCAL", "1+1")]);
    assert!(
        told.contains("rank 0 panicked, or returned from `run`'s closure, while it held the lock"),
        "{told}"
    );
}

#[test]
fn the_suite_holds_at_every_level() {
    for level in ["0", "2"] {
        let env = [("PSHMEM_LOCAL", "1+1"), ("PSHMEM_CHECK", level)];
        let output = run(env!("CARGO_BIN_EXE_suite"), &[], &env);
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "level {level}: {told}");
    }
}
