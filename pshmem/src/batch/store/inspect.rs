//! Reads a state directory for an observer: takes no lease, makes and changes nothing.

use crate::batch::store::heartbeat::{Liveness, liveness};
use crate::batch::store::lease::{self, AttemptLink};
use crate::batch::store::options::StoreOptions;
use crate::batch::store::state_file::{self, StateFile};
use crate::batch::store::status::{BatchStatus, TaskHolder, TaskStatus};
use crate::batch::store::{files, names};
use crate::batch::task_state::TaskState;
use crate::error::{Result, clip};
use std::io;
use std::path::Path;
use std::time::SystemTime;

/// Bytes of a reason that are kept.
const REASON_BYTES: usize = 400;

/// The status of every task in a directory.
pub(in crate::batch) fn inspect(root: &Path) -> Result<BatchStatus> {
    let options = StoreOptions::observer();
    let failed = |error| files::failed(&options, "reading", root)(error);
    let mut status = BatchStatus {
        root: root.to_owned(),
        tasks: Vec::new(),
        unparsable: Vec::new(),
        is_stopping: root.join(names::STOP).symlink_metadata().is_ok(),
    };
    let now = SystemTime::now();
    for entry in std::fs::read_dir(root).map_err(failed)? {
        let dir = entry.map_err(failed)?.path();
        let name = dir.file_name().unwrap_or_default().to_string_lossy();
        // `is_dir` follows links: the folder of a task may be on another file system.
        if name == names::OWN || !dir.is_dir() {
            continue;
        }
        let (task, unparsable) = inspect_task(root, &dir, name.into_owned(), now)
            .map_err(|error| files::failed(&options, "reading", &dir)(error))?;
        status.tasks.push(task);
        status.unparsable.extend(unparsable);
    }
    status.tasks.sort_by(|a, b| a.name.cmp(&b.name));
    status.unparsable.sort();
    Ok(status)
}

fn inspect_task(
    root: &Path,
    dir: &Path,
    name: String,
    now: SystemTime,
) -> io::Result<(TaskStatus, Option<String>)> {
    // Before the state, so that an attempt that ends in between is shown with its end.
    let last = lease::last(dir, 0)?;
    let holder = match &last {
        Some(attempt) => holder(root, dir, attempt, now)?,
        None => None,
    };
    let found = state_file::read(dir)?;
    let state = found.state();
    let attempts = last.map_or(0, |attempt| attempt.number);
    let reason = match state {
        TaskState::Failed => std::fs::read(lease::reason(dir, attempts)).ok(),
        _ => None,
    };
    let reason = reason.map(|text| clip(String::from_utf8_lossy(&text).trim(), REASON_BYTES));
    let task = TaskStatus {
        name,
        state,
        attempts,
        holder,
        // A full file system leaves an empty one.
        reason: reason.filter(|text| !text.is_empty()),
    };
    let unparsable = match found {
        StateFile::Unparsable(what) => Some(what),
        _ => None,
    };
    Ok((task, unparsable))
}

/// Who holds the task whose last attempt this is.
fn holder(
    root: &Path,
    dir: &Path,
    attempt: &AttemptLink,
    now: SystemTime,
) -> io::Result<Option<TaskHolder>> {
    if !attempt.lasts(dir) {
        return Ok(None);
    }
    let (is_alive, owner) = match liveness(root, attempt.heartbeat(), now)? {
        Liveness::Alive(owner) => (true, Some(owner)),
        Liveness::Silent(owner) => (false, Some(owner)),
        Liveness::Dead => (false, None),
    };
    let (job, silence) = owner
        .map(|owner| (owner.job, owner.silence))
        .unwrap_or_default();
    Ok(Some(TaskHolder {
        job,
        host: attempt.host.clone(),
        pid: attempt.pid,
        silence,
        is_alive,
    }))
}
