//! The state directory of a batch: the states of its tasks as files, which outlive the job and which several jobs may share.
//!
//! Nothing here knows of ranks or of the task table; [`Store`] is what the batch uses.
//!
//! ```text
//! <root>/stop                    while it exists, no task is begun
//! <root>/log.csv                 one line for each attempt at a task
//! <root>/.pshmem/<id>            the heartbeat of a process that works here
//! <root>/.pshmem/<id>.<n>        a link template of that process
//! <root>/.pshmem/<id>.dead       its heartbeat was silent and has been removed
//! <root>/.pshmem/log.<job>.<key> lines that are not in the log yet
//! <root>/.pshmem/rerun.<n>       a request to run tasks again
//! <root>/.pshmem/tasks.<sum>     the names of the tasks
//! <root>/<name>/                 a task: `state`, and the files of its attempts
//! ```
//!
//! - [`state_file`]: reads and writes `state`, in the format of the Python package · [`names`], [`task_list`]: names that tasks may
//!   have, and those that they have
//! - [`lease`]: the protocol between jobs · [`link_template`]: what makes it cheap · [`rerun`]: what makes a rerun happen once
//! - [`heartbeat`]: which processes are alive · [`process`]: whether one of this machine has ended
//! - [`opening`]: how a job begins with a root · [`log`]: what it leaves for people
//! - [`inspect`], [`status`]: what a directory tells an observer, and what he may change
//! - [`options`]: who this process is · [`folder`]: the file operations, and in tests their faults

mod folder;
mod heartbeat;
mod inspect;
mod lease;
mod link_template;
pub(super) mod log;
mod names;
mod opening;
mod options;
mod process;
mod rerun;
mod state_file;
pub(super) mod status;
mod task_list;
#[cfg(all(test, not(miri)))]
#[path = "../../../tests/store/mod.rs"]
mod tests;

use crate::batch::names::TaskNames;
use crate::batch::polled::Polled;
use crate::batch::store::folder::{Folder, Read, is_missing};
use crate::batch::store::heartbeat::{Heartbeat, KeepAlive, Observer, heartbeat_of};
use crate::batch::store::lease::{AttemptLink, Leases};
use crate::batch::store::link_template::LinkTemplate;
use crate::batch::store::log::{AttemptLog, LogEntry};
use crate::batch::task_state::TaskState;
use crate::error::Result;
use crate::events;
use std::cell::OnceCell;
use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

pub(super) use crate::batch::store::heartbeat::Owner;
pub(super) use crate::batch::store::inspect::{inspect, read_log, reopen, request_stop};
pub(super) use crate::batch::store::lease::{Admission, BeginOutcome, CommitOutcome, Lease};
pub(super) use crate::batch::store::opening::{Opening, Share};
pub(super) use crate::batch::store::options::{MAX_LEASE_TIMEOUT, MIN_LEASE_TIMEOUT, StoreOptions};
pub(super) use crate::batch::store::state_file::Recorded;

/// One rank's access to the tasks of a batch in a directory.
#[derive(Debug)]
pub(crate) struct Store {
    root_path: PathBuf,
    /// Opened when they are first needed.
    root: OnceCell<Folder>,
    own: OnceCell<Folder>,
    names: TaskNames,
    options: Rc<StoreOptions>,
    heartbeat: Arc<Heartbeat>,
    observer: Observer,
    link_template: LinkTemplate,
    /// The rerun request of this job; 0 for none.
    request: u32,
    log: AttemptLog,
    /// Part of the names of the log files of this job.
    log_job: String,
    /// Whether there is a stop file.
    stop: Polled,
    /// Whether this rank has prepared the root, and clears it.
    is_opener: bool,
    /// Shows a job that has asked for reruns to be at work, also while it runs no task.
    rerun_job: Option<KeepAlive>,
}

/// An attempt at a task that has ended, for the log.
#[derive(Debug)]
pub(crate) struct EndedAttempt<'a> {
    pub(crate) task: usize,
    pub(crate) attempt: u32,
    pub(crate) state: TaskState,
    pub(crate) worker: usize,
    pub(crate) elapsed: Duration,
    pub(crate) reason: &'a str,
}

impl Store {
    /// Touches no file.
    pub(crate) fn attach(root: &Path, names: TaskNames, options: &StoreOptions) -> Store {
        let heartbeat = heartbeat_of(root, options);
        Store {
            root_path: root.to_owned(),
            root: OnceCell::new(),
            own: OnceCell::new(),
            names,
            link_template: LinkTemplate::new(heartbeat.fresh_key()),
            heartbeat,
            observer: Observer::default(),
            options: Rc::new(options.clone()),
            request: 0,
            log: AttemptLog::default(),
            log_job: String::new(),
            stop: Polled::default(),
            is_opener: false,
            rerun_job: None,
        }
    }

    fn root(&self) -> Result<&Folder> {
        if let Some(root) = self.root.get() {
            return Ok(root);
        }
        let opened = Folder::open(&self.root_path, self.options.patience);
        let opened = opened.map_err(self.options.failed("opening", &self.root_path))?;
        Ok(self.root.get_or_init(|| opened))
    }

    /// The folder of this library's own files, which is made if it is missing.
    fn own(&self) -> Result<&Folder> {
        if let Some(own) = self.own.get() {
            return Ok(own);
        }
        let root = self.root()?;
        let made = root.make_folder(names::OWN);
        let opened = made.and_then(|()| root.open_folder(names::OWN));
        let opened = opened.map_err(self.options.failed("creation", root.join(names::OWN)))?;
        Ok(self.own.get_or_init(|| opened))
    }

    /// The name of a task, which is that of its folder.
    fn name(&self, task: usize) -> &str {
        self.names.get(task).unwrap_or_default()
    }

    /// The folder of a task.
    pub(crate) fn dir(&self, task: usize) -> PathBuf {
        self.root_path.join(self.name(task))
    }

    /// Tries to begin a task.
    pub(crate) fn begin(&self, task: usize, admission: &Admission) -> Result<BeginOutcome> {
        self.begin_one(task, admission, false)
    }

    /// The same for a task that was OPEN and had never been begun when somebody looked last.
    pub(crate) fn begin_new(&self, task: usize, admission: &Admission) -> Result<BeginOutcome> {
        self.begin_one(task, admission, true)
    }

    fn begin_one(
        &self,
        task: usize,
        admission: &Admission,
        seems_new: bool,
    ) -> Result<BeginOutcome> {
        let mut lost = Vec::new();
        let leases = self.leases()?;
        let outcome = leases.begin(self.name(task), admission, seems_new, &mut lost);
        for attempt in &lost {
            self.log_lost(task, attempt);
        }
        outcome
    }

    /// The lease on an attempt that another rank of the same worker has begun, to record its end. `None` when the attempt has
    /// been taken over.
    pub(crate) fn adopt(&self, task: usize, attempt: u32) -> Result<Option<Lease>> {
        let leases = self.leases()?;
        leases.adopt(self.name(task), attempt, self.request)
    }

    fn leases(&self) -> Result<Leases<'_>> {
        Ok(Leases {
            root: self.root()?,
            own: self.own()?,
            options: &self.options,
            heartbeat: &self.heartbeat,
            link_template: &self.link_template,
            observer: &self.observer,
        })
    }

    /// The state of a task, as its file tells now.
    pub(crate) fn state(&self, task: usize) -> Result<TaskState> {
        let read = |folder: &Folder| Ok(state_file::read(folder, Read::SavesWork)?.state());
        self.in_folder(task, Some(TaskState::Open), read)
    }

    /// The number of the last attempt at a task; 0 if there was none.
    pub(crate) fn attempts(&self, task: usize) -> Result<u32> {
        let last = |folder: &Folder| Ok(lease::last(folder, 0)?.map_or(0, |last| last.number));
        self.in_folder(task, Some(0), last)
    }

    /// Overrides the state of a task, whoever runs it. A worker that does still records its result.
    pub(crate) fn set_state(&self, task: usize, state: TaskState) -> Result<()> {
        let spare = format!(".set.{}", self.heartbeat.fresh_key());
        let write = |folder: &Folder| state_file::write(folder, &spare, state);
        self.in_folder(task, None, write)
    }

    /// Does something in the folder of a task. `missing` is the outcome if there is no folder and that is no error.
    fn in_folder<R>(
        &self,
        task: usize,
        missing: Option<R>,
        work: impl FnOnce(&Folder) -> io::Result<R>,
    ) -> Result<R> {
        let root = self.root()?;
        let opened = root.open_folder(self.name(task));
        let done = match (opened, missing) {
            (Err(error), Some(missing)) if is_missing(&error) => Ok(missing),
            (opened, _) => opened.and_then(|folder| work(&folder)),
        };
        done.map_err(self.options.failed("use", self.dir(task)))
    }

    /// Whether there is a file `stop` in the root, which asks all jobs to begin no more tasks.
    pub(crate) fn stop_requested(&self) -> bool {
        self.stop.get(|| {
            // The root is opened anew, so that a network file system does not answer from its cache that there is no such file.
            // What cannot be read asks for nothing.
            let opened = Folder::open(&self.root_path, Duration::ZERO);
            let exists = opened.and_then(|root| root.exists(names::STOP));
            exists.unwrap_or(false)
        })
    }

    /// Writes an attempt of this rank's worker to the log.
    pub(crate) fn log_end(&self, ended: &EndedAttempt<'_>) {
        self.append(LogEntry {
            task: self.name(ended.task).to_owned(),
            attempt: ended.attempt,
            state: ended.state,
            host: self.options.host.clone(),
            job: self.options.job.clone(),
            worker: Some(ended.worker),
            start: SystemTime::now() - ended.elapsed,
            seconds: ended.elapsed.as_secs_f64(),
            reason: ended.reason.to_owned(),
        });
    }

    /// Writes to the log that an attempt of a dead process was taken over.
    fn log_lost(&self, task: usize, lost: &AttemptLink) {
        self.append(self.entry_of_dead(task, lost));
    }

    /// The line of an attempt that was lost with its process.
    fn entry_of_dead(&self, task: usize, lost: &AttemptLink) -> LogEntry {
        let job = self.own().and_then(|own| {
            let job = heartbeat::job(own, lost.heartbeat());
            job.map_err(self.options.failed("reading heartbeats", own.path()))
        });
        LogEntry {
            task: self.name(task).to_owned(),
            attempt: lost.number,
            state: TaskState::Running,
            host: lost.host.clone(),
            job: job.unwrap_or_default(),
            worker: None,
            start: SystemTime::now(),
            seconds: 0.0,
            reason: format!("process {} has died, or was silent", lost.pid),
        }
    }

    /// Writes attempts to the log that dead processes have recorded, unless they are there: a process may die between the two.
    fn log_unlogged(&self, recorded: &[(usize, AttemptLink, TaskState)]) {
        if recorded.is_empty() {
            return;
        }
        let read = || -> Result<Vec<LogEntry>> {
            let (root, own) = (self.root()?, self.own()?);
            log::read(root, Some(own)).map_err(self.options.failed("reading", root.join(log::LOG)))
        };
        let entries = match read() {
            Ok(entries) => entries,
            Err(error) => return events::warn!(%error, "the log may lack lines"),
        };
        let there: HashSet<(&str, u32)> = entries
            .iter()
            .map(|entry| (entry.task.as_str(), entry.attempt))
            .collect();
        for (task, attempt, state) in recorded {
            if !there.contains(&(self.name(*task), attempt.number)) {
                self.append(LogEntry {
                    state: *state,
                    reason: format!("process {} has died before it wrote this line", attempt.pid),
                    ..self.entry_of_dead(*task, attempt)
                });
            }
        }
    }

    fn append(&self, entry: LogEntry) {
        let key = || format!("{}.{}", self.log_job, self.heartbeat.fresh_key());
        let append = |own: &Folder| {
            let appended = self.log.append(own, key, entry);
            appended.map_err(self.options.failed("writing the log", own.path()))
        };
        // A file of lines whose process has no heartbeat is taken for that of a process that is gone.
        let alive = self.heartbeat.beat(Duration::MAX);
        if let Err(error) = alive.and_then(|()| self.own()).and_then(append) {
            // The log is for people: it does not keep a task from being recorded.
            events::warn!(%error, "not in the log");
        }
    }

    /// Ends this rank's part of the log, so that it can be merged.
    pub(crate) fn close_log(&self) {
        self.log.close();
    }

    /// Appends the lines of all ranks of this job to the log of the root, after all have closed theirs. Called on one rank.
    pub(crate) fn merge_logs(&self) {
        let merge = || -> Result<()> {
            let (root, own) = (self.root()?, self.own()?);
            let is_ours = |name: &str| name.split('.').nth(1) == Some(&self.log_job);
            let merged = log::merge(root, own, &self.heartbeat.fresh_key(), &is_ours);
            merged
                .map(|_| ())
                .map_err(self.options.failed("writing", root.join(log::LOG)))
        };
        if let Err(error) = merge() {
            // The lines stay where they are: readers find them, and the next job merges them.
            events::warn!(%error, "the log is not merged");
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        let Some(own) = self.own.get() else {
            return;
        };
        own.set_patience(Duration::ZERO);
        // If any of this fails, a later job finds the files of a process that has ended.
        let _ = self.link_template.remove(own);
        if self.is_opener {
            let _ = heartbeat::retire_silent(own, &self.observer);
        }
    }
}
