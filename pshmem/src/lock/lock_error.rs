//! `LockError`: what `lock` returns instead of a guard.

use crate::error::Error;
use crate::lock::backend::Acquired;
use std::fmt;

/// Why `lock` returned no guard, or a guard with a warning.
///
/// `?` turns it into an [`Error`]. A program that wants to continue after a panic takes the guard out of
/// [`Poisoned`](LockError::Poisoned).
///
/// ```
/// use pshmem::{Comm, LockError, Mutex};
///
/// let mut table = Mutex::<u64>::new(&Comm::solo(), 1)?;
/// let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
///     let _guard = table.lock().unwrap();
///     panic!("in the middle of a change");
/// }));
/// assert!(result.is_err());
/// match table.lock() {
///     Err(LockError::Poisoned { mut guard, rank: 0 }) => {
///         *guard = 1; // repaired
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
    /// A rank panicked while it held the lock. This rank holds the lock now.
    Poisoned {
        /// The guard.
        guard: G,
        /// The rank that panicked.
        rank: usize,
    },
    /// This rank does not hold the lock.
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

/// The result of `lock`.
///
/// ```
/// use pshmem::{Comm, Lock, LockGuard, LockResult};
///
/// fn enter(lock: &mut Lock) -> LockResult<LockGuard<'_>> {
///     lock.lock()
/// }
/// enter(&mut Lock::new(&Comm::solo())?)?;
/// # Ok::<(), pshmem::Error>(())
/// ```
pub type LockResult<G> = std::result::Result<G, LockError<G>>;

/// The result of `try_lock` and `lock_timeout`: `None` if the lock was not obtained in time.
///
/// ```
/// use pshmem::{Comm, Lock, LockGuard, TryLockResult};
///
/// fn try_enter(lock: &mut Lock) -> TryLockResult<LockGuard<'_>> {
///     lock.try_lock()
/// }
/// assert!(try_enter(&mut Lock::new(&Comm::solo())?)?.is_some());
/// # Ok::<(), pshmem::Error>(())
/// ```
pub type TryLockResult<G> = std::result::Result<Option<G>, LockError<G>>;

/// The guard, with an error around it if the lock is poisoned.
pub(super) fn check_poison<G>(guard: G, acquired: &Acquired) -> LockResult<G> {
    match acquired.poisoned {
        Some(rank) => Err(LockError::Poisoned { guard, rank }),
        None => Ok(guard),
    }
}
