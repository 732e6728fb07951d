//! `Engine`: the ways in which a lock or a task table is reached.

use std::fmt;

/// How a [`Lock`](crate::Lock) or the task table of a [`Batch`](crate::Batch) works. It depends on where the ranks are.
///
/// Over several nodes, one rank (the home rank, `root` in the builders) holds the lock or the table.
///
/// ```
/// use pshmem::{Comm, Engine, Lock};
///
/// let lock = Lock::new(&Comm::solo())?;
/// assert_eq!(lock.engine(), Engine::NodeAtomics);
/// assert_eq!(lock.engine().to_string(), "atomics in node memory");
/// # Ok::<(), pshmem::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Engine {
    /// All ranks share a node and use atomics in node memory. No rank depends on the calls of another one.
    NodeAtomics,
    /// One-sided MPI operations on words of the home rank, which takes no part. Used for batches, and for locks that are FIFO
    /// and have no readers, if a self-test at the start of the job shows that the operations progress while their target
    /// computes.
    OneSided,
    /// A thread of the home rank answers requests, so the home rank may compute without calling this library.
    ServiceThread,
    /// The home rank answers requests when it calls this library, because MPI was started without `MPI_THREAD_MULTIPLE`. While
    /// it computes, the other ranks wait.
    HostCalls,
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Engine::NodeAtomics => "atomics in node memory",
            Engine::OneSided => "one-sided operations",
            Engine::ServiceThread => "a service thread on the home rank",
            Engine::HostCalls => "the home rank, when it makes calls",
        })
    }
}
