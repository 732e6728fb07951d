//! File operations of the store. Each checks every return code and is preceded by a failpoint.

#[cfg(test)]
pub(super) use crate::batch::store::failpoints::{failpoint, repeatable};
use crate::batch::store::options::StoreOptions;
use crate::error::Error;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::fd::IntoRawFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Between two system calls. Tests end or freeze a process here.
#[cfg(not(test))]
#[inline]
pub(super) fn failpoint() {}

/// A call that the file system may repeat when the reply is lost. Tests do so here.
#[cfg(not(test))]
#[inline]
fn repeatable(call: impl Fn() -> io::Result<()>) -> io::Result<()> {
    call()
}

/// Distinguishes a file from all others that have its name before or after it.
///
/// An inode number alone would not do: file systems reuse that of a removed file, but not together with the time at which the
/// first file was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FileIdentity {
    inode: u64,
    written: (i64, i64),
}

impl FileIdentity {
    fn of(file: &File) -> io::Result<Self> {
        file.metadata().map(FileIdentity::from)
    }

    /// The identity of the file with this name.
    pub(super) fn at(path: &Path) -> io::Result<Self> {
        path.symlink_metadata().map(FileIdentity::from)
    }

    /// Whether the file at `path` is this one.
    pub(super) fn is_at(self, path: &Path) -> bool {
        // Opened, because network file systems may answer a plain `stat` from a cache.
        File::open(path)
            .and_then(|file| FileIdentity::of(&file))
            .is_ok_and(|found| found == self)
    }
}

impl From<Metadata> for FileIdentity {
    fn from(data: Metadata) -> Self {
        FileIdentity {
            inode: data.ino(),
            written: (data.mtime(), data.mtime_nsec()),
        }
    }
}

/// Makes a file that must not exist.
pub(super) fn create(path: &Path, text: &str) -> io::Result<FileIdentity> {
    failpoint();
    let file = OpenOptions::new().write(true).create_new(true).open(path)?;
    write(file, text).inspect_err(|_| {
        // So that a full file system is not littered. A file that cannot be removed does no harm.
        let _ = std::fs::remove_file(path);
    })
}

/// Writes other text into a file that must exist.
pub(super) fn rewrite(path: &Path, text: &str) -> io::Result<FileIdentity> {
    failpoint();
    // Not truncated first: overwriting needs no room, so it succeeds on a full file system.
    write(OpenOptions::new().write(true).open(path)?, text)
}

fn write(mut file: File, text: &str) -> io::Result<FileIdentity> {
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

/// Closes a file and returns the error, which dropping it would not: network file systems may write when a file is closed, and
/// find out only then that there is no room.
fn close(file: File) -> io::Result<()> {
    let descriptor = file.into_raw_fd();
    // SAFETY: `into_raw_fd` has given the descriptor up, so nobody else uses or closes it.
    match unsafe { libc::close(descriptor) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// The identity of the file at `path`, if there is one.
pub(super) fn identity(path: &Path) -> io::Result<Option<FileIdentity>> {
    match File::open(path).and_then(|file| FileIdentity::of(&file)) {
        Ok(identity) => Ok(Some(identity)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Removes a file. `false` when there was none.
pub(super) fn remove(path: &Path) -> io::Result<bool> {
    failpoint();
    match repeatable(|| std::fs::remove_file(path)) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Renames a file, which replaces the file that had the new name.
pub(super) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    failpoint();
    repeatable(|| std::fs::rename(from, to))
}

/// Makes a symbolic link; an error when the name exists.
pub(super) fn link(content: &str, path: &Path) -> io::Result<()> {
    failpoint();
    repeatable(|| std::os::unix::fs::symlink(content, path))
}

/// Makes a hard link; an error when the name exists.
pub(super) fn hard_link(from: &Path, to: &Path) -> io::Result<()> {
    failpoint();
    repeatable(|| std::fs::hard_link(from, to))
}

/// Makes a folder unless there is one. Its parent must exist.
pub(super) fn folder(path: &Path) -> io::Result<()> {
    match std::fs::create_dir(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        outcome => outcome,
    }
}

/// Turns the error of an operation on a path into this crate's. `call` is a noun, as in "`call` of `path` failed".
pub(super) fn failed<'a>(
    options: &'a StoreOptions,
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
