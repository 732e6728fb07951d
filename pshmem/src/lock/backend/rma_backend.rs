//! A lock on words of its host that ranks of all nodes reach by one-sided operations: the host takes no part.

use crate::comm::rank_state::RankState;
use crate::lock::backend::server::{Poison, now};
use crate::lock::backend::ticket_lock::{self, TicketAcquired, TicketLock, Turn};
use crate::lock::lock_wait::{Deadline, LockWait};
use crate::lock::raw_lock::{LockConfig, LockStatus};
use crate::transport::rma::{RemoteAddress, RemoteAtomics};
use std::cell::Cell;

/// One rank's part of it.
#[derive(Debug)]
pub(crate) struct RmaBackend {
    ring: TicketLock,
    /// Bytes of the value, which lies behind the ring.
    bytes: usize,
    /// Who had panicked with it when this rank took it.
    poisoned: Cell<Option<usize>>,
}

/// On the host: words of a free lock with its value, if its ranks can have such a one.
pub(crate) fn host(core: &RankState, plan: &LockConfig<'_>) -> Option<usize> {
    if core.world.transport.nodes().len() > ticket_lock::MOST_RANKS {
        return None;
    }
    let ranks = core.topology.size();
    let mut words = ticket_lock::fresh(ranks);
    words.resize(words.len() + plan.value.len().div_ceil(size_of::<u64>()), 0);
    let (_, value) = words.split_at_mut(ticket_lock::words(ranks));
    bytemuck::cast_slice_mut(value)[..plan.value.len()].copy_from_slice(plan.value);
    core.allocate_words(&words)
}

impl RmaBackend {
    pub(crate) fn new(core: &RankState, plan: &LockConfig<'_>, first: usize) -> Self {
        let at = RemoteAddress {
            rank: core.topology.address(plan.root),
            word: first,
        };
        RmaBackend {
            ring: TicketLock::new(at, core.topology.size(), core.world.transport.rank()),
            bytes: plan.value.len(),
            poisoned: Cell::new(None),
        }
    }

    /// Takes the lock; gives its value, and the rank of the world that panicked with it. `None` when deadline ends before.
    pub(crate) fn acquire(
        &self,
        core: &RankState,
        deadline: Deadline,
        mut waiting: LockWait<'_>,
    ) -> Option<(Vec<u8>, Option<usize>)> {
        let words = core.world.transport.remote_atomics()?;
        let TicketAcquired { poisoned } = if deadline == Deadline::None {
            self.ring.try_acquire(words, now())?
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

    fn take_in_turn(
        &self,
        words: &dyn RemoteAtomics,
        waiting: &mut LockWait<'_>,
    ) -> Option<TicketAcquired> {
        loop {
            match self.ring.acquire_or_enqueue(words, now()) {
                Turn::Now(got) => return Some(got),
                Turn::Later => break,
                Turn::Full if waiting.is_over() => return None,
                Turn::Full => {}
            }
            waiting.pause_for_reply();
            waiting.is_time_to_look();
        }
        let mut may_give_up = true;
        loop {
            if let Some(got) = self.ring.granted(words, now()) {
                return Some(got);
            }
            waiting.pause_for_reply();
            if may_give_up && waiting.is_over() {
                if self.ring.cancel(words) {
                    return None;
                }
                may_give_up = false;
            }
            waiting.is_time_to_look();
        }
    }

    /// Gives the lock back, with the value if a writer has changed it.
    pub(crate) fn release(&self, core: &RankState, value: Option<&[u8]>, poison: Option<Poison>) {
        let Some(words) = core.world.transport.remote_atomics() else {
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
            Some(Poison::Panicked) => Some(core.world.transport.rank()),
            Some(Poison::Cleared) => None,
        };
        self.ring.release(words, poisoned);
    }

    pub(crate) fn close(&self, core: &RankState) {
        core.release_words(self.ring.first());
    }

    /// `rank_of` gives the rank in the `Comm` of a rank of the world.
    pub(crate) fn look(
        &self,
        core: &RankState,
        rank_of: impl Fn(usize) -> Option<usize>,
    ) -> Option<LockStatus> {
        let view = self.ring.look(core.world.transport.remote_atomics()?);
        Some(LockStatus {
            holder: view
                .holder
                .and_then(|(of, since)| Some((rank_of(of)?, since))),
            is_next: view.next == Some(core.world.transport.rank()),
            waiting: view.waiting,
        })
    }
}
