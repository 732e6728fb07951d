//! The lock of ranks on several nodes as words of a home rank: a [`TicketLock`], with the value behind it. All ranks change
//! them by one-sided operations, in which the home rank takes no part.

use crate::comm::rank_state::RankState;
use crate::error::Result;
use crate::home::engine::Engine;
use crate::home::home_words::HomeWords;
use crate::lock::backend::clock::now;
use crate::lock::backend::ticket_lock::{self, TicketAcquired, TicketLock, Turn};
use crate::lock::backend::{Acquired, LockBackend, LockConfig, LockStatus, Mode, Poison, rank_of};
use crate::lock::lock_wait::{Deadline, LockWait};
use crate::transport::rma::RemoteAtomics;
use std::cell::Cell;
use std::rc::Rc;

/// One rank's part of it.
#[derive(Debug)]
pub(crate) struct RmaBackend {
    core: Rc<RankState>,
    words: HomeWords,
    lock: TicketLock,
    /// Bytes of the value.
    bytes: usize,
    /// The rank of the world that had panicked with the lock when this rank acquired it.
    poisoned: Cell<Option<usize>>,
}

/// The words of a free lock with its value. `None` when a ticket lock cannot have so many ranks.
pub(super) fn initial_words(core: &RankState, config: &LockConfig<'_>) -> Option<Vec<u64>> {
    if core.group.world.transport.node_of().len() > ticket_lock::MAX_RANKS {
        return None;
    }
    let mut words = ticket_lock::initial_words(core.group.topology.size());
    words.extend(to_words(config.value));
    Some(words)
}

/// A value in words, the last of which may be filled up.
fn to_words(value: &[u8]) -> Vec<u64> {
    let mut words = vec![0_u64; value.len().div_ceil(size_of::<u64>())];
    bytemuck::cast_slice_mut(&mut words)[..value.len()].copy_from_slice(value);
    words
}

impl RmaBackend {
    pub(super) fn new(core: &Rc<RankState>, config: &LockConfig<'_>, words: HomeWords) -> Self {
        let me = core.group.world.transport.rank();
        RmaBackend {
            core: core.clone(),
            lock: TicketLock::new(words.first(), core.group.topology.size(), me),
            words,
            bytes: config.value.len(),
            poisoned: Cell::new(None),
        }
    }

    fn wait_in_queue(
        &self,
        atomics: &dyn RemoteAtomics,
        wait: &mut LockWait<'_>,
    ) -> Option<TicketAcquired> {
        loop {
            match self.lock.acquire_or_enqueue(atomics, now()) {
                Turn::Now(acquired) => return Some(acquired),
                Turn::Later => break,
                Turn::Full if wait.is_over() => return None,
                Turn::Full => {}
            }
            self.pause(wait);
        }
        let mut can_cancel = true;
        loop {
            if let Some(acquired) = self.lock.poll_granted(atomics, now()) {
                return Some(acquired);
            }
            self.pause(wait);
            if can_cancel && wait.is_over() {
                if self.lock.cancel(atomics) {
                    return None;
                }
                // The lock has been granted to this rank, which sees it soon.
                can_cancel = false;
            }
        }
    }

    fn pause(&self, wait: &mut LockWait<'_>) {
        self.core.group.world.mailbox.progress();
        std::thread::yield_now();
        wait.check();
    }
}

impl LockBackend for RmaBackend {
    fn engine(&self) -> Engine {
        Engine::OneSided
    }

    fn acquire(&self, _: Mode, mut wait: LockWait<'_>) -> Result<Option<Acquired>> {
        let Some(atomics) = self.words.atomics() else {
            return Ok(None);
        };
        let acquired = if wait.call.deadline == Deadline::Now {
            self.lock.try_acquire(atomics, now())
        } else {
            self.wait_in_queue(atomics, &mut wait)
        };
        let Some(TicketAcquired { poisoned }) = acquired else {
            return Ok(None);
        };
        self.poisoned.set(poisoned);
        let mut value = vec![0_u64; self.bytes.div_ceil(size_of::<u64>())];
        if !value.is_empty() {
            atomics.read(self.lock.value(), &mut value);
        }
        Ok(Some(Acquired {
            value: Some(bytemuck::cast_slice(&value)[..self.bytes].to_vec()),
            poisoned: poisoned.and_then(|world| rank_of(&self.core, world)),
        }))
    }

    fn release(&self, _: Mode, value: Option<Vec<u8>>, poison: Option<Poison>) {
        let Some(atomics) = self.words.atomics() else {
            return;
        };
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            atomics.write(self.lock.value(), &to_words(&value));
        }
        let poisoned = match poison {
            None => self.poisoned.get(),
            Some(Poison::Panicked) => Some(self.core.group.world.transport.rank()),
            Some(Poison::Cleared) => None,
        };
        self.lock.release(atomics, poisoned);
    }

    fn status(&self, _: Deadline) -> Option<LockStatus> {
        let status = self.lock.status(self.words.atomics()?, now());
        let holder = |(world, since)| Some((rank_of(&self.core, world)?, since));
        Some(LockStatus {
            holder: status.holder.and_then(holder),
            reader: None,
            // A rank with a lock that knows no readers waits only for the one that has it.
            is_queued: true,
            is_next: status.next == Some(self.core.group.world.transport.rank()),
            waiting: status.waiting,
        })
    }
}
