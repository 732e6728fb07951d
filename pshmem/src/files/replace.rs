//! A new file or folder is written beside the place where it is to stand, and takes that place at once, complete.
//!
//! | at `x` | how the new one takes the place |
//! |---|---|
//! | nothing, or a file | `rename`, which replaces a file at once |
//! | a folder | `renameat2` with `RENAME_EXCHANGE`; then the old folder is removed |
//! | a folder, on a file system without it | `x` is renamed to `x.old`, the new one to `x`, and `x.old` is removed |
//!
//! In the last case there is a moment in which nothing is at `x`. [`recover`] undoes what a crash leaves then. The old folder has a mark
//! inside while it is aside, so that a folder that a user has called `x.old` is neither moved nor removed.

use crate::comm::thread_state::after_call;
use crate::events;
use rustix::fs::{CWD, FlockOperation, RenameFlags, flock, renameat_with};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// The end of the names under which new files and folders are written.
const SUFFIX: &str = ".partial";

/// A new file or folder, not complete yet, beside its place.
///
/// It is locked as long as this value lives. So a later save on the same host finds what a killed job has left, and removes it.
/// What a job on another host has left stays: locks of some file systems are not seen on other hosts.
#[derive(Debug)]
pub(super) struct Partial {
    path: PathBuf,
    /// Holds the lock. File systems without locks refuse it, and then nothing is removed either.
    #[expect(dead_code, reason = "held for its drop")]
    lock: File,
    is_folder: bool,
}

impl Partial {
    /// Creates an empty file or folder for `target`, on this host.
    pub(super) fn new(target: &Path, host: &str, is_folder: bool) -> io::Result<Self> {
        let (folder, name) = parts(target)?;
        remove_abandoned(folder, &prefix(name, host));
        loop {
            let path = folder.join(unique(name, host));
            let made = if is_folder {
                fs::create_dir(&path).and_then(|()| File::open(&path))
            } else {
                OpenOptions::new().write(true).create_new(true).open(&path)
            };
            match made {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
                Ok(lock) if is_mine(&lock, &path) => {
                    return Ok(Partial {
                        path,
                        lock,
                        is_folder,
                    });
                }
                // Another save took it for one that nobody uses, between its creation and the lock.
                Ok(_) => {}
            }
        }
    }

    pub(super) fn is_folder(&self) -> bool {
        self.is_folder
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Takes the place at `target`. All contents have been written and synchronized.
    pub(super) fn commit(self, target: &Path) -> io::Result<()> {
        let replaced = if self.is_folder {
            replace_folder(&self.path, target, exchange)
        } else {
            fs::rename(&self.path, target).and_then(|()| sync_names(target))
        };
        if replaced.is_err() {
            self.discard();
        }
        replaced
    }

    /// Removes what was written.
    pub(super) fn discard(self) {
        remove(&self.path);
    }
}

/// Puts back the folder that was at `target` if a crash has left nothing there.
pub(super) fn recover(target: &Path) -> io::Result<()> {
    let old = aside(target);
    if target.symlink_metadata().is_ok() || !is_marked(&old) {
        return Ok(());
    }
    match rename_if_absent(&old, target) {
        // Nothing to put back, or another job has done it.
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::AlreadyExists) => {
            Ok(())
        }
        // A user may move it aside later.
        Ok(()) => fs::remove_file(target.join(MARK)),
        result => result,
    }
}

/// Where the old folder is while the new one takes its place, on file systems that cannot exchange two.
fn aside(target: &Path) -> PathBuf {
    // Without a slash at its end.
    let mut name = target.components().as_path().as_os_str().to_owned();
    name.push(".old");
    name.into()
}

/// A file inside a folder that is aside. It means nothing in a folder that is in its place.
pub(super) const MARK: &str = ".replaced";

fn is_marked(folder: &Path) -> bool {
    folder.join(MARK).symlink_metadata().is_ok()
}

/// The name of a path reaches the disk, with the folder that it is in.
fn sync_names(target: &Path) -> io::Result<()> {
    File::open(parts(target)?.0)?.sync_all()
}

/// Exchanges what is at two paths.
fn exchange(one: &Path, other: &Path) -> io::Result<()> {
    Ok(renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE)?)
}

/// Renames if nothing is at `to`.
fn rename_if_absent(from: &Path, to: &Path) -> io::Result<()> {
    let renamed = renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE);
    match renamed.map_err(io::Error::from) {
        // A plain rename replaces no folder but an empty one.
        Err(error) if is_unsupported(&error) => fs::rename(from, to),
        result => result,
    }
}

/// How often another job may change what is at the target before this one gives up.
const ATTEMPTS: usize = 100;

/// `exchange` is a parameter for tests of file systems that cannot do it.
fn replace_folder(
    new: &Path,
    target: &Path,
    exchange: impl Fn(&Path, &Path) -> io::Result<()>,
) -> io::Result<()> {
    for _ in 0..ATTEMPTS {
        match rename_if_absent(new, target) {
            Err(error) if is_occupied(&error) => {}
            result => return result.and_then(|()| sync_names(target)),
        }
        match exchange(new, target) {
            Ok(()) => {
                // Otherwise a crash might leave the new names nowhere, and the old files removed.
                sync_names(target)?;
                remove(new);
                return Ok(());
            }
            // It was moved away by another job.
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(error) if is_unsupported(&error) => {}
            Err(error) => return Err(error),
        }
        let old = aside(target);
        if is_marked(&old) {
            // That of a job that was killed after its new folder had taken the place.
            remove(&old);
        } else if old.symlink_metadata().is_ok() {
            let reason = format!(
                "this file system cannot exchange two folders, and {} is in the way: move it",
                old.display()
            );
            return Err(io::Error::new(ErrorKind::AlreadyExists, reason));
        }
        match File::create(target.join(MARK)) {
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            result => result?.sync_all()?,
        }
        match fs::rename(target, &old) {
            Err(error) if error.kind() == ErrorKind::NotFound || is_occupied(&error) => continue,
            result => result?,
        }
        match rename_if_absent(new, target) {
            // Another job was faster. Its folder stands there now, and `old` is older.
            Err(error) if is_occupied(&error) => {}
            result => {
                result?;
                sync_names(target)?;
                remove(&old);
                return Ok(());
            }
        }
    }
    Err(io::Error::new(
        ErrorKind::ResourceBusy,
        "other jobs replace this folder all the time",
    ))
}

fn is_occupied(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::AlreadyExists | ErrorKind::DirectoryNotEmpty | ErrorKind::NotADirectory
    )
}

fn is_unsupported(error: &io::Error) -> bool {
    let errno = Errno::from_io_error(error);
    matches!(errno, Some(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP))
}

/// Removes a file or a folder so that nobody finds half of it: it is renamed first.
pub(super) fn remove_at_once(target: &Path, host: &str) {
    let Ok((folder, name)) = parts(target) else {
        return;
    };
    let hidden = folder.join(unique(name, host));
    if fs::rename(target, &hidden).is_ok() {
        remove(&hidden);
    }
}

/// Removes a file or a folder. What cannot be removed stays: it takes room, but nobody reads it.
fn remove(path: &Path) {
    let removed = match path.symlink_metadata() {
        Ok(data) if data.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(_) => return,
    };
    if let Err(error) = removed {
        let path = path.to_owned();
        // The subscriber is a user's, and other ranks wait meanwhile.
        after_call(move || events::warn!(path = %path.display(), %error, "not removed"));
    }
}

/// The folder and the name of a path.
fn parts(target: &Path) -> io::Result<(&Path, &OsStr)> {
    let name = target.file_name().ok_or_else(|| {
        io::Error::new(ErrorKind::InvalidInput, "the path does not end with a name")
    })?;
    let folder = target.parent().filter(|at| !at.as_os_str().is_empty());
    Ok((folder.unwrap_or(Path::new(".")), name))
}

/// How the names of all partial files for `name` begin that this host makes.
fn prefix(name: &OsStr, host: &str) -> OsString {
    let mut prefix = OsString::from(".");
    prefix.push(name);
    prefix.push(format!(".{}-", host.replace('/', "_")));
    prefix
}

fn unique(name: &OsStr, host: &str) -> OsString {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let nanos = now.map_or(0, |now| now.subsec_nanos());
    let mut path = prefix(name, host);
    path.push(format!("{}-{number}-{nanos}{SUFFIX}", std::process::id()));
    path
}

/// Locks what was just created at `path`. `false` when another save removes it, or has done so.
fn is_mine(lock: &File, path: &Path) -> bool {
    match flock(lock, FlockOperation::NonBlockingLockExclusive) {
        Err(Errno::WOULDBLOCK) => false,
        // The file system has no locks, so nothing is removed.
        Err(_) => true,
        Ok(()) => path.symlink_metadata().is_ok(),
    }
}

/// Removes partial files and folders that nobody holds a lock on.
fn remove_abandoned(folder: &Path, prefix: &OsStr) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.as_encoded_bytes();
        if !name.starts_with(prefix.as_encoded_bytes()) || !name.ends_with(SUFFIX.as_bytes()) {
            continue;
        }
        let path = entry.path();
        let is_abandoned = File::open(&path)
            .is_ok_and(|file| flock(file, FlockOperation::NonBlockingLockExclusive).is_ok());
        if is_abandoned {
            remove(&path);
        }
    }
}

// Miri has no `renameat2`, and no locks of files.
#[cfg(all(test, not(miri)))]
mod tests {
    use super::*;

    fn unsupported(_: &Path, _: &Path) -> io::Result<()> {
        Err(Errno::INVAL.into())
    }

    fn folder_with(path: &Path, text: &str) {
        fs::create_dir_all(path).unwrap();
        fs::write(path.join("text"), text).unwrap();
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap().flatten();
        let mut names: Vec<String> = entries
            .map(|entry| entry.file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_folder_takes_the_place_of_another_with_and_without_exchange() {
        for exchange in [exchange, unsupported] {
            let at = tempfile::tempdir().unwrap();
            let (new, target) = (at.path().join("new"), at.path().join("x"));
            for text in ["first", "second", "third"] {
                folder_with(&new, text);
                replace_folder(&new, &target, exchange).unwrap();
                assert_eq!(fs::read_to_string(target.join("text")).unwrap(), text);
                assert_eq!(names(at.path()), ["x"]);
            }
        }
    }

    #[test]
    fn what_a_crash_between_two_renames_leaves_is_undone() {
        let at = tempfile::tempdir().unwrap();
        let (new, target) = (at.path().join("new"), at.path().join("x"));
        folder_with(&aside(&target), "old");
        fs::write(aside(&target).join(MARK), "").unwrap();
        recover(&target).unwrap();
        assert_eq!(fs::read_to_string(target.join("text")).unwrap(), "old");
        // A crash before the old one was removed: the new one stands.
        folder_with(&aside(&target), "older");
        fs::write(aside(&target).join(MARK), "").unwrap();
        recover(&target).unwrap();
        assert_eq!(fs::read_to_string(target.join("text")).unwrap(), "old");
        folder_with(&new, "new");
        replace_folder(&new, &target, unsupported).unwrap();
        assert_eq!(names(at.path()), ["x"]);
        // Nothing to recover.
        recover(&at.path().join("none")).unwrap();
    }

    #[test]
    fn a_folder_that_a_user_has_moved_aside_stays() {
        let at = tempfile::tempdir().unwrap();
        let (new, target) = (at.path().join("new"), at.path().join("x/"));
        let backup = at.path().join("x.old");
        folder_with(&backup, "mine");
        recover(&target).unwrap();
        assert!(!target.exists());
        folder_with(&new, "first");
        replace_folder(&new, &target, unsupported).unwrap();
        folder_with(&new, "second");
        let error = replace_folder(&new, &target, unsupported).unwrap_err();
        assert!(error.to_string().contains("x.old"), "{error}");
        assert_eq!(fs::read_to_string(target.join("text")).unwrap(), "first");
        replace_folder(&new, &target, exchange).unwrap();
        assert_eq!(fs::read_to_string(target.join("text")).unwrap(), "second");
        assert_eq!(fs::read_to_string(backup.join("text")).unwrap(), "mine");
    }

    #[test]
    fn what_killed_jobs_of_this_host_left_is_removed_and_what_is_in_use_is_not() {
        let at = tempfile::tempdir().unwrap();
        let target = at.path().join("x.npy");
        let abandoned = at.path().join(".x.npy.here-1-2-3.partial");
        fs::write(&abandoned, "half").unwrap();
        let foreign = at.path().join(".x.npy.there-1-2-3.partial");
        fs::write(&foreign, "half").unwrap();
        let first = Partial::new(&target, "here", false).unwrap();
        assert!(!abandoned.exists() && foreign.exists());
        let second = Partial::new(&target, "here", true).unwrap();
        assert!(first.path().exists(), "it is locked");
        second.discard();
        fs::write(first.path(), "whole").unwrap();
        first.commit(&target).unwrap();
        assert_eq!(fs::read_to_string(&target).unwrap(), "whole");
        assert_eq!(names(at.path()), [".x.npy.there-1-2-3.partial", "x.npy"]);
    }

    #[test]
    fn of_folders_that_replace_each_other_one_stands_whole() {
        let at = tempfile::tempdir().unwrap();
        let target = at.path().join("x");
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let (at, target) = (at.path(), &target);
                scope.spawn(move || {
                    for round in 0..50 {
                        let new = at.join(format!("new-{thread}"));
                        folder_with(&new, &format!("{thread} {round}"));
                        replace_folder(&new, target, exchange).unwrap();
                    }
                });
            }
        });
        assert_eq!(names(at.path()), ["x"]);
        assert_eq!(names(&target), ["text"]);
    }
}
