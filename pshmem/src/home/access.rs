//! What one rank keeps for the ranks of all nodes, a lock or the tasks of a batch: how the others reach it.

use crate::comm::collective::call::Call;
use crate::comm::rank_state::RankState;
use crate::error::Result;
use crate::home::engine::Engine;
use crate::transport::rma::{RESERVED, RemoteAddress};

/// How the host is reached, which it tells the others in one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HomeAccess {
    /// By one-sided operations on its words, from this one on.
    OneSided { first: usize },
    /// By requests that a thread of it answers.
    ByThread,
    /// By requests that it answers when it makes calls.
    ByCalls,
}

impl HomeAccess {
    pub(crate) fn number(self) -> Option<u64> {
        match self {
            HomeAccess::OneSided { first } => Some(1 + first as u64),
            HomeAccess::ByThread => Some(0),
            HomeAccess::ByCalls => None,
        }
    }

    pub(crate) fn of(number: Option<u64>) -> Self {
        match number {
            Some(0) => HomeAccess::ByThread,
            Some(place) => HomeAccess::OneSided {
                first: place as usize - 1,
            },
            None => HomeAccess::ByCalls,
        }
    }

    pub(crate) fn engine(self) -> Engine {
        match self {
            HomeAccess::OneSided { .. } => Engine::OneSided,
            HomeAccess::ByThread => Engine::ServiceThread,
            HomeAccess::ByCalls => Engine::HostCalls,
        }
    }
}

/// Before the words that are given out stands how many ranks have not let go of them.
const USERS: usize = 1;

impl RankState {
    /// Finds out, once in a job, whether there are words for one-sided operations. Collective; `call` is a step of its own.
    pub(crate) fn probe_remote_atomics(&self, call: Call) -> Result<()> {
        let transport = &self.world.transport;
        if self.topology.size() < transport.nodes().len() || transport.has_probed_remote_atomics() {
            return Ok(());
        }
        // All ranks of the world are here, and in this call, once they have agreed.
        self.barrier(call)?;
        transport.probe_remote_atomics()
    }

    /// On the host: words of its own for all ranks of this `Comm`, with these values. They may use them once they have learnt
    /// the number of the first one.
    pub(crate) fn allocate_words(&self, values: &[u64]) -> Option<usize> {
        let words = self.world.transport.remote_atomics()?;
        let first = self.world.words.borrow_mut().take(
            RESERVED..words.len(),
            USERS + values.len(),
            |first| words.load(self.own_word(first)) == 0,
        )?;
        let users = self.topology.size() as u64;
        words.write(self.own_word(first), &[users]);
        words.write(self.own_word(first + USERS), values);
        Some(first + USERS)
    }

    /// On the host: takes back words that the others have not learnt of.
    pub(crate) fn free_words(&self, first: usize) {
        self.world.words.borrow_mut().give_back(first - USERS);
    }

    /// This rank will not use the words again that the host has given out from `first` on.
    pub(crate) fn release_words(&self, first: RemoteAddress) {
        if let Some(words) = self.world.transport.remote_atomics() {
            let users = RemoteAddress {
                word: first.word - USERS,
                ..first
            };
            words.add_later(users, 1_u64.wrapping_neg());
        }
    }

    fn own_word(&self, word: usize) -> RemoteAddress {
        let rank = self.world.transport.rank();
        RemoteAddress { rank, word }
    }

    /// On the host: begins to answer requests at its server.
    pub(crate) fn start_server(&self) -> HomeAccess {
        if self.world.transport.serve(&self.world.server) {
            HomeAccess::ByThread
        } else {
            HomeAccess::ByCalls
        }
    }
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
            assert_eq!(HomeAccess::of(how.number()), how);
        }
    }
}
