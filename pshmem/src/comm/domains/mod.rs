//! Nodes that are divided by memory domains: one copy of each object for each domain.
//!
//! - `affinity` on which CPUs a rank may run · `topology` in which domain these are · `fallback` why a node is not divided

mod affinity;
mod fallback;
#[cfg(all(test, not(loom)))]
mod tests;
mod topology;

use crate::comm::Comm;
use crate::comm::collective::allgather::AllgatherItem;
use crate::comm::protocol::call::{Call, Kind, Step};
use crate::comm::protocol::contribution::Contribution;
use crate::comm::topology::Topology;
use crate::error::Result;
use crate::stderr::report;
use fallback::Unplaced;
use serde::{Deserialize, Serialize};
use std::panic::Location;
use std::path::Path;

/// A part of a machine whose CPUs share memory or a cache; the argument of [`Comm::with_domains`].
///
/// ```
/// use pshmem::{Comm, Domain};
///
/// let comm = Comm::solo().with_domains(Domain::Socket)?;
/// # Ok::<(), pshmem::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Domain {
    /// CPUs that are near the same memory. A socket has one such domain or several.
    Numa,
    /// CPUs of one package.
    Socket,
    /// CPUs that share an L3 cache.
    L3,
    /// The whole node.
    Node,
}

impl Domain {
    /// All domains, as `PSHMEM_DOMAIN` names them.
    const NAMES: [(&str, Domain); 4] = [
        ("numa", Domain::Numa),
        ("socket", Domain::Socket),
        ("l3", Domain::L3),
        ("node", Domain::Node),
    ];

    pub(crate) fn of_name(name: &str) -> Option<Self> {
        let mut names = Self::NAMES.iter();
        names
            .find(|(other, _)| *other == name)
            .map(|&(_, domain)| domain)
    }

    fn noun(self) -> &'static str {
        match self {
            Domain::Numa => "NUMA domain",
            Domain::Socket => "socket",
            Domain::L3 => "L3 cache",
            Domain::Node => "node",
        }
    }
}

/// The number of a rank's domain, if it is in one.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Place(Option<u32>);

impl AllgatherItem for Place {
    const BYTES: usize = 6;
}

impl Comm {
    /// A `Comm` of the same ranks in the same order, in which each node is divided into one node for each domain in which its
    /// ranks run. Objects that are made on it exist once for each domain, so that ranks read memory near them. It costs the
    /// memory of these copies, and each write is copied from domain to domain. The environment variable
    /// `PSHMEM_DOMAIN=numa`, `socket`, `l3` or `node` does the same to the `Comm` that [`run`](crate::run) passes.
    ///
    /// Each rank must be bound to CPUs of one domain, as launchers do if they are asked to: see
    /// [the guide](crate::guide::clusters#pinning-and-memory-domains). The CPUs of a rank are those on which the thread that
    /// makes this call may run. In which domains they are is read from `/sys`, so only on Linux. If a rank of a node may run in
    /// several domains, or the system does not say in which one, this node is not divided, and its lowest rank says so in one
    /// line on stderr.
    ///
    /// A node that is already divided is divided further. Nodes are never joined: [`Domain::Node`] leaves all nodes as they are.
    ///
    /// ```
    /// use pshmem::{Domain, Shared, local::Cluster};
    ///
    /// Cluster::new(&[2, 2]).run_ok(|comm| -> pshmem::Result<()> {
    ///     let near = comm.with_domains(Domain::Numa)?;
    ///     let mut table = Shared::<[f64]>::new(&near, 1000)?; // one copy for each NUMA domain
    ///     table.fill(0.5)?;
    ///     assert_eq!(table.view()[999], 0.5);
    ///     assert!(near.node().count >= comm.node().count);
    ///     Ok(())
    /// });
    /// ```
    ///
    /// # Collective
    /// Over all ranks, with the same `domain`. Takes three rounds and one for each 369 ranks, three more if a node must map
    /// memory, and one for each 36 nodes that are not divided.
    ///
    /// # Errors
    /// - [`Error::Mismatch`](crate::Error::Mismatch) if ranks pass different domains.
    /// - Those of [`split`](Comm::split).
    #[track_caller]
    pub fn with_domains(&self, domain: Domain) -> Result<Comm> {
        self.divide_by_domain(domain, Location::caller(), || {
            let cpus = affinity::cpus().map_err(Unplaced::Unknown)?;
            topology::domain_of(Path::new("/sys"), domain, &cpus)
        })
    }

    /// The same, where a rank is in the domain `place`, or in none for the reason that it gives.
    ///
    /// # Errors
    /// As above.
    #[cfg(feature = "__delays")]
    #[doc(hidden)]
    #[track_caller]
    pub fn with_made_up_domains(&self, domain: Domain, place: Result<u32, String>) -> Result<Comm> {
        self.divide_by_domain(domain, Location::caller(), || {
            place.map_err(Unplaced::Unbound)
        })
    }

    /// Divides the nodes. `find` finds the domain in which this rank runs, where that matters.
    fn divide_by_domain(
        &self,
        domain: Domain,
        site: &'static Location<'static>,
        find: impl FnOnce() -> Result<u32, Unplaced>,
    ) -> Result<Comm> {
        let call = Call::new(Kind::Domains);
        let _call = self.core.enter(Kind::Domains.name(), site)?;
        let noun = Contribution::must_match(format!("Domain::{domain:?}").as_bytes());
        self.core.agree(call, noun)?;
        // One rank has one copy, wherever it runs.
        let mine = match domain {
            Domain::Node => Ok(0),
            _ if self.node().size == 1 => Ok(0),
            _ => find(),
        };
        let everybody: Vec<usize> = (0..self.size()).collect();
        let place = Place(mine.as_ref().ok().copied());
        let places = self
            .core
            .allgather(call.step(Step::Domain), &everybody, Some(&place))?;
        let topology = &self.core.group.topology;
        let unplaced = unplaced_ranks(topology, &places);
        let reasons = self.exchange_reasons(call, &unplaced, mine.err())?;
        let whole: Vec<usize> = unplaced
            .iter()
            .map(|&rank| topology.node_of(rank))
            .collect();
        let part = |rank: usize| match places[rank] {
            Place(Some(number)) if !whole.contains(&topology.node_of(rank)) => number,
            _ => 0,
        };
        let comm = self.divide_nodes(call, part)?;
        if topology.is_leader()
            && let Some(index) = whole.iter().position(|&node| node == topology.node())
        {
            let ranks = topology.node_ranks.len();
            report(reasons[index].line(domain, unplaced[index], ranks, self.host()));
        }
        Ok(comm)
    }

    /// All ranks get the reasons of the `unplaced` ranks.
    fn exchange_reasons(
        &self,
        call: Call,
        unplaced: &[usize],
        mine: Option<Unplaced>,
    ) -> Result<Vec<Unplaced>> {
        let mine = mine.map(|reason| reason.clipped());
        self.core
            .allgather(call.step(Step::Reason), unplaced, mine.as_ref())
    }
}

/// The lowest rank of each node that is in no domain, in rising order. Their nodes are not divided.
fn unplaced_ranks(topology: &Topology, places: &[Place]) -> Vec<usize> {
    let mut is_whole = vec![false; topology.nodes()];
    let mut is_first = |rank: &usize| {
        let node = topology.node_of(*rank);
        places[*rank].0.is_none() && !std::mem::replace(&mut is_whole[node], true)
    };
    (0..topology.size()).filter(|rank| is_first(rank)).collect()
}
