//! Several simulated nodes on this machine: `cluster.sh` gives each its own network, host name and `/dev/shm`.

use super::permissions::Permission;
use crate::cargo;
use crate::mpi::{Kind, Mpi};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// The layout that every test run includes.
pub(crate) const SHORT: &str = "1,2";

/// Layouts for `--nodes n`: ranks per node, uneven, and dealt round-robin.
pub(crate) fn layouts(n: usize) -> Vec<String> {
    let join = |counts: Vec<usize>| {
        counts
            .iter()
            .map(usize::to_string)
            .collect::<Vec<_>>()
            .join(",")
    };
    let mut layouts = vec![SHORT.to_string(), "2,1".into()];
    let mut last_bigger = vec![1; n];
    last_bigger[n - 1] = 2;
    let mut both_ends = last_bigger.clone();
    both_ends[0] = 2;
    if n > 2 {
        layouts.push(join(last_bigger));
    }
    layouts.push(join(both_ends) + ":cyclic");
    layouts
}

/// `Err` with the reason where this machine cannot simulate nodes.
pub(crate) fn permitted() -> Result<(), String> {
    // cluster.sh then uses separate directories instead of namespaces.
    if std::env::var("MN_MODE").is_ok_and(|mode| mode == "env") {
        return Ok(());
    }
    Permission::Networks.check()
}

/// What `cluster.sh` prints about files that are left in the `/dev/shm` of a node.
const LEFT: &str = "cluster.sh: left in /dev/shm of ";

/// An error if a node's `/dev/shm` was not empty at the end.
pub(crate) fn nothing_left(output: &str) -> Result<(), String> {
    let left = output.lines().find(|line| line.contains(LEFT));
    left.map_or(Ok(()), |line| Err(line.to_owned()))
}

/// `cluster.sh run` with everything that goes before the program's own arguments. The ranks get one variable: Open MPI hands on to
/// other nodes only what it is told to.
pub(crate) fn launch(
    mpi: &Mpi,
    layout: &str,
    program: &Path,
    (name_of_variable, value): (&str, &str),
    limit: Duration,
) -> Option<Command> {
    let name = match mpi.kind {
        Kind::OpenMpi => "openmpi",
        Kind::Mpich => "mpich",
        Kind::Other => return None,
    };
    let mut command = Command::new(script());
    command
        .args(["run", name, layout])
        .args(["--env", &format!("{name_of_variable}={value}")])
        .arg(program)
        .env("MN_MPIRUN", &mpi.launcher)
        .env("MN_LEFTOVER", "1")
        .env("MN_SHIM", cargo::target_of("cluster-shim.so"))
        // Our own limit comes first; this one is for what it might miss inside the namespaces.
        .env("MN_TIMEOUT", (limit.as_secs() + 10).to_string());
    Some(command)
}

fn script() -> PathBuf {
    cargo::root().join("xtask").join("cluster.sh")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layouts_grow_with_the_nodes() {
        assert_eq!(layouts(2), ["1,2", "2,1", "2,2:cyclic"]);
        assert_eq!(layouts(3), ["1,2", "2,1", "1,1,2", "2,1,2:cyclic"]);
        assert_eq!(layouts(4), ["1,2", "2,1", "1,1,1,2", "2,1,1,2:cyclic"]);
    }

    #[test]
    fn files_that_are_left_are_found() {
        assert_eq!(nothing_left("2 passed, 0 failed\n"), Ok(()));
        let line = format!("{LEFT}node0/shm: osc_sm.vm.1");
        assert_eq!(nothing_left(&format!("x\n{line}\n")), Err(line));
    }

    #[test]
    fn the_script_names_them() {
        let text = std::fs::read_to_string(script()).unwrap();
        assert!(text.contains(LEFT));
    }

    #[test]
    fn the_script_is_there() {
        assert!(script().is_file());
    }
}
