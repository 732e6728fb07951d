//! The lock of ranks that share a node: a [`NodeLock`] in node memory, with the value behind it.

use crate::comm::node_memory::AllocRequest;
use crate::comm::protocol::call::{Call, Step};
use crate::comm::rank_state::RankState;
use crate::error::{Error, Result};
use crate::home::engine::Engine;
use crate::layout::placer::{PAGE, round_up};
use crate::lock::backend::clock::coarse_now;
use crate::lock::backend::node_lock::NodeLock;
use crate::lock::backend::{Acquired, LockBackend, LockConfig, LockStatus, Mode, Poison};
use crate::lock::lock_wait::{Deadline, LockCall, LockWait};
use crate::memory::Segment;
use std::ptr::NonNull;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// Polls before the core is given away, where it is not needed by another rank.
const SPINS: u32 = 300;
/// Yields before the first sleep; few where ranks outnumber cores and the holder needs one.
const YIELDS: u32 = 2000;
const YIELDS_CROWDED: u32 = 8;
/// The longest sleep without progress: how long a peer may wait for this rank's half of a handshake.
const SLEEP: Duration = Duration::from_micros(500);

/// One rank's part of it.
#[derive(Debug)]
pub(crate) struct NodeBackend {
    core: Rc<RankState>,
    /// Allocated for a lock of the ranks of the `Comm`, all on this node.
    segment: Segment,
    /// Where the value begins.
    value: usize,
}

impl NodeBackend {
    /// Collective.
    pub(super) fn create(
        core: &Rc<RankState>,
        call: Call,
        config: &LockConfig<'_>,
    ) -> Result<Self> {
        let ranks = core.group.topology.node_ranks.len();
        let too_large = || Error::TooLarge {
            what: "the value of the lock".to_owned(),
            extents: vec![config.value.len()],
            size: 1,
        };
        debug_assert!(config.align <= PAGE);
        let align = config.align.max(64);
        let value = round_up(NodeLock::bytes(ranks), align).ok_or_else(too_large)?;
        let bytes = value.checked_add(config.value.len());
        let request = AllocRequest {
            bytes: bytes.ok_or_else(too_large)?,
            align,
            ranks,
        };
        let segment = core
            .allocate(call.step(Step::Place), None, &[request], Some(0))?
            .expect("a segment was asked for");
        if core.group.topology.is_leader() {
            // SAFETY: the value lies behind the lock, inside the segment (`request`).
            let to = unsafe { segment.start().add(value) };
            let from = NonNull::from(config.value).cast::<u8>();
            // SAFETY: as many bytes on both sides; the other ranks use the value after the barrier only.
            unsafe { to.copy_from_nonoverlapping(from, config.value.len()) };
        }
        core.barrier(call.step(Step::Ready))?;
        Ok(NodeBackend {
            core: core.clone(),
            segment,
            value,
        })
    }

    #[inline]
    fn lock(&self) -> NodeLock<'_> {
        let topology = &self.core.group.topology;
        // SAFETY: allocated for a lock of as many ranks as the `Comm` has, all on this node, and zeroed (`create`).
        unsafe {
            NodeLock::in_segment(
                &self.segment,
                topology.node_ranks.len(),
                topology.local_rank,
            )
        }
    }

    /// The first byte of the value. Only the rank that has the lock may use it.
    pub(crate) fn value(&self) -> NonNull<u8> {
        // SAFETY: inside the segment (`create`).
        unsafe { self.segment.start().add(self.value) }
    }

    /// Acquires the lock if it is free and not poisoned. The rest is for `acquire`.
    #[inline]
    pub(crate) fn try_acquire_fast(&self, mode: Mode) -> bool {
        let lock = self.lock();
        let is_acquired = lock.try_acquire_unpoisoned(mode);
        if is_acquired {
            lock.record_acquired(mode, coarse_now());
        }
        is_acquired
    }

    /// Waits in the queue, in which this rank is already. Whether it has got the lock.
    fn wait_in_queue(&self, lock: NodeLock<'_>, wait: &mut LockWait<'_>) -> Result<bool> {
        let (mut spins, mut yields) = if self.core.group.world.is_crowded {
            (0, YIELDS_CROWDED)
        } else {
            (SPINS, YIELDS)
        };
        loop {
            if lock.is_granted() {
                return Ok(true);
            }
            if spins > 0 {
                spins -= 1;
                std::hint::spin_loop();
                continue;
            }
            if wait.is_over() {
                return Ok(!lock.cancel());
            }
            self.core.group.world.mailbox.progress();
            if yields > 0 {
                yields -= 1;
                std::thread::yield_now();
            } else {
                lock.sleep(match wait.call.deadline {
                    Deadline::Until(end) => {
                        end.saturating_duration_since(Instant::now()).min(SLEEP)
                    }
                    _ => SLEEP,
                });
            }
            if wait.check()
                && let Some(error) = self.abandoned(lock, &wait.call)
                && lock.cancel()
            {
                return Err(error);
            }
        }
    }

    /// The error of a lock whose holder has left `run`, so that it never releases the lock.
    fn abandoned(&self, lock: NodeLock<'_>, call: &LockCall<'_>) -> Option<Error> {
        let core = &self.core;
        if core.group.topology.size() == 1 {
            return None;
        }
        let control = core.sync.control();
        let holder = lock.holders().find(|&rank| control.arrival(rank).1)?;
        let last = core.sync.last_call_text(holder);
        Some(Error::Abandoned {
            call: call.text(),
            rank: core.group.topology.node_ranks[holder] as usize,
            host: core.group.world.transport.host().to_owned(),
            last: last.unwrap_or_else(|| "none".to_owned()),
        })
    }
}

impl LockBackend for NodeBackend {
    fn engine(&self) -> Engine {
        Engine::NodeAtomics
    }

    fn acquire(&self, mode: Mode, mut wait: LockWait<'_>) -> Result<Option<Acquired>> {
        let lock = self.lock();
        let is_acquired = if wait.call.deadline == Deadline::Now {
            lock.try_acquire(mode)
        } else {
            lock.acquire_or_enqueue(mode) || self.wait_in_queue(lock, &mut wait)?
        };
        if !is_acquired {
            return Ok(None);
        }
        lock.record_acquired(mode, coarse_now());
        Ok(Some(Acquired {
            value: None,
            poisoned: lock.poisoned().map(|rank| rank as usize),
        }))
    }

    #[inline]
    fn release(&self, mode: Mode, _: Option<Vec<u8>>, poison: Option<Poison>) {
        let lock = self.lock();
        if let Some(poison) = poison {
            let me = self.core.group.topology.rank as u32;
            lock.set_poisoned((poison == Poison::Panicked).then_some(me));
        }
        lock.record_released();
        lock.release(mode);
    }

    fn holder_on_node(&self) -> Option<usize> {
        let holder = self.lock().holders().next()?;
        Some(self.core.group.topology.node_ranks[holder] as usize)
    }

    fn status(&self, _: Deadline) -> Option<LockStatus> {
        let lock = self.lock();
        let rank = |(local, since): (usize, u64)| {
            let rank = self.core.group.topology.node_ranks[local];
            (rank as usize, since)
        };
        Some(LockStatus {
            holder: lock.holder().map(rank),
            reader: self.holder_on_node(),
            is_queued: lock.is_queued(),
            is_next: lock.is_first(),
            waiting: lock.waiting(),
        })
    }
}
