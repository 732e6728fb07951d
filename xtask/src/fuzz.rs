//! `cargo xtask fuzz` builds the program `fuzz` and runs it; `cargo xtask fuzz-npy` does so with a test of the headers of files.

use crate::{args, cargo, process};
use std::process::Command;

/// The command. No time limit here: the program ends every sequence that hangs, and says which.
pub(crate) fn command(options: &args::Fuzz) -> Result<(), String> {
    let mut build = cargo::cargo();
    build.args(["build", "--profile", cargo::CHECKED]);
    build.args(["-p", "pshmem-tests", "--bin", "fuzz"]);
    status(build)?;
    let mut fuzz = Command::new(cargo::target().join(cargo::CHECKED).join("fuzz"));
    for (option, value) in [
        ("--sequences", options.sequences),
        ("--seconds", options.seconds),
        ("--seed", options.seed),
        ("--jobs", options.jobs),
        ("--repeat", options.repeat),
    ] {
        if let Some(value) = value {
            fuzz.args([option, &value.to_string()]);
        }
    }
    if std::env::var_os("PSHMEM_HANG_REPORT").is_none() {
        // So that the output of a sequence that hangs says who waited for whom.
        fuzz.env("PSHMEM_HANG_REPORT", "20");
    }
    println!("{}", process::command_line(&fuzz));
    status(fuzz)
}

/// How many headers are read without another number.
const HEADERS: u64 = 10_000_000;

/// The command `fuzz-npy`.
pub(crate) fn headers(options: &args::FuzzNpy) -> Result<(), String> {
    let mut test = cargo::cargo();
    test.args(["test", "--profile", cargo::CHECKED]);
    test.args(["-p", "pshmem-format", "--test", "fuzz_headers"]);
    test.args(["--", "--nocapture"]);
    let inputs = options.inputs.unwrap_or(HEADERS);
    test.env("PSHMEM_FUZZ_INPUTS", inputs.to_string());
    test.env("PSHMEM_FUZZ_SEED", options.seed.unwrap_or(0).to_string());
    status(test)
}

fn status(mut command: Command) -> Result<(), String> {
    let line = process::command_line(&command);
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{line}: {status}")),
        Err(why) => Err(format!("{line}: {why}")),
    }
}
