//! Reports on stderr.

use std::fmt::Display;
use std::io::Write;

/// Prints a report in one piece, because launchers mix what ranks write at the same time.
///
/// Not `eprintln!`, which writes a piece for each part of its format, and which a test harness keeps to itself until the test
/// ends.
pub(crate) fn report(report: impl Display) {
    let line = format!("pshmem: {report}\n");
    // Where stderr is closed nobody can be told anything.
    let _ = std::io::stderr().write_all(line.as_bytes());
}
