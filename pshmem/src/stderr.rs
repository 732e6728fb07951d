//! Reports on stderr.

use std::fmt::Display;
use std::io::Write;

/// Prints a report by one write, because launchers interleave what ranks write at the same time.
///
/// Not `eprintln!`, which makes one write for each part of its format, and whose output a test harness captures until the test
/// ends.
pub(crate) fn report(report: impl Display) {
    let line = format!("pshmem: {report}\n");
    // Where stderr is closed, there is no other place for reports.
    let _ = std::io::stderr().write_all(line.as_bytes());
}
