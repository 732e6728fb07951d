//! Who a process is that works on a state directory.

use crate::error::Error;
use std::io;
use std::path::Path;
use std::time::Duration;

/// Limits of the time for which a process may be silent.
pub(crate) const MIN_LEASE_TIMEOUT: Duration = Duration::from_millis(10);
pub(crate) const MAX_LEASE_TIMEOUT: Duration = Duration::from_secs(30 * 24 * 3600);

/// Who this process is, and how long it may be silent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoreOptions {
    /// Time without a heartbeat after which other jobs may take this process for dead.
    pub(crate) lease_timeout: Duration,
    /// How long file operations are repeated that fail, before a task begins.
    pub(crate) patience: Duration,
    /// The same for recording a result, for which a task has computed.
    pub(crate) patience_with_results: Duration,
    /// Name of the job, for people.
    pub(crate) job: String,
    /// This rank and its host, for errors and for observers of the directory.
    pub(crate) rank: usize,
    pub(crate) host: String,
}

impl StoreOptions {
    /// How long file operations are repeated, before a task and after it.
    pub(crate) const PATIENCE: [Duration; 2] = [Duration::from_secs(3), Duration::from_secs(60)];

    /// For an observer, which is no job: these are used in errors only.
    pub(crate) fn observer() -> Self {
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        StoreOptions {
            lease_timeout: Duration::ZERO,
            patience: Duration::ZERO,
            patience_with_results: Duration::ZERO,
            job: String::new(),
            rank: 0,
            host: host.trim().to_owned(),
        }
    }

    /// Turns the error of an operation on a path into this crate's. `call` is a noun, as in "`call` of `path` failed".
    pub(super) fn failed<'a>(
        &'a self,
        call: &'a str,
        path: impl AsRef<Path> + 'a,
    ) -> impl FnOnce(io::Error) -> Error + 'a {
        move |error| Error::Directory {
            path: path.as_ref().display().to_string(),
            call: call.to_owned(),
            text: error.to_string(),
            rank: self.rank,
            host: self.host.clone(),
        }
    }
}
