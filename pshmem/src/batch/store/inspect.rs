//! A state directory as an observer sees it, who holds no leases; and what an operator may change there.

use crate::batch::store::folder::{Content, Folder, Read, is_missing, unless_missing};
use crate::batch::store::heartbeat::{self, heartbeat_of};
use crate::batch::store::lease::{self, AttemptLink};
use crate::batch::store::log::{self, LogEntry};
use crate::batch::store::options::StoreOptions;
use crate::batch::store::state_file::{self, STATE, StateFile};
use crate::batch::store::status::{BatchStatus, TaskHolder, TaskStatus};
use crate::batch::store::{names, task_list};
use crate::batch::task_state::TaskState;
use crate::error::{Error, Result, clip};
use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// Bytes of a reason that are kept.
const REASON_BYTES: usize = 400;

/// The folders of a root, for an observer.
struct Observed {
    root: Folder,
    /// The folder of this library's own files. `None` in a directory of the Python package.
    own: Option<Folder>,
    options: StoreOptions,
}

impl Observed {
    fn open(path: &Path) -> Result<Self> {
        let options = StoreOptions::observer();
        let open = || -> io::Result<(Folder, Option<Folder>)> {
            let root = Folder::open(path, Duration::ZERO)?;
            let own = unless_missing(root.open_folder(names::OWN))?;
            Ok((root, own))
        };
        let (root, own) = open().map_err(options.failed("reading", path))?;
        Ok(Observed { root, own, options })
    }

    /// The names of the tasks: those that jobs have brought, and all folders with a state. Where no job of this library has
    /// been, every folder is a task.
    fn tasks(&self) -> io::Result<BTreeSet<String>> {
        let listed = match &self.own {
            Some(own) => task_list::read(own)?,
            None => None,
        };
        let mut tasks = BTreeSet::new();
        for name in self.root.names()? {
            if name == names::OWN || name == names::STOP || name == log::LOG {
                continue;
            }
            let is_listed = listed.as_ref().is_some_and(|listed| listed.contains(&name));
            let is_task = match self.root.open_folder(&name) {
                // A file, or a link to nowhere.
                Err(_) if !is_listed => false,
                Err(error) if is_missing(&error) => false,
                opened => is_listed || listed.is_none() || opened?.exists(STATE)?,
            };
            if is_task {
                tasks.insert(name);
            }
        }
        tasks.extend(listed.unwrap_or_default());
        Ok(tasks)
    }
}

/// The status of every task in a directory.
pub(in crate::batch) fn inspect(path: &Path) -> Result<BatchStatus> {
    let observed = Observed::open(path)?;
    let root = &observed.root;
    let reading = |error| observed.options.failed("reading", path)(error);
    let mut status = BatchStatus {
        root: path.to_owned(),
        tasks: Vec::new(),
        unparsable: Vec::new(),
        is_stopping: root.exists(names::STOP).map_err(reading)?,
    };
    let now = SystemTime::now();
    for name in observed.tasks().map_err(reading)? {
        let inspected = inspect_task(&observed, &name, now);
        let (task, unparsable) =
            inspected.map_err(observed.options.failed("reading", root.join(&name)))?;
        status.tasks.push(task);
        status.unparsable.extend(unparsable);
    }
    Ok(status)
}

fn inspect_task(
    observed: &Observed,
    name: &str,
    now: SystemTime,
) -> io::Result<(TaskStatus, Option<String>)> {
    let mut task = TaskStatus {
        name: name.to_owned(),
        state: TaskState::Open,
        attempts: 0,
        holder: None,
        reason: None,
    };
    let Some(folder) = unless_missing(observed.root.open_folder(name))? else {
        // Its job has not made it yet.
        return Ok((task, None));
    };
    // Before the state, so that an attempt that ends in between is shown with its end.
    let last = lease::last(&folder, 0)?;
    if let Some(attempt) = &last {
        task.attempts = attempt.number;
        task.holder = holder(observed, &folder, attempt, now)?;
    }
    let found = state_file::read(&folder, Read::SavesWork)?;
    task.state = found.state();
    if let Some(attempt) = &last
        && task.holder.is_some()
        && task.state != TaskState::Running
        && !attempt.lasts(&folder)?
    {
        // It has ended in between.
        task.holder = None;
    }
    if task.state == TaskState::Failed
        && let Content::File(text) = folder.read(
            &lease::reason(task.attempts),
            4 * REASON_BYTES,
            Read::SavesWork,
        )?
    {
        let reason = clip(String::from_utf8_lossy(&text).trim(), REASON_BYTES);
        // A full file system leaves an empty one.
        task.reason = (!reason.is_empty()).then_some(reason);
    }
    let unparsable = match found {
        StateFile::Unparsable(what) => Some(what),
        _ => None,
    };
    Ok((task, unparsable))
}

/// Who holds the task whose last attempt this is.
fn holder(
    observed: &Observed,
    folder: &Folder,
    attempt: &AttemptLink,
    now: SystemTime,
) -> io::Result<Option<TaskHolder>> {
    if !attempt.lasts(folder)? {
        return Ok(None);
    }
    let found = match &observed.own {
        Some(own) => heartbeat::holder(own, attempt.heartbeat())?,
        None => None,
    };
    let mut holder = TaskHolder {
        job: String::new(),
        host: attempt.host.clone(),
        pid: attempt.pid,
        silence: Duration::ZERO,
        is_alive: false,
    };
    if let Some((record, time)) = found {
        let beat = SystemTime::UNIX_EPOCH + Duration::from_secs(time.tv_sec.max(0).cast_unsigned());
        holder.silence = now.duration_since(beat).unwrap_or_default();
        holder.is_alive = holder.silence <= record.timeout;
        holder.job = record.job;
    }
    Ok(Some(holder))
}

/// All lines of the log of a directory, in the order in which their attempts have begun.
pub(in crate::batch) fn read_log(path: &Path) -> Result<Vec<LogEntry>> {
    let observed = Observed::open(path)?;
    let read = log::read(&observed.root, observed.own.as_ref());
    let mut entries = read.map_err(observed.options.failed("reading", path.join(log::LOG)))?;
    entries.sort_by_key(|entry| entry.start);
    Ok(entries)
}

/// Opens the tasks again that are in one of the states and that no live process runs, of all or of those with these names.
/// Returns their names.
///
/// Clocks tell who is alive, so a task may be opened that is run after all. That does no harm: its holder keeps the lease, and
/// still records how the task ends.
pub(in crate::batch) fn reopen(
    path: &Path,
    states: &[TaskState],
    names: Option<BTreeSet<String>>,
) -> Result<Vec<String>> {
    let observed = Observed::open(path)?;
    let all = observed
        .tasks()
        .map_err(observed.options.failed("reading", path))?;
    let tasks = match names {
        None => all,
        Some(names) => match names.iter().find(|&name| !all.contains(name)) {
            None => names,
            Some(unknown) => {
                return Err(Error::InvalidSetting {
                    name: "name of a task".to_owned(),
                    value: format!("{unknown:?}"),
                    reason: format!("{} has no such task; none was opened", path.display()),
                });
            }
        },
    };
    let now = SystemTime::now();
    // For a name that nobody else uses.
    let heartbeat = heartbeat_of(path, &observed.options);
    let mut opened = Vec::new();
    for name in tasks {
        let reopen_task = || -> io::Result<bool> {
            let Some(folder) = unless_missing(observed.root.open_folder(&name))? else {
                return Ok(false);
            };
            let holder = match lease::last(&folder, 0)? {
                Some(last) => holder(&observed, &folder, &last, now)?,
                None => None,
            };
            let is_run = holder.is_some_and(|holder| holder.is_alive);
            let state = state_file::read(&folder, Read::SavesWork)?.state();
            if is_run || !states.contains(&state) {
                return Ok(false);
            }
            let spare = format!(".set.{}", heartbeat.fresh_key());
            state_file::write(&folder, &spare, TaskState::Open)?;
            Ok(true)
        };
        let reopened = reopen_task();
        let call = match opened.len() {
            0 => "opening again".to_owned(),
            count => format!("opening again (after {count} others)"),
        };
        if reopened.map_err(observed.options.failed(&call, path.join(&name)))? {
            opened.push(name);
        }
    }
    Ok(opened)
}

/// Asks all jobs that work on a directory to begin no more tasks, by a file `stop` in it.
pub(in crate::batch) fn request_stop(path: &Path) -> Result<()> {
    let observed = Observed::open(path)?;
    let root = &observed.root;
    // What is there already may belong to somebody else, or say why jobs are to stop.
    let is_there = root.exists(names::STOP);
    let made = is_there.and_then(|is_there| {
        if is_there {
            return Ok(());
        }
        root.write_for_people(names::STOP, "")
    });
    made.map_err(observed.options.failed("writing", path.join(names::STOP)))
}
