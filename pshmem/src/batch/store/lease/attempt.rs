//! The files of an attempt: their names, and what its link tells.

use crate::batch::store::folder::{Folder, Read, Rename};
use std::io;

/// An attempt at a task, as its link describes it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::batch::store) struct AttemptLink {
    pub(in crate::batch::store) number: u32,
    pub(in crate::batch::store) host: String,
    pub(in crate::batch::store) pid: u32,
    /// Failures of the task before this attempt.
    pub(in crate::batch::store) failures: u32,
    pub(in crate::batch::store) key: String,
}

impl AttemptLink {
    /// The content of a link, to be parsed again.
    pub(super) fn text(host: &str, failures: u32, key: &str) -> String {
        let host: String = host.chars().take(20).collect();
        let host = host.replace('/', "_");
        format!("{host}:{}:{failures}:{key}", std::process::id())
    }

    pub(super) fn parse(number: u32, text: &str) -> Self {
        // From the end, because a host name may contain anything.
        let mut parts = text.rsplitn(4, ':');
        let mut part = || parts.next().unwrap_or_default();
        let (key, failures, pid, host) = (part(), part(), part(), part());
        AttemptLink {
            number,
            host: host.to_owned(),
            pid: pid.parse().unwrap_or_default(),
            failures: failures.parse().unwrap_or_default(),
            // A separator would lead out of the folder, and a zero byte ends no name.
            key: key.replace(['/', '\0'], " "),
        }
    }

    /// The id of its owner's heartbeat.
    pub(in crate::batch::store) fn heartbeat(&self) -> &str {
        heartbeat_of_key(&self.key)
    }

    /// Whether it has not been ended by a commit or a takeover.
    pub(in crate::batch::store) fn lasts(&self, folder: &Folder) -> io::Result<bool> {
        // A link that names no key was made by somebody else: nobody owns the attempt.
        Ok(!self.key.is_empty() && folder.exists(&end(&self.key))?)
    }
}

/// The id of the heartbeat of the process that has made a key.
pub(super) fn heartbeat_of_key(key: &str) -> &str {
    key.rsplit_once('.')
        .map_or("", |(heartbeat, _count)| heartbeat)
}

/// The link of an attempt.
pub(super) fn link(number: u32) -> String {
    format!(".attempt.{number}")
}

/// The number of the first attempt whose link may exist, as a link.
pub(super) const FIRST: &str = ".first";

/// The file that becomes `state` when the attempt begins.
pub(super) fn running(key: &str) -> String {
    format!(".running.{key}")
}

/// The file that becomes `state` when the attempt ends.
pub(super) fn end(key: &str) -> String {
    format!(".end.{key}")
}

/// The link that becomes [`FIRST`].
pub(super) fn first(key: &str) -> String {
    format!("{FIRST}.{key}")
}

/// The file with the reason why an attempt failed.
pub(in crate::batch::store) fn reason(number: u32) -> String {
    format!("reason.{number}")
}

/// The number of the first attempt whose link may exist: the links of those before it may have been removed.
pub(super) fn first_number(folder: &Folder, read: Read) -> io::Result<u32> {
    let text = folder.read_link(FIRST, read)?.unwrap_or_default();
    Ok(text.parse::<u32>().unwrap_or_default().max(1))
}

/// The last attempt at a task, if there is one. `known` is the number of an attempt that has been made, or 0.
pub(in crate::batch::store) fn last(
    folder: &Folder,
    known: u32,
) -> io::Result<Option<AttemptLink>> {
    let first = first_number(folder, Read::SavesWork)?;
    let mut found = None;
    let mut number = known.max(first);
    while let Some(text) = folder.read_link(&link(number), Read::SavesWork)? {
        found = Some(AttemptLink::parse(number, &text));
        number += 1;
    }
    if found.is_none() && known >= first {
        // To miss one that is known to exist would be to run the task twice.
        let text = format!("the link {} has vanished", link(known));
        return Err(io::Error::other(text));
    }
    Ok(found)
}

/// Removes the links of attempts before `number`, which is that of the caller, and which lasts. Nobody makes them again: whoever
/// has made a link compares its number with [`FIRST`].
pub(super) fn prune(folder: &Folder, number: u32, key: &str) -> io::Result<()> {
    let spare = first(key);
    folder.link(&spare, &number.to_string())?;
    // Missing when the attempt was taken over meanwhile, by somebody who may have pruned more.
    if folder.rename(&spare, FIRST)? == Rename::Missing {
        return Ok(());
    }
    for name in folder.names()? {
        let of = name.strip_prefix(".attempt.").map(str::parse::<u32>);
        if matches!(of, Some(Ok(of)) if of < number) {
            folder.remove(&name)?;
        }
    }
    Ok(())
}

/// Removes what processes have left that have ended: `is_dead` tells whether a heartbeat is that of one. Returns the keys of the
/// attempts that have ended by this.
pub(in crate::batch::store) fn clear(
    folder: &Folder,
    is_dead: &dyn Fn(&str) -> bool,
) -> io::Result<Vec<String>> {
    let mut ended = Vec::new();
    let names = folder.names()?;
    // What becomes the state goes before what keeps the attempt.
    for kind in [".running.", ".first.", ".set.", ".end."] {
        for name in &names {
            let key = name.strip_prefix(kind);
            let key = key.filter(|key| is_dead(heartbeat_of_key(key)));
            if let Some(key) = key
                && folder.remove(name)?
                && kind == ".end."
            {
                ended.push(key.to_owned());
            }
        }
    }
    Ok(ended)
}

/// The attempts with these keys. A key that was never used for an attempt has none.
pub(in crate::batch::store) fn of_keys(
    folder: &Folder,
    keys: &[String],
) -> io::Result<Vec<AttemptLink>> {
    let mut found = Vec::new();
    let mut number = first_number(folder, Read::SavesWork)?;
    while let Some(text) = folder.read_link(&link(number), Read::SavesWork)? {
        let attempt = AttemptLink::parse(number, &text);
        if keys.contains(&attempt.key) {
            found.push(attempt);
        }
        number += 1;
    }
    Ok(found)
}
