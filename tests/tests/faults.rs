//! How a job of threads ends when one of its ranks fails: exit code, what the others see, what is printed.

use std::process::{Command, Output};
use std::time::Duration;

use pshmem_tests::watchdog;

/// Runs the job of one fault on two nodes; a job that does not end is ended here, and fails the test.
fn job(fault: &str, env: &[(&str, &str)]) -> (Output, Duration) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fault"));
    command
        .args(fault.split(' '))
        .env("PSHMEM_LOCAL", "2+1")
        .envs(env.iter().copied());
    watchdog::run(&mut command, Duration::from_secs(60))
}

fn texts(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

#[test]
fn a_panic_ends_the_job_and_the_others_learn_of_it() {
    let (output, _) = job("panic", &[]);
    let (seen, told) = texts(&output);
    assert!(!output.status.success());
    assert!(
        told.contains("rank 1 on node0 failed: panicked at "),
        "{told}"
    );
    assert!(
        told.contains("fault.rs") && told.contains("a deliberate panic"),
        "{told}"
    );
    for rank in [0, 2] {
        let line = format!("rank {rank} saw: rank 1 on node0 failed: panicked at ");
        assert!(seen.contains(&line), "{seen}");
    }
}

#[test]
fn an_error_ends_the_job_and_the_others_learn_of_it() {
    let (output, _) = job("error", &[]);
    let (seen, told) = texts(&output);
    assert!(!output.status.success());
    assert!(
        told.contains("rank 1 on node0 failed: a deliberate error"),
        "{told}"
    );
    for rank in [0, 2] {
        let line = format!("rank {rank} saw: rank 1 on node0 failed: a deliberate error");
        assert!(seen.contains(&line), "{seen}");
    }
}

#[test]
fn an_early_return_is_divergence() {
    let (output, _) = job("return", &[]);
    let (seen, _) = texts(&output);
    assert!(!output.status.success());
    for rank in [0, 2] {
        let line = format!("rank {rank} saw: the ranks of one Comm did not make the same call");
        assert!(seen.contains(&line), "{seen}");
    }
}

#[test]
fn a_panic_in_a_closure_is_an_error_elsewhere() {
    let (output, _) = job("update-panic", &[]);
    let (seen, _) = texts(&output);
    assert!(!output.status.success());
    for rank in [0, 2] {
        let line = format!("rank {rank} saw: the closure on rank 1 failed: panicked: a deliberate");
        assert!(seen.contains(&line), "{seen}");
    }
}

#[test]
fn a_missing_rank_is_named_and_the_job_can_be_ended() {
    let patience = [("PSHMEM_HANG_REPORT", "0.3"), ("PSHMEM_HANG_ABORT", "1")];
    let (output, took) = job("compute", &patience);
    let (_, told) = texts(&output);
    assert!(!output.status.success());
    assert!(took > Duration::from_secs(1), "it was to wait for a second");
    assert!(told.contains("rank 1 is missing (last call: "), "{told}");
    assert!(
        told.contains("`fill` of object 1) and is in the program"),
        "{told}"
    );
    assert!(
        told.contains("rank 0 on node0 called `barrier` at "),
        "{told}"
    );
    assert!(
        told.contains("PSHMEM_HANG_ABORT is over, ending the job"),
        "{told}"
    );
}

#[test]
fn a_closure_that_does_not_end_is_named() {
    let patience = [("PSHMEM_HANG_REPORT", "0.3"), ("PSHMEM_HANG_ABORT", "1")];
    // Rank 0 runs the closure: the report must come from another rank.
    let (output, _) = job("update-compute 0", &patience);
    let (_, told) = texts(&output);
    assert!(!output.status.success());
    assert!(
        told.contains("rank 0 on node0 called `update` of object 1")
            && told.contains(" and is at work in it"),
        "{told}"
    );
    assert!(
        told.contains("PSHMEM_HANG_ABORT is over, ending the job"),
        "{told}"
    );
}

#[test]
fn wrong_settings_are_errors() {
    for name in [
        "PSHMEM_HANG_REPORT",
        "PSHMEM_HANG_ABORT",
        "PSHMEM_CHECK",
        "PSHMEM_RANKS_PER_NODE",
    ] {
        let (output, _) = job("return", &[(name, "soon")]);
        assert!(!output.status.success());
        assert!(
            texts(&output).1.contains(&format!("{name}=soon: write ")),
            "{name}"
        );
    }
}
