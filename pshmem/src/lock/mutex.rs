//! `Mutex`: a lock with a value that its holder may change.

use crate::comm::Comm;
use crate::error::Result;
use crate::home::engine::Engine;
use crate::layout::Element;
use crate::lock::backend::Mode;
use crate::lock::guarded::{Guarded, Lockable};
use crate::lock::lock_error::check_poison;
use crate::lock::lock_wait::Deadline;
use crate::lock::{self, Fairness, Holder, LockResult, TryLockResult};
use crate::rank_thread::stays_on_rank_thread;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::panic::Location;
use std::time::Duration;

/// A [`Lock`](crate::Lock) with a value: each holder sees what the holder before has written, on any node.
///
/// ```
/// use pshmem::{Mutex, local::Cluster};
///
/// let sums = Cluster::new(&[2, 1]).run(|comm| {
///     let mut count = Mutex::<u64>::new(comm, 0).unwrap();
///     *count.lock().unwrap() += comm.rank() as u64;
///     comm.barrier().unwrap();
///     let sum = *count.lock().unwrap();
///     sum
/// });
/// assert_eq!(sums, [3, 3, 3]);
/// ```
///
/// On one node the value is in node memory. Over several nodes it is sent to each rank that acquires the lock, and back if it was
/// written to. Use it for counters and small tables; large tables belong in a [`Shared`](crate::Shared).
pub struct Mutex<T: Lockable + ?Sized> {
    inner: Guarded<T>,
}

/// The guard of a [`Mutex`]: this rank holds the lock, and the guard derefs to the value.
///
/// ```
/// use pshmem::{Comm, Mutex};
///
/// let mut table = Mutex::<[f64]>::from_slice(&Comm::solo(), &[0.0; 4])?;
/// let mut guard = table.lock()?;
/// guard[2] = 1.5;
/// drop(guard); // releases the lock
/// # Ok::<(), pshmem::Error>(())
/// ```
#[must_use = "the lock is released when the guard is dropped"]
pub struct MutexGuard<'a, T: Lockable + ?Sized> {
    /// Held for writing until the guard is dropped.
    mutex: &'a mut Guarded<T>,
    was_panicking: bool,
    cleared: bool,
}

stays_on_rank_thread!(
    [T: Lockable + ?Sized] Mutex<T>,
    ['a, T: Lockable + ?Sized] MutexGuard<'a, T>,
);

impl<T: Element> Mutex<T> {
    /// Makes a lock over the ranks of `comm` with this value. If they are on several nodes, rank 0 holds it.
    ///
    /// ```
    /// let count = pshmem::Mutex::<u64>::new(&pshmem::Comm::solo(), 7)?;
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    ///
    /// # Collective
    /// All ranks call it, with a value of the same bytes. It takes as many rounds as [`Lock::new`](crate::Lock::new).
    ///
    /// # Errors
    /// [`Error::Mismatch`](crate::Error::Mismatch), [`Error::NoRoom`](crate::Error::NoRoom), and the errors of
    /// [`Comm::barrier`].
    #[track_caller]
    pub fn new(comm: &Comm, value: T) -> Result<Self> {
        let site = Location::caller();
        let inner = Guarded::new(comm, ("Mutex", false), 0, Fairness::Fifo, &[value], site)?;
        Ok(Mutex { inner })
    }
}

impl<T: Element> Mutex<[T]> {
    /// Makes a lock over the ranks of `comm` with these values. If they are on several nodes, rank 0 holds it.
    ///
    /// ```
    /// use pshmem::{Comm, Mutex};
    ///
    /// let mut table = Mutex::<[f64]>::from_slice(&Comm::solo(), &[0.5; 4])?;
    /// table.lock()?[3] = 1.0;
    /// assert_eq!(table.lock()?[2..], [0.5, 1.0]);
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    ///
    /// # Collective
    /// As [`new`](Mutex::new).
    ///
    /// # Errors
    /// As [`new`](Mutex::new).
    #[track_caller]
    pub fn from_slice(comm: &Comm, values: &[T]) -> Result<Self> {
        let site = Location::caller();
        let inner = Guarded::new(comm, ("Mutex", false), 0, Fairness::Fifo, values, site)?;
        Ok(Mutex { inner })
    }
}

impl<T: Lockable + ?Sized> Mutex<T> {
    /// Waits for the lock. Not collective.
    ///
    /// ```
    /// let mut count = pshmem::Mutex::<u64>::new(&pshmem::Comm::solo(), 7)?;
    /// *count.lock()? += 1;
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Lock::lock`](crate::Lock::lock).
    #[track_caller]
    #[inline]
    pub fn lock(&mut self) -> LockResult<MutexGuard<'_, T>> {
        if self.inner.try_acquire_fast(Mode::Write, Location::caller()) {
            return Ok(MutexGuard::new(&mut self.inner));
        }
        let acquired = self.acquire("lock", Deadline::Never, Location::caller())?;
        Ok(lock::expect_acquired(acquired))
    }

    /// Acquires the lock if it is free and no rank waits for it. Not collective.
    ///
    /// ```
    /// let mut count = pshmem::Mutex::<u64>::new(&pshmem::Comm::solo(), 7)?;
    /// assert!(count.try_lock()?.is_some());
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Lock::lock`](crate::Lock::lock).
    #[track_caller]
    pub fn try_lock(&mut self) -> TryLockResult<MutexGuard<'_, T>> {
        self.acquire("try_lock", Deadline::Now, Location::caller())
    }

    /// Waits for the lock for at most `timeout`, then leaves the queue. Not collective.
    ///
    /// ```
    /// let mut count = pshmem::Mutex::<u64>::new(&pshmem::Comm::solo(), 7)?;
    /// assert!(count.lock_timeout(std::time::Duration::from_millis(1))?.is_some());
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Lock::lock`](crate::Lock::lock).
    #[track_caller]
    pub fn lock_timeout(&mut self, timeout: Duration) -> TryLockResult<MutexGuard<'_, T>> {
        self.acquire("lock_timeout", Deadline::after(timeout), Location::caller())
    }

    /// How the lock works.
    ///
    /// ```
    /// let count = pshmem::Mutex::<u64>::new(&pshmem::Comm::solo(), 7)?;
    /// assert_eq!(count.engine(), pshmem::Engine::NodeAtomics);
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    #[must_use]
    pub fn engine(&self) -> Engine {
        self.inner.raw.engine()
    }

    /// The rank that holds the lock at this moment. Not collective. Over several nodes it asks the home rank.
    ///
    /// ```
    /// let count = pshmem::Mutex::<u64>::new(&pshmem::Comm::solo(), 7)?;
    /// assert_eq!(count.holder(), None);
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    #[must_use]
    pub fn holder(&self) -> Option<Holder> {
        lock::holder(&self.inner.raw)
    }

    fn acquire(
        &mut self,
        name: &'static str,
        deadline: Deadline,
        site: &'static Location<'static>,
    ) -> TryLockResult<MutexGuard<'_, T>> {
        let Some(acquired) = self.inner.acquire(name, Mode::Write, deadline, site)? else {
            return Ok(None);
        };
        check_poison(MutexGuard::new(&mut self.inner), &acquired).map(Some)
    }
}

impl<'a, T: Lockable + ?Sized> MutexGuard<'a, T> {
    #[inline]
    fn new(mutex: &'a mut Guarded<T>) -> Self {
        MutexGuard {
            mutex,
            was_panicking: std::thread::panicking(),
            cleared: false,
        }
    }

    /// Clears the poison that a panic left, once the value is consistent.
    ///
    /// ```
    /// pshmem::Mutex::<u64>::new(&pshmem::Comm::solo(), 7)?.lock()?.clear_poison();
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    pub fn clear_poison(&mut self) {
        self.cleared = true;
    }
}

impl<T: Lockable + ?Sized> Deref for MutexGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: the guard holds the lock for writing.
        unsafe { self.mutex.value() }
    }
}

impl<T: Lockable + ?Sized> DerefMut for MutexGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the guard holds the lock for writing.
        unsafe { self.mutex.value_mut() }
    }
}

impl<T: Lockable + ?Sized> Drop for MutexGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        let poison = lock::poison(self.was_panicking, self.cleared);
        self.mutex.release(Mode::Write, poison);
    }
}

impl<T: Lockable + fmt::Debug + ?Sized> fmt::Debug for MutexGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: Lockable + ?Sized> fmt::Debug for Mutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (raw, name) = (&self.inner.raw, std::any::type_name::<T>());
        write!(
            f,
            "Mutex<{name}>(lock {} on {:?}, {})",
            raw.number,
            raw.comm,
            self.engine()
        )
    }
}
