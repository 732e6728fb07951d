//! Where the word of a counter is, how it is created there, and one rank's operations on it.

use crate::comm::node_memory::AllocRequest;
use crate::comm::protocol::call::{Call, Step};
use crate::comm::rank_state::RankState;
use crate::counter::home_counter::{CounterRequest, HomeCounter};
use crate::counter::taken::Taken;
use crate::error::{Error, Result};
use crate::home::access::{self, HomeLink, HomeRank};
use crate::home::direct_words::{DirectWords, RmaWords};
use crate::home::engine::Engine;
use crate::home::home_client::HomeClient;
use crate::home::home_words::HomeWords;
use crate::memory::Segment;
use std::cell::Cell;
use std::ops::Range;
use std::rc::Rc;

/// The rank that keeps a counter of ranks on several nodes, and that resets every counter.
pub(super) const HOME: usize = 0;

/// The word, as one rank reaches it.
#[derive(Debug)]
enum Place {
    /// In node memory that all ranks share: a segment of one word.
    Node(Segment),
    /// At the home rank, by one-sided operations.
    Rma(HomeWords),
    /// At the server of the home rank.
    Home {
        client: HomeClient<HomeCounter>,
        engine: Engine,
    },
}

/// One rank's part of a counter.
#[derive(Debug)]
pub(super) struct CounterRank {
    core: Rc<RankState>,
    place: Place,
    limit: u64,
    /// What this rank knows to be taken since the last reset.
    seen: Cell<u64>,
}

impl CounterRank {
    /// A counter below `limit`, on which all ranks have agreed. Collective.
    pub(super) fn create(core: &Rc<RankState>, call: Call, limit: usize) -> Result<Self> {
        let limit = limit as u64;
        let place = if core.group.is_multi_node() {
            Self::at_home_rank(core, call, limit)?
        } else {
            let request = AllocRequest {
                bytes: size_of::<u64>(),
                align: 64,
                ranks: core.group.topology.node_ranks.len(),
            };
            let segment = core.allocate(call.step(Step::Place), None, &[request], Some(0))?;
            Place::Node(segment.expect("a segment was asked for"))
        };
        Ok(CounterRank {
            core: core.clone(),
            place,
            limit,
            seen: Cell::new(0),
        })
    }

    fn at_home_rank(core: &RankState, call: Call, limit: u64) -> Result<Place> {
        let number = core.memory.next_object();
        let create = |home: &HomeRank<'_>| {
            let words = home.allocate_words(&[0]);
            Ok(words.unwrap_or_else(|| home.serve(HomeCounter::new(limit))))
        };
        let agree = |contribution| {
            let agreed = core.agree(call.step(Step::Ready), contribution)?;
            Ok(agreed.maximum)
        };
        let link = access::create(core, call, HOME, number, create, agree)?;
        Ok(match link {
            HomeLink::Words(words) => Place::Rma(words),
            HomeLink::Requests { client, engine } => Place::Home { client, engine },
        })
    }

    pub(super) fn engine(&self) -> Engine {
        match &self.place {
            Place::Node(_) => Engine::NodeAtomics,
            Place::Rma(_) => Engine::OneSided,
            Place::Home { engine, .. } => *engine,
        }
    }

    /// The protocol, where this rank changes the word itself.
    #[inline]
    fn taken(&self) -> Option<Taken<DirectWords<'_>>> {
        let word = match &self.place {
            Place::Node(segment) => {
                // SAFETY: allocated for one word, aligned and zeroed (`create`), and used as one only.
                DirectWords::Node(unsafe { segment.slice(0, 1) })
            }
            Place::Rma(words) => DirectWords::Rma(RmaWords {
                atomics: words.atomics()?,
                first: words.first(),
            }),
            Place::Home { .. } => return None,
        };
        Some(Taken {
            word,
            limit: self.limit,
            ranks: self.core.group.topology.size() as u64,
        })
    }

    /// Takes up to `chunk` numbers, which is not 0. Empty when none are left.
    #[inline]
    pub(super) fn take(&self, call: &'static str, chunk: usize) -> Result<Range<usize>> {
        let (chunk, seen) = (chunk as u64, self.seen.get());
        if seen >= self.limit {
            return Ok(self.range(self.limit, 0));
        }
        let first = match self.taken() {
            Some(taken) => taken.take(chunk, seen),
            None => self.request(call, &CounterRequest::Take(chunk))?,
        };
        let range = self.range(first, chunk);
        self.seen.set(range.end as u64);
        Ok(range)
    }

    /// Takes all that is left.
    pub(super) fn take_rest(&self, call: &'static str) -> Result<Range<usize>> {
        let first = match self.taken() {
            Some(taken) => taken.take_rest(),
            None => self.request(call, &CounterRequest::Take(u64::MAX))?,
        };
        self.seen.set(self.limit);
        Ok(self.range(first, u64::MAX))
    }

    /// Makes all numbers available again. On one rank, while no other one uses the counter.
    pub(super) fn reset(&self, call: &'static str) -> Result<()> {
        match self.taken() {
            Some(taken) => taken.reset(),
            None => {
                self.request(call, &CounterRequest::Reset)?;
            }
        }
        Ok(())
    }

    /// This rank learns that the counter was reset.
    pub(super) fn forget_seen(&self) {
        self.seen.set(0);
    }

    /// Up to `chunk` numbers from `first` on.
    fn range(&self, first: u64, chunk: u64) -> Range<usize> {
        let first = first.min(self.limit);
        first as usize..first.saturating_add(chunk).min(self.limit) as usize
    }

    fn request(&self, call: &'static str, request: &CounterRequest) -> Result<u64> {
        match &self.place {
            Place::Home { client, .. } if client.is_open() => {
                let number = client.send(request);
                let reply = client.wait_with_reports(&self.core, "the counter", call, number)?;
                Ok(reply.unwrap_or(self.limit))
            }
            // With one-sided operations: they have ended with MPI, or this rank would use them.
            _ => Err(Error::MpiFinalized {
                call: call.to_owned(),
            }),
        }
    }
}
