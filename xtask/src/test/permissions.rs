//! What this machine permits the tests to do. A step without its permission is skipped with the reason, or fails with `--strict`.

use super::memory_cgroup::MemoryCgroup;
use crate::mpi::in_path;
use crate::setup;
use std::process::Command;
use std::sync::OnceLock;

/// Something that containers and some distributions forbid.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Permission {
    /// A mount namespace, with a tmpfs and a bound folder at `/dev/shm`.
    Mounts,
    /// Network namespaces with bridges, for simulated nodes.
    Networks,
    /// A cgroup with a limit of memory.
    MemoryCgroups,
}

impl Permission {
    /// `Err` with the reason where the machine does not permit it. It is tried once.
    pub(crate) fn check(self) -> Result<(), String> {
        static MOUNTS: OnceLock<Result<(), String>> = OnceLock::new();
        static NETWORKS: OnceLock<Result<(), String>> = OnceLock::new();
        static MEMORY_CGROUPS: OnceLock<Result<(), String>> = OnceLock::new();
        let known = match self {
            Permission::Mounts => &MOUNTS,
            Permission::Networks => &NETWORKS,
            Permission::MemoryCgroups => &MEMORY_CGROUPS,
        };
        known.get_or_init(|| self.attempt()).clone()
    }

    fn attempt(self) -> Result<(), String> {
        if !cfg!(target_os = "linux") {
            return Err("it needs namespaces of Linux".into());
        }
        let (options, script, why): (&[&str], _, _) = match self {
            Permission::Mounts => (
                &["--mount"],
                "mount --bind /dev/shm /dev/shm && mount -t tmpfs -o size=1m tmpfs /dev/shm",
                "this machine permits no mounts in a mount namespace",
            ),
            Permission::MemoryCgroups => return MemoryCgroup::new(1 << 30).map(drop),
            Permission::Networks if in_path("ip").is_none() => {
                return Err("iproute2 is not installed".into());
            }
            Permission::Networks => (
                &[
                    "--mount",
                    "--uts",
                    "--ipc",
                    "--pid",
                    "--net",
                    "--fork",
                    "--mount-proc",
                ],
                "ip link add br0 type bridge && ip link add v0 type veth peer name v1",
                "this machine permits no network namespaces (try MN_MODE=env)",
            ),
        };
        let arguments = [user(), options, &["sh", "-c", script]].concat();
        if setup::succeeds("unshare", &arguments) {
            Ok(())
        } else {
            Err(why.into())
        }
    }
}

/// The options of `unshare` that make this user root of the namespaces.
fn user() -> &'static [&'static str] {
    if setup::is_root() {
        &[]
    } else {
        &["--user", "--map-root-user"]
    }
}

/// A shell in a mount namespace of its own, which runs `script` and then the program that follows: the script ends with
/// `exec "$@"`, and gets `argument` as `$0`.
pub(crate) fn in_mount_namespace(script: &str, argument: &str) -> Command {
    let mut command = Command::new("unshare");
    command
        .args(user())
        .args(["--mount", "sh", "-ec", script, argument]);
    command
}
