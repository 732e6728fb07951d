//! Whether the process of a heartbeat is alive, silent or dead.

use crate::batch::store::folder::{Content, Folder};
use crate::batch::store::heartbeat::record::OwnerRecord;
use rustix::fs::Timespec;
use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::time::{Duration, Instant};

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
    /// Time since its last heartbeat, as far as this process has observed it.
    pub(crate) silence: Duration,
    /// When this process has last seen that it was alive, by a new heartbeat or on this machine, if it has.
    pub(crate) changed: Option<Instant>,
}

/// The longest content of a heartbeat file that is read.
const MAX_LEN: usize = 4096;

/// What one rank has seen of the heartbeats of others.
///
/// Only *changes* of a modification time count, measured with the clock of this process: the times themselves come from file
/// servers or from other hosts, whose clocks may be wrong.
#[derive(Debug, Default)]
pub(in crate::batch::store) struct Observer {
    seen: RefCell<HashMap<String, Seen>>,
}

/// A modification time, and since when it has been seen.
#[derive(Debug, Clone, Copy)]
struct Seen {
    time: Timespec,
    since: Instant,
    has_changed: bool,
}

impl Observer {
    /// Judges the heartbeat with that id. `own` is the folder of this library's own files.
    pub(in crate::batch::store) fn liveness(&self, own: &Folder, id: &str) -> io::Result<Liveness> {
        let Some((record, time)) = holder(own, id)? else {
            return Ok(Liveness::Dead);
        };
        let mut seen = self.observe(id, time);
        if record.process.is_running() {
            // Seen more closely than by its heartbeat.
            seen.has_changed = true;
            seen.since = Instant::now();
        }
        let owner = Owner {
            job: record.job,
            host: record.host,
            pid: record.process.pid,
            silence: seen.since.elapsed(),
            changed: seen.has_changed.then_some(seen.since),
        };
        // The timeout is that of the owner's job, which sets the period of its beats.
        if owner.silence > record.timeout {
            Ok(Liveness::Silent(owner))
        } else {
            Ok(Liveness::Alive(owner))
        }
    }

    /// The heartbeats that have been observed.
    pub(super) fn ids(&self) -> Vec<String> {
        self.seen.borrow().keys().cloned().collect()
    }

    fn observe(&self, id: &str, time: Timespec) -> Seen {
        let now = Instant::now();
        let mut all = self.seen.borrow_mut();
        if let Some(seen) = all.get_mut(id) {
            if (seen.time.tv_sec, seen.time.tv_nsec) != (time.tv_sec, time.tv_nsec) {
                *seen = Seen {
                    time,
                    since: now,
                    has_changed: true,
                };
            }
            return *seen;
        }
        let first = Seen {
            time,
            since: now,
            has_changed: false,
        };
        all.insert(id.to_owned(), first);
        first
    }
}

/// The name of the job of a heartbeat, whether or not its process has ended. Empty if its file has been removed.
pub(in crate::batch::store) fn job(own: &Folder, id: &str) -> io::Result<String> {
    let record = read(own, id)?.map(|(record, _)| record);
    Ok(record.map(|record| record.job).unwrap_or_default())
}

/// What an observer outside of a job can tell who holds a lease: the record of its heartbeat, and its time. `None` when its
/// process is known to have ended.
pub(in crate::batch::store) fn holder(
    own: &Folder,
    id: &str,
) -> io::Result<Option<(OwnerRecord, Timespec)>> {
    let found = read(own, id)?;
    Ok(found.filter(|(record, _)| !record.process.has_ended()))
}

/// What is in the file of a heartbeat, and when it was written.
fn read(own: &Folder, id: &str) -> io::Result<Option<(OwnerRecord, Timespec)>> {
    if !is_id(id) {
        return Ok(None);
    }
    let (Content::File(text), Some(time)) = own.read_file(id, MAX_LEN)? else {
        return Ok(None);
    };
    let record = OwnerRecord::parse(&String::from_utf8_lossy(&text));
    Ok(Some((record, time)))
}

/// Whether a name is that of a heartbeat.
pub(in crate::batch::store) fn is_id(name: &str) -> bool {
    name.len() == 16 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}
