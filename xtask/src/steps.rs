//! The checks that are one call of cargo each, as data: a new check is a new entry here.

use crate::mpi::Mpi;
use crate::report::Row;
use crate::{cargo, process};
use std::process::Command;
use std::time::Duration;

/// Where a step builds.
pub(crate) enum Target {
    /// cargo's own target folder.
    Usual,
    /// A folder of its own, because its flags would rebuild everything in the usual one.
    Own(&'static str),
}

/// One call of cargo.
pub(crate) struct Step {
    pub(crate) name: &'static str,
    /// The words after `cargo`.
    pub(crate) words: &'static [&'static str],
    pub(crate) env: &'static [(&'static str, &'static str)],
    pub(crate) target: Target,
    /// Runs tests by name, so that `--filter NAME` applies.
    pub(crate) filters: bool,
}

const WARNINGS: &[(&str, &str)] = &[("RUSTDOCFLAGS", "-D warnings")];

/// What needs no MPI. One profile for all, so that macros and build scripts are compiled once.
pub(crate) const WITHOUT_MPI: &[Step] = &[
    Step {
        name: "format",
        words: &["fmt", "--all", "--check"],
        env: &[],
        target: Target::Usual,
        filters: false,
    },
    Step {
        name: "lints",
        // incompatible_msrv finds calls that are younger than the stated Rust version, on any toolchain.
        words: &[
            "clippy",
            "--profile",
            "suite",
            "--workspace",
            "--all-targets",
            "--",
            "-D",
            "warnings",
            "-D",
            "clippy::incompatible_msrv",
        ],
        env: &[],
        target: Target::Usual,
        filters: false,
    },
    Step {
        name: "docs",
        words: &["doc", "--profile", "suite", "--workspace", "--no-deps"],
        env: WARNINGS,
        target: Target::Usual,
        filters: false,
    },
    Step {
        name: "tests",
        words: &["test", "--workspace", "--profile", "suite"],
        env: &[],
        target: Target::Usual,
        filters: true,
    },
    Step {
        name: "loom",
        words: &[
            "test",
            "-p",
            "pshmem",
            "--lib",
            "--profile",
            "suite",
            "loom",
        ],
        env: &[("RUSTFLAGS", "--cfg loom")],
        target: Target::Own("loom"),
        filters: false,
    },
];

/// What is checked with feature `mpi`, once, against whichever library is there. The profile
/// shares its dependencies with the build of the suites.
pub(crate) const WITH_MPI: &[Step] = &[
    Step {
        name: "lints, feature mpi",
        words: &[
            "clippy",
            "--profile",
            "suite",
            "-p",
            "pshmem",
            "-p",
            "pshmem-tests",
            "--features",
            "mpi",
            "--all-targets",
            "--",
            "-D",
            "warnings",
            "-D",
            "clippy::incompatible_msrv",
        ],
        env: &[],
        target: Target::Usual,
        filters: false,
    },
    Step {
        name: "docs, feature mpi",
        words: &[
            "doc",
            "--profile",
            "suite",
            "-p",
            "pshmem",
            "--no-deps",
            "--features",
            "mpi",
        ],
        env: WARNINGS,
        target: Target::Usual,
        filters: false,
    },
];

/// The build for the runs under one library. One call, so that the library is compiled once.
pub(crate) const BUILD: &[&str] = &[
    "build",
    "--profile",
    "suite",
    "-p",
    "pshmem",
    "-p",
    "pshmem-tests",
    "--features",
    "mpi",
    "--bin",
    "suite",
    "--bin",
    "small_shm",
    "--bin",
    "after_mpi",
    "--bin",
    "fault",
    "--bin",
    "jobs",
    "--examples",
];

/// Compiling on a slow machine; a cargo call that takes longer hangs.
pub(crate) const CARGO_LIMIT: Duration = Duration::from_secs(1200);

impl Step {
    /// Runs the step; `mpi` is the library to build against for steps of [`WITH_MPI`].
    pub(crate) fn run(&self, mpi: Option<&Mpi>, filter: Option<&str>) -> Row {
        let mut command = match (mpi, &self.target) {
            (Some(mpi), _) => cargo::cargo_mpi(mpi),
            (None, Target::Usual) => cargo::cargo(&cargo::target()),
            (None, Target::Own(name)) => cargo::cargo(&cargo::target_of(name)),
        };
        command.args(self.words).envs(self.env.iter().copied());
        if let Some(name) = filter {
            command.arg(name);
        }
        let row = match mpi {
            Some(mpi) => Row::under(self.name, mpi.name, "-"),
            None => Row::new(self.name),
        };
        cargo_row(row, command)
    }
}

/// Runs cargo with its output shown.
pub(crate) fn cargo_row(row: Row, mut command: Command) -> Row {
    println!("\n== {}: {}", row.title(), process::line(&command));
    if std::io::IsTerminal::is_terminal(&std::io::stdout()) {
        command.env("CARGO_TERM_COLOR", "always");
    }
    let outcome = process::run(command, CARGO_LIMIT, &cargo::log_of(&row.title()), true);
    row.finished(&outcome, |_| Ok(()))
}

/// `cargo check` with the oldest Rust that the workspace says it supports, where that is installed.
pub(crate) fn msrv() -> Row {
    let version = env!("CARGO_PKG_RUST_VERSION");
    let row = Row::new("oldest Rust");
    let Some(toolchain) = toolchain(&toolchains(), version).or_else(|| install(version)) else {
        return row.skipped(format!("rustup cannot install toolchain {version}"));
    };
    let mut command = Command::new("rustup");
    command
        .current_dir(cargo::root())
        .env("CARGO_TARGET_DIR", cargo::target_of("msrv"))
        .args(["run", &toolchain, "cargo", "check", "--workspace"]);
    cargo_row(row, command)
}

fn toolchains() -> String {
    let list = Command::new("rustup").args(["toolchain", "list"]).output();
    list.map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
        .unwrap_or_default()
}

/// Installs a toolchain where there are rustup and a network.
fn install(version: &str) -> Option<String> {
    let mut command = Command::new("rustup");
    command.args(["toolchain", "install", version, "--profile", "minimal"]);
    println!("\n== {}", process::line(&command));
    let log = cargo::log_of("install toolchain");
    let outcome = process::run(command, Duration::from_secs(180), &log, false);
    outcome.end.check().ok()?;
    toolchain(&toolchains(), version)
}

/// The toolchain in rustup's list that is Rust `version` (or `nightly`), any patch release of it.
pub(crate) fn toolchain(list: &str, version: &str) -> Option<String> {
    let names = list
        .lines()
        .filter_map(|line| line.split_whitespace().next());
    let is = |name: &&str| {
        name.strip_prefix(version)
            .is_some_and(|rest| rest.starts_with(['.', '-']))
    };
    names.into_iter().find(is).map(String::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_toolchain_of_a_version() {
        let list =
            "stable-x86_64-unknown-linux-gnu (active, default)\n1.88.0-x86_64-unknown-linux-gnu\n";
        assert_eq!(
            toolchain(list, "1.88").as_deref(),
            Some("1.88.0-x86_64-unknown-linux-gnu")
        );
        assert_eq!(
            toolchain("1.88-x86_64-apple-darwin", "1.88").as_deref(),
            Some("1.88-x86_64-apple-darwin")
        );
        assert_eq!(
            toolchain("1.880-x\nno installed toolchains\n", "1.88"),
            None
        );
    }

    #[test]
    fn names_are_distinct() {
        let mut names: Vec<_> = WITHOUT_MPI
            .iter()
            .chain(WITH_MPI)
            .map(|step| step.name)
            .collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
