//! The directory in which a batch keeps the states of its tasks, so that they outlive the job and several jobs may share them.
//!
//! Plain files, no ranks: [`Store`] is what the batch uses. [`state_file`] knows the state files, which are those of the Python
//! package; [`lease`] is the protocol between jobs; [`heartbeat`] tells who lives; [`status`] looks at a directory from outside.
//!
//! ```text
//! <root>/stop                    while it is there, no task is begun
//! <root>/.pshmem/<heartbeat>         a process that works here, and its signs of life
//! <root>/.pshmem/<heartbeat>.<n>     the word RUNNING, which gets more names
//! <root>/<name>/                 a task: `state`, and the files of `lease`
//! ```

#[cfg(test)]
mod failpoints;
mod files;
mod heartbeat;
pub(crate) mod lease;
mod link_template;
mod names;
mod process;
mod state_file;
pub(crate) mod status;
#[cfg(all(test, not(miri)))]
#[path = "../../../tests/store/mod.rs"]
mod tests;

use crate::batch::store::heartbeat::{Heartbeat, Life};
use crate::batch::store::lease::Claims;
pub(crate) use crate::batch::store::lease::{Begin, Commit, Lease, Rerun};
use crate::batch::store::link_template::LinkTemplate;
use crate::batch::task_state::TaskState;
use crate::error::{Error, Result};
use std::cell::Cell;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often the stop file is looked for.
const STOP_LOOKS: Duration = Duration::from_millis(100);

/// Who this is, and how long it may be silent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Options {
    /// After how much silence others may take this process for dead.
    pub(crate) lease_timeout: Duration,
    /// Name of the job, for people.
    pub(crate) job: String,
    /// This rank and its host, for errors and for people who look at the directory.
    pub(crate) rank: usize,
    pub(crate) host: String,
}

impl Options {
    /// Of somebody who is no job, for errors only.
    pub(crate) fn of_nobody() -> Self {
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        Options {
            lease_timeout: Duration::ZERO,
            job: String::new(),
            rank: 0,
            host: host.trim().to_owned(),
        }
    }
}

/// A directory that has been looked through.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) store: Store,
    pub(crate) states: Vec<TaskState>,
    /// Sentences about state files that could not be understood.
    pub(crate) unparsable: Vec<String>,
}

/// The tasks of a batch in a directory.
#[derive(Debug)]
pub(crate) struct Store {
    root: PathBuf,
    names: Arc<[String]>,
    options: Options,
    heartbeat: Arc<Heartbeat>,
    link_template: LinkTemplate,
    /// When the stop file was looked for, and whether it was there.
    stop: Cell<(Option<Instant>, bool)>,
}

impl Store {
    /// On one rank: checks the names, makes the folders that are missing and reads every state once. What processes that are
    /// gone have left is cleared away.
    pub(crate) fn create(
        root: &Path,
        tasks: impl Into<Arc<[String]>>,
        options: &Options,
    ) -> Result<Opened> {
        let store = Store::attach(root, tasks, options);
        names::check(&store.names)?;
        std::fs::create_dir_all(root).map_err(store.failed("making the folder", root))?;
        let (mut states, mut unparsable) = (Vec::with_capacity(store.names.len()), Vec::new());
        for task in 0..store.names.len() {
            let dir = store.dir(task);
            let found = store.found(&dir)?;
            if found == state_file::Found::Missing {
                files::folder(&dir).map_err(store.failed("making the folder", &dir))?;
            }
            states.push(found.state());
            if let state_file::Found::Strange(what) = found {
                unparsable.push(what);
            }
        }
        // A directory in which all is done may be one that cannot be written.
        if states.iter().any(|&state| state != TaskState::Done) {
            store.clear(&states)?;
        }
        Ok(Opened {
            store,
            states,
            unparsable,
        })
    }

    /// On the other ranks: touches no file.
    pub(crate) fn attach(root: &Path, tasks: impl Into<Arc<[String]>>, options: &Options) -> Store {
        let heartbeat = Heartbeat::of(root, options);
        Store {
            root: root.to_owned(),
            names: tasks.into(),
            link_template: LinkTemplate::new(root.join(names::OWN).join(heartbeat.fresh_key())),
            heartbeat,
            options: options.clone(),
            stop: Cell::default(),
        }
    }

    /// The folder of a task.
    pub(crate) fn dir(&self, task: usize) -> PathBuf {
        self.root.join(&self.names[task])
    }

    /// Tries to begin a task for this job.
    pub(crate) fn begin(&self, task: usize, rerun: Rerun) -> Result<Begin> {
        self.claims().begin(&self.dir(task), rerun)
    }

    /// The lease on an attempt that another rank of the same worker has begun, to record its end. `None` when the attempt has
    /// been taken over.
    pub(crate) fn adopt(&self, task: usize, attempt: u32) -> Result<Option<Lease>> {
        self.claims().adopt(&self.dir(task), attempt)
    }

    fn claims(&self) -> Claims<'_> {
        Claims {
            root: &self.root,
            options: &self.options,
            heartbeat: &self.heartbeat,
            link_template: &self.link_template,
        }
    }

    /// The state of a task, as its file tells it now.
    pub(crate) fn state(&self, task: usize) -> Result<TaskState> {
        Ok(self.found(&self.dir(task))?.state())
    }

    /// Overrides the state of a task, whoever runs it; a worker that does still records its end.
    pub(crate) fn set_state(&self, task: usize, state: TaskState) -> Result<()> {
        let dir = self.dir(task);
        let spare = format!(".set.{}", self.heartbeat.fresh_key());
        state_file::write(&dir, &spare, state).map_err(self.failed("writing the state", &dir))
    }

    /// Whether somebody has asked all jobs to begin no more tasks: there is a file `stop` in the root.
    pub(crate) fn stop_requested(&self) -> bool {
        let (looked, is_there) = self.stop.get();
        if is_there || looked.is_some_and(|at| at.elapsed() < STOP_LOOKS) {
            return is_there;
        }
        let is_there = self.root.join(names::STOP).symlink_metadata().is_ok();
        self.stop.set((Some(Instant::now()), is_there));
        is_there
    }

    /// Removes what processes have left that are known to be gone. Those that are only silent may wake up.
    fn clear(&self, states: &[TaskState]) -> Result<()> {
        let failed = |error| self.failed("clearing", &self.root)(error);
        let now = self.heartbeat.now()?;
        let mut gone = Vec::new();
        for id in heartbeat::ids(&self.root).map_err(failed)? {
            if heartbeat::look(&self.root, &id, now).map_err(failed)? == Life::Gone {
                gone.push(id);
            }
        }
        if gone.is_empty() {
            return Ok(());
        }
        for (task, _) in states
            .iter()
            .enumerate()
            .filter(|(_, state)| **state != TaskState::Done)
        {
            lease::clear(&self.dir(task), &gone).map_err(failed)?;
        }
        // Last, so that a kill in between leaves them to the next job.
        heartbeat::remove_dead(&self.root, &gone).map_err(failed)
    }

    fn found(&self, dir: &Path) -> Result<state_file::Found> {
        state_file::read(dir).map_err(self.failed("reading the state", dir))
    }

    fn failed<'a>(&'a self, call: &'a str, path: &'a Path) -> impl FnOnce(io::Error) -> Error + 'a {
        files::failed(&self.options, call, path)
    }
}

/// Asks all jobs that work on a directory to begin no more tasks.
pub(crate) fn request_stop(root: &Path) -> Result<()> {
    let path = root.join(names::STOP);
    let options = Options::of_nobody();
    std::fs::write(&path, "").map_err(files::failed(&options, "writing", &path))
}
