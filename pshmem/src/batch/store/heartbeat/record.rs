//! The content of a heartbeat file: who its process is, and how long it may be silent.

use crate::batch::store::options::{MAX_LEASE_TIMEOUT, StoreOptions};
use crate::batch::store::process::Process;
use std::fmt;
use std::time::Duration;

/// How long a process may be silent that has not told it yet.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60);

/// The owner of a heartbeat file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::batch::store) struct OwnerRecord {
    pub(in crate::batch::store) job: String,
    pub(in crate::batch::store) host: String,
    pub(in crate::batch::store) process: Process,
    pub(in crate::batch::store) timeout: Duration,
}

impl OwnerRecord {
    /// The record of this process.
    pub(super) fn own(options: &StoreOptions) -> Self {
        OwnerRecord {
            job: options.job.replace(char::is_control, " "),
            host: options.host.replace(char::is_control, " "),
            process: Process::own(),
            timeout: options.lease_timeout,
        }
    }

    /// Reads a record. Values that are missing or half written are empty or zero.
    pub(super) fn parse(text: &str) -> Self {
        let value = |name: &str| {
            let mut lines = text.lines();
            lines
                .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))
                .unwrap_or_default()
        };
        OwnerRecord {
            job: value("job").to_owned(),
            host: value("host").to_owned(),
            process: Process {
                pid: value("pid").parse().unwrap_or_default(),
                started: value("started").parse().unwrap_or_default(),
                space: value("space").to_owned(),
            },
            // A record that is not complete is being written.
            timeout: value("timeout_ms")
                .parse()
                .map_or(DEFAULT_TIMEOUT, Duration::from_millis)
                .min(MAX_LEASE_TIMEOUT),
        }
    }
}

impl fmt::Display for OwnerRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "job {}", self.job)?;
        writeln!(f, "host {}", self.host)?;
        writeln!(f, "pid {}", self.process.pid)?;
        writeln!(f, "started {}", self.process.started)?;
        writeln!(f, "space {}", self.process.space)?;
        writeln!(f, "timeout_ms {}", self.timeout.as_millis())
    }
}
