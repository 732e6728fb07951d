//! Runs the command of a step and turns its result into a row. Output is shown where a run fails, or always with `--verbose`.

use super::leftovers::{Folders, only_expected};
use crate::process::Outcome;
use crate::report::{Row, Verdict};
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
    command: Command,
    limit: Duration,
    verbose: bool,
    check: impl FnOnce(&str) -> Result<(), String>,
) -> Row {
    let outcome = run(&row, command, limit, None);
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
    let folders = match Folders::new() {
        Ok(folders) => folders,
        Err(why) => {
            let verdict = Verdict::Failed(format!("no folder for temporary files: {why}"));
            return Row { verdict, ..row };
        }
    };
    let outcome = run(&row, command, limit, Some(&folders));
    // In any case: it ends the processes that are left.
    let leftovers = folders.leftovers(&outcome);
    let row = row.finished(&outcome, |output| {
        check(output)?;
        only_expected(&leftovers, &[])
    });
    show(row, &outcome, verbose)
}

fn run(row: &Row, mut command: Command, limit: Duration, folders: Option<&Folders>) -> Outcome {
    command.current_dir(cargo::root());
    if std::env::var_os("PSHMEM_HANG_REPORT").is_none() {
        // So that the output of a run that is ended at its limit says who waited for whom.
        command.env("PSHMEM_HANG_REPORT", "20");
    }
    announce(row, limit, &command);
    let command = match folders {
        Some(folders) => folders.around(&command),
        None => command,
    };
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
