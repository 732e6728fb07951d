//! A lock without what it protects: taking it and giving it back, wherever its words are.

use crate::comm::Comm;
use crate::comm::collective::agreement::AGREEMENT_BYTES;
use crate::comm::collective::call::{Call, Kind, Step};
use crate::comm::collective::contribution::Contribution;
use crate::comm::node_memory::AllocRequest;
use crate::comm::rank_state::RankState;
use crate::error::{Error, Result};
use crate::home::access::HomeAccess;
use crate::home::engine::Engine;
use crate::layout::placer::{PAGE, round_up};
use crate::live::Live;
use crate::lock::Fairness;
use crate::lock::backend::home_backend::HomeBackend;
use crate::lock::backend::node_lock::{Mode, NodeLock};
use crate::lock::backend::rma_backend::{self, RmaBackend};
use crate::lock::backend::server::{Poison, now};
use crate::lock::lock_wait::{Deadline, LockWait};
use crate::memory::Segment;
use crate::sync;
use std::cell::Cell;
use std::panic::Location;
use std::ptr::NonNull;
use std::rc::Rc;

/// One rank's part of a lock.
#[derive(Debug)]
pub(crate) struct RawLock {
    pub(crate) comm: Comm,
    number: u64,
    side: Backend,
    /// How this rank has the lock, if it does.
    held: Cell<Option<Mode>>,
}

/// Where the lock's words are.
#[derive(Debug)]
enum Backend {
    /// In a segment that all ranks of the `Comm` share, placed for a lock of as many ranks; the value lies behind it.
    Node { segment: Segment, value: usize },
    /// In words of a rank that all others reach.
    RmaBackend(RmaBackend),
    /// At the server of a rank of the world.
    HomeBackend { lock: HomeBackend, engine: Engine },
}

/// What a rank gets with the lock.
#[derive(Debug)]
pub(crate) struct Acquired {
    /// The value where it travels with the lock.
    pub(crate) value: Option<Vec<u8>>,
    /// The rank that panicked while it had the lock.
    pub(crate) poisoned: Option<usize>,
}

/// A lock from outside, at one moment.
#[derive(Debug)]
pub(crate) struct LockStatus {
    /// Who has it for writing, and since when.
    pub(crate) holder: Option<(usize, u64)>,
    /// Whether this rank is the next.
    pub(crate) is_next: bool,
    pub(crate) waiting: usize,
}

/// What all ranks pass to make a lock.
pub(crate) struct LockConfig<'a> {
    pub(crate) root: usize,
    pub(crate) fairness: Fairness,
    /// The name of the kind of lock, and its value as all ranks pass it.
    pub(crate) kind: &'a str,
    pub(crate) value: &'a [u8],
    pub(crate) align: usize,
    /// Whether ranks may also share it, to read.
    pub(crate) has_readers: bool,
}

thread_local! {
    /// The locks of this rank that may still be alive, leaked ones included.
    static LIVE: Live<RawLock> = const { Live::new() };
}

impl RawLock {
    /// Collective over the `Comm`.
    pub(crate) fn new(
        comm: &Comm,
        plan: &LockConfig<'_>,
        site: &'static Location<'static>,
    ) -> Result<Rc<Self>> {
        let core = &comm.core;
        core.enter(Kind::Lock.name(), site)?;
        let call = Call::new(Kind::Lock).root(plan.root);
        core.check_root(call, plan.root)?;
        let number = core.next_object();
        let same = [
            plan.fairness.text().as_bytes(),
            plan.kind.as_bytes(),
            plan.value,
        ]
        .concat();
        let words = if core.is_multi_node() {
            Self::on_host(core, call, plan, &same, number)?
        } else {
            Self::agree_on(core, call, &same, None)?;
            Self::on_node(core, call, plan)?
        };
        let raw = Rc::new(RawLock {
            comm: comm.clone(),
            number,
            side: words,
            held: Cell::new(None),
        });
        LIVE.with(|live| live.add(&raw));
        Ok(raw)
    }

    /// All ranks must pass the same; they get the largest of what they pass as `id`.
    fn agree_on(core: &RankState, call: Call, same: &[u8], id: Option<u64>) -> Result<Option<u64>> {
        let is_short = same.len() <= AGREEMENT_BYTES;
        let contribution = Contribution {
            must_match: is_short.then(|| same.to_vec()),
            maximum: id,
            ..Contribution::default()
        };
        let agreed = core.agree(call, contribution)?;
        if !is_short {
            core.compare(call, same)?;
        }
        Ok(agreed.maximum)
    }

    fn on_host(
        core: &RankState,
        call: Call,
        plan: &LockConfig<'_>,
        same: &[u8],
        number: u64,
    ) -> Result<Backend> {
        let lock = (core.id << 32) | number;
        let is_host = core.topology.rank == plan.root;
        core.probe_remote_atomics(call.step(Step::ProbeRma))?;
        // Ready before anybody can ask for it.
        let mine = is_host.then(|| Self::host(core, plan, lock));
        let number = mine.and_then(HomeAccess::number);
        let agreed = Self::agree_on(core, call, same, number)
            .and_then(|id| core.learn_hosts(call.step(Step::Hosts)).map(|()| id));
        let hosting = HomeAccess::of(agreed.inspect_err(|_| match mine {
            Some(HomeAccess::OneSided { first }) => core.free_words(first),
            Some(_) => sync::lock(&core.world.server).remove(lock),
            None => {}
        })?);
        if let HomeAccess::OneSided { first } = hosting {
            return Ok(Backend::RmaBackend(RmaBackend::new(core, plan, first)));
        }
        Ok(Backend::HomeBackend {
            lock: HomeBackend::new(core.topology.address(plan.root), lock),
            engine: hosting.engine(),
        })
    }

    /// Begins to host a lock, in the best way there is.
    fn host(core: &RankState, plan: &LockConfig<'_>, lock: u64) -> HomeAccess {
        // The ring knows one order and no readers.
        if plan.fairness == Fairness::Fifo
            && !plan.has_readers
            && let Some(first) = rma_backend::host(core, plan)
        {
            return HomeAccess::OneSided { first };
        }
        let users = core.topology.size();
        sync::lock(&core.world.server).open(lock, users, plan.fairness, plan.value.to_vec());
        core.start_server()
    }

    fn on_node(core: &RankState, call: Call, plan: &LockConfig<'_>) -> Result<Backend> {
        let ranks = core.topology.node_ranks.len();
        let too_large = || Error::TooLarge {
            what: "the value of the lock".to_owned(),
            extents: vec![plan.value.len()],
            size: 1,
        };
        debug_assert!(plan.align <= PAGE);
        let value =
            round_up(Segment::lock_bytes(ranks), plan.align.max(64)).ok_or_else(too_large)?;
        let want = AllocRequest {
            bytes: value.checked_add(plan.value.len()).ok_or_else(too_large)?,
            align: plan.align.max(64),
            ranks,
        };
        let segment = core
            .place(call.step(Step::Place), None, &[want], Some(0))?
            .expect("a segment was asked for");
        if core.topology.is_leader() {
            // SAFETY: the value lies behind the lock, inside the segment (`want`); the other ranks wait in the next meeting.
            let to = unsafe { segment.start().add(value) };
            // SAFETY: as above; the bytes are `plan.value.len()` on both sides.
            unsafe {
                to.copy_from_nonoverlapping(
                    NonNull::from(plan.value).cast::<u8>(),
                    plan.value.len(),
                );
            }
        }
        core.barrier(call.step(Step::Ready))?;
        Ok(Backend::Node { segment, value })
    }

    pub(crate) fn engine(&self) -> Engine {
        match &self.side {
            Backend::Node { .. } => Engine::NodeAtomics,
            Backend::RmaBackend(_) => Engine::OneSided,
            Backend::HomeBackend { engine, .. } => *engine,
        }
    }

    /// The value, where it lies in node memory. To be used by the rank that has the lock only.
    pub(crate) fn value(&self) -> Option<NonNull<u8>> {
        match &self.side {
            // SAFETY: inside the segment (`on_node`).
            Backend::Node { segment, value } => Some(unsafe { segment.start().add(*value) }),
            Backend::RmaBackend(_) | Backend::HomeBackend { .. } => None,
        }
    }

    /// Takes the lock if that needs no waiting, no message and no word to the caller. All that is rarer is for `take`.
    #[inline]
    pub(crate) fn try_acquire_fast(&self, mode: Mode) -> bool {
        let Backend::Node { segment, .. } = &self.side else {
            return false;
        };
        if self.held.get().is_some() || !self.comm.core.is_able() {
            return false;
        }
        let queue = self.queue(segment);
        if queue.poisoned().is_some() || !queue.try_acquire(mode) {
            return false;
        }
        self.record_acquired(queue, mode);
        if queue.poisoned().is_some() {
            // Since the look above, which saved taking it in vain.
            self.release(None, None);
            return false;
        }
        true
    }

    /// Takes the lock; `None` when deadline ends before.
    pub(crate) fn acquire(
        &self,
        name: &'static str,
        mode: Mode,
        deadline: Deadline,
        site: &'static Location<'static>,
    ) -> Result<Option<Acquired>> {
        let core = &self.comm.core;
        if !core.is_able() {
            return Err(core.refusal(name));
        }
        if self.held.get().is_some() {
            return Err(Error::AlreadyLocked {
                call: name.to_owned(),
            });
        }
        let wait = LockWait::new(self, name, deadline, site);
        match &self.side {
            Backend::Node { segment, .. } => {
                let queue = self.queue(segment);
                let taken = if deadline == Deadline::None {
                    queue.try_acquire(mode)
                } else {
                    queue.acquire_or_enqueue(mode) || self.wait_on_node(name, wait, queue)?
                };
                if !taken {
                    return Ok(None);
                }
                self.record_acquired(queue, mode);
                Ok(Some(Acquired {
                    value: None,
                    poisoned: queue.poisoned().map(|rank| rank as usize),
                }))
            }
            Backend::RmaBackend(lock) => Ok(self.taken(mode, lock.acquire(core, deadline, wait))),
            Backend::HomeBackend { lock, .. } => {
                Ok(self.taken(mode, lock.acquire(core, mode, deadline, wait)))
            }
        }
    }

    /// Contributions the outcome of waiting for a host.
    fn taken(&self, mode: Mode, taken: Option<(Vec<u8>, Option<usize>)>) -> Option<Acquired> {
        self.held.set(taken.as_ref().map(|_| mode));
        let (value, poisoned) = taken?;
        Some(Acquired {
            value: Some(value),
            poisoned: poisoned.and_then(|world| self.rank_of(world)),
        })
    }

    #[inline]
    fn record_acquired(&self, queue: NodeLock<'_>, mode: Mode) {
        self.held.set(Some(mode));
        queue.record_acquired(mode, coarse_now());
    }

    /// Waits in line, where this rank stands already.
    fn wait_on_node(
        &self,
        name: &str,
        mut wait: LockWait<'_>,
        queue: NodeLock<'_>,
    ) -> Result<bool> {
        loop {
            if queue.is_granted() {
                return Ok(true);
            }
            if wait.is_over() {
                return Ok(!queue.cancel());
            }
            if let Some(time) = wait.pause() {
                queue.sleep(time);
            }
            if wait.is_time_to_look()
                && let Some(error) = self.look_for_gone(name, queue)
                && queue.cancel()
            {
                return Err(error);
            }
        }
    }

    /// A rank that has left `run` with the lock will not give it back.
    fn look_for_gone(&self, name: &str, queue: NodeLock<'_>) -> Option<Error> {
        let core = &self.comm.core;
        if core.topology.size() == 1 {
            return None;
        }
        let control = core.control();
        let slot = queue.holders().find(|&slot| control.progress(slot).1)?;
        Some(Error::Abandoned {
            call: name.to_owned(),
            rank: core.topology.node_ranks[slot] as usize,
            host: self.comm.host().to_owned(),
        })
    }

    /// Gives the lock back. `value` is what a writer leaves, where the value travels.
    #[inline]
    pub(crate) fn release(&self, value: Option<Vec<u8>>, poison: Option<Poison>) {
        let Some(mode) = self.held.take() else {
            return;
        };
        let core = &self.comm.core;
        match &self.side {
            Backend::Node { segment, .. } => {
                let queue = self.queue(segment);
                if let Some(poison) = poison {
                    let me = core.topology.rank as u32;
                    queue.set_poisoned((poison == Poison::Panicked).then_some(me));
                }
                queue.record_released();
                queue.release(mode);
            }
            Backend::RmaBackend(lock) => lock.release(core, value.as_deref(), poison),
            Backend::HomeBackend { lock, .. } => lock.release(core, value, poison),
        }
    }

    /// What can be known from outside; `None` when deadline ends before the host has answered.
    pub(crate) fn look(&self, deadline: Deadline) -> Option<LockStatus> {
        let core = &self.comm.core;
        match &self.side {
            Backend::Node { segment, .. } => {
                let queue = self.queue(segment);
                let rank =
                    |(slot, since): (usize, u64)| (core.topology.node_ranks[slot] as usize, since);
                Some(LockStatus {
                    holder: queue.holder().map(rank),
                    is_next: queue.is_first(),
                    waiting: queue.waiting(),
                })
            }
            Backend::RmaBackend(lock) => lock.look(core, |world| self.rank_of(world)),
            Backend::HomeBackend { lock, .. } => {
                let wait = LockWait::new(self, "holder", deadline, Location::caller());
                lock.look(core, wait, |world| self.rank_of(world))
            }
        }
    }

    /// The rank in the `Comm` of a rank of the world.
    fn rank_of(&self, world: usize) -> Option<usize> {
        let ranks = &self.comm.core.topology.world;
        ranks.iter().position(|&rank| rank as usize == world)
    }

    /// `lock 3`, for reports.
    pub(crate) fn name(&self) -> String {
        format!("lock {}", self.number)
    }

    #[inline]
    fn queue<'a>(&self, segment: &'a Segment) -> NodeLock<'a> {
        let topology = &self.comm.core.topology;
        // SAFETY: placed for a lock of as many ranks as the Comm has, all on this node, and zeroed (`on_node`).
        unsafe { segment.lock(topology.node_ranks.len(), topology.local_rank) }
    }
}

impl Drop for RawLock {
    fn drop(&mut self) {
        // After a guard was leaked. Nothing that it lent can be in use, or the handle could not be dropped.
        self.release(None, None);
        let core = &self.comm.core;
        match &self.side {
            Backend::Node { .. } => {}
            Backend::RmaBackend(lock) => lock.close(core),
            Backend::HomeBackend { lock, .. } => lock.close(core),
        }
    }
}

/// The rank returns from `run`: hosted locks that it has, because guards were leaked, go to the next as poisoned. Locks on a
/// node stay taken, because what a leaked guard has lent may still be in use; those who wait see that the rank has gone.
pub(crate) fn leave_all() {
    for raw in LIVE.with(Live::take) {
        if !matches!(raw.side, Backend::Node { .. }) && raw.held.get().is_some() {
            raw.release(None, Some(Poison::Panicked));
        }
    }
}

/// The time for reports. The coarse clock takes a few nanoseconds, which is what an uncontended lock has to spare.
#[inline]
fn coarse_now() -> u64 {
    #[cfg(all(target_os = "linux", not(miri)))]
    {
        let mut time = libc::timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        // SAFETY: room for one timespec; the clock exists on every Linux.
        if unsafe { libc::clock_gettime(libc::CLOCK_REALTIME_COARSE, &raw mut time) } == 0 {
            return time.tv_sec.cast_unsigned() * 1000 + time.tv_nsec.cast_unsigned() / 1_000_000;
        }
    }
    now()
}
