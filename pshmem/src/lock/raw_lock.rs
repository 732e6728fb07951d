//! A lock without the value that it protects: acquired and released on whichever backend keeps its state.

use crate::comm::Comm;
use crate::comm::obligations::Holds;
use crate::comm::protocol::call::{Call, Kind};
use crate::comm::thread_state;
use crate::error::{Error, Result, clip};
use crate::home::engine::Engine;
use crate::live::{Live, LiveMark};
use crate::lock::backend::{
    self, Acquired, Backend, LockBackend, LockConfig, LockStatus, Mode, Poison,
};
use crate::lock::lock_wait::{Deadline, LockCall, LockWait};
use std::cell::Cell;
use std::panic::Location;
use std::ptr::NonNull;
use std::rc::Rc;
use std::time::Duration;

/// Bytes of the name of a type that reports show.
const TYPE: usize = 80;

/// One rank's part of a lock.
#[derive(Debug)]
pub(crate) struct RawLock {
    pub(crate) comm: Comm,
    /// Its number in the `Comm`.
    pub(crate) number: u64,
    /// The number and the type, for reports.
    name: String,
    backend: Backend,
    /// How this rank holds the lock, if it does.
    held: Cell<Option<Mode>>,
    /// The same for other ranks that ask whether they wait for this one.
    holds: Rc<Holds>,
    /// Where it has last acquired it.
    acquired_at: Cell<Option<&'static Location<'static>>>,
}

thread_local! {
    /// The locks of this rank that may still be alive, leaked ones included.
    static LIVE: Live<RawLock> = const { Live::new() };
}

impl RawLock {
    /// Collective over the `Comm`.
    pub(crate) fn new(
        comm: &Comm,
        config: &LockConfig<'_>,
        site: &'static Location<'static>,
    ) -> Result<Rc<Self>> {
        let core = &comm.core;
        let _call = core.enter(Kind::Lock.name(), site)?;
        let call = Call::new(Kind::Lock).root(config.root);
        core.check_root(call, config.root)?;
        let number = core.memory.next_object();
        let lock = Rc::new(RawLock {
            comm: comm.clone(),
            number,
            name: name_of(number, config),
            backend: backend::create(core, call, config, number)?,
            held: Cell::new(None),
            holds: core.group.world.obligations.add_lock(core.group.id, number),
            acquired_at: Cell::new(None),
        });
        LIVE.with(|live| live.add(&lock));
        thread_state::list_locks_by(held_locks);
        Ok(lock)
    }

    pub(crate) fn engine(&self) -> Engine {
        self.backend.get().engine()
    }

    /// The value, where it lies in node memory. Only the rank that holds the lock may use it.
    pub(crate) fn value(&self) -> Option<NonNull<u8>> {
        match &self.backend {
            Backend::Node(backend) => Some(backend.value()),
            Backend::Rma(_) | Backend::Home(_) => None,
        }
    }

    /// Acquires the lock if that needs no waiting and no message, and if there is nothing to tell the caller. All other cases
    /// are for `acquire`.
    #[inline]
    pub(crate) fn try_acquire_fast(&self, mode: Mode, site: &'static Location<'static>) -> bool {
        let Backend::Node(backend) = &self.backend else {
            return false;
        };
        if self.held.get().is_some() || !self.comm.core.sync.is_able() {
            return false;
        }
        let is_acquired = backend.try_acquire_fast(mode);
        if is_acquired {
            self.set_held(mode, site);
        }
        is_acquired
    }

    /// Acquires the lock; `None` when the deadline ends before.
    pub(crate) fn acquire(
        &self,
        name: &'static str,
        mode: Mode,
        deadline: Deadline,
        site: &'static Location<'static>,
    ) -> Result<Option<Acquired>> {
        let core = &self.comm.core;
        if !core.sync.is_able() {
            return Err(core.sync.refusal(name));
        }
        if self.held.get().is_some() {
            return Err(Error::AlreadyLocked {
                call: name.to_owned(),
            });
        }
        let call = LockCall {
            name,
            site,
            deadline,
            lock: &self.name,
            number: self.number,
        };
        let backend = self.backend.get();
        let acquired = backend.acquire(mode, LockWait::new(core, backend, call))?;
        if acquired.is_some() {
            self.set_held(mode, site);
        }
        Ok(acquired)
    }

    #[inline]
    fn set_held(&self, mode: Mode, site: &'static Location<'static>) {
        self.held.set(Some(mode));
        self.holds.set(true);
        self.acquired_at.set(Some(site));
    }

    /// Releases the lock if this rank holds it. `value` is what a writer leaves, where the value travels.
    #[inline]
    pub(crate) fn release(&self, value: Option<Vec<u8>>, poison: Option<Poison>) {
        let Some(mode) = self.held.take() else {
            return;
        };
        self.holds.set(false);
        match &self.backend {
            Backend::Node(backend) => backend.release(mode, value, poison),
            other => other.get().release(mode, value, poison),
        }
        // After the release, see `wait_table`.
        self.comm.core.group.world.wait_table.count_arrival();
    }

    /// The state of the lock at this moment; `None` when the home rank does not reply before the deadline.
    pub(crate) fn status(&self, deadline: Deadline) -> Option<LockStatus> {
        self.backend.get().status(deadline)
    }
}

impl Drop for RawLock {
    fn drop(&mut self) {
        // After a guard was leaked. Nothing that it lent can be in use, or the handle could not be dropped.
        self.release(None, None);
        let group = &self.comm.core.group;
        group.world.obligations.remove_lock(group.id, self.number);
    }
}

/// `lock 3`, with its type if it has a value.
fn name_of(number: u64, config: &LockConfig<'_>) -> String {
    if config.value_type.is_empty() {
        return format!("lock {number}");
    }
    format!("lock {number} ({})", clip(config.kind, TYPE))
}

/// The locks that this rank holds, each with the line where it was acquired: all, or those for which other ranks wait.
fn held_locks(only_awaited: bool) -> Vec<String> {
    /// How long a home rank may take to tell who waits.
    const LIMIT: Duration = Duration::from_secs(1);
    let locks = LIVE.with(Live::all).into_iter();
    let held = locks.filter(|lock| lock.held.get().is_some());
    let is_awaited = |lock: &RawLock| {
        let status = lock.status(Deadline::after(LIMIT));
        status.is_some_and(|status| status.waiting > 0)
    };
    let wanted = held.filter(|lock| !only_awaited || is_awaited(lock));
    let text = |lock: Rc<RawLock>| match lock.acquired_at.get() {
        Some(site) => format!("{} (since {site})", lock.name),
        None => lock.name.clone(),
    };
    wanted.map(text).collect()
}

/// A moment in the life of this rank, for [`leave_since`].
pub(crate) fn live_mark() -> LiveMark {
    LIVE.with(Live::mark)
}

/// The rank returns from `run`: locks at home ranks that it has created since `mark` and still holds, because guards were leaked,
/// go to the next rank as poisoned. Locks on a node stay locked, because what a leaked guard has lent may still be in use; ranks
/// that wait for them see that this rank has left.
pub(crate) fn leave_since(mark: LiveMark) {
    for lock in LIVE
        .try_with(|live| live.take_since(mark))
        .unwrap_or_default()
    {
        if !matches!(lock.backend, Backend::Node(_)) && lock.held.get().is_some() {
            lock.release(None, Some(Poison::Panicked));
        }
    }
}
