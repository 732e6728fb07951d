//! Several jobs, each with ranks as threads, on one state directory: killed, frozen and stopped by the program `jobs`.

use std::process::Command;
use std::time::Duration;

use pshmem_tests::watchdog;

fn jobs(arguments: &[&str], nodes: &str) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_jobs"));
    command.args(arguments).env("PSHMEM_LOCAL", nodes);
    let (output, _) = watchdog::run(&mut command, Duration::from_secs(200));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{arguments:?} with {nodes}: {errors}"
    );
}

#[test]
fn a_job_of_two_is_killed() {
    jobs(&["kill", "400", "2", "3"], "2");
}

#[test]
fn a_job_of_three_is_killed() {
    jobs(&["kill", "400", "3", "2"], "1+1");
}

#[test]
fn jobs_are_killed_at_random_moments() {
    jobs(&["storm", "200", "2", "3", "2"], "2");
    jobs(&["storm", "200", "2", "3", "1"], "1+1");
}

#[test]
fn a_job_is_frozen_and_continues() {
    jobs(&["freeze"], "1");
    jobs(&["freeze"], "1+1");
}

#[test]
fn a_job_gets_sigterm() {
    jobs(&["term", "2000"], "2");
    jobs(&["term", "2000"], "1+1");
}
