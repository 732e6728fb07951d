//! `cargo xtask mutants`: changes the library in one place after the other, and lists the changes that no quick test notices.
//!
//! cargo-mutants makes the changes; `.cargo/mutants.toml` says in which files, and which tests are to notice them.

use crate::{cargo, process};
use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

/// The version that is installed. Another one may make other changes.
const VERSION: &str = "27.1.0";

/// The command. `arguments` are those of cargo-mutants.
pub(crate) fn command(arguments: &[OsString]) -> Result<(), String> {
    let folder = cargo::target_of("tools").join(format!("cargo-mutants-{VERSION}"));
    let program = folder.join("bin/cargo-mutants");
    if !program.is_file() {
        status(installation(&folder))?;
    }
    let mut mutants = Command::new(program);
    mutants.current_dir(cargo::root());
    mutants.arg("mutants").arg("--output").arg(cargo::target());
    mutants.args(arguments);
    status(mutants)
}

fn installation(folder: &Path) -> Command {
    let mut command = cargo::cargo();
    command.args(["install", "cargo-mutants", "--version", VERSION, "--locked"]);
    // What takes time is what it starts.
    command.arg("--debug").arg("--root").arg(folder);
    command
}

fn status(mut command: Command) -> Result<(), String> {
    let line = process::command_line(&command);
    println!("{line}");
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{line}: {status}")),
        Err(why) => Err(format!("{line}: {why}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_version_is_installed_inside_the_target_folder() {
        let line = process::command_line(&installation(Path::new("/x/target/tools/y")));
        let expected =
            "install cargo-mutants --version 27.1.0 --locked --debug --root /x/target/tools/y";
        assert!(line.ends_with(expected), "{line}");
    }
}
