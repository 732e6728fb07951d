//! The checks that are one call of cargo each.

use super::commands;
use crate::cargo;
use crate::mpi::{Kind, Mpi};
use crate::report::{Row, Verdict};
use crate::setup::toolchains;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Selects all crates of the workspace, with feature `mpi`. Without feature `sprs`, they are built for the oldest Rust.
///
/// All calls of cargo select the same crates: the features of a dependency are those that any selected crate asks for, and a
/// dependency with other features would be compiled again.
const WITH_MPI: [&str; 3] = [
    "--workspace",
    "--features",
    "pshmem/sprs,pshmem/mpi,pshmem-tests/mpi",
];

/// The same with the other engine beside it.
const WITH_BOTH: [&str; 3] = [
    "--workspace",
    "--features",
    "pshmem/sprs,pshmem/mpi,pshmem/mpi-abi,pshmem-tests/mpi",
];
pub(crate) const WITHOUT_MPI: [&str; 3] = ["--workspace", "--features", "pshmem/sprs"];

/// Selects all targets, as programs and as tests. `--all-targets` would also build the programs that have no tests a second time, as
/// tests, in spite of `test = false`.
pub(crate) const TARGETS: [&str; 4] = ["--lib", "--bins", "--examples", "--tests"];

/// Formatting.
pub(crate) fn format() -> Row {
    let mut command = cargo::cargo();
    command.args(["fmt", "--all", "--check"]);
    commands::cargo_row(Row::new("format"), command)
}

/// Clippy on everything, with feature `mpi` if there is a library: the few lines that only a build without it has are compiled
/// for the package.
pub(crate) fn lints(mpi: Option<&Mpi>) -> Row {
    let mut command = match mpi {
        Some(mpi) => cargo::cargo_mpi(mpi),
        None => cargo::cargo(),
    };
    command.arg("clippy").args(selection(mpi)).args(TARGETS);
    // incompatible_msrv finds calls that are younger than the stated Rust version, on any toolchain.
    command.args(["--", "-D", "warnings", "-D", "clippy::incompatible_msrv"]);
    commands::cargo_row(Row::new("lints"), command)
}

/// Clippy on the library alone, without the features that are on by default and without MPI.
pub(crate) fn lints_without_features() -> Row {
    let mut command = cargo::cargo();
    command
        .args(["clippy", "-p", "pshmem", "--no-default-features"])
        .args(TARGETS)
        .args(["--", "-D", "warnings"]);
    commands::cargo_row(Row::new("lints, no features"), command)
}

/// Crates and features to build. The builds for different libraries have different features, so that each combination of them is
/// built: that of `mpi-abi` alone is in `oldest_rust`.
pub(crate) fn selection(mpi: Option<&Mpi>) -> &'static [&'static str] {
    match mpi {
        Some(mpi) if mpi.kind == Kind::Mpich => &WITH_MPI,
        Some(_) => &WITH_BOTH,
        None => &WITHOUT_MPI,
    }
}

/// The documentation. It is the same with and without feature `mpi`.
pub(crate) fn docs() -> Row {
    let mut command = cargo::cargo();
    command.arg("doc").args(WITHOUT_MPI).arg("--no-deps");
    command.env("RUSTDOCFLAGS", "-D warnings");
    commands::cargo_row(Row::new("docs"), command)
}

/// The loom models.
///
/// `--cfg loom` in `RUSTFLAGS` would compile all dependencies again, so a wrapper passes it to the compiler of our crates only.
pub(crate) fn loom() -> Row {
    let mut command = cargo::cargo();
    command.args(["test", "-p", "pshmem", "--lib", "loom"]);
    command.env(
        "RUSTC_WORKSPACE_WRAPPER",
        cargo::root().join("xtask/loom-rustc"),
    );
    let row = commands::cargo_row(Row::new("loom"), command);
    all_models_ran(row, models(&cargo::root().join("pshmem/src")))
}

/// How many loom models the sources in a folder have: functions whose names begin with `loom_`.
fn models(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let of_path = |path: PathBuf| {
        if path.is_dir() {
            return models(&path);
        }
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let is_model = |line: &&str| line.trim_start().starts_with("fn loom_");
        text.lines().filter(is_model).count() as u64
    };
    entries.map(|entry| of_path(entry.path())).sum()
}

/// The row of the models, which fails if fewer have run than the sources have.
fn all_models_ran(row: Row, models: u64) -> Row {
    let ran = row.tally.as_ref().map_or(0, |tally| tally.cases().passed);
    if !row.passed() || (models > 0 && ran >= models) {
        return row;
    }
    Row {
        verdict: Verdict::Failed(format!("{ran} of {models} models ran")),
        ..row
    }
}

/// `cargo check` of the published crates with the oldest Rust that they support.
pub(crate) fn oldest_rust() -> Row {
    let version = env!("CARGO_PKG_RUST_VERSION");
    let row = Row::new("oldest Rust");
    let Some(toolchain) = toolchains::of_version(version) else {
        return row.skipped(format!("rustup cannot install toolchain {version}"));
    };
    let mut command = Command::new("rustup");
    command
        .current_dir(cargo::root())
        // A folder of its own: it must not wait for the lock of the other one.
        .env("CARGO_TARGET_DIR", cargo::target_of("msrv"))
        .args(["run", &toolchain, "cargo", "check"])
        .args([
            "-p",
            "pshmem",
            "-p",
            "pshmem-derive",
            "-p",
            "pshmem-inspect",
            "-p",
            "pshmem-batch",
            "--features",
            "pshmem/mpi-abi",
        ]);
    commands::cargo_row(row, command)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tally::Tally;

    #[test]
    fn loom_passes_only_if_all_models_ran() {
        let ran = |passed: u64| Row {
            tally: Tally::of_libtest(&format!(
                "test result: ok. {passed} passed; 0 failed; 0 ignored"
            )),
            ..Row::new("loom")
        };
        let models = models(&cargo::root().join("pshmem/src"));
        assert!(models > 10, "{models} models");
        assert!(all_models_ran(ran(models), models).passed());
        let fewer = all_models_ran(ran(models - 1), models);
        let why = format!("{} of {models} models ran", models - 1);
        assert_eq!(fewer.verdict, Verdict::Failed(why));
        // A filter that selects nothing.
        assert!(!all_models_ran(ran(0), 0).passed());
        assert!(!all_models_ran(Row::new("loom"), models).passed());
    }
}
