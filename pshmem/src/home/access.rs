//! Creates an object at its home rank, and connects the ranks of a `Comm` to it.

use crate::comm::protocol::call::{Call, Step};
use crate::comm::protocol::contribution::Contribution;
use crate::comm::rank_state::RankState;
use crate::error::{Error, Result};
use crate::home::engine::Engine;
use crate::home::home_client::HomeClient;
use crate::home::home_words::{self, HomeWords};
use crate::sync::lock;
use crate::transport::rma::RemoteAtomics;
use crate::transport::rpc::HomeObject;

/// How the object of a home rank is reached. The home rank tells the others, as one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HomeAccess {
    /// By one-sided operations on its words, from this one on.
    OneSided { first: usize },
    /// By requests that a thread of the home rank handles.
    ByThread,
    /// By requests that the home rank handles when it makes calls.
    ByCalls,
}

impl HomeAccess {
    fn number(self) -> Option<u64> {
        match self {
            HomeAccess::OneSided { first } => Some(1 + first as u64),
            HomeAccess::ByThread => Some(0),
            HomeAccess::ByCalls => None,
        }
    }

    fn from_number(number: Option<u64>) -> Self {
        match number {
            Some(0) => HomeAccess::ByThread,
            Some(number) => HomeAccess::OneSided {
                first: number as usize - 1,
            },
            None => HomeAccess::ByCalls,
        }
    }
}

/// One rank's connection to an object of a home rank.
#[derive(Debug)]
pub(crate) enum HomeLink<T> {
    Words(HomeWords),
    Requests {
        client: HomeClient<T>,
        engine: Engine,
    },
}

/// The home rank of an object that is being created.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HomeRank<'a> {
    core: &'a RankState,
    object: u64,
}

impl HomeRank<'_> {
    /// Words of this rank for one-sided operations, in use or not; 0 where there are none.
    pub(crate) fn words(&self) -> usize {
        let atomics = self.core.group.world.transport.remote_atomics();
        atomics.map_or(0, RemoteAtomics::len)
    }

    /// Makes the object words with these values. `None` when there are not enough words.
    pub(crate) fn allocate_words(&self, values: &[u64]) -> Option<HomeAccess> {
        let first = home_words::allocate(self.core, values)?;
        Some(HomeAccess::OneSided { first })
    }

    /// Adds the object to this rank's server.
    pub(crate) fn serve(&self, object: impl HomeObject) -> HomeAccess {
        let world = &self.core.group.world;
        let users = self.core.group.topology.size();
        lock(&world.server).insert(self.object, users, object);
        if world.transport.start_server(&world.server) {
            HomeAccess::ByThread
        } else {
            HomeAccess::ByCalls
        }
    }

    /// Drops an object of which the other ranks have not learnt.
    fn withdraw(&self, access: HomeAccess) {
        match access {
            HomeAccess::OneSided { first } => home_words::free(self.core, first),
            HomeAccess::ByThread | HomeAccess::ByCalls => {
                lock(&self.core.group.world.server).remove(self.object);
            }
        }
    }
}

/// Creates object `number` of a `Comm` at rank `home`, and connects all ranks to it. Collective.
///
/// `create` runs on the home rank, where it calls one of the methods of [`HomeRank`]. Then all ranks call `agree`, which makes
/// an agreement over the contribution that it gets and returns the maximum in it.
pub(crate) fn create<T: HomeObject>(
    core: &RankState,
    call: Call,
    home: usize,
    number: u64,
    create: impl FnOnce(&HomeRank<'_>) -> Result<HomeAccess>,
    agree: impl FnOnce(Contribution) -> Result<Option<u64>>,
) -> Result<HomeLink<T>> {
    let object = (core.group.id << 32) | number;
    let home_rank = HomeRank { core, object };
    probe_remote_atomics(core, call.step(Step::ProbeRma))?;
    // The object exists before any rank can send a request about it.
    let created = (core.group.topology.rank == home).then(|| create(&home_rank));
    let (created, fault) = match created.transpose() {
        Ok(created) => (created, None),
        Err(error) => (None, Some(error.clipped())),
    };
    let contribution = Contribution {
        fault,
        maximum: created.and_then(HomeAccess::number),
        ..Contribution::default()
    };
    let agreed = agree(contribution)
        .and_then(|number| core.learn_hosts(call.step(Step::Hosts)).map(|()| number))
        .inspect_err(|_: &Error| {
            if let Some(access) = created {
                home_rank.withdraw(access);
            }
        })?;
    let client = |engine| HomeLink::Requests {
        client: HomeClient::new(core, home, object),
        engine,
    };
    Ok(match HomeAccess::from_number(agreed) {
        HomeAccess::OneSided { first } => {
            let home = core.group.topology.address(home);
            HomeLink::Words(HomeWords::new(core, home, first))
        }
        HomeAccess::ByThread => client(Engine::ServiceThread),
        HomeAccess::ByCalls => client(Engine::HostCalls),
    })
}

/// Finds out, once in a job, whether one-sided operations work. Collective.
fn probe_remote_atomics(core: &RankState, call: Call) -> Result<()> {
    let transport = &core.group.world.transport;
    // A `Comm` of some of the ranks only cannot find out. Its objects answer requests until one of all ranks has.
    let is_world = core.group.topology.size() == transport.node_of().len();
    if !is_world || transport.has_probed_remote_atomics() {
        return Ok(());
    }
    // All ranks of the world are here, and in this call, once this has returned.
    core.barrier(call)?;
    transport.probe_remote_atomics()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_says_how() {
        for how in [
            HomeAccess::OneSided { first: 0 },
            HomeAccess::OneSided { first: 7 },
            HomeAccess::ByThread,
            HomeAccess::ByCalls,
        ] {
            assert_eq!(HomeAccess::from_number(how.number()), how);
        }
    }
}
