//! Runs the command of a step and turns its result into a row. Output is shown where a run fails, or always with `--verbose`.

use super::leftovers::{Folders, only_expected, only_files};
use crate::process::Outcome;
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
    let outcome = run(&row, command, cargo::LIMIT);
    let row = row.finished(&outcome, |_| Ok(()));
    if !row.passed() {
        println!("{}", outcome.output.trim_end());
    }
    (row, outcome.output)
}

/// Runs a program and checks its output.
pub(crate) fn checked(
    row: Row,
    command: Command,
    limit: Duration,
    verbose: bool,
    check: impl FnOnce(&str) -> Result<(), String>,
) -> Row {
    let outcome = run(&row, with_reports(command), limit);
    let row = row.finished(&outcome, check);
    show(row, &outcome, verbose)
}

/// The same, with folders of its own in which nothing may be left.
pub(crate) fn clean(
    row: Row,
    command: Command,
    limit: Duration,
    verbose: bool,
    check: impl FnOnce(&str) -> Result<(), String>,
) -> Row {
    let is_clean = |leftovers: &[String]| only_expected(leftovers, &[]);
    with_leftovers(row, command, limit, verbose, check, is_clean)
}

/// The same for a program that kills others, whose files may be left, but no processes.
pub(super) fn without_processes(
    row: Row,
    command: Command,
    limit: Duration,
    verbose: bool,
    check: impl FnOnce(&str) -> Result<(), String>,
) -> Row {
    with_leftovers(row, command, limit, verbose, check, only_files)
}

fn with_leftovers(
    row: Row,
    command: Command,
    limit: Duration,
    verbose: bool,
    check: impl FnOnce(&str) -> Result<(), String>,
    check_leftovers: impl FnOnce(&[String]) -> Result<(), String>,
) -> Row {
    match in_own_folders(&row, &with_reports(command), limit) {
        Ok((outcome, leftovers)) => {
            let row = row.finished(&outcome, |output| {
                check(output)?;
                check_leftovers(&leftovers)
            });
            show(row, &outcome, verbose)
        }
        Err(why) => row.failed(why),
    }
}

/// Runs a program with folders of its own, and ends the processes that it leaves. Returns what it has left in the folders.
pub(super) fn in_own_folders(
    row: &Row,
    command: &Command,
    limit: Duration,
) -> Result<(Outcome, Vec<String>), String> {
    let folders = Folders::new().map_err(|why| format!("no folder for temporary files: {why}"))?;
    announce(row, limit, command);
    let outcome = execute(row, folders.around(command), limit);
    let leftovers = folders.leftovers(&outcome);
    Ok((outcome, leftovers))
}

/// The output of a run that is ended at its limit says who waited for whom.
fn with_reports(mut command: Command) -> Command {
    const VARIABLE: &str = "PSHMEM_HANG_REPORT";
    command.current_dir(cargo::root());
    // Some programs depend on a value of their own.
    let is_set = command.get_envs().any(|(name, _)| name == VARIABLE);
    if !is_set && std::env::var_os(VARIABLE).is_none() {
        command.env(VARIABLE, "20");
    }
    command
}

fn run(row: &Row, command: Command, limit: Duration) -> Outcome {
    announce(row, limit, &command);
    execute(row, command, limit)
}

fn execute(row: &Row, command: Command, limit: Duration) -> Outcome {
    process::run(command, limit, &cargo::log_of(&row.title()), false)
}

fn show(row: Row, outcome: &Outcome, verbose: bool) -> Row {
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
