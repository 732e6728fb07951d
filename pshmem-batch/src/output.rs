//! What is written to stdout and stderr, and how texts of others are made harmless for a terminal.

use pshmem::Error;
use std::io::{self, ErrorKind, Write};

/// Writes to stdout. `false` when there is no reader any more: one such as `head` has seen enough.
pub(crate) fn print(text: &str) -> Result<bool, String> {
    let mut stdout = io::stdout().lock();
    let written = stdout.write_all(text.as_bytes());
    match written.and_then(|()| stdout.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(format!("cannot write: {error}")),
    }
}

/// Says on stderr what is wrong.
pub(crate) fn complain(what: &str) {
    // There is nowhere to tell that it cannot be written.
    let _ = writeln!(io::stderr(), "pshmem-batch: {}", printable(what));
}

/// An error of the library, without the rank, which this program has none of.
pub(crate) fn error_text(error: &Error) -> String {
    match error {
        Error::Directory {
            call, path, text, ..
        } => format!("{call} of {path} failed: {text}"),
        other => other.to_string(),
    }
}

/// The text without characters that would move the cursor, or do worse to a terminal: names and reasons come from others.
pub(crate) fn printable(text: &str) -> String {
    let mut printable = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() {
            printable.extend(c.escape_default());
        } else {
            printable.push(c);
        }
    }
    printable
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_is_not_controlled_by_names() {
        assert_eq!(printable("a\x1b[2J\nbé\u{9b}"), "a\\u{1b}[2J\\nbé\\u{9b}");
    }
}
