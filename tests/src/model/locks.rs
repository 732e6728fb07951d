//! Locks, with and without a value, which several ranks use at the same time, and what the value must then be.
//!
//! Locking is not collective: the ranks of a `Comm` go through an operation at their own pace, and those that have finished it
//! continue. What a rank adds to the value follows from the operation, so all ranks know what the value will be once all have
//! finished. Every rank that holds a lock checks that it holds it alone, and that the value is a whole one.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;
use std::sync::atomic::{AtomicIsize, Ordering};
use std::sync::{Arc, Mutex as StdMutex};
use std::time::Duration;

use pshmem::{Comm, Error, Fairness, Lock, LockError, Mutex, Result, RwLock, TryLockResult};

use super::early_exits::{DELIBERATE, Exit};
use super::group::Group;
use super::ops::Op;
use super::rng::Rng;
use super::state::{CommEntry, State};
use crate::report::{Failure, Outcome};
use crate::values::number;

/// Words of a value: how many have been added, their sum, a check of both, and a few that are all equal to it.
const WORDS: usize = 6;

/// Who holds a lock at this moment: the ranks that read, or -1 for one that writes. All ranks of the lock share it. It is
/// relaxed, so that it does not order anything that the lock itself should.
#[derive(Debug, Default)]
pub(super) struct Holders(AtomicIsize);

/// The holders of all locks, by the id and the salt of the `Comm` and the number of the lock.
pub(super) type AllHolders = StdMutex<HashMap<[usize; 3], Arc<Holders>>>;

/// One holder, until it is dropped.
struct Holding<'a>(&'a Holders, isize);

impl Holders {
    fn begin(&self, how: How) -> Holding<'_> {
        let change = if how == How::Read { 1 } else { -1 };
        let before = self.0.fetch_add(change, Ordering::Relaxed);
        let is_allowed = before == 0 || (before > 0 && how == How::Read);
        assert!(
            is_allowed,
            "a lock was acquired ({how:?}) while its holders were {before}"
        );
        Holding(self, change)
    }
}

impl Drop for Holding<'_> {
    fn drop(&mut self) {
        self.0.0.fetch_sub(self.1, Ordering::Relaxed);
    }
}

/// How a rank acquires a lock. A lock without readers is acquired to write in all cases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    Write,
    Read,
    Try,
    Timeout(Duration),
}

enum AnyLock {
    Lock(Lock),
    /// With a value of one element.
    One(Mutex<[u64; WORDS]>),
    Mutex(Mutex<[u64]>),
    RwLock(RwLock<[u64]>),
}

/// A lock, and what its value must be.
pub(super) struct LockEntry {
    lock: AnyLock,
    comm: Comm,
    pub(super) comm_id: usize,
    salt: usize,
    group: Rc<Group>,
    holders: Arc<Holders>,
    /// What all ranks will have added when they have finished all operations so far: how many numbers, and their sum.
    total: (u64, u64),
    /// How many of them this rank has added.
    own: u64,
    /// The rank that has poisoned it.
    poisoned: Option<usize>,
}

/// A guard, and the rank that has poisoned the lock.
fn acquired<G>(result: TryLockResult<G>) -> Result<Option<(G, Option<usize>)>> {
    match result {
        Ok(guard) => Ok(guard.map(|guard| (guard, None))),
        Err(LockError::Poisoned { guard, rank }) => Ok(Some((guard, Some(rank)))),
        Err(LockError::Failed(error)) => Err(error),
        Err(other) => panic!("an unknown error: {other}"),
    }
}

impl AnyLock {
    /// Acquires the lock and calls `act` with the value and the poison. `None` if it was not acquired in time.
    fn with<R>(
        &mut self,
        how: How,
        clears_poison: bool,
        act: impl FnOnce(&mut [u64], How, Option<usize>) -> R,
    ) -> Result<Option<R>> {
        // The guard is dropped before the result is used, and after the value.
        macro_rules! with_guard {
            ($result:expr, $how:expr, |$guard:ident| $value:expr) => {{
                let Some((mut $guard, poisoned)) = acquired($result)? else {
                    return Ok(None);
                };
                if clears_poison {
                    $guard.clear_poison();
                }
                let result = act($value, $how, poisoned);
                drop($guard);
                result
            }};
        }
        macro_rules! exclusive {
            ($lock:expr, |$guard:ident| $value:expr) => {{
                let result = match how {
                    How::Try => $lock.try_lock(),
                    How::Timeout(time) => $lock.lock_timeout(time),
                    How::Write | How::Read => $lock.lock().map(Some),
                };
                with_guard!(result, How::Write, |$guard| $value)
            }};
        }
        Ok(Some(match self {
            AnyLock::Lock(lock) => exclusive!(lock, |guard| &mut []),
            AnyLock::One(lock) => exclusive!(lock, |guard| &mut *guard),
            AnyLock::Mutex(lock) => exclusive!(lock, |guard| &mut guard),
            AnyLock::RwLock(lock) if how == How::Read => {
                let Some((guard, poisoned)) = acquired(lock.read().map(Some))? else {
                    unreachable!("it waits")
                };
                // What a reader writes to its copy is lost.
                let mut copy = guard.to_vec();
                act(&mut copy, How::Read, poisoned)
            }
            AnyLock::RwLock(lock) => {
                with_guard!(lock.write().map(Some), How::Write, |guard| &mut guard)
            }
        }))
    }
}

/// Checks that a value is whole, and returns how many numbers have been added.
fn check_value(value: &[u64]) -> u64 {
    let Some(&[count, sum]) = value.first_chunk() else {
        return 0;
    };
    let check = number(count as usize, sum as usize);
    assert!(
        value[2..].iter().all(|&word| word == check),
        "a value of a lock is not whole: {value:?}"
    );
    count
}

/// Adds a number to a value, and gives other ranks their turn meanwhile.
fn add(value: &mut [u64], term: u64) {
    let Some([count, sum]) = value.first_chunk_mut() else {
        return;
    };
    *count += 1;
    std::thread::yield_now();
    *sum = sum.wrapping_add(term);
    let check = number(*count as usize, *sum as usize);
    value[2..].fill(check);
}

/// What a rank does in a round of an operation: how it acquires the lock, and the number that it adds. `None` if it does nothing.
fn plan(seed: usize, rank: usize, round: usize) -> Option<(How, Option<u64>)> {
    let random = number(seed, rank * 8 + round);
    let term = Some(random >> 8);
    Some(match random % 8 {
        0..4 => (How::Write, term),
        4 => (How::Read, None),
        5 => (How::Try, None),
        6 => (How::Timeout(Duration::from_micros(random >> 8 & 127)), None),
        _ => return None,
    })
}

/// Makes a lock on a `Comm`.
pub(super) fn create(state: &mut State<'_>, op: &Op, entry: &CommEntry) -> Result<LockEntry> {
    let mut rng = Rng::new(op.seed ^ entry.salt);
    let mut value = [0; WORDS];
    value[2..].fill(number(0, 0));
    let comm = &entry.comm;
    let lock = match rng.below(5) {
        0 => {
            let fairness = match rng.below(3) {
                0 => Fairness::NodeBatch(2),
                _ => Fairness::Fifo,
            };
            let root = op.root % comm.size();
            AnyLock::Lock(Lock::builder(comm).root(root).fairness(fairness).build()?)
        }
        1 => AnyLock::One(Mutex::new(comm, value)?),
        2 => AnyLock::Mutex(Mutex::<[u64]>::from_slice(comm, &value)?),
        _ => AnyLock::RwLock(RwLock::<[u64]>::from_slice(comm, &value)?),
    };
    let name = [entry.id, entry.salt, state.at];
    let mut holders = super::lock(state.holders);
    let holders = holders.entry(name).or_default().clone();
    Ok(LockEntry {
        lock,
        comm: comm.clone(),
        comm_id: entry.id,
        salt: entry.salt,
        group: entry.group.clone(),
        holders,
        total: (0, 0),
        own: 0,
        poisoned: None,
    })
}

impl LockEntry {
    /// Acquires the lock, and checks everything that must hold then. Adds `term`, and calls `act`.
    fn hold(
        &mut self,
        how: How,
        clears_poison: bool,
        term: Option<u64>,
        act: impl FnOnce(),
    ) -> Result<bool> {
        let (holders, poisoned) = (self.holders.clone(), self.poisoned);
        let own = self.own;
        let held = self.lock.with(how, clears_poison, |value, how, found| {
            let _holding = holders.begin(how);
            assert_eq!(found, poisoned, "the rank that has poisoned the lock");
            let count = check_value(value);
            // Others may have added more: ranks that have finished an operation continue with later ones.
            assert!(
                value.is_empty() || count >= own,
                "{count} numbers were added, but {own} by this rank alone"
            );
            if let Some(term) = term {
                add(value, term);
            } else {
                std::thread::yield_now();
            }
            act();
        })?;
        self.own += u64::from(term.is_some() && held.is_some());
        Ok(held.is_some())
    }

    /// All ranks use the lock for a few rounds.
    fn contend(&mut self, seed: usize) -> Result<()> {
        let rounds = 1 + seed % 3;
        let terms = (0..self.comm.size())
            .flat_map(|rank| (0..rounds).filter_map(move |round| plan(seed, rank, round)?.1));
        for term in terms {
            self.total.0 += 1;
            self.total.1 = self.total.1.wrapping_add(term);
        }
        for round in 0..rounds {
            if let Some((how, term)) = plan(seed, self.comm.rank(), round) {
                let is_held = self.hold(how, false, term, || {})?;
                assert!(
                    is_held || matches!(how, How::Try | How::Timeout(_)),
                    "a wait without a limit ends with the lock"
                );
            }
        }
        Ok(())
    }

    /// Checks the value after all ranks have finished.
    fn settle(&mut self) -> Result<()> {
        self.comm.barrier()?;
        let total = self.total;
        self.lock.with(How::Read, false, |value, _, _| {
            check_value(value);
            let found = value
                .first_chunk()
                .map_or(total, |&[count, sum]| (count, sum));
            assert_eq!(found, total, "number and sum of what was added to a lock");
        })?;
        // No rank adds anything before all have looked.
        self.comm.barrier()
    }

    /// One rank panics while it holds the lock; or, if the lock is poisoned, it repairs the value.
    fn poison(&mut self, op: &Op, rng: &mut Rng) -> Result<()> {
        self.settle()?;
        let root = op.root % self.comm.size();
        let is_root = self.comm.rank() == root;
        if self.poisoned.is_some() {
            if is_root {
                self.hold(How::Write, true, None, || {})?;
            }
            self.poisoned = None;
        } else {
            let how = if rng.below(3) == 0 {
                How::Read
            } else {
                How::Write
            };
            if is_root {
                let panics = || resume_unwind(Box::new(DELIBERATE));
                let unwound =
                    catch_unwind(AssertUnwindSafe(|| self.hold(how, false, None, panics)));
                if let Ok(result) = unwound {
                    result?;
                    unreachable!("it panics while it has the lock");
                }
            }
            // A reader changes nothing, so it poisons nothing.
            let only_reads = how == How::Read && matches!(self.lock, AnyLock::RwLock(_));
            self.poisoned = (!only_reads).then_some(root);
        }
        self.comm.barrier()
    }
}

/// The ranks of a lock use it.
pub(super) fn run(state: &mut State<'_>, op: &Op, poisons: bool) -> Outcome {
    let Some(at) = op.target.checked_rem(state.locks.len()) else {
        return Ok(());
    };
    let group = state.locks[at].group.clone();
    let has_exited = state.has_exited(&group);
    let entry = &mut state.locks[at];
    if has_exited {
        return check_after_exit(entry);
    }
    let mut rng = Rng::new(op.seed ^ entry.salt);
    if poisons {
        entry.poison(op, &mut rng)?;
    } else {
        entry.contend(op.seed ^ entry.salt)?;
        if rng.below(2) == 0 {
            entry.settle()?;
        }
    }
    Ok(())
}

/// A rank of the lock has exited, perhaps while it held the lock. The others get the lock or an error, but they do not wait for
/// ever.
fn check_after_exit(entry: &mut LockEntry) -> Outcome {
    let holders = entry.holders.clone();
    let result = entry.lock.with(How::Write, false, |value, how, _| {
        let _holding = holders.begin(how);
        check_value(value);
    });
    match result {
        Ok(Some(())) | Err(Error::Abandoned { .. }) => Ok(()),
        Err(error) if error.is_fatal() => Ok(()),
        other => Err(format!("a lock of which a rank has exited: {other:?}").into()),
    }
}

/// The rank that is about to exit will hold this lock. Before that, no other rank may be in an operation in which it expects no
/// poison. `false` when nobody can wait for that, because another rank has exited before, or when there is no lock.
pub(super) fn settle_before_exit(
    state: &mut State<'_>,
    op: &Op,
) -> std::result::Result<bool, Failure> {
    let Some(at) = op.root.checked_rem(state.locks.len()) else {
        return Ok(false);
    };
    if state.has_exited(&state.locks[at].group) {
        return Ok(false);
    }
    state.locks[at].settle()?;
    Ok(true)
}

/// This rank is about to exit while it holds a lock.
pub(super) fn exit_with_lock(state: &mut State<'_>, op: &Op, exit: Exit) {
    let Some(at) = op.root.checked_rem(state.locks.len()) else {
        return;
    };
    let entry = &mut state.locks[at];
    // Never returns from `act` with the guard, so the lock is held when this rank has exited.
    match (exit, &mut entry.lock) {
        (Exit::Panicked, lock) => {
            let panics = |_: &mut [u64], _, _| resume_unwind(Box::new(DELIBERATE));
            let _: Result<Option<()>> = lock.with(How::Write, false, panics);
        }
        (Exit::Returned, AnyLock::Lock(lock)) => std::mem::forget(lock.lock()),
        (Exit::Returned, AnyLock::One(lock)) => std::mem::forget(lock.lock()),
        (Exit::Returned, AnyLock::Mutex(lock)) => std::mem::forget(lock.lock()),
        (Exit::Returned, AnyLock::RwLock(lock)) => std::mem::forget(lock.write()),
    }
    if exit == Exit::Returned {
        // The handle of a lock releases it when it is dropped.
        std::mem::forget(state.locks.remove(at));
    }
}
