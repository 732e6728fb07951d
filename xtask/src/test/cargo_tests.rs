//! The tests that `cargo test` runs, each test program as a step of its own.
//!
//! `cargo test` runs one test program after another. Many of them wait most of the time, so here cargo only builds them.

use super::commands::{announce, cargo_output, cargo_row};
use super::schedule::{Lane, Load, Step};
use super::{Context, checks};
use crate::mpi::Mpi;
use crate::report::Row;
use crate::{cargo, process};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// The time limit of one test program.
const LIMIT: Duration = Duration::from_secs(900);

/// A test program, as cargo has built it.
#[derive(Debug, PartialEq)]
struct Program {
    /// The folder of its crate and its target, as in `tests api`.
    name: String,
    executable: PathBuf,
    /// The folder of its crate, in which cargo would run it.
    folder: PathBuf,
}

/// Builds all tests, and the programs and examples, with feature `mpi` if there is a library.
pub(crate) fn build<'a>(context: &'a Context, mpi: Option<&Mpi>) -> (Row, Vec<Step<'a>>) {
    let mut command = cargo(mpi);
    // Not `cargo test --no-run`, which leaves out the examples that have tests themselves.
    command.arg("build").args(checks::selection(mpi));
    command.args([
        "--all-targets",
        "--message-format",
        "json-render-diagnostics",
    ]);
    let library = mpi.map_or("-", |mpi| mpi.name);
    let (row, output) = cargo_output(Row::under("build", library, "-"), command);
    let mut steps = Vec::new();
    if row.passed() {
        let programs = programs(&output).into_iter();
        steps.extend(programs.map(|program| Step::new(Load::CORE, move || program.run(context))));
        let mpi = mpi.cloned();
        steps.push(
            Step::new(Load::CORE, move || doctests(context, mpi.as_ref())).in_lane(Lane::Cargo),
        );
    }
    (row, steps)
}

fn cargo(mpi: Option<&Mpi>) -> Command {
    mpi.map_or_else(cargo::cargo, cargo::cargo_mpi)
}

/// The examples in the documentation.
fn doctests(context: &Context, mpi: Option<&Mpi>) -> Row {
    let mut command = cargo(mpi);
    command
        .arg("test")
        .args(checks::selection(mpi))
        .arg("--doc");
    command.args(&context.options.filter);
    cargo_row(Row::new("tests, documentation"), command)
}

impl Program {
    /// From a line of cargo's JSON output.
    fn from_message(line: &str) -> Option<Self> {
        let message: Value = serde_json::from_str(line).ok()?;
        if message["reason"] != "compiler-artifact" || message["profile"]["test"] != true {
            return None;
        }
        let folder = Path::new(message["manifest_path"].as_str()?).parent()?;
        let package = folder.file_name()?.to_str()?;
        let target = &message["target"];
        let name = match target["kind"][0].as_str()? {
            "test" | "example" => target["name"].as_str()?,
            _ => "unit",
        };
        Some(Self {
            name: format!("{package} {name}"),
            executable: message["executable"].as_str()?.into(),
            folder: folder.to_owned(),
        })
    }

    fn run(&self, context: &Context) -> Row {
        let mut command = Command::new(&self.executable);
        command.args(&context.options.filter);
        // What cargo would set, as far as the tests use it.
        command
            .current_dir(&self.folder)
            .env("CARGO_MANIFEST_DIR", &self.folder)
            .env("CARGO_TARGET_DIR", cargo::target());
        let row = Row::new(&format!("tests, {}", self.name));
        announce(&row, LIMIT, &command);
        let log = cargo::log_of(&row.title());
        let outcome = process::run(command, LIMIT, &log, false);
        let row = row.finished(&outcome, |_| Ok(()));
        if context.options.verbose || !row.passed() {
            println!("{}", outcome.output.trim_end());
        }
        row
    }
}

/// The test programs among cargo's messages.
fn programs(output: &str) -> Vec<Program> {
    output.lines().filter_map(Program::from_message).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn test_programs_are_found_among_the_messages() {
        let message = |kind: &str, name: &str, test: bool| {
            serde_json::json!({
                "reason": "compiler-artifact",
                "manifest_path": "/w/tests/Cargo.toml",
                "target": { "kind": [kind], "name": name },
                "profile": { "test": test },
                "executable": format!("/w/target/{name}-1"),
            })
            .to_string()
        };
        let lines = [
            "   Compiling x",
            &message("lib", "x", true),
            &message("test", "api", true),
            &message("bin", "tool", false),
            r#"{"reason":"build-finished","success":true}"#,
        ];
        let program = |name: &str, executable: &str| Program {
            name: name.into(),
            executable: executable.into(),
            folder: "/w/tests".into(),
        };
        assert_eq!(
            programs(&lines.join("\n")),
            [
                program("tests unit", "/w/target/x-1"),
                program("tests api", "/w/target/api-1")
            ]
        );
    }
}
