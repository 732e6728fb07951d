//! The state directory of a batch: the states of its tasks as files, which outlive the job and which several jobs may share.
//!
//! Nothing here knows of ranks or of the task table; [`Store`] is what the batch uses.
//!
//! ```text
//! <root>/stop                 while it exists, no task is begun
//! <root>/.pshmem/<id>         the heartbeat of a process that works here
//! <root>/.pshmem/<id>.<n>     a link template of that process
//! <root>/<name>/              a task: `state`, and the files of its attempts
//! ```
//!
//! - [`state_file`]: reads and writes `state`, in the format of the Python package · [`names`]: names that tasks may have
//! - [`lease`]: the protocol between jobs · [`link_template`]: what makes it cheap
//! - [`heartbeat`]: which processes are alive · [`process`]: whether one of this machine has ended
//! - [`inspect`], [`status`]: what a directory tells an observer
//! - [`options`]: who this process is · [`files`]: the file operations · `failpoints`: where tests end or freeze a process

#[cfg(test)]
mod failpoints;
mod files;
mod heartbeat;
mod inspect;
mod lease;
mod link_template;
mod names;
mod options;
mod process;
mod state_file;
pub(crate) mod status;
#[cfg(all(test, not(miri)))]
#[path = "../../../tests/store/mod.rs"]
mod tests;

use crate::batch::store::heartbeat::{Heartbeat, Liveness, heartbeat_of};
use crate::batch::store::lease::Leases;
use crate::batch::store::link_template::LinkTemplate;
use crate::batch::store::state_file::StateFile;
use crate::batch::task_state::TaskState;
use crate::error::{Error, Result};
use std::cell::Cell;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

pub(super) use crate::batch::store::heartbeat::Owner;
pub(super) use crate::batch::store::inspect::inspect;
pub(super) use crate::batch::store::lease::{BeginOutcome, CommitOutcome, Lease, RerunPolicy};
pub(super) use crate::batch::store::options::StoreOptions;

/// Time between two checks for the stop file.
const STOP_PERIOD: Duration = Duration::from_millis(100);

/// A store, with what its directory held when it was opened.
#[derive(Debug)]
pub(crate) struct OpenedStore {
    pub(crate) store: Store,
    pub(crate) states: Vec<TaskState>,
    /// One sentence for each state file that could not be parsed.
    pub(crate) unparsable: Vec<String>,
}

/// One rank's access to the tasks of a batch in a directory.
#[derive(Debug)]
pub(crate) struct Store {
    root: PathBuf,
    names: Arc<[String]>,
    options: StoreOptions,
    heartbeat: Arc<Heartbeat>,
    link_template: LinkTemplate,
    /// When the stop file was last checked for, and whether it was there.
    stop: Cell<(Option<Instant>, bool)>,
}

impl Store {
    /// Called on one rank: checks the names, makes the folders that are missing, reads every state once, and removes what dead
    /// processes have left.
    pub(crate) fn create(
        root: &Path,
        tasks: impl Into<Arc<[String]>>,
        options: &StoreOptions,
    ) -> Result<OpenedStore> {
        let store = Store::attach(root, tasks, options);
        names::check(&store.names)?;
        std::fs::create_dir_all(root).map_err(store.failed("creation", root))?;
        let (mut states, mut unparsable) = (Vec::with_capacity(store.names.len()), Vec::new());
        for task in 0..store.names.len() {
            let dir = store.dir(task);
            let found = store.read(&dir)?;
            if found == StateFile::Missing {
                files::folder(&dir).map_err(store.failed("creation", &dir))?;
            }
            states.push(found.state());
            if let StateFile::Unparsable(what) = found {
                unparsable.push(what);
            }
        }
        // Not where all is done: such a directory may be read-only.
        if states.iter().any(|&state| state != TaskState::Done) {
            store.remove_dead(&states)?;
        }
        Ok(OpenedStore {
            store,
            states,
            unparsable,
        })
    }

    /// Called on the other ranks: touches no file.
    pub(crate) fn attach(
        root: &Path,
        tasks: impl Into<Arc<[String]>>,
        options: &StoreOptions,
    ) -> Store {
        let heartbeat = heartbeat_of(root, options);
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

    /// Tries to begin a task.
    pub(crate) fn begin(&self, task: usize, rerun: RerunPolicy) -> Result<BeginOutcome> {
        self.leases().begin(&self.dir(task), rerun)
    }

    /// The lease on an attempt that another rank of the same worker has begun, to record its end. `None` when the attempt has
    /// been taken over.
    pub(crate) fn adopt(&self, task: usize, attempt: u32) -> Result<Option<Lease>> {
        self.leases().adopt(&self.dir(task), attempt)
    }

    fn leases(&self) -> Leases<'_> {
        Leases {
            root: &self.root,
            options: &self.options,
            heartbeat: &self.heartbeat,
            link_template: &self.link_template,
        }
    }

    /// The state of a task, as its file tells now.
    pub(crate) fn state(&self, task: usize) -> Result<TaskState> {
        Ok(self.read(&self.dir(task))?.state())
    }

    /// Overrides the state of a task, whoever runs it. A worker that does still records its result.
    pub(crate) fn set_state(&self, task: usize, state: TaskState) -> Result<()> {
        let dir = self.dir(task);
        let spare = format!(".set.{}", self.heartbeat.fresh_key());
        state_file::write(&dir, &spare, state).map_err(self.failed("writing the state", &dir))
    }

    /// Whether there is a file `stop` in the root, which asks all jobs to begin no more tasks.
    pub(crate) fn stop_requested(&self) -> bool {
        let (checked, exists) = self.stop.get();
        if exists || checked.is_some_and(|at| at.elapsed() < STOP_PERIOD) {
            return exists;
        }
        let exists = self.root.join(names::STOP).symlink_metadata().is_ok();
        self.stop.set((Some(Instant::now()), exists));
        exists
    }

    /// Removes what dead processes have left. Silent processes keep their files: they may only be frozen.
    fn remove_dead(&self, states: &[TaskState]) -> Result<()> {
        let failed = |error| self.failed("clearing", &self.root)(error);
        let now = self.heartbeat.now()?;
        let mut dead = Vec::new();
        for id in heartbeat::ids(&self.root).map_err(failed)? {
            let found = heartbeat::liveness(&self.root, &id, now).map_err(failed)?;
            if found == Liveness::Dead {
                dead.push(id);
            }
        }
        if dead.is_empty() {
            return Ok(());
        }
        let unfinished = states
            .iter()
            .enumerate()
            .filter(|(_, state)| **state != TaskState::Done);
        for (task, _) in unfinished {
            lease::clear(&self.dir(task), &dead).map_err(failed)?;
        }
        // Last, so that after a kill in between the next job finds the heartbeats.
        heartbeat::remove_dead(&self.root, &dead).map_err(failed)
    }

    fn read(&self, dir: &Path) -> Result<StateFile> {
        state_file::read(dir).map_err(self.failed("reading the state", dir))
    }

    fn failed<'a>(&'a self, call: &'a str, path: &'a Path) -> impl FnOnce(io::Error) -> Error + 'a {
        files::failed(&self.options, call, path)
    }
}

/// Asks all jobs that work on a directory to begin no more tasks, by a file `stop` in it.
pub(super) fn request_stop(root: &Path) -> Result<()> {
    let path = root.join(names::STOP);
    let options = StoreOptions::observer();
    std::fs::write(&path, "").map_err(files::failed(&options, "writing", &path))
}
