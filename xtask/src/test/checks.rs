//! The checks that are one call of cargo each.

use super::commands;
use crate::cargo;
use crate::mpi::Mpi;
use crate::report::Row;
use crate::setup::toolchains;
use std::process::Command;

/// Selects all crates of the workspace, with feature `mpi`.
///
/// All calls of cargo select the same crates: the features of a dependency are those that any selected crate asks for, and a
/// dependency with other features would be compiled again.
pub(crate) const WITH_MPI: [&str; 3] = ["--workspace", "--features", "pshmem/mpi,pshmem-tests/mpi"];
pub(crate) const WITHOUT_MPI: [&str; 1] = ["--workspace"];

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
    command
        .arg("clippy")
        .args(selection(mpi))
        .arg("--all-targets");
    // incompatible_msrv finds calls that are younger than the stated Rust version, on any toolchain.
    command.args(["--", "-D", "warnings", "-D", "clippy::incompatible_msrv"]);
    commands::cargo_row(Row::new("lints"), command)
}

/// Crates and features to build.
pub(crate) fn selection(mpi: Option<&Mpi>) -> &'static [&'static str] {
    match mpi {
        Some(_) => &WITH_MPI,
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
    commands::cargo_row(Row::new("loom"), command)
}

/// `cargo check` with the oldest Rust that the workspace supports.
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
        .args(WITHOUT_MPI);
    commands::cargo_row(row, command)
}
