//! What one rank keeps for the ranks of all nodes, a lock or the tasks of a batch: how the others reach it.

use crate::comm::call::Call;
use crate::comm::core::Core;
use crate::comm::note::Note;
use crate::error::Result;
use crate::lock::Engine;
use crate::transport::words::{Place, RESERVED};

/// How the host is reached, which it tells the others in one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hosting {
    /// By one-sided operations on its words, from this one on.
    OneSided { first: usize },
    /// By requests that a thread of it answers.
    ByThread,
    /// By requests that it answers when it makes calls.
    ByCalls,
}

impl Hosting {
    pub(crate) fn number(self) -> Option<u64> {
        match self {
            Hosting::OneSided { first } => Some(1 + first as u64),
            Hosting::ByThread => Some(0),
            Hosting::ByCalls => None,
        }
    }

    pub(crate) fn of(number: Option<u64>) -> Self {
        match number {
            Some(0) => Hosting::ByThread,
            Some(place) => Hosting::OneSided {
                first: place as usize - 1,
            },
            None => Hosting::ByCalls,
        }
    }

    pub(crate) fn engine(self) -> Engine {
        match self {
            Hosting::OneSided { .. } => Engine::OneSided,
            Hosting::ByThread => Engine::ServiceThread,
            Hosting::ByCalls => Engine::HostCalls,
        }
    }
}

/// Before the words that are given out stands how many ranks have not let go of them.
const USERS: usize = 1;

impl Core {
    /// Finds out, once in a job, whether there are words for one-sided operations. Collective; `call` is a step of its own.
    pub(crate) fn try_words(&self, call: Call) -> Result<()> {
        let transport = &self.post.transport;
        if self.topology.size() < transport.nodes().len() || transport.has_tried_words() {
            return Ok(());
        }
        // All ranks of the world are here, and in this call, once they have agreed.
        self.agree(call, Note::default(), |_| Vec::new())?;
        transport.try_words()
    }

    /// On the host: words of its own for all ranks of this `Comm`, with these values. They may use them once they have learnt
    /// the number of the first one.
    pub(crate) fn host_words(&self, values: &[u64]) -> Option<usize> {
        let words = self.post.transport.words()?;
        let first = self.post.pool.borrow_mut().take(
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
    pub(crate) fn take_words_back(&self, first: usize) {
        self.post.pool.borrow_mut().give_back(first - USERS);
    }

    /// This rank will not use the words again that the host has given out from `first` on.
    pub(crate) fn let_go_of_words(&self, first: Place) {
        if let Some(words) = self.post.transport.words() {
            let users = Place {
                word: first.word - USERS,
                ..first
            };
            words.add_later(users, 1_u64.wrapping_neg());
        }
    }

    fn own_word(&self, word: usize) -> Place {
        let rank = self.post.transport.rank();
        Place { rank, word }
    }

    /// On the host: begins to answer requests at its desk.
    pub(crate) fn serve_desk(&self) -> Hosting {
        if self.post.transport.serve(&self.post.desk) {
            Hosting::ByThread
        } else {
            Hosting::ByCalls
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_says_how() {
        for how in [
            Hosting::OneSided { first: 0 },
            Hosting::OneSided { first: 7 },
            Hosting::ByThread,
            Hosting::ByCalls,
        ] {
            assert_eq!(Hosting::of(how.number()), how);
        }
    }
}
