//! How a job ends when one of its ranks fails: its exit code, what the other ranks observe, and what is printed.

use std::process::{Command, Output};
use std::time::Duration;

use pshmem_tests::faults::{EXIT, commit_prefix, observed_prefix};
use pshmem_tests::watchdog;

/// Runs the program `fault` on two nodes. A job that does not end is killed, and fails the test.
fn job(arguments: &[&str], env: &[(&str, &str)]) -> (Output, Duration) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fault"));
    command
        .args(arguments)
        .env("PSHMEM_LOCAL", "2+1")
        .envs(env.iter().copied());
    watchdog::run(&mut command, Duration::from_secs(60))
}

/// Standard output and standard error.
fn texts(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

#[test]
fn a_panic_ends_the_job_and_the_others_get_its_message() {
    let (output, _) = job(&["panic"], &[]);
    let (stdout, stderr) = texts(&output);
    assert!(!output.status.success());
    assert!(
        stderr.contains("rank 1 on node0 failed: panicked at "),
        "{stderr}"
    );
    assert!(
        stderr.contains("tests/faults/actions.rs") && stderr.contains("a deliberate panic"),
        "{stderr}"
    );
    for rank in [0, 2] {
        let line = observed_prefix(rank) + "rank 1 on node0 failed: panicked at ";
        assert!(stdout.contains(&line), "{stdout}");
    }
}

#[test]
fn an_error_ends_the_job_and_the_others_get_its_message() {
    let (output, _) = job(&["error"], &[]);
    let (stdout, stderr) = texts(&output);
    assert!(!output.status.success());
    assert!(
        stderr.contains("rank 1 on node0 failed: a deliberate error"),
        "{stderr}"
    );
    for rank in [0, 2] {
        let line = observed_prefix(rank) + "rank 1 on node0 failed: a deliberate error";
        assert!(stdout.contains(&line), "{stdout}");
    }
}

#[test]
fn an_early_return_is_divergence() {
    let (output, _) = job(&["return"], &[]);
    let (stdout, _) = texts(&output);
    assert!(!output.status.success());
    for rank in [0, 2] {
        let line = observed_prefix(rank) + "the ranks of one Comm did not make the same call";
        assert!(stdout.contains(&line), "{stdout}");
    }
}

#[test]
fn a_panic_in_a_closure_is_an_error_elsewhere() {
    let (output, _) = job(&["update-panic"], &[]);
    let (stdout, _) = texts(&output);
    assert!(!output.status.success());
    for rank in [0, 2] {
        let line = observed_prefix(rank) + "the closure on rank 1 failed: panicked: a deliberate";
        assert!(stdout.contains(&line), "{stdout}");
    }
}

#[test]
fn a_missing_rank_is_named_and_the_job_can_be_ended() {
    let limits = [("PSHMEM_HANG_REPORT", "0.3"), ("PSHMEM_HANG_ABORT", "1")];
    let (output, took) = job(&["compute"], &limits);
    let (_, stderr) = texts(&output);
    assert!(!output.status.success());
    assert!(took > Duration::from_secs(1), "it must wait for a second");
    assert!(
        stderr.contains("rank 1 is missing (last call: "),
        "{stderr}"
    );
    assert!(
        stderr.contains(": `fill` of object 1 ([u64]) at tests/faults/actions.rs:"),
        "{stderr}"
    );
    assert!(stderr.contains(") and is in the program\n"), "{stderr}");
    assert!(
        stderr.contains("does the call stand inside `if comm.rank() == ..`"),
        "{stderr}"
    );
    assert!(
        stderr.contains("rank 0 on node0 called `barrier` at "),
        "{stderr}"
    );
    assert!(
        stderr.contains("PSHMEM_HANG_ABORT is over, ending the job"),
        "{stderr}"
    );
}

#[test]
fn a_closure_that_does_not_return_is_named() {
    let limits = [("PSHMEM_HANG_REPORT", "0.3"), ("PSHMEM_HANG_ABORT", "1")];
    // Rank 0 runs the closure: the report must come from another rank.
    let (output, _) = job(&["update-compute", "0"], &limits);
    let (_, stderr) = texts(&output);
    assert!(!output.status.success());
    assert!(
        stderr.contains("rank 0 on node0 called `update` of object 1")
            && stderr.contains(" and runs its closure"),
        "{stderr}"
    );
    assert!(
        stderr.contains("PSHMEM_HANG_ABORT is over, ending the job"),
        "{stderr}"
    );
}

#[test]
fn a_rank_that_calls_exit_is_reported_and_no_success() {
    for fault in ["exit-0", "exit-3"] {
        let (output, _) = job(&[fault], &[]);
        let (stdout, stderr) = texts(&output);
        assert_eq!(output.status.code(), Some(1));
        // What was printed before is not lost.
        assert!(stdout.contains(&commit_prefix(1)), "{stdout}");
        let report = format!("pshmem: rank 1 on node0 {EXIT}\n");
        assert_eq!(stderr, report);
    }
}

#[test]
fn invalid_settings_are_errors() {
    for name in [
        "PSHMEM_HANG_REPORT",
        "PSHMEM_HANG_ABORT",
        "PSHMEM_CHECK",
        "PSHMEM_DOMAIN",
        "PSHMEM_HUGE_PAGES",
        "PSHMEM_MEMORY_LIMIT",
        "PSHMEM_RANKS_PER_NODE",
    ] {
        let (output, _) = job(&["return"], &[(name, "soon")]);
        assert!(!output.status.success());
        assert!(
            texts(&output).1.contains(&format!("{name}=soon: write ")),
            "{name}"
        );
    }
}

/// A limit of the environment that the first memory of the job passes already ends it at the start, and one that it does not pass holds.
#[test]
fn memory_limits_hold_from_the_start() {
    for (limit, expected) in [("1000", "would pass the limit of 1000 B"), ("64M", "")] {
        let (output, _) = job(&["return"], &[("PSHMEM_MEMORY_LIMIT", limit)]);
        let text = texts(&output).1;
        assert!(text.contains(expected), "{limit}: {text}");
        assert_eq!(text.contains("would pass the limit"), limit == "1000");
    }
}
