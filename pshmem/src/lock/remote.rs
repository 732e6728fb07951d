//! A lock on words of its host that ranks of all nodes reach by one-sided operations: the host takes no part.

use crate::comm::core::Core;
use crate::lock::desk::{Poison, now};
use crate::lock::raw::{Looks, Plan};
use crate::lock::ring::{self, Got, Ring, Turn};
use crate::lock::wait::{Patience, Wait};
use crate::transport::words::{Place, RESERVED, Words};
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

/// On the host: a place for such a lock, ready for use, if its ranks can have one.
pub(crate) fn place(core: &Core, plan: &Plan<'_>) -> Option<usize> {
    let words = core.post.transport.words()?;
    let ranks = core.topology.size();
    if core.post.transport.nodes().len() > ring::MOST_RANKS {
        return None;
    }
    let value = plan.value.len().div_ceil(size_of::<u64>());
    let here = |word| Place {
        rank: core.post.transport.rank(),
        word,
    };
    let first = core.post.pool.borrow_mut().take(
        RESERVED..words.len(),
        ring::words(ranks).checked_add(value)?,
        |first| words.load(ring::users(here(first))) == 0,
    )?;
    let mut fresh = ring::fresh(ranks);
    fresh.resize(fresh.len() + value, 0);
    let (_, items) = fresh.split_at_mut(ring::words(ranks));
    bytemuck::cast_slice_mut(items)[..plan.value.len()].copy_from_slice(plan.value);
    // The other ranks learn of it with the outcome of the meeting, after this.
    words.write(here(first), &fresh);
    Some(first)
}

/// On the host: the place of a lock that has never come to be.
pub(crate) fn give_place_back(core: &Core, first: usize) {
    core.post.pool.borrow_mut().give_back(first);
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
        if let Some(words) = core.post.transport.words() {
            self.ring.close(words);
        }
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
