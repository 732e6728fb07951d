//! Locks over the ranks of a `Comm`, in order of request, on one node or over many.
//!
//! - this file: [`Lock`] · `mutex`, `rwlock`: locks with a value · `guarded`: what these two share
//! - `raw_lock`: a lock without its value · `lock_wait`: how long a rank waits for it
//! - `backend`: where the state of a lock lives, and how ranks change it; new backends and orders of service go there

pub(crate) mod backend;
pub(crate) mod guarded;
mod lock_wait;
pub(crate) mod mutex;
pub(crate) mod raw_lock;
pub(crate) mod rwlock;

use crate::comm::Comm;
use crate::error::{Error, Result};
use crate::home::engine::Engine;
use backend::{Acquired, LockConfig, Mode, Poison};
use lock_wait::Deadline;
use raw_lock::RawLock;
use std::fmt;
use std::panic::Location;
use std::rc::Rc;
use std::time::Duration;

/// Mutual exclusion over the ranks of a [`Comm`], in order of request.
///
/// ```
/// use pshmem::{Lock, local::Cluster};
///
/// Cluster::new(&[2, 2]).run(|comm| {
///     let mut lock = Lock::new(comm).unwrap();
///     let guard = lock.lock().unwrap();
///     println!("rank {} writes to the file, and no other", comm.rank());
///     drop(guard);
/// });
/// ```
///
/// On one node the lock is a few words of node memory; taking a free one costs tens of nanoseconds. Over several nodes it is
/// hosted on one rank, which need not do anything for it: see [`Engine`] for the ways. Passing it on costs one message to the host
/// and one from it, or two one-sided operations.
///
/// `lock` takes `&mut self`, so that locking twice on one rank does not compile. Dropping a `Lock` waits for nobody and leaves
/// those who wait in line. A rank that panics while it has the lock poisons it, see [`LockError`].
///
/// Make no collective call while you have a lock that others may be waiting for: they never come to that call.
pub struct Lock {
    raw: Rc<RawLock>,
}

/// The right to go on alone; dropping it gives the [`Lock`] back.
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
#[must_use = "the lock is given back when the guard is dropped"]
pub struct LockGuard<'a> {
    lock: &'a mut Lock,
    was_panicking: bool,
    cleared: bool,
}

/// In which order a lock over several nodes serves those who wait.
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
    /// In order of request, whatever their nodes.
    #[default]
    Fifo,
    /// Up to this many times in a row to ranks of one node, if such wait; then to who has waited longest. What the lock
    /// protects may then stay in one node's caches for a while.
    NodeBatch(usize),
}

impl Fairness {
    fn text(self) -> String {
        format!("{self:?}")
    }
}

/// Who has a lock.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Holder {
    /// Rank in the `Comm` of the lock.
    pub rank: usize,
    /// Its host.
    pub host: String,
    /// Since when.
    pub since: std::time::SystemTime,
}

/// Why a lock was not given.
///
/// It turns into an [`Error`] by `?`; who wants to go on in spite of a panic takes the guard out.
///
/// ```
/// use pshmem::{Comm, LockError, Mutex};
///
/// let mut table = Mutex::<u64>::new(&Comm::solo(), 1)?;
/// let broken = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
///     let _guard = table.lock().unwrap();
///     panic!("half way through");
/// }));
/// assert!(broken.is_err());
/// match table.lock() {
///     Err(LockError::Poisoned { mut guard, rank: 0 }) => {
///         *guard = 1; // made whole again
///         guard.clear_poison();
///     }
///     other => panic!("{other:?}"),
/// }
/// assert_eq!(*table.lock()?, 1);
/// # Ok::<(), pshmem::Error>(())
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum LockError<G> {
    /// A rank panicked while it had the lock.
    Poisoned {
        /// The lock, all the same.
        guard: G,
        /// The rank that panicked.
        rank: usize,
    },
    /// This rank does not have the lock.
    Failed(Error),
}

impl<G> From<LockError<G>> for Error {
    fn from(error: LockError<G>) -> Self {
        match error {
            LockError::Poisoned { rank, .. } => Error::Poisoned { rank },
            LockError::Failed(error) => error,
        }
    }
}

impl<G> From<Error> for LockError<G> {
    fn from(error: Error) -> Self {
        LockError::Failed(error)
    }
}

impl<G> fmt::Display for LockError<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LockError::Poisoned { rank, .. } => Error::Poisoned { rank: *rank }.fmt(f),
            LockError::Failed(error) => error.fmt(f),
        }
    }
}

impl<G: fmt::Debug> std::error::Error for LockError<G> {}

/// What `lock` returns: a guard, or why there is none or why to be careful.
pub type LockResult<G> = std::result::Result<G, LockError<G>>;

/// What `try_lock` returns: perhaps a guard.
pub type TryLockResult<G> = std::result::Result<Option<G>, LockError<G>>;

/// Settings of a [`Lock`] before it is made.
#[derive(Debug)]
#[must_use = "`build` makes the lock"]
pub struct LockBuilder<'a> {
    comm: &'a Comm,
    root: usize,
    fairness: Fairness,
}

impl LockBuilder<'_> {
    /// The rank that hosts the lock where the ranks are on several nodes; 0 if not said.
    pub fn root(self, root: usize) -> Self {
        Self { root, ..self }
    }

    /// The order of service.
    pub fn fairness(self, fairness: Fairness) -> Self {
        Self { fairness, ..self }
    }

    /// Makes the lock.
    ///
    /// # Collective
    /// Over all ranks, with the same settings: one meeting, or three on one node.
    ///
    /// # Errors
    /// [`Error::NoSuchRank`], [`Error::Mismatch`], [`Error::NoRoom`], and those of [`Comm::barrier`].
    #[track_caller]
    pub fn build(self) -> Result<Lock> {
        let plan = LockConfig {
            root: self.root,
            fairness: self.fairness,
            kind: "Lock",
            value_type: &[],
            value: &[],
            align: 1,
            has_readers: false,
        };
        let raw = RawLock::new(self.comm, &plan, Location::caller())?;
        Ok(Lock { raw })
    }
}

impl Lock {
    /// A lock over the ranks of `comm`, hosted on rank 0 where they are on several nodes.
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

    /// A lock with settings.
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

    /// Waits in line for the lock.
    ///
    /// ```
    /// let mut lock = pshmem::Lock::new(&pshmem::Comm::solo())?;
    /// let guard = lock.lock()?;
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`LockError::Poisoned`] with the guard; otherwise [`Error::AlreadyLocked`], [`Error::Abandoned`], [`Error::Nested`] inside the
    /// closure of a collective, and the error that ended the `Comm`.
    #[track_caller]
    #[inline]
    pub fn lock(&mut self) -> LockResult<LockGuard<'_>> {
        if self.raw.try_acquire_fast(Mode::Write) {
            return Ok(LockGuard::new(self));
        }
        let taken = self.acquire("lock", Deadline::Never, Location::caller())?;
        Ok(without_end(taken))
    }

    /// Takes the lock if it is free and nobody waits for it. Over several nodes it asks the host.
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

    /// Waits in line for at most this long, and leaves it when that is over.
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
    pub fn lock_timeout(&mut self, at_most: Duration) -> TryLockResult<LockGuard<'_>> {
        self.acquire("lock_timeout", Deadline::after(at_most), Location::caller())
    }

    /// Runs `work` while this rank has the lock.
    ///
    /// ```
    /// let mut lock = pshmem::Lock::new(&pshmem::Comm::solo())?;
    /// let answer = lock.with(|| 42)?;
    /// assert_eq!(answer, 42);
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`lock`](Lock::lock); `work` is then not run.
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

    /// Who has the lock at this moment. Over several nodes it asks the host.
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
        let Some(taken) = self.raw.acquire(name, Mode::Write, deadline, site)? else {
            return Ok(None);
        };
        given(LockGuard::new(self), &taken).map(Some)
    }
}

/// The guard, or the guard with a warning.
fn given<G>(guard: G, taken: &Acquired) -> LockResult<G> {
    match taken.poisoned {
        Some(rank) => Err(LockError::Poisoned { guard, rank }),
        None => Ok(guard),
    }
}

/// What a rank gets that waits for ever.
fn without_end<T>(taken: Option<T>) -> T {
    taken.unwrap_or_else(|| unreachable!("deadline does not end"))
}

fn holder(raw: &RawLock) -> Option<Holder> {
    let (rank, since) = raw.status(Deadline::Never)?.holder?;
    let since = std::time::UNIX_EPOCH + Duration::from_millis(since);
    let host = raw.comm.core.group.host_of(rank).to_owned();
    Some(Holder { rank, host, since })
}

/// What becomes known of a lock when its guard is dropped.
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

    /// How many ranks wait in line at this moment. Over several nodes it asks the host.
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

    /// Says that what a panic may have left half done is whole again.
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
            "Lock({} on {:?}, {engine})",
            self.raw.name(),
            self.raw.comm
        )
    }
}
