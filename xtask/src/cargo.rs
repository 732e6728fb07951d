//! Where the workspace and its target folders are, and how cargo is called.

use crate::mpi::Mpi;
use std::path::{Path, PathBuf};
use std::process::Command;

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

/// A folder inside the target folder: builds that differ in more than cargo's own options each get one.
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

/// cargo in the workspace, building into `target`.
pub(crate) fn cargo(target: &Path) -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(root()).env("CARGO_TARGET_DIR", target);
    command
}

/// cargo for builds with feature `mpi` against one library.
pub(crate) fn cargo_mpi(mpi: &Mpi) -> Command {
    let mut command = cargo(&target_of(mpi.name));
    command.env("MPICC", &mpi.mpicc);
    command
}

/// The profile of the workspace for suites and their examples, which compile for longer than they run.
pub(crate) const SUITE: &str = "suite";

/// A program that `cargo_mpi` has built, by its path inside the folder of the profile.
pub(crate) fn built(mpi: &Mpi, profile: &str, program: &str) -> PathBuf {
    target_of(mpi.name).join(profile).join(program)
}
