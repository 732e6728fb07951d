//! Where the workspace and its build output are, and how cargo is called.

use crate::mpi::Mpi;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// The workspace's folder.
pub(crate) fn root() -> PathBuf {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask).to_path_buf()
}

/// The target folder that cargo uses by itself.
pub(crate) fn target() -> PathBuf {
    // A relative CARGO_TARGET_DIR means: from where the command was typed, as for cargo.
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => std::path::absolute(&folder).unwrap_or_else(|_| folder.into()),
        None => root().join("target"),
    }
}

/// A folder inside the target folder.
pub(crate) fn target_of(name: &str) -> PathBuf {
    target().join(name)
}

/// The log of a run: a file name made of the step's name.
pub(crate) fn log_of(step: &str) -> PathBuf {
    let name: String = step
        .chars()
        .map(|c| if c.is_alphanumeric() { c } else { '-' })
        .collect();
    target().join("xtask-logs").join(name + ".log")
}

/// cargo in the workspace.
pub(crate) fn cargo() -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(root());
    command.env("CARGO_TARGET_DIR", target());
    // Builds from nothing are what costs time here, and incremental compilation makes them slower.
    command.env("CARGO_INCREMENTAL", "0");
    command
}

/// cargo for builds with feature `mpi` against one library.
///
/// The programs of each library are in a target folder of their own. The build folder below is the same for all (with cargo 1.91
/// or newer), so that crates that know nothing of MPI are compiled once. cargo does not notice that `MPICC` has changed: a code
/// generation option of `mpi-sys`, different for each library, makes it keep one copy for each of `mpi-sys` and what depends on it.
pub(crate) fn cargo_mpi(mpi: &Mpi) -> Command {
    let mut command = cargo();
    command
        .envs(mpi.variables())
        .env("MPICC", &mpi.mpicc)
        .env("CARGO_TARGET_DIR", target_of(mpi.name))
        .env("CARGO_BUILD_BUILD_DIR", target());
    for profile in ["dev", "release"] {
        let option = format!(
            "profile.{profile}.package.mpi-sys.codegen-units={}",
            mpi.build_variant()
        );
        command.args(["--config", &option]);
    }
    command
}

/// A program that `cargo_mpi` has built, by the folder of its profile and its path in there.
pub(crate) fn built(mpi: &Mpi, profile: &str, program: &str) -> PathBuf {
    target_of(mpi.name).join(profile).join(program)
}

/// The folder of the profile `dev`, with which everything is built that `cargo xtask test` runs.
pub(crate) const DEV: &str = "debug";

/// The profile for programs that run for longer than they compile, with all checks of the profile `dev`; also its folder.
pub(crate) const CHECKED: &str = "checked";

/// The time limit of a call of cargo, which compiles for minutes on a slow machine.
pub(crate) const LIMIT: Duration = Duration::from_secs(1200);
