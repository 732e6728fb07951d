//! Why a rank is in no domain, and what is reported where a node is not divided for that reason.

use crate::comm::collective::allgather::AllgatherItem;
use crate::comm::domains::Domain;
use crate::error::clip;
use serde::{Deserialize, Serialize};

/// Why no domain can be given for a rank.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Unplaced {
    /// It may run in several domains. Which CPUs these are.
    Unbound(String),
    /// The system does not say in which domain it runs. Why.
    Unknown(String),
}

/// Bytes of a reason that are passed on.
const REASON: usize = 200;

impl AllgatherItem for Unplaced {
    // One byte for the variant, two for the length, and three for the ellipsis of a reason that was clipped.
    const BYTES: usize = REASON + 6;
}

impl Unplaced {
    /// The same, short enough to be passed on.
    pub(super) fn clipped(&self) -> Self {
        match self {
            Unplaced::Unbound(reason) => Unplaced::Unbound(clip(reason, REASON)),
            Unplaced::Unknown(reason) => Unplaced::Unknown(clip(reason, REASON)),
        }
    }

    /// The line about a node of `ranks` ranks on `host`, of which `rank` is in no domain.
    pub(super) fn line(&self, domain: Domain, rank: usize, ranks: usize, host: &str) -> String {
        let noun = domain.noun();
        let (reason, remedy) = match self {
            Unplaced::Unbound(reason) => (reason, binding(domain)),
            Unplaced::Unknown(reason) => (
                reason,
                "to divide nodes by a number of ranks, use `with_ranks_per_node` or PSHMEM_RANKS_PER_NODE"
                    .to_owned(),
            ),
        };
        format!(
            "`with_domains`: {ranks} ranks on {host} share one copy of each object instead of one for each {noun}, because of rank \
             {rank}: {reason}; {remedy}"
        )
    }
}

/// How launchers bind ranks to the CPUs of one domain.
fn binding(domain: Domain) -> String {
    let (mpi, or_slurm) = match domain {
        Domain::Numa => ("numa", " or `--cpu-bind=ldoms`"),
        Domain::Socket => ("socket", " or `--cpu-bind=sockets`"),
        // `srun` knows no caches.
        Domain::L3 | Domain::Node => ("l3cache", ""),
    };
    format!(
        "bind each rank: `mpirun --bind-to core` or `--bind-to {mpi}` (Open MPI), `mpiexec -bind-to core` or `-bind-to {mpi}` \
         (MPICH), `srun --cpu-bind=cores`{or_slurm} (Slurm)"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_which_rank_why_and_what_to_do() {
        let unbound = Unplaced::Unbound("it may run on CPUs 0-3".to_owned());
        for (domain, expected) in [
            (
                Domain::Numa,
                ["NUMA domain,", "--bind-to numa`", "--cpu-bind=ldoms`"],
            ),
            (
                Domain::Socket,
                ["socket,", "-bind-to socket`", "--cpu-bind=sockets`"],
            ),
            (
                Domain::L3,
                ["L3 cache,", "--bind-to l3cache`", "--cpu-bind=cores`"],
            ),
        ] {
            let line = unbound.line(domain, 3, 4, "n1");
            let start = "`with_domains`: 4 ranks on n1 share one copy of each object instead of one for each ";
            assert!(line.starts_with(start), "{line}");
            let reason = ", because of rank 3: it may run on CPUs 0-3; bind each rank: `mpirun --bind-to core` or ";
            assert!(line.contains(reason), "{line}");
            assert!(expected.iter().all(|part| line.contains(part)), "{line}");
            assert_eq!(line.lines().count(), 1);
        }
        let unknown = Unplaced::Unknown("no file".to_owned());
        let line = unknown.line(Domain::Numa, 0, 2, "n0");
        let end = "rank 0: no file; to divide nodes by a number of ranks, use `with_ranks_per_node` or PSHMEM_RANKS_PER_NODE";
        assert!(line.ends_with(end), "{line}");
    }

    #[test]
    fn a_long_reason_fits_when_it_is_clipped() {
        let unplaced = Unplaced::Unknown("x".repeat(1000)).clipped();
        let item = postcard::to_allocvec(&unplaced).unwrap();
        assert_eq!(item.len(), Unplaced::BYTES);
    }
}
