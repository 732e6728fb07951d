//! Opening a root: what one rank prepares, what all ranks read a share of each, and what the one rank clears afterwards.

use crate::batch::names::TaskNames;
use crate::batch::store::folder::{Folder, Read, may_pass, unless_missing};
use crate::batch::store::heartbeat::{self, KeepAlive};
use crate::batch::store::lease::AttemptLink;
use crate::batch::store::state_file::{self, Recorded, StateFile};
use crate::batch::store::{Store, StoreOptions, lease, log, names, rerun, task_list};
use crate::batch::task_state::TaskState;
use crate::error::{Error, Result};
use crate::events;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::io;
use std::ops::Range;
use std::panic::resume_unwind;
use std::path::Path;
use std::thread::ScopedJoinHandle;
use std::time::Duration;

/// Threads that read folders at the same time, and the number of folders for which that is worth while: file servers answer
/// many questions at once, and each of them late.
const THREADS: usize = 8;
const TASKS_PER_THREAD: usize = 64;
/// How many folders of a part may be unusable before the job gives up.
const MAX_UNUSABLE: usize = 3;

/// What the rank that prepares a root tells the others.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Opening {
    /// The rerun request of this job; 0 for none.
    pub(crate) request: u32,
    /// Part of the names of the log files of this job.
    pub(crate) log: String,
    /// Heartbeats of processes that have ended.
    dead: HashSet<String>,
}

/// What one rank has read.
#[derive(Debug, Default)]
pub(crate) struct Share {
    pub(crate) recorded: Vec<Recorded>,
    /// One sentence for each state file that could not be parsed.
    pub(crate) unparsable: Vec<String>,
    /// Tasks that have been begun, and how often.
    pub(crate) attempts: Vec<(u32, u32)>,
    /// Attempts of processes that have died, which have ended by this.
    lost: Vec<(usize, AttemptLink)>,
    /// Attempts of processes that have died, which these have ended with this state. They may not be in the log.
    recorded_by_dead: Vec<(usize, AttemptLink, TaskState)>,
    /// Whether dead processes may have left something.
    pub(crate) is_unclear: bool,
}

impl Store {
    /// Called on one rank: checks the names, and finds out what all ranks need to know. `asks` is whether the job asks for tasks
    /// to be rerun.
    pub(crate) fn prepare(
        root: &Path,
        names: TaskNames,
        options: &StoreOptions,
        asks: bool,
    ) -> Result<(Store, Opening)> {
        let mut store = Store::attach(root, names, options);
        store.is_opener = true;
        names::check(store.names.iter())?;
        std::fs::create_dir_all(root).map_err(store.options.failed("creation", root))?;
        let mut opening = Opening::default();
        let is_at_work = store.heartbeat.is_needed();
        if asks {
            // Before the request: whoever finds the request finds this job at work.
            store.rerun_job = Some(KeepAlive::new(&store.heartbeat)?);
        }
        match store.own() {
            Ok(own) => {
                let prepared = store.look_around(own, asks, is_at_work, &mut opening);
                prepared.map_err(store.options.failed("reading", own.path()))?;
            }
            // Where all is done, nothing need be written.
            Err(Error::Directory { .. }) if !asks => {}
            Err(error) => return Err(error),
        }
        Ok((store, opening))
    }

    fn look_around(
        &self,
        own: &Folder,
        asks: bool,
        is_at_work: bool,
        opening: &mut Opening,
    ) -> io::Result<()> {
        let key = self.heartbeat.fresh_key();
        opening.log = key.replace('.', "-");
        opening.dead = heartbeat::dead(own, &self.observer)?;
        opening.request = rerun::request(own, &self.heartbeat, &self.observer, asks, is_at_work)?;
        if let Err(error) = task_list::write(own, self.names.iter(), &key) {
            // For observers only.
            events::warn!(%error, "the names of the tasks are not written down");
        }
        Ok(())
    }

    /// Called on every rank, for a share of the tasks each: reads their states, makes the folders that are missing, and removes
    /// what dead processes have left there.
    pub(crate) fn read_share(&mut self, tasks: Range<usize>, opening: &Opening) -> Result<Share> {
        self.request = opening.request;
        self.log_job.clone_from(&opening.log);
        let threads = tasks.len().div_ceil(TASKS_PER_THREAD).clamp(1, THREADS);
        let len = tasks.len().div_ceil(threads).max(1);
        let parts: Vec<Range<usize>> = tasks
            .clone()
            .step_by(len)
            .map(|start| start..tasks.end.min(start + len))
            .collect();
        let reader = Reader {
            path: &self.root_path,
            names: &self.names,
            options: &self.options,
            dead: &opening.dead,
        };
        let reader = &reader;
        let shares: Vec<Result<Share>> = match &parts[..] {
            [part] => vec![reader.read(part.clone())],
            parts => std::thread::scope(|scope| {
                let spawn = |part: &Range<usize>| {
                    let own = part.clone();
                    let thread = std::thread::Builder::new();
                    let thread = thread.spawn_scoped(scope, move || reader.read(own));
                    // A thread that cannot be started is done without.
                    thread.map_err(|_| part.clone())
                };
                let running: Vec<_> = parts.iter().map(spawn).collect();
                let join = |running: Result<ScopedJoinHandle<'_, _>, Range<usize>>| match running {
                    Ok(thread) => thread.join().unwrap_or_else(|panic| resume_unwind(panic)),
                    Err(part) => reader.read(part),
                };
                running.into_iter().map(join).collect()
            }),
        };
        let mut all = Share::default();
        for share in shares {
            let share = share?;
            all.recorded.extend(share.recorded);
            all.unparsable.extend(share.unparsable);
            all.attempts.extend(share.attempts);
            all.lost.extend(share.lost);
            all.recorded_by_dead.extend(share.recorded_by_dead);
            all.is_unclear |= share.is_unclear;
        }
        for (task, lost) in &all.lost {
            self.log_lost(*task, lost);
        }
        self.log_unlogged(&all.recorded_by_dead);
        Ok(all)
    }

    /// Called on the rank that has prepared the root, after all ranks have read their shares: appends what processes that are gone
    /// have left to the log, and removes the files of those that have died. `is_clear` is false if there may be more of them.
    pub(crate) fn clear_dead(&self, opening: &Opening, is_clear: bool) {
        let Some(own) = self.own.get() else {
            return;
        };
        let clear = || -> io::Result<()> {
            let root = &Folder::open(&self.root_path, Duration::ZERO)?;
            // The heartbeats are listed last: a process makes its heartbeat before other files, so that whose heartbeat is missing
            // then is gone, and not new.
            let files: HashSet<String> = own.names()?.into_iter().collect();
            let mut present: HashSet<String> = own.names()?.into_iter().collect();
            present.retain(|name| heartbeat::is_id(name) && !opening.dead.contains(name));
            let is_gone = |name: &str| files.contains(name) && !heartbeat::is_of(name, &present);
            log::recover(root, own, &is_gone)?;
            let is_merged = log::merge(root, own, &self.heartbeat.fresh_key(), &is_gone)?;
            // Otherwise the next job begins with all of it.
            if is_merged && is_clear {
                heartbeat::remove_dead(own, &opening.dead)?;
            }
            Ok(())
        };
        if let Err(error) = clear() {
            // They do no harm, and the next job tries again.
            events::warn!(%error, "files of processes that have ended are left");
        }
    }
}

/// Reads the folders of tasks, on one thread.
#[derive(Debug)]
struct Reader<'a> {
    path: &'a Path,
    names: &'a TaskNames,
    options: &'a StoreOptions,
    dead: &'a HashSet<String>,
}

impl Reader<'_> {
    fn read(&self, tasks: Range<usize>) -> Result<Share> {
        let mut share = Share::default();
        let root = Folder::open(self.path, self.options.patience);
        let root = root.map_err(self.options.failed("opening", self.path))?;
        let mut unusable = 0;
        for (index, task) in tasks.enumerate() {
            let name = self.names.get(task).unwrap_or_default();
            let Err(error) = self.read_task(&root, task, name, &mut share) else {
                continue;
            };
            let may_be_used_later = may_pass(&error);
            let error = self.options.failed("reading the state", root.join(name))(error);
            unusable += 1;
            if !may_be_used_later || unusable > MAX_UNUSABLE {
                return Err(error);
            }
            // It has been tried for a while. One folder does not keep the job from the others: the task counts as open, and fails
            // if it still cannot be used when a worker begins it.
            share.recorded.truncate(index);
            share.recorded.push(Recorded::new(TaskState::Open));
            share.unparsable.push(error.to_string());
            share.is_unclear = true;
        }
        Ok(share)
    }

    fn read_task(
        &self,
        root: &Folder,
        task: usize,
        name: &str,
        share: &mut Share,
    ) -> io::Result<()> {
        let Some(folder) = unless_missing(root.open_folder(name))? else {
            root.make_folder(name)?;
            share.recorded.push(Recorded::new(TaskState::Open));
            return Ok(());
        };
        let found = state_file::read(&folder, Read::SavesWork)?;
        let recorded = found.recorded();
        share.recorded.push(recorded);
        let last = match found {
            StateFile::Missing => None,
            _ => lease::last(&folder, 0)?,
        };
        if let Some(last) = &last {
            share.attempts.push((task as u32, last.number));
        }
        if let StateFile::Unparsable(what) = found {
            share.unparsable.push(what);
        }
        if !self.dead.is_empty() {
            // Also where the task is done: they may have been killed when they were about to begin it.
            let is_dead = |id: &str| self.dead.contains(id);
            let ended = lease::clear(&folder, &is_dead);
            // Files that cannot be removed do no harm.
            share.is_unclear |= ended.is_err();
            let ended = ended.unwrap_or_default();
            // RUNNING is what is left of one that was lost, and is in the log since.
            if let Some(last) = last
                && recorded.state != TaskState::Running
                && is_dead(last.heartbeat())
                && !ended.contains(&last.key)
            {
                share.recorded_by_dead.push((task, last, recorded.state));
            }
            if !ended.is_empty() {
                let ended = lease::of_keys(&folder, &ended)?;
                share
                    .lost
                    .extend(ended.into_iter().map(|lost| (task, lost)));
            }
        }
        Ok(())
    }
}
