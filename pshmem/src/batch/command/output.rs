//! The files in a task's folder for what its program writes.

use crate::error::{clip_start, printable};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::Stdio;

/// Bytes of the end of stderr that errors show.
const TAIL: usize = 400;

/// The files for stdout and stderr.
#[derive(Debug)]
pub(super) struct OutputFiles {
    stdout: File,
    stderr: File,
}

impl OutputFiles {
    /// Makes the files of one rank of a worker, or empties those of an earlier attempt. An error comes with the path of its file.
    pub(super) fn open(dir: &Path, rank: usize) -> Result<Self, (PathBuf, io::Error)> {
        let file = |stream: &str| {
            let name = match rank {
                0 => stream.to_owned(),
                rank => format!("{stream}.{rank}"),
            };
            let path = dir.join(name);
            open(&path).map_err(|error| (path, error))
        };
        Ok(OutputFiles {
            stdout: file("stdout")?,
            stderr: file("stderr")?,
        })
    }

    /// Handles of both for a program.
    pub(super) fn handles(&self) -> io::Result<(Stdio, Stdio)> {
        let handle = |file: &File| file.try_clone().map(Stdio::from);
        Ok((handle(&self.stdout)?, handle(&self.stderr)?))
    }

    /// The last lines of stderr, for an error; nothing if they cannot be read.
    pub(super) fn tail(&self) -> String {
        read_end(&self.stderr).unwrap_or_default()
    }
}

/// Opens a file for writing, and for reading its end. A link is refused: its target is none of the task's results. The standard
/// library adds `O_CLOEXEC`.
fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(true);
    options.custom_flags(libc::O_NOFOLLOW).open(path)
}

fn read_end(file: &File) -> io::Result<String> {
    let start = file.metadata()?.len().saturating_sub(TAIL as u64);
    let mut bytes = [0; TAIL];
    let mut count = 0;
    while count < TAIL {
        match file.read_at(&mut bytes[count..], start + count as u64)? {
            0 => break,
            more => count += more,
        }
    }
    Ok(last_lines(&bytes[..count], start > 0))
}

/// The lines of `bytes`, with control characters escaped. If they were cut, the first line is left out unless it is the only one.
fn last_lines(bytes: &[u8], is_cut: bool) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut text = text.trim_end();
    if is_cut {
        text = match text.split_once('\n') {
            Some((_, whole)) => whole,
            None => text.trim_start_matches(char::REPLACEMENT_CHARACTER),
        };
    }
    clip_start(&printable(text.trim_start()), TAIL)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_are_whole_and_printable() {
        assert_eq!(last_lines(b"", false), "");
        assert_eq!(last_lines(b" \n\n", false), "");
        assert_eq!(last_lines(b"one\ntwo\n", false), "one\\ntwo");
        assert_eq!(last_lines(b"ne\ntwo\n", true), "two");
        assert_eq!(last_lines("\u{e4}x".as_bytes()[1..].as_ref(), true), "x");
        assert_eq!(last_lines(b"\x1b[1mred\0", false), "\\u{1b}[1mred\\u{0}");
        let escaped = last_lines(&[1; TAIL], true);
        assert!(escaped.len() <= TAIL + 3 && escaped.ends_with("\\u{1}"));
    }

    #[test]
    #[cfg_attr(miri, ignore)]
    fn the_end_of_a_long_file_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let files = OutputFiles::open(dir.path(), 0).unwrap();
        assert_eq!(files.tail(), "");
        let long = format!("{}\nlast\n", "x".repeat(10_000));
        std::fs::write(dir.path().join("stderr"), &long).unwrap();
        assert_eq!(files.tail(), "last");
        std::fs::write(dir.path().join("stderr"), "y".repeat(10_000)).unwrap();
        assert_eq!(files.tail(), "y".repeat(TAIL));
    }
}
