//! The few things that are done with files here, each with every return code looked at.

use crate::batch::store::Options;
#[cfg(test)]
pub(super) use crate::batch::store::failpoints::failpoint;
use crate::error::Error;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::fd::IntoRawFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Tells one file from all others that bear its name before or after it. A number alone would not do: file systems give that
/// of a file that is gone to the next one, but not with the time at which the first was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Identity {
    number: u64,
    written: (i64, i64),
}

impl Identity {
    fn of(file: &File) -> io::Result<Self> {
        file.metadata().map(Identity::from)
    }

    /// That of the file with this name.
    pub(super) fn at(path: &Path) -> io::Result<Self> {
        path.symlink_metadata().map(Identity::from)
    }

    /// Whether the file at `path` is this one.
    pub(super) fn is_at(self, path: &Path) -> bool {
        // Opened, because network file systems answer a mere look from memory.
        File::open(path)
            .and_then(|file| Identity::of(&file))
            .is_ok_and(|found| found == self)
    }
}

impl From<Metadata> for Identity {
    fn from(data: Metadata) -> Self {
        Identity {
            number: data.ino(),
            written: (data.mtime(), data.mtime_nsec()),
        }
    }
}

/// Between two calls of the system; tests end or freeze a process here.
#[cfg(not(test))]
#[inline]
pub(super) fn failpoint() {}

/// Makes a file that must not be there yet.
pub(super) fn create(path: &Path, text: &str) -> io::Result<Identity> {
    failpoint();
    let file = OpenOptions::new().write(true).create_new(true).open(path)?;
    write(file, text).inspect_err(|_| {
        // Without this a full directory would leave files behind; where even that fails, they do no harm.
        let _ = std::fs::remove_file(path);
    })
}

/// Writes other text into a file that must be there.
pub(super) fn rewrite(path: &Path, text: &str) -> io::Result<Identity> {
    failpoint();
    // Not truncated before: what is overwritten needs no room, so that a full directory does not matter.
    write(OpenOptions::new().write(true).open(path)?, text)
}

fn write(mut file: File, text: &str) -> io::Result<Identity> {
    failpoint();
    file.write_all(text.as_bytes())?;
    let mut data = file.metadata()?;
    if data.len() != text.len() as u64 {
        failpoint();
        file.set_len(text.len() as u64)?;
        data = file.metadata()?;
    }
    close(file)?;
    Ok(data.into())
}

/// Closes a file and tells of a failure, which dropping it would not: network file systems write when a file is closed, and
/// only then find out that there is no room.
fn close(file: File) -> io::Result<()> {
    let descriptor = file.into_raw_fd();
    // SAFETY: `into_raw_fd` has given the descriptor up, so that nobody else uses or closes it.
    match unsafe { libc::close(descriptor) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// The file at `path`, if there is one.
pub(super) fn identity(path: &Path) -> io::Result<Option<Identity>> {
    match File::open(path).and_then(|file| Identity::of(&file)) {
        Ok(identity) => Ok(Some(identity)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Removes a file; `false` when there was none.
pub(super) fn remove(path: &Path) -> io::Result<bool> {
    failpoint();
    match std::fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Gives a file another name, in place of what had it.
pub(super) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    failpoint();
    std::fs::rename(from, to)
}

/// Makes a symbolic link; an error when the name is taken.
pub(super) fn link(content: &str, path: &Path) -> io::Result<()> {
    failpoint();
    std::os::unix::fs::symlink(content, path)
}

/// Gives a file one name more; an error when the name is taken.
pub(super) fn hard_link(from: &Path, to: &Path) -> io::Result<()> {
    failpoint();
    std::fs::hard_link(from, to)
}

/// Makes a folder where there is none; its parent must be there.
pub(super) fn folder(path: &Path) -> io::Result<()> {
    match std::fs::create_dir(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        outcome => outcome,
    }
}

/// The error of an operation on a path, as it is told to people.
pub(super) fn failed<'a>(
    options: &'a Options,
    call: &'a str,
    path: &'a Path,
) -> impl FnOnce(io::Error) -> Error + 'a {
    move |error| Error::Directory {
        path: path.display().to_string(),
        call: call.to_owned(),
        text: error.to_string(),
        rank: options.rank,
        host: options.host.clone(),
    }
}
