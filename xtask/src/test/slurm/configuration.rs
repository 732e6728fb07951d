//! The configuration of a Slurm of two nodes, both of which are this machine.

use std::fmt::Write as _;
use std::path::Path;

/// The nodes' names.
pub(super) const NODES: [&str; 2] = ["n1", "n2"];
/// CPUs of each node, however many this machine has.
pub(super) const CPUS: usize = 2;

/// Ports that nobody uses.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ports {
    pub(super) controller: u16,
    pub(super) nodes: [u16; 2],
}

/// The text of `slurm.conf`. All files of Slurm are in `folder`.
///
/// - A job that ignores SIGTERM gets SIGKILL after `KillWait` seconds.
/// - Jobs of the same partition share nothing, so that jobs beyond the CPUs wait.
/// - Without `MpiDefault=none`, a forgotten `--mpi` would not be noticed.
pub(super) fn slurm_conf(folder: &Path, host: &str, ports: Ports) -> String {
    let folder = folder.display();
    let Ports { controller, nodes } = ports;
    let mut text = format!(
        "ClusterName=xtask
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool.%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
ReturnToService=2
KillWait=5
MpiDefault=none
"
    );
    for (node, port) in NODES.iter().zip(nodes) {
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs={CPUS} State=UNKNOWN"
        );
    }
    text + &format!(
        "PartitionName=all Nodes={} Default=YES MaxTime=INFINITE State=UP\n",
        NODES.join(",")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_files_are_in_one_folder_and_all_nodes_are_this_machine() {
        let ports = Ports {
            controller: 1,
            nodes: [2, 3],
        };
        let text = slurm_conf(Path::new("/tmp/s"), "vm", ports);
        for line in [
            "SlurmctldHost=vm(127.0.0.1)",
            "AuthInfo=socket=/tmp/s/munge.socket",
            "NodeName=n2 NodeHostname=vm NodeAddr=127.0.0.1 Port=3 CPUs=2 State=UNKNOWN",
            "PartitionName=all Nodes=n1,n2 Default=YES MaxTime=INFINITE State=UP",
        ] {
            assert!(text.lines().any(|other| other == line), "{line}\n{text}");
        }
    }
}
