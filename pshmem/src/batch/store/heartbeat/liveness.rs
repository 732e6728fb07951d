//! Whether the process of a heartbeat is alive, silent or dead.

use crate::batch::store::heartbeat::record::OwnerRecord;
use crate::batch::store::{files, names};
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;
use std::time::{Duration, SystemTime};

/// What a heartbeat tells of its process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::batch::store) enum Liveness {
    Alive(Owner),
    /// Silent for longer than its lease timeout. It may be dead or frozen.
    Silent(Owner),
    /// Known to have ended.
    Dead,
}

/// The process that holds a lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Owner {
    pub(crate) job: String,
    pub(crate) host: String,
    pub(crate) pid: u32,
    /// Time since its last heartbeat.
    pub(crate) silence: Duration,
}

/// Judges the heartbeat with that id. `now` is the server's time.
pub(in crate::batch::store) fn liveness(
    root: &Path,
    id: &str,
    now: SystemTime,
) -> io::Result<Liveness> {
    if !is_id(id) {
        return Ok(Liveness::Dead);
    }
    let read = || -> io::Result<(SystemTime, OwnerRecord)> {
        let mut file = File::open(root.join(names::OWN).join(id))?;
        let mut text = String::new();
        file.read_to_string(&mut text)?;
        Ok((file.metadata()?.modified()?, OwnerRecord::parse(&text)))
    };
    let (time, record) = match read() {
        Ok(found) => found,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Liveness::Dead),
        Err(error) => return Err(error),
    };
    if record.process.has_ended() {
        return Ok(Liveness::Dead);
    }
    let owner = Owner {
        job: record.job,
        host: record.host,
        pid: record.process.pid,
        silence: now.duration_since(time).unwrap_or_default(),
    };
    // The timeout is that of the owner's job, which sets the period of its beats.
    if owner.silence > record.timeout {
        Ok(Liveness::Silent(owner))
    } else {
        Ok(Liveness::Alive(owner))
    }
}

fn is_id(name: &str) -> bool {
    name.len() == 16 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Ids of all heartbeats in a root.
pub(in crate::batch::store) fn ids(root: &Path) -> io::Result<Vec<String>> {
    let mut names = entries(root)?;
    names.retain(|name| is_id(name));
    Ok(names)
}

fn entries(root: &Path) -> io::Result<Vec<String>> {
    match std::fs::read_dir(root.join(names::OWN)) {
        Ok(entries) => entries
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
            .collect(),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// Removes the heartbeat files of dead processes, and the link templates with the same ids.
pub(in crate::batch::store) fn remove_dead(root: &Path, dead: &[String]) -> io::Result<()> {
    let mut names = entries(root)?;
    names.retain(|name| {
        let id = name.split('.').next();
        id.is_some_and(|id| dead.iter().any(|dead| dead == id))
    });
    // The heartbeats last, so that after a kill in between the next job finds the rest.
    names.sort_by_key(|name| is_id(name));
    for name in names {
        files::remove(&root.join(names::OWN).join(name))?;
    }
    Ok(())
}
