//! The operations on the files of a folder.

use super::{FileIdentity, Folder, is_missing, system_call, unless_missing};
use rustix::fs::{AtFlags, FileType, Mode, OFlags, Timespec, Timestamps, UTIME_NOW};
use std::fs::File;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::fd::{AsFd, IntoRawFd, OwnedFd};
use std::os::unix::fs::FileExt;

/// What is at a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::batch::store) enum Content {
    Missing,
    /// A file that begins with these bytes.
    File(Vec<u8>),
    /// Something that is no file, in words.
    Other(&'static str),
}

/// How current the answer of a read has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::batch::store) enum Read {
    /// An outdated answer costs work, and nothing else: what follows decides.
    SavesWork,
    /// The answer decides. This process has just made a name in the same folder, so that a network file system must ask its
    /// server.
    AfterOwnChange,
}

/// What became of a rename.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::batch::store) enum Rename {
    Done,
    /// The old name does not exist: somebody has taken it away, or an earlier reply was lost.
    Missing,
}

/// Mode of new files, before the umask.
const MODE: u32 = 0o666;
/// How files are opened to be read: a pipe would be waited for without NONBLOCK.
const READ: OFlags = OFlags::RDONLY
    .union(OFlags::NOFOLLOW)
    .union(OFlags::NONBLOCK);

impl Folder {
    /// Makes a file under a name that only this process uses.
    pub(in crate::batch::store) fn create(
        &self,
        name: &str,
        text: &str,
    ) -> io::Result<FileIdentity> {
        // A file of this name is ours, left by a call that was repeated.
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::NOFOLLOW;
        let new = Mode::from_raw_mode(MODE);
        let created = self.calls(|folder| write(open(folder, name, flags, new)?.into(), text));
        created.inspect_err(|_| {
            // So that a full file system is not littered. A file that cannot be removed does no harm.
            let _ = self.remove(name);
        })
    }

    /// Writes other text into a file. `None` when there is none.
    pub(in crate::batch::store) fn rewrite(
        &self,
        name: &str,
        text: &str,
    ) -> io::Result<Option<FileIdentity>> {
        // Not truncated first: overwriting needs no room, so it succeeds on a full file system.
        let flags = OFlags::WRONLY | OFlags::NOFOLLOW;
        let written =
            self.calls(|folder| write(open(folder, name, flags, Mode::empty())?.into(), text));
        unless_missing(written)
    }

    /// Writes a file that others may have made, replacing what it holds.
    pub(in crate::batch::store) fn write_for_people(
        &self,
        name: &str,
        text: &str,
    ) -> io::Result<()> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::NOFOLLOW;
        // A pipe that somebody has made in its place would be waited for without NONBLOCK.
        let flags = flags | OFlags::NONBLOCK;
        let mode = Mode::from_raw_mode(MODE);
        let written = self.calls(|folder| write(open(folder, name, flags, mode)?.into(), text));
        written.map(|_| ())
    }

    /// Opens a file to append to it, and makes it unless there is one.
    pub(in crate::batch::store) fn open_to_append(&self, name: &str) -> io::Result<File> {
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::APPEND | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let mode = Mode::from_raw_mode(MODE);
        let file = self.calls(|folder| open(folder, name, flags, mode))?;
        Ok(file.into())
    }

    /// Makes a file under a name that only this process uses, or opens the one that this process has made before, and writes its
    /// text. It is on the server when the call returns, and stays open.
    pub(in crate::batch::store) fn open_for_record(
        &self,
        name: &str,
        text: &str,
    ) -> io::Result<OwnedFd> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::NOFOLLOW;
        let mode = Mode::from_raw_mode(MODE);
        self.calls(|folder| {
            let file = File::from(open(folder, name, flags, mode)?);
            // In place: others that read meanwhile find what they have found before.
            system_call(|| file.write_all_at(text.as_bytes(), 0))?;
            system_call(|| file.sync_all())?;
            Ok(file.into())
        })
    }

    /// Reads the first `limit` bytes of a file.
    pub(in crate::batch::store) fn read(
        &self,
        name: &str,
        limit: usize,
        read: Read,
    ) -> io::Result<Content> {
        let found = self.read_file(name, limit).map(|(content, _)| content);
        self.answer(name, read, found)
    }

    /// The same, with the time at which the file was written last.
    pub(in crate::batch::store) fn read_file(
        &self,
        name: &str,
        limit: usize,
    ) -> io::Result<(Content, Option<Timespec>)> {
        let read = self.calls(|folder| {
            let file = open(folder, name, READ, Mode::empty())?;
            let data = rustix::fs::fstat(&file)?;
            match FileType::from_raw_mode(data.st_mode) {
                FileType::RegularFile => {}
                FileType::Directory => return Ok((Content::Other("is a folder"), None)),
                _ => return Ok((Content::Other("is no file"), None)),
            }
            let mut bytes = Vec::new();
            let mut file = File::from(file).take(limit as u64);
            file.read_to_end(&mut bytes)?;
            let written = Timespec {
                tv_sec: data.st_mtime,
                // Signed or not, which depends on the target.
                tv_nsec: data.st_mtime_nsec.try_into().unwrap_or(0),
            };
            Ok((Content::File(bytes), Some(written)))
        });
        match read {
            Err(error) if is_missing(&error) => Ok((Content::Missing, None)),
            Err(error) if error.raw_os_error() == Some(libc::ELOOP) => {
                Ok((Content::Other("is a link"), None))
            }
            Err(error) if error.raw_os_error() == Some(libc::ENXIO) => {
                Ok((Content::Other("is no file"), None))
            }
            outcome => outcome,
        }
    }

    /// Whether a file has bytes, and does not end with a newline.
    pub(in crate::batch::store) fn lacks_newline(&self, name: &str) -> io::Result<bool> {
        self.calls(|folder| {
            let file = File::from(open(folder, name, READ, Mode::empty())?);
            let Some(last) = file.metadata()?.len().checked_sub(1) else {
                return Ok(false);
            };
            system_call(|| {
                let mut byte = [0];
                file.read_exact_at(&mut byte, last)?;
                Ok(byte != *b"\n")
            })
        })
    }

    /// Whether there is something with this name.
    pub(in crate::batch::store) fn exists(&self, name: &str) -> io::Result<bool> {
        let found = self.identity(name).map(|found| found.is_some());
        self.answer(name, Read::SavesWork, found)
    }

    /// The identity of the file with this name, if there is one.
    pub(in crate::batch::store) fn identity(&self, name: &str) -> io::Result<Option<FileIdentity>> {
        let found = self.call(|folder| {
            let data = rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)?;
            Ok(FileIdentity::from(&data))
        });
        unless_missing(found)
    }

    /// Whether `file` has this name. It is opened, because network file systems may answer a plain `stat` from a cache.
    pub(in crate::batch::store) fn is(&self, name: &str, file: FileIdentity) -> io::Result<bool> {
        let found = self.calls(|folder| {
            let opened = open(folder, name, READ, Mode::empty())?;
            Ok(FileIdentity::from(&rustix::fs::fstat(&opened)?))
        });
        match found {
            Ok(identity) => Ok(identity == file),
            Err(error) if is_missing(&error) || error.raw_os_error() == Some(libc::ELOOP) => {
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// Renames a file, which replaces the file that had the new name. The old name is one that only one process uses.
    pub(in crate::batch::store) fn rename(&self, from: &str, to: &str) -> io::Result<Rename> {
        self.rename_into(from, self, to)
    }

    /// The same, into another folder.
    pub(in crate::batch::store) fn rename_into(
        &self,
        from: &str,
        target: &Folder,
        to: &str,
    ) -> io::Result<Rename> {
        let renamed = self.call(|folder| {
            let target = target.descriptor.borrow();
            Ok(rustix::fs::renameat(folder, from, &*target, to)?)
        });
        Ok(match unless_missing(renamed)? {
            Some(()) => Rename::Done,
            None => Rename::Missing,
        })
    }

    /// Removes a file. `false` when there was none.
    pub(in crate::batch::store) fn remove(&self, name: &str) -> io::Result<bool> {
        let removed = self.call(|folder| Ok(rustix::fs::unlinkat(folder, name, AtFlags::empty())?));
        Ok(unless_missing(removed)?.is_some())
    }

    /// Makes a symbolic link with this text. `false` when the name belongs to another process.
    pub(in crate::batch::store) fn link(&self, name: &str, text: &str) -> io::Result<bool> {
        match self.call(|folder| Ok(rustix::fs::symlinkat(text, folder, name)?)) {
            Ok(()) => Ok(true),
            // Ours if the call was repeated because the reply to the first one was lost.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                Ok(self.read_text_of_link(name)?.as_deref() == Some(text))
            }
            Err(error) => Err(error),
        }
    }

    /// The text of a symbolic link; empty if something else has this name, `None` if there is nothing.
    pub(in crate::batch::store) fn read_link(
        &self,
        name: &str,
        read: Read,
    ) -> io::Result<Option<String>> {
        let found = self.read_text_of_link(name);
        self.answer(name, read, found)
    }

    fn read_text_of_link(&self, name: &str) -> io::Result<Option<String>> {
        let read = self.call(|folder| Ok(rustix::fs::readlinkat(folder, name, Vec::new())?));
        match read {
            Err(error) if error.kind() == ErrorKind::InvalidInput => Ok(Some(String::new())),
            read => unless_missing(read.map(|text| text.to_string_lossy().into_owned())),
        }
    }

    /// Makes a hard link. `false` when another file has the name.
    pub(in crate::batch::store) fn hard_link(
        &self,
        from: &str,
        target: &Folder,
        to: &str,
    ) -> io::Result<bool> {
        let linked = self.call(|folder| {
            let target = target.descriptor.borrow();
            Ok(rustix::fs::linkat(
                folder,
                from,
                &*target,
                to,
                AtFlags::empty(),
            )?)
        });
        match linked {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                let (one, other) = (self.identity(from)?, target.identity(to)?);
                Ok(one.is_some() && one == other)
            }
            Err(error) => Err(error),
        }
    }

    /// The names in this folder.
    pub(in crate::batch::store) fn names(&self) -> io::Result<Vec<String>> {
        self.call(|folder| {
            let mut names = Vec::new();
            for entry in rustix::fs::Dir::read_from(folder)? {
                let entry = entry?;
                let name = entry.file_name().to_string_lossy();
                if name != "." && name != ".." {
                    names.push(name.into_owned());
                }
            }
            Ok(names)
        })
    }
}

fn open(folder: &OwnedFd, name: &str, flags: OFlags, mode: Mode) -> io::Result<OwnedFd> {
    let flags = flags | OFlags::CLOEXEC;
    system_call(|| Ok(rustix::fs::openat(folder, name, flags, mode)?))
}

/// Writes the text of a file that has been opened for writing, and closes it.
fn write(file: File, text: &str) -> io::Result<FileIdentity> {
    system_call(|| (&file).write_all(text.as_bytes()))?;
    let mut data = rustix::fs::fstat(&file)?;
    if u64::try_from(data.st_size) != Ok(text.len() as u64) {
        system_call(|| file.set_len(text.len() as u64))?;
        data = rustix::fs::fstat(&file)?;
    }
    close(file)?;
    Ok((&data).into())
}

/// Closes a file and returns the error, which dropping it would not: network file systems may write when a file is closed, and
/// find out only then that there is no room.
fn close(file: File) -> io::Result<()> {
    let descriptor = file.into_raw_fd();
    // SAFETY: `into_raw_fd` has given the descriptor up, so nobody else uses or closes it.
    let closed = match unsafe { libc::close(descriptor) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    };
    // A failpoint of its own: the call cannot be repeated.
    system_call(|| Ok(()))?;
    closed
}

/// Sets the modification time of an open file by its server's clock, or by that of this client where the file system has no
/// other. Returns whether the file still has a name.
pub(in crate::batch::store) fn touch_now(file: &OwnedFd) -> io::Result<bool> {
    let now = Timespec {
        tv_sec: 0,
        tv_nsec: UTIME_NOW,
    };
    system_call(|| {
        let times = Timestamps {
            last_access: now,
            last_modification: now,
        };
        rustix::fs::futimens(file.as_fd(), &times)?;
        Ok(rustix::fs::fstat(file)?.st_nlink > 0)
    })
}
