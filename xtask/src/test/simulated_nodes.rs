//! Several simulated nodes on this machine: `cluster.sh` gives each its own network, host name and `/dev/shm`.

use crate::mpi::{Kind, Mpi, in_path};
use crate::{cargo, setup};
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
    if !cfg!(target_os = "linux") {
        return Err("simulated nodes need Linux namespaces".into());
    }
    // cluster.sh then uses separate directories instead of namespaces.
    if std::env::var("MN_MODE").is_ok_and(|mode| mode == "env") {
        return Ok(());
    }
    if in_path("ip").is_none() {
        return Err("iproute2 is not installed".into());
    }
    let user: &[&str] = if setup::is_root() {
        &[]
    } else {
        &["--user", "--map-root-user"]
    };
    let probe = "ip link add br0 type bridge && ip link add v0 type veth peer name v1";
    let args = [
        user,
        &[
            "--mount",
            "--uts",
            "--ipc",
            "--pid",
            "--net",
            "--fork",
            "--mount-proc",
            "sh",
            "-c",
            probe,
        ],
    ];
    if setup::succeeds("unshare", &args.concat()) {
        Ok(())
    } else {
        Err("this machine permits no network namespaces (try MN_MODE=env)".into())
    }
}

/// `cluster.sh run` with everything that goes before the program's own arguments.
pub(crate) fn launch(mpi: &Mpi, layout: &str, program: &Path, limit: Duration) -> Option<Command> {
    let name = match mpi.kind {
        Kind::OpenMpi => "openmpi",
        Kind::Mpich => "mpich",
        Kind::Other => return None,
    };
    let mut command = Command::new(script());
    command
        .args(["run", name, layout])
        .arg(program)
        .env("MN_MPIRUN", &mpi.launcher)
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
    fn the_script_is_there() {
        assert!(script().is_file());
    }
}
