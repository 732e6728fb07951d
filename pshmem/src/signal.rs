//! Numbers of signals for [`BatchBuilder::stop_at_signals`](crate::BatchBuilder::stop_at_signals).

/// Asks a process to end. Launchers and batch systems send it before they end a job.
///
/// ```
/// use pshmem::{Batch, Comm, signal};
///
/// let batch = Batch::builder(&Comm::solo(), 2).stop_at_signals([signal::SIGTERM]).build()?;
/// # Ok::<(), pshmem::Error>(())
/// ```
pub const SIGTERM: i32 = libc::SIGTERM;

/// Ctrl-C on a terminal.
///
/// ```
/// use pshmem::{Batch, Comm, signal};
///
/// let batch = Batch::builder(&Comm::solo(), 2).stop_at_signals([signal::SIGINT]).build()?;
/// # Ok::<(), pshmem::Error>(())
/// ```
pub const SIGINT: i32 = libc::SIGINT;

/// The terminal has gone.
///
/// ```
/// use pshmem::{Batch, Comm, signal};
///
/// let batch = Batch::builder(&Comm::solo(), 2).stop_at_signals([signal::SIGHUP]).build()?;
/// # Ok::<(), pshmem::Error>(())
/// ```
pub const SIGHUP: i32 = libc::SIGHUP;

/// Has no meaning of its own. Slurm sends it if asked to, by `--signal=USR1@300`.
///
/// ```
/// use pshmem::{Batch, Comm, signal};
///
/// let batch = Batch::builder(&Comm::solo(), 2).stop_at_signals([signal::SIGUSR1]).build()?;
/// # Ok::<(), pshmem::Error>(())
/// ```
pub const SIGUSR1: i32 = libc::SIGUSR1;

/// As [`SIGUSR1`]. LSF and Grid Engine send it before they end a job, if asked to.
///
/// ```
/// use pshmem::{Batch, Comm, signal};
///
/// let batch = Batch::builder(&Comm::solo(), 2).stop_at_signals([signal::SIGUSR2]).build()?;
/// # Ok::<(), pshmem::Error>(())
/// ```
pub const SIGUSR2: i32 = libc::SIGUSR2;

/// The process has used up its CPU time.
///
/// ```
/// use pshmem::{Batch, Comm, signal};
///
/// let batch = Batch::builder(&Comm::solo(), 2).stop_at_signals([signal::SIGXCPU]).build()?;
/// # Ok::<(), pshmem::Error>(())
/// ```
pub const SIGXCPU: i32 = libc::SIGXCPU;
