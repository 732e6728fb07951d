//! `RwLock`: a lock with a value that several ranks may read at a time, or one may change.

use crate::comm::Comm;
use crate::error::Result;
use crate::home::engine::Engine;
use crate::layout::Element;
use crate::lock::backend::Mode;
use crate::lock::guarded::{Guarded, Lockable};
use crate::lock::lock_error::check_poison;
use crate::lock::lock_wait::Deadline;
use crate::lock::{self, Fairness, LockResult};
use crate::rank_thread::stays_on_rank_thread;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::panic::Location;

/// A lock with a value that several readers or one writer hold at a time.
///
/// Requests are served in order. Readers that arrive after a writer wait behind it, so writers are not starved.
///
/// ```
/// use pshmem::{RwLock, local::Cluster};
///
/// let seen = Cluster::new(&[2, 1]).run(|comm| {
///     let mut limit = RwLock::<f64>::new(comm, 0.0).unwrap();
///     if comm.rank() == 0 {
///         *limit.write().unwrap() = 2.5;
///     }
///     comm.barrier().unwrap();
///     let seen = *limit.read().unwrap();
///     seen
/// });
/// assert_eq!(seen, [2.5, 2.5, 2.5]);
/// ```
///
/// The value is stored and sent as that of a [`Mutex`](crate::Mutex).
pub struct RwLock<T: Lockable + ?Sized> {
    inner: Guarded<T>,
}

/// The guard of a reader of an [`RwLock`]; it derefs to the value.
///
/// ```
/// use pshmem::{Comm, RwLock};
///
/// let mut limit = RwLock::<f64>::new(&Comm::solo(), 1.5)?;
/// let guard = limit.read()?;
/// assert_eq!(*guard, 1.5);
/// # Ok::<(), pshmem::Error>(())
/// ```
#[must_use = "the lock is released when the guard is dropped"]
pub struct RwLockReadGuard<'a, T: Lockable + ?Sized> {
    /// Held for reading until the guard is dropped.
    lock: &'a mut Guarded<T>,
}

/// The guard of a writer of an [`RwLock`]; it derefs to the value.
///
/// ```
/// use pshmem::{Comm, RwLock};
///
/// let mut limit = RwLock::<f64>::new(&Comm::solo(), 1.5)?;
/// let mut guard = limit.write()?;
/// *guard = 2.0;
/// # Ok::<(), pshmem::Error>(())
/// ```
#[must_use = "the lock is released when the guard is dropped"]
pub struct RwLockWriteGuard<'a, T: Lockable + ?Sized> {
    /// Held for writing until the guard is dropped.
    lock: &'a mut Guarded<T>,
    was_panicking: bool,
    cleared: bool,
}

stays_on_rank_thread!(
    [T: Lockable + ?Sized] RwLock<T>,
    ['a, T: Lockable + ?Sized] RwLockReadGuard<'a, T>,
    ['a, T: Lockable + ?Sized] RwLockWriteGuard<'a, T>,
);

impl<T: Element> RwLock<T> {
    /// Makes a lock over the ranks of `comm` with this value. If they are on several nodes, rank 0 holds it.
    ///
    /// ```
    /// let limit = pshmem::RwLock::<f64>::new(&pshmem::Comm::solo(), 1.5)?;
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    ///
    /// # Collective
    /// As [`Mutex::new`](crate::Mutex::new).
    ///
    /// # Errors
    /// As [`Mutex::new`](crate::Mutex::new).
    #[track_caller]
    pub fn new(comm: &Comm, value: T) -> Result<Self> {
        let site = Location::caller();
        let inner = Guarded::new(comm, ("RwLock", true), 0, Fairness::Fifo, &[value], site)?;
        Ok(RwLock { inner })
    }
}

impl<T: Element> RwLock<[T]> {
    /// Makes a lock over the ranks of `comm` with these values. If they are on several nodes, rank 0 holds it.
    ///
    /// ```
    /// use pshmem::{Comm, RwLock};
    ///
    /// let mut table = RwLock::<[f64]>::from_slice(&Comm::solo(), &[0.5; 4])?;
    /// assert_eq!(table.read()?.len(), 4);
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    ///
    /// # Collective
    /// As [`Mutex::new`](crate::Mutex::new).
    ///
    /// # Errors
    /// As [`Mutex::new`](crate::Mutex::new).
    #[track_caller]
    pub fn from_slice(comm: &Comm, values: &[T]) -> Result<Self> {
        let site = Location::caller();
        let inner = Guarded::new(comm, ("RwLock", true), 0, Fairness::Fifo, values, site)?;
        Ok(RwLock { inner })
    }
}

impl<T: Lockable + ?Sized> RwLock<T> {
    /// Waits for the lock, to read. Not collective.
    ///
    /// ```
    /// let mut limit = pshmem::RwLock::<f64>::new(&pshmem::Comm::solo(), 1.5)?;
    /// assert_eq!(*limit.read()?, 1.5);
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Lock::lock`](crate::Lock::lock).
    #[track_caller]
    pub fn read(&mut self) -> LockResult<RwLockReadGuard<'_, T>> {
        let site = Location::caller();
        let acquired = self
            .inner
            .acquire("read", Mode::Read, Deadline::Never, site)?;
        let acquired = lock::expect_acquired(acquired);
        let guard = RwLockReadGuard {
            lock: &mut self.inner,
        };
        check_poison(guard, &acquired)
    }

    /// Waits for the lock, to change the value. Not collective.
    ///
    /// ```
    /// let mut limit = pshmem::RwLock::<f64>::new(&pshmem::Comm::solo(), 1.5)?;
    /// *limit.write()? *= 2.0;
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Lock::lock`](crate::Lock::lock).
    #[track_caller]
    pub fn write(&mut self) -> LockResult<RwLockWriteGuard<'_, T>> {
        let site = Location::caller();
        let acquired = self
            .inner
            .acquire("write", Mode::Write, Deadline::Never, site)?;
        let acquired = lock::expect_acquired(acquired);
        let guard = RwLockWriteGuard {
            lock: &mut self.inner,
            was_panicking: std::thread::panicking(),
            cleared: false,
        };
        check_poison(guard, &acquired)
    }

    /// How the lock works.
    ///
    /// ```
    /// let limit = pshmem::RwLock::<f64>::new(&pshmem::Comm::solo(), 1.5)?;
    /// assert_eq!(limit.engine(), pshmem::Engine::NodeAtomics);
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    #[must_use]
    pub fn engine(&self) -> Engine {
        self.inner.raw.engine()
    }
}

impl<T: Lockable + ?Sized> RwLockWriteGuard<'_, T> {
    /// Clears the poison that a panic left, once the value is consistent.
    ///
    /// ```
    /// pshmem::RwLock::<f64>::new(&pshmem::Comm::solo(), 1.5)?.write()?.clear_poison();
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    pub fn clear_poison(&mut self) {
        self.cleared = true;
    }
}

impl<T: Lockable + ?Sized> Deref for RwLockReadGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: the guard holds the lock for reading.
        unsafe { self.lock.value() }
    }
}

impl<T: Lockable + ?Sized> Deref for RwLockWriteGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: the guard holds the lock for writing.
        unsafe { self.lock.value() }
    }
}

impl<T: Lockable + ?Sized> DerefMut for RwLockWriteGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the guard holds the lock for writing.
        unsafe { self.lock.value_mut() }
    }
}

impl<T: Lockable + ?Sized> Drop for RwLockReadGuard<'_, T> {
    fn drop(&mut self) {
        // A reader changes nothing, so its panic does not poison.
        self.lock.release(Mode::Read, None);
    }
}

impl<T: Lockable + ?Sized> Drop for RwLockWriteGuard<'_, T> {
    fn drop(&mut self) {
        let poison = lock::poison(self.was_panicking, self.cleared);
        self.lock.release(Mode::Write, poison);
    }
}

impl<T: Lockable + fmt::Debug + ?Sized> fmt::Debug for RwLockReadGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: Lockable + fmt::Debug + ?Sized> fmt::Debug for RwLockWriteGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: Lockable + ?Sized> fmt::Debug for RwLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (raw, name) = (&self.inner.raw, std::any::type_name::<T>());
        write!(
            f,
            "RwLock<{name}>(lock {} on {:?}, {})",
            raw.number,
            raw.comm,
            self.engine()
        )
    }
}
