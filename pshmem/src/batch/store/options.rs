//! Who a process is that works on a state directory.

use std::time::Duration;

/// Who this process is, and how long it may be silent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoreOptions {
    /// Time without a heartbeat after which other jobs may take this process for dead.
    pub(crate) lease_timeout: Duration,
    /// Name of the job, for people.
    pub(crate) job: String,
    /// This rank and its host, for errors and for observers of the directory.
    pub(crate) rank: usize,
    pub(crate) host: String,
}

impl StoreOptions {
    /// For an observer, which is no job: these are used in errors only.
    pub(crate) fn observer() -> Self {
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        StoreOptions {
            lease_timeout: Duration::ZERO,
            job: String::new(),
            rank: 0,
            host: host.trim().to_owned(),
        }
    }
}
