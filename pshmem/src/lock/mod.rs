//! Locks over the ranks of a `Comm`: [`Lock`], [`Mutex`](mutex::Mutex) and [`RwLock`](rwlock::RwLock).
//!
//! | file | contents |
//! |---|---|
//! | this file | [`Lock`], its builder and its guard |
//! | `mutex`, `rwlock` | locks with a value; `guarded` is what both share |
//! | `lock_error` | [`LockError`] |
//! | `raw_lock` | acquiring and releasing a lock without its value, whatever the backend |
//! | `lock_wait` | how a rank waits |
//! | `backend` | where the state of a lock is, and how ranks change it; new backends and orders of service go there |

pub(crate) mod backend;
pub(crate) mod guarded;
mod lock_error;
mod lock_wait;
pub(crate) mod mutex;
pub(crate) mod raw_lock;
pub(crate) mod rwlock;

pub use lock_error::{LockError, LockResult, TryLockResult};

use crate::comm::Comm;
use crate::error::Result;
use crate::home::engine::Engine;
use crate::rank_thread::stays_on_rank_thread;
use backend::{LockConfig, Mode, Poison};
use lock_error::check_poison;
use lock_wait::Deadline;
use raw_lock::RawLock;
use std::fmt;
use std::panic::Location;
use std::rc::Rc;
use std::time::Duration;

/// Mutual exclusion over the ranks of a [`Comm`], on one node or over many, first come first served.
///
/// ```
/// use pshmem::{Lock, local::Cluster};
///
/// Cluster::new(&[2, 2]).run_ok(|comm| -> pshmem::Result<()> {
///     let mut lock = Lock::new(comm)?;
///     let guard = lock.lock()?;
///     println!("only rank {} writes to the file now", comm.rank());
///     drop(guard);
///     Ok(())
/// });
/// ```
///
/// On one node the lock is in node memory, and acquiring a free one takes tens of nanoseconds. Over several nodes it is held by
/// one rank, the home rank, which need not do anything for it in most cases: see [`Engine`]. Handing the lock over then takes
/// one message to the home rank and one from it, or two one-sided operations.
///
/// Making a lock is collective; locking is not. `lock` takes `&mut self`, so locking twice on one rank does not compile. Do not
/// make a collective call while you hold a lock for which other ranks may be waiting, because they do not arrive at that call.
///
/// A rank that panics while it holds the lock poisons it; see [`LockError`]. Dropping a `Lock` is local and does not affect
/// ranks that wait for it.
pub struct Lock {
    raw: Rc<RawLock>,
}

/// The guard of a [`Lock`]: this rank holds the lock until the guard is dropped.
///
/// ```
/// use pshmem::{Comm, Lock};
///
/// let mut lock = Lock::new(&Comm::solo())?;
/// let guard = lock.lock()?;
/// drop(guard);
/// # Ok::<(), pshmem::Error>(())
/// ```
#[derive(Debug)]
#[must_use = "the lock is released when the guard is dropped"]
pub struct LockGuard<'a> {
    lock: &'a mut Lock,
    was_panicking: bool,
    cleared: bool,
}

stays_on_rank_thread!([] Lock, ['a] LockGuard<'a>);

/// The order in which a lock over several nodes serves waiting ranks.
///
/// ```
/// use pshmem::{Comm, Fairness, Lock};
///
/// let lock = Lock::builder(&Comm::solo()).fairness(Fairness::NodeBatch(4)).build()?;
/// # Ok::<(), pshmem::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
#[non_exhaustive]
pub enum Fairness {
    /// In order of request, whatever the nodes of the ranks.
    #[default]
    Fifo,
    /// Up to this many times in a row to ranks of one node, if any of them wait; then to the rank that has waited longest.
    /// What the lock protects stays in the caches of one node for longer.
    NodeBatch(usize),
}

impl Fairness {
    fn text(self) -> String {
        format!("{self:?}")
    }
}

/// The rank that holds a lock.
///
/// ```
/// use pshmem::{Lock, local::Cluster};
///
/// let holders = Cluster::new(&[2]).run(|comm| {
///     let mut lock = Lock::new(comm).unwrap();
///     if comm.rank() == 1 {
///         let _guard = lock.lock().unwrap();
///         comm.barrier().unwrap(); // rank 0 asks between these two barriers
///         comm.barrier().unwrap();
///         None
///     } else {
///         comm.barrier().unwrap();
///         let holder = lock.holder();
///         comm.barrier().unwrap();
///         holder.map(|holder| holder.rank)
///     }
/// });
/// assert_eq!(holders, [Some(1), None]);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Holder {
    /// Its number in the `Comm` of the lock.
    pub rank: usize,
    /// Its host.
    pub host: String,
    /// Since when it holds the lock.
    pub since: std::time::SystemTime,
}

/// The settings of a [`Lock`], from [`Lock::builder`].
///
/// ```
/// use pshmem::{Comm, Fairness, Lock};
///
/// let mut lock = Lock::builder(&Comm::solo()).root(0).fairness(Fairness::Fifo).build()?;
/// lock.lock()?;
/// # Ok::<(), pshmem::Error>(())
/// ```
#[derive(Debug)]
#[must_use = "`build` makes the lock"]
pub struct LockBuilder<'a> {
    comm: &'a Comm,
    root: usize,
    fairness: Fairness,
}

impl LockBuilder<'_> {
    /// Sets the home rank, which holds the lock if the ranks are on several nodes. The default is 0.
    ///
    /// ```
    /// use pshmem::{Lock, local::Cluster};
    ///
    /// Cluster::new(&[1, 1]).run_ok(|comm| -> pshmem::Result<()> {
    ///     let mut lock = Lock::builder(comm).root(comm.size() - 1).build()?;
    ///     lock.with(|| ())?;
    ///     Ok(())
    /// });
    /// ```
    pub fn root(self, root: usize) -> Self {
        Self { root, ..self }
    }

    /// Sets the order of service. The default is [`Fairness::Fifo`].
    ///
    /// ```
    /// use pshmem::{Comm, Fairness, Lock};
    ///
    /// let lock = Lock::builder(&Comm::solo()).fairness(Fairness::NodeBatch(8)).build()?;
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    pub fn fairness(self, fairness: Fairness) -> Self {
        Self { fairness, ..self }
    }

    /// Makes the lock.
    ///
    /// ```
    /// use pshmem::{Comm, Lock};
    ///
    /// let mut lock = Lock::builder(&Comm::solo()).build()?;
    /// let guard = lock.lock()?;
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    ///
    /// # Collective
    /// All ranks call it, with the same settings. Three rounds on one node; over several nodes one, and a few more for the first
    /// lock of a `Comm`.
    ///
    /// # Errors
    /// [`Error::NoSuchRank`](crate::Error::NoSuchRank), [`Error::Mismatch`](crate::Error::Mismatch),
    /// [`Error::NoRoom`](crate::Error::NoRoom), and the errors of [`Comm::barrier`].
    #[track_caller]
    pub fn build(self) -> Result<Lock> {
        let config = LockConfig {
            root: self.root,
            fairness: self.fairness,
            kind: "Lock",
            value_type: &[],
            value: &[],
            align: 1,
            has_readers: false,
        };
        let raw = RawLock::new(self.comm, &config, Location::caller())?;
        Ok(Lock { raw })
    }
}

impl Lock {
    /// Makes a lock over the ranks of `comm`. If they are on several nodes, rank 0 holds it.
    ///
    /// ```
    /// let lock = pshmem::Lock::new(&pshmem::Comm::solo())?;
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    ///
    /// # Collective
    /// As [`LockBuilder::build`].
    ///
    /// # Errors
    /// As [`LockBuilder::build`].
    #[track_caller]
    pub fn new(comm: &Comm) -> Result<Self> {
        Self::builder(comm).build()
    }

    /// Returns a builder, to choose the home rank or the order of service.
    ///
    /// ```
    /// use pshmem::{Comm, Fairness, Lock};
    ///
    /// let lock = Lock::builder(&Comm::solo()).root(0).fairness(Fairness::Fifo).build()?;
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    pub fn builder(comm: &Comm) -> LockBuilder<'_> {
        LockBuilder {
            comm,
            root: 0,
            fairness: Fairness::Fifo,
        }
    }

    /// Waits for the lock. Not collective: any rank may call it at any time.
    ///
    /// ```
    /// let mut lock = pshmem::Lock::new(&pshmem::Comm::solo())?;
    /// let guard = lock.lock()?;
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`LockError::Poisoned`] with the guard. [`LockError::Failed`] with
    /// [`Error::AlreadyLocked`](crate::Error::AlreadyLocked), [`Error::Abandoned`](crate::Error::Abandoned),
    /// [`Error::Nested`](crate::Error::Nested) inside the closure of a collective, or the error that ended the `Comm`.
    #[track_caller]
    #[inline]
    pub fn lock(&mut self) -> LockResult<LockGuard<'_>> {
        if self.raw.try_acquire_fast(Mode::Write, Location::caller()) {
            return Ok(LockGuard::new(self));
        }
        let acquired = self.acquire("lock", Deadline::Never, Location::caller())?;
        Ok(expect_acquired(acquired))
    }

    /// Acquires the lock if it is free and no rank waits for it. Not collective. Over several nodes it asks the home rank.
    ///
    /// ```
    /// let mut lock = pshmem::Lock::new(&pshmem::Comm::solo())?;
    /// assert!(lock.try_lock()?.is_some());
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`lock`](Lock::lock).
    #[track_caller]
    pub fn try_lock(&mut self) -> TryLockResult<LockGuard<'_>> {
        self.acquire("try_lock", Deadline::Now, Location::caller())
    }

    /// Waits for the lock for at most `timeout`, then leaves the queue. Not collective.
    ///
    /// ```
    /// let mut lock = pshmem::Lock::new(&pshmem::Comm::solo())?;
    /// assert!(lock.lock_timeout(std::time::Duration::from_millis(1))?.is_some());
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`lock`](Lock::lock).
    #[track_caller]
    pub fn lock_timeout(&mut self, timeout: Duration) -> TryLockResult<LockGuard<'_>> {
        self.acquire("lock_timeout", Deadline::after(timeout), Location::caller())
    }

    /// Waits for the lock and runs `work` while this rank holds it. Not collective.
    ///
    /// ```
    /// let mut lock = pshmem::Lock::new(&pshmem::Comm::solo())?;
    /// let answer = lock.with(|| 42)?;
    /// assert_eq!(answer, 42);
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`lock`](Lock::lock); `work` is not called then.
    #[track_caller]
    pub fn with<R>(&mut self, work: impl FnOnce() -> R) -> Result<R> {
        let _guard = self.lock()?;
        Ok(work())
    }

    /// How the lock works.
    ///
    /// ```
    /// use pshmem::{Comm, Engine, Lock};
    ///
    /// assert_eq!(Lock::new(&Comm::solo())?.engine(), Engine::NodeAtomics);
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    #[must_use]
    pub fn engine(&self) -> Engine {
        self.raw.engine()
    }

    /// The rank that holds the lock at this moment. Not collective. Over several nodes it asks the home rank.
    ///
    /// ```
    /// assert_eq!(pshmem::Lock::new(&pshmem::Comm::solo())?.holder(), None);
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    #[must_use]
    pub fn holder(&self) -> Option<Holder> {
        holder(&self.raw)
    }

    fn acquire(
        &mut self,
        name: &'static str,
        deadline: Deadline,
        site: &'static Location<'static>,
    ) -> TryLockResult<LockGuard<'_>> {
        let Some(acquired) = self.raw.acquire(name, Mode::Write, deadline, site)? else {
            return Ok(None);
        };
        check_poison(LockGuard::new(self), &acquired).map(Some)
    }
}

/// The result of a wait without a deadline.
fn expect_acquired<T>(acquired: Option<T>) -> T {
    acquired.unwrap_or_else(|| unreachable!("a wait without a deadline ends with the lock"))
}

fn holder(raw: &RawLock) -> Option<Holder> {
    let (rank, since) = raw.status(Deadline::Never)?.holder?;
    let since = std::time::UNIX_EPOCH + Duration::from_millis(since);
    let host = raw.comm.core.group.host_of(rank).to_owned();
    Some(Holder { rank, host, since })
}

/// How dropping a guard changes the poison of its lock.
fn poison(was_panicking: bool, cleared: bool) -> Option<Poison> {
    if std::thread::panicking() && !was_panicking {
        Some(Poison::Panicked)
    } else {
        cleared.then_some(Poison::Cleared)
    }
}

impl<'a> LockGuard<'a> {
    #[inline]
    fn new(lock: &'a mut Lock) -> Self {
        LockGuard {
            lock,
            was_panicking: std::thread::panicking(),
            cleared: false,
        }
    }

    /// Number of ranks that wait for the lock at this moment. Over several nodes it asks the home rank.
    ///
    /// ```
    /// assert_eq!(pshmem::Lock::new(&pshmem::Comm::solo())?.lock()?.waiting(), 0);
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    #[must_use]
    pub fn waiting(&self) -> usize {
        let status = self.lock.raw.status(Deadline::Never);
        status.map_or(0, |status| status.waiting)
    }

    /// Clears the poison that a panic left, once what the lock protects is consistent.
    ///
    /// ```
    /// pshmem::Lock::new(&pshmem::Comm::solo())?.lock()?.clear_poison();
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    pub fn clear_poison(&mut self) {
        self.cleared = true;
    }
}

impl Drop for LockGuard<'_> {
    #[inline]
    fn drop(&mut self) {
        let poison = poison(self.was_panicking, self.cleared);
        self.lock.raw.release(None, poison);
    }
}

impl fmt::Debug for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let engine = self.engine();
        write!(
            f,
            "Lock(lock {} on {:?}, {engine})",
            self.raw.number, self.raw.comm
        )
    }
}
