//! Runs the command of a step and turns its result into a row. Output is shown where a run fails, or always with `--verbose`.

use crate::report::Row;
use crate::{cargo, process};
use std::process::Command;
use std::time::Duration;

/// Runs cargo; its output is shown if it fails.
pub(crate) fn cargo_row(row: Row, command: Command) -> Row {
    cargo_output(row, command).0
}

/// Like [`cargo_row`], with the output.
pub(crate) fn cargo_output(row: Row, command: Command) -> (Row, String) {
    let log = cargo::log_of(&row.title());
    announce(&row, cargo::LIMIT, &command);
    let outcome = process::run(command, cargo::LIMIT, &log, false);
    let row = row.finished(&outcome, |_| Ok(()));
    if !row.passed() {
        println!("{}", outcome.output.trim_end());
    }
    (row, outcome.output)
}

/// Runs a program and checks its output.
pub(crate) fn checked(
    row: Row,
    mut command: Command,
    limit: Duration,
    verbose: bool,
    check: impl FnOnce(&str) -> Result<(), String>,
) -> Row {
    command.current_dir(cargo::root());
    if std::env::var_os("PSHMEM_HANG_REPORT").is_none() {
        // So that the output of a run that is ended at its limit says who waited for whom.
        command.env("PSHMEM_HANG_REPORT", "20");
    }
    announce(&row, limit, &command);
    let outcome = process::run(command, limit, &cargo::log_of(&row.title()), false);
    let row = row.finished(&outcome, check);
    if verbose || !row.passed() {
        println!("{}", outcome.output.trim_end());
    }
    row
}

/// Says what is about to run.
pub(crate) fn announce(row: &Row, limit: Duration, command: &Command) {
    let line = process::command_line(command);
    println!("== {} (at most {} s): {line}", row.title(), limit.as_secs());
}
