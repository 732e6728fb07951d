//! The files of an attempt: their names, and what its link tells.

use crate::batch::store::files;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// An attempt at a task, as its link describes it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::batch::store) struct AttemptLink {
    pub(in crate::batch::store) number: u32,
    pub(in crate::batch::store) host: String,
    pub(in crate::batch::store) pid: u32,
    pub(in crate::batch::store) key: String,
}

impl AttemptLink {
    /// The content of a link, to be parsed again.
    pub(super) fn text(host: &str, key: &str) -> String {
        let host: String = host.chars().take(20).collect();
        format!("{}:{}:{key}", host.replace('/', "_"), std::process::id())
    }

    pub(super) fn parse(number: u32, text: &str) -> Self {
        // From the end, because a host name may contain anything.
        let mut parts = text.rsplitn(3, ':');
        let key = parts.next().unwrap_or_default();
        let pid = parts.next().unwrap_or_default();
        let host = parts.next().unwrap_or_default();
        AttemptLink {
            number,
            host: host.to_owned(),
            pid: pid.parse().unwrap_or_default(),
            // A separator would lead out of the folder.
            key: key.replace('/', " "),
        }
    }

    /// The id of its owner's heartbeat.
    pub(in crate::batch::store) fn heartbeat(&self) -> &str {
        self.key
            .rsplit_once('.')
            .map_or("", |(heartbeat, _count)| heartbeat)
    }

    pub(super) fn running(&self, dir: &Path) -> PathBuf {
        running(dir, &self.key)
    }

    pub(super) fn end(&self, dir: &Path) -> PathBuf {
        end(dir, &self.key)
    }

    /// Whether it has not been ended by a commit or a takeover.
    pub(in crate::batch::store) fn lasts(&self, dir: &Path) -> bool {
        self.end(dir).symlink_metadata().is_ok()
    }
}

/// The link of an attempt.
pub(super) fn link(dir: &Path, number: u32) -> PathBuf {
    dir.join(format!(".attempt.{number}"))
}

/// The file that becomes `state` when the attempt begins.
pub(super) fn running(dir: &Path, key: &str) -> PathBuf {
    dir.join(format!(".running.{key}"))
}

/// The file that becomes `state` when the attempt ends.
pub(super) fn end(dir: &Path, key: &str) -> PathBuf {
    dir.join(format!(".end.{key}"))
}

/// The file with the reason why an attempt failed.
pub(in crate::batch::store) fn reason(dir: &Path, number: u32) -> PathBuf {
    dir.join(format!("reason.{number}"))
}

/// The last attempt at a task, if there is one. `known` is the number of an attempt that exists, or 0.
pub(in crate::batch::store) fn last(dir: &Path, known: u32) -> io::Result<Option<AttemptLink>> {
    let mut found = None;
    let mut number = known.max(1);
    loop {
        files::failpoint();
        match std::fs::read_link(link(dir, number)) {
            Ok(text) => found = Some(AttemptLink::parse(number, &text.to_string_lossy())),
            // One that is known to exist must be found: to miss it would be to run it twice.
            Err(error) if error.kind() == ErrorKind::NotFound && number > known => {
                return Ok(found);
            }
            // Something other than a link has this name: the number is taken, and nobody owns the attempt.
            Err(error) if error.kind() == ErrorKind::InvalidInput => {
                found = Some(AttemptLink::parse(number, ""));
            }
            Err(error) => return Err(error),
        }
        number += 1;
    }
}

/// Removes from the folder of a task what dead processes with these heartbeats have left.
pub(in crate::batch::store) fn clear(dir: &Path, dead: &[String]) -> io::Result<()> {
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let key = [".running.", ".end.", ".set."]
            .iter()
            .find_map(|kind| name.strip_prefix(kind));
        let heartbeat = key.and_then(|key| key.rsplit_once('.'));
        if heartbeat.is_some_and(|(heartbeat, _)| dead.iter().any(|id| id == heartbeat)) {
            files::remove(&entry.path())?;
        }
    }
    Ok(())
}
