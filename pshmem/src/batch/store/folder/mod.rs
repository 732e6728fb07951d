//! An open folder and the file operations in it: what every other file of the store uses.
//!
//! - Names are used relative to the open folder, and a link that somebody has planted in it is never followed, so that nobody
//!   who may write in a folder can make this process write elsewhere. Opening the folder also makes a network file system
//!   compare its caches with the server.
//! - Every return code is checked. An error that may pass is repeated with growing pauses, for as long as the folder's patience
//!   lasts ([`patience`]). Each operation is such that it may be executed twice: also the file system itself repeats calls whose
//!   reply is lost. What is made under a name that only this process uses is made again; what decides between processes tells
//!   whether the name is ours.
//! - What is read is bounded, and is no pipe or device.
//!
//! Files: [`operations`] on files of a folder, [`identity`] of a file, [`patience`] with errors. In tests, every system call
//! passes `failpoints`, where it can fail, lose its reply, or get an outdated answer.

#[cfg(test)]
pub(super) mod failpoints;
mod identity;
mod operations;
mod patience;

pub(super) use identity::FileIdentity;
pub(super) use operations::{Content, Read, Rename, touch_now};
pub(super) use patience::{is_missing, may_pass, repeat, unless_missing};

use rustix::fs::{Mode, OFlags};
use std::cell::{Cell, RefCell};
use std::io::{self, ErrorKind};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A system call, which tests can make fail.
#[cfg(not(test))]
#[inline]
fn system_call<T>(call: impl Fn() -> io::Result<T>) -> io::Result<T> {
    call()
}
#[cfg(test)]
use failpoints::system_call;

/// An open folder.
#[derive(Debug)]
pub(super) struct Folder {
    descriptor: RefCell<OwnedFd>,
    path: PathBuf,
    /// How long an operation is repeated that fails.
    patience: Cell<Duration>,
}

impl Folder {
    /// Opens the folder at a path of the user, which may lead over links.
    pub(super) fn open(path: &Path, patience: Duration) -> io::Result<Self> {
        let descriptor = repeat(patience, || system_call(|| open_path(path)))?;
        Ok(Folder {
            descriptor: RefCell::new(descriptor),
            path: path.to_owned(),
            patience: Cell::new(patience),
        })
    }

    /// Opens a folder in this one. A link to a folder elsewhere is followed only if it belongs to this user or to root.
    pub(super) fn open_folder(&self, name: &str) -> io::Result<Self> {
        let descriptor = self.call(|folder| {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            match rustix::fs::openat(folder, name, flags, Mode::empty()) {
                Ok(descriptor) => Ok(descriptor),
                Err(error) => open_own_link(folder, name).unwrap_or(Err(error.into())),
            }
        })?;
        Ok(Folder {
            descriptor: RefCell::new(descriptor),
            path: self.path.join(name),
            patience: self.patience.clone(),
        })
    }

    /// Makes a folder in this one, unless there is one.
    pub(super) fn make_folder(&self, name: &str) -> io::Result<()> {
        let made = self.call(|folder| {
            Ok(rustix::fs::mkdirat(
                folder,
                name,
                Mode::from_raw_mode(0o777),
            )?)
        });
        match made {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                self.open_folder(name).map(|_| ())
            }
            outcome => outcome,
        }
    }

    /// Repeats operations that fail for so long from now on.
    pub(super) fn set_patience(&self, patience: Duration) {
        self.patience.set(patience);
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The answer to a read, which in tests may be an outdated one.
    #[cfg(not(test))]
    #[inline]
    #[expect(clippy::unused_self, reason = "tests need it")]
    fn answer<T>(&self, _name: &str, _read: Read, found: T) -> T {
        found
    }
    #[cfg(test)]
    fn answer<T: failpoints::Answer>(
        &self,
        name: &str,
        read: Read,
        found: io::Result<T>,
    ) -> io::Result<T> {
        failpoints::answer(&self.join(name), read, found)
    }

    /// The path of a name in this folder, for errors.
    pub(super) fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Makes a system call, and repeats it if it fails while the patience lasts.
    fn call<T>(&self, call: impl Fn(&OwnedFd) -> io::Result<T>) -> io::Result<T> {
        self.calls(|folder| system_call(|| call(folder)))
    }

    /// The same for an operation of several system calls.
    fn calls<T>(&self, operation: impl Fn(&OwnedFd) -> io::Result<T>) -> io::Result<T> {
        repeat(self.patience.get(), || {
            let outcome = operation(&self.descriptor.borrow());
            if let Err(error) = &outcome
                && error.raw_os_error() == Some(libc::ESTALE)
                && let Ok(again) = open_path(&self.path)
            {
                // The server knows this folder by another handle now.
                self.descriptor.replace(again);
            }
            outcome
        })
    }
}

fn open_path(path: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(rustix::fs::open(path, flags, Mode::empty())?)
}

/// Opens the folder that a link leads to, if this user or root has made the link. `None` if there is no such link.
#[cfg(target_os = "linux")]
fn open_own_link(folder: &OwnedFd, name: &str) -> Option<io::Result<OwnedFd>> {
    use rustix::fs::FileType;
    use std::os::unix::ffi::OsStringExt;

    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    // The link itself is opened, so that it cannot be replaced between the question who has made it and its use.
    let link = rustix::fs::openat(folder, name, flags, Mode::empty()).ok()?;
    let found = rustix::fs::fstat(&link).ok()?;
    if FileType::from_raw_mode(found.st_mode) != FileType::Symlink {
        return None;
    }
    if found.st_uid != 0 && found.st_uid != rustix::process::geteuid().as_raw() {
        let text = "it is a link that another user has made, which is not followed";
        return Some(Err(io::Error::new(ErrorKind::InvalidInput, text)));
    }
    let target = rustix::fs::readlinkat(&link, "", Vec::new()).ok()?;
    let target = PathBuf::from(std::ffi::OsString::from_vec(target.into_bytes()));
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let opened = rustix::fs::openat(folder, &target, flags, Mode::empty());
    Some(opened.map_err(io::Error::from))
}

/// Elsewhere no link is followed.
#[cfg(not(target_os = "linux"))]
fn open_own_link(_folder: &OwnedFd, _name: &str) -> Option<io::Result<OwnedFd>> {
    None
}
