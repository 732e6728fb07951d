//! The variables by which MPI launchers tell a process that it is a rank, which a program that a rank starts must not see.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::process::Command;

/// How the names of these variables begin: Open MPI, `PMIx`, PMI, and Hydra, which starts the ranks of MPICH and Intel MPI.
const PREFIXES: [&str; 6] = ["OMPI_", "PMIX_", "PMI_", "MPI_LOCAL", "HYDI_", "HYDRA_"];

/// Removes them from the environment of a program, except those that were set on its command.
pub(super) fn remove_launcher(command: &mut Command) {
    let is_set = |name: &OsStr| {
        let mut set = command.get_envs();
        set.any(|(of, value)| of == name && value.is_some())
    };
    let names = std::env::vars_os().map(|(name, _)| name);
    let removed: Vec<OsString> = names
        .filter(|name| is_of_launcher(name) && !is_set(name))
        .collect();
    for name in removed {
        command.env_remove(name);
    }
}

fn is_of_launcher(name: &OsStr) -> bool {
    let begins_with = |prefix: &&str| name.as_bytes().starts_with(prefix.as_bytes());
    PREFIXES.iter().any(begins_with)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_of_launchers_are_known_by_their_beginnings() {
        for name in [
            "OMPI_COMM_WORLD_RANK",
            "PMI_FD",
            "MPI_LOCALNRANKS",
            "PMIX_RANK",
        ] {
            assert!(is_of_launcher(OsStr::new(name)), "{name}");
        }
        for name in ["PATH", "XOMPI_", "OMPI", "SLURM_JOB_ID", "MPI_DISABLE", ""] {
            assert!(!is_of_launcher(OsStr::new(name)), "{name}");
        }
    }
}
