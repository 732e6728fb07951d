//! A lock on words of its host that ranks of all nodes reach by one-sided operations: the host takes no part.

use crate::comm::core::Core;
use crate::lock::desk::{Poison, now};
use crate::lock::raw::{Looks, Plan};
use crate::lock::ring::{self, Got, Ring, Turn};
use crate::lock::wait::{Patience, Wait};
use crate::transport::words::{Place, Words};
use std::cell::Cell;

/// One rank's part of it.
#[derive(Debug)]
pub(crate) struct Remote {
    ring: Ring,
    /// Bytes of the value, which lies behind the ring.
    bytes: usize,
    /// Who had panicked with it when this rank took it.
    poisoned: Cell<Option<usize>>,
}

/// On the host: words of a free lock with its value, if its ranks can have such a one.
pub(crate) fn host(core: &Core, plan: &Plan<'_>) -> Option<usize> {
    if core.post.transport.nodes().len() > ring::MOST_RANKS {
        return None;
    }
    let ranks = core.topology.size();
    let mut words = ring::fresh(ranks);
    words.resize(words.len() + plan.value.len().div_ceil(size_of::<u64>()), 0);
    let (_, value) = words.split_at_mut(ring::words(ranks));
    bytemuck::cast_slice_mut(value)[..plan.value.len()].copy_from_slice(plan.value);
    core.host_words(&words)
}

impl Remote {
    pub(crate) fn new(core: &Core, plan: &Plan<'_>, first: usize) -> Self {
        let at = Place {
            rank: core.topology.address(plan.root),
            word: first,
        };
        Remote {
            ring: Ring::new(at, core.topology.size(), core.post.transport.rank()),
            bytes: plan.value.len(),
            poisoned: Cell::new(None),
        }
    }

    /// Takes the lock; gives its value, and the rank of the world that panicked with it. `None` when patience ends before.
    pub(crate) fn take(
        &self,
        core: &Core,
        patience: Patience,
        mut waiting: Wait<'_>,
    ) -> Option<(Vec<u8>, Option<usize>)> {
        let words = core.post.transport.words()?;
        let Got { poisoned } = if patience == Patience::None {
            self.ring.try_take(words, now())?
        } else {
            self.take_in_turn(words, &mut waiting)?
        };
        self.poisoned.set(poisoned);
        let mut value = vec![0_u64; self.bytes.div_ceil(size_of::<u64>())];
        if !value.is_empty() {
            words.read(self.ring.value(), &mut value);
        }
        Some((
            bytemuck::cast_slice(&value)[..self.bytes].to_vec(),
            poisoned,
        ))
    }

    fn take_in_turn(&self, words: &dyn Words, waiting: &mut Wait<'_>) -> Option<Got> {
        loop {
            match self.ring.take_or_wait(words, now()) {
                Turn::Now(got) => return Some(got),
                Turn::Later => break,
                Turn::Full if waiting.is_over() => return None,
                Turn::Full => {}
            }
            waiting.pause_for_message();
            waiting.is_time_to_look();
        }
        let mut may_give_up = true;
        loop {
            if let Some(got) = self.ring.granted(words, now()) {
                return Some(got);
            }
            waiting.pause_for_message();
            if may_give_up && waiting.is_over() {
                if self.ring.give_up(words) {
                    return None;
                }
                may_give_up = false;
            }
            waiting.is_time_to_look();
        }
    }

    /// Gives the lock back, with the value if a writer has changed it.
    pub(crate) fn give_back(&self, core: &Core, value: Option<&[u8]>, poison: Option<Poison>) {
        let Some(words) = core.post.transport.words() else {
            return;
        };
        if let Some(bytes) = value {
            let mut value = vec![0_u64; bytes.len().div_ceil(size_of::<u64>())];
            bytemuck::cast_slice_mut(&mut value)[..bytes.len()].copy_from_slice(bytes);
            if !value.is_empty() {
                words.write(self.ring.value(), &value);
            }
        }
        let poisoned = match poison {
            None => self.poisoned.get(),
            Some(Poison::Panicked) => Some(core.post.transport.rank()),
            Some(Poison::Cleared) => None,
        };
        self.ring.give_back(words, poisoned);
    }

    pub(crate) fn close(&self, core: &Core) {
        core.let_go_of_words(self.ring.first());
    }

    /// `rank_of` gives the rank in the `Comm` of a rank of the world.
    pub(crate) fn look(
        &self,
        core: &Core,
        rank_of: impl Fn(usize) -> Option<usize>,
    ) -> Option<Looks> {
        let view = self.ring.look(core.post.transport.words()?);
        Some(Looks {
            holder: view
                .holder
                .and_then(|(of, since)| Some((rank_of(of)?, since))),
            is_next: view.next == Some(core.post.transport.rank()),
            waiting: view.waiting,
        })
    }
}
