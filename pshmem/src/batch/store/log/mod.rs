//! The lasting log of a root: `<root>/log.csv`, with one line for each attempt at a task, whoever has made it.
//!
//! Several processes cannot append to one file of a network file system without losing lines. So each rank appends to a file of
//! its own, `.pshmem/log.<key>`, and now and then one process appends the lines of all to `log.csv`: at the end of a job those
//! of its ranks, at the beginning of one those of processes that have died. Readers take the lines of both.
//!
//! [`entry`] is a line, [`append`] the file of one rank, [`merge`] what makes them one file.

mod append;
mod entry;
mod merge;

pub(super) use append::AttemptLog;
pub use entry::LogEntry;
pub(super) use merge::{merge, read, recover};

/// The name of the log in the root.
pub(super) const LOG: &str = "log.csv";
