//! Reads from the environment how the program was started: by an MPI launcher, as threads, or alone.

use crate::error::{Error, Result};
use crate::stderr::report;
use std::env;

/// What the ranks are.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Launch {
    /// Threads: the number of ranks on each node.
    Threads(Vec<usize>),
    /// The processes of an MPI launcher.
    #[cfg(feature = "__mpi")]
    Mpi,
}

/// Variables in which launchers tell a process the size of its job: Open MPI, MPICH and Intel MPI, MVAPICH, Cray PALS, Flux.
const SIZES: [&str; 5] = [
    "OMPI_COMM_WORLD_SIZE",
    "PMI_SIZE",
    "MV2_COMM_WORLD_SIZE",
    "PALS_SIZE",
    "FLUX_JOB_SIZE",
];

/// Variables that tell a process its rank.
const RANKS: [&str; 6] = [
    "OMPI_COMM_WORLD_RANK",
    "PMI_RANK",
    "PMIX_RANK",
    "MV2_COMM_WORLD_RANK",
    "PALS_RANKID",
    "FLUX_TASK_RANK",
];

/// Reads the environment.
pub(crate) fn launch() -> Result<Launch> {
    decide(&|name| env::var(name).ok())
}

fn decide(var: &dyn Fn(&str) -> Option<String>) -> Result<Launch> {
    let rank = RANKS.iter().find_map(|name| var(name));
    let launched = rank.is_some() || SIZES.iter().any(|name| var(name).is_some());
    // srun sets the size of its step. A process without a rank was not started by srun, but by a script of the job.
    let step = || rank.as_ref().and_then(|_| var("SLURM_STEP_NUM_TASKS"));
    let size = SIZES
        .iter()
        .find_map(|name| var(name))
        .or_else(step)
        .and_then(|size| size.parse::<usize>().ok());
    let disabled = var("MPI_DISABLE").is_some_and(|value| !matches!(value.as_str(), "" | "0"));
    if launched && disabled {
        if rank.as_deref().is_none_or(|rank| rank == "0") {
            report("MPI_DISABLE is set: each process of this job runs alone");
        }
    } else if launched {
        #[cfg(feature = "__mpi")]
        {
            let _ = size;
            return Ok(Launch::Mpi);
        }
        #[cfg(not(feature = "__mpi"))]
        if size.is_none_or(|size| size > 1) {
            let size = size.map_or("several".to_owned(), |size| size.to_string());
            return Err(Error::Start {
                reason: format!(
                    "this program was started by an MPI launcher with {size} processes, but it was built without MPI and would \
                     run as that many separate jobs. Build it with `--features mpi`, or start it without the launcher \
                     (PSHMEM_LOCAL=4 runs ranks as threads), or set MPI_DISABLE=1 if separate jobs are wanted"
                ),
            });
        }
    }
    var("PSHMEM_LOCAL").map_or(Ok(Launch::Threads(vec![1])), |value| {
        parse_nodes(&value).map(Launch::Threads)
    })
}

/// `4` or `2+3+1`.
fn parse_nodes(value: &str) -> Result<Vec<usize>> {
    let nodes: Option<Vec<usize>> = value
        .split('+')
        .map(|ranks| ranks.trim().parse().ok().filter(|&n| n > 0))
        .collect();
    nodes.ok_or_else(|| Error::InvalidSetting {
        name: "PSHMEM_LOCAL".to_owned(),
        value: value.to_owned(),
        reason: "write the number of ranks, as in 4, or of ranks on each node, as in 2+3+1"
            .to_owned(),
    })
}

/// `PSHMEM_RANKS_PER_NODE`.
pub(crate) fn ranks_per_node() -> Result<Option<usize>> {
    let Ok(value) = env::var("PSHMEM_RANKS_PER_NODE") else {
        return Ok(None);
    };
    let n = value.trim().parse().ok().filter(|&n| n > 0);
    n.map(Some).ok_or_else(|| Error::InvalidSetting {
        name: "PSHMEM_RANKS_PER_NODE".to_owned(),
        value,
        reason: "write a number of ranks, 1 or more".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(vars: &[(&str, &str)]) -> Result<Launch> {
        decide(&|name| {
            vars.iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn without_a_launcher_ranks_are_threads() {
        assert_eq!(with(&[]), Ok(Launch::Threads(vec![1])));
        assert_eq!(with(&[("PSHMEM_LOCAL", "4")]), Ok(Launch::Threads(vec![4])));
        assert_eq!(
            with(&[("PSHMEM_LOCAL", "2+3+1")]),
            Ok(Launch::Threads(vec![2, 3, 1]))
        );
        assert_eq!(
            with(&[("SLURM_STEP_NUM_TASKS", "8")]),
            Ok(Launch::Threads(vec![1]))
        );
        for wrong in ["", "0", "2+", "-1", "two", "2+0"] {
            assert!(
                matches!(
                    with(&[("PSHMEM_LOCAL", wrong)]),
                    Err(Error::InvalidSetting { .. })
                ),
                "{wrong}"
            );
        }
    }

    #[test]
    fn mpi_can_be_kept_off() {
        let vars = [
            ("OMPI_COMM_WORLD_SIZE", "4"),
            ("OMPI_COMM_WORLD_RANK", "1"),
            ("MPI_DISABLE", "1"),
        ];
        assert_eq!(with(&vars), Ok(Launch::Threads(vec![1])));
    }

    #[test]
    #[cfg(not(feature = "__mpi"))]
    fn a_launcher_of_several_processes_needs_the_feature() {
        for vars in [
            [("PMI_SIZE", "4"), ("PMI_RANK", "0")],
            [("SLURM_STEP_NUM_TASKS", "4"), ("PMIX_RANK", "0")],
        ] {
            assert!(matches!(with(&vars), Err(Error::Start { .. })));
        }
        assert_eq!(
            with(&[("PMI_SIZE", "1"), ("PMI_RANK", "0")]),
            Ok(Launch::Threads(vec![1]))
        );
    }

    #[test]
    #[cfg(feature = "__mpi")]
    fn a_launcher_means_mpi() {
        assert_eq!(
            with(&[("PMI_SIZE", "4"), ("PMI_RANK", "0")]),
            Ok(Launch::Mpi)
        );
    }
}
