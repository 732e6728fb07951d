//! Leases: who runs a task, so that no two live jobs do and only one records how it ended.
//!
//! # Files of a task
//!
//! | name | content | life |
//! |---|---|---|
//! | `state` | the state, and the only truth about it | replaced, never removed |
//! | `.attempt.<n>` | symbolic link to `host:pid:key`, where `key` is `heartbeat.count` | made once, stays for ever |
//! | `.running.<key>` | `RUNNING`, to become `state` | until the attempt has begun |
//! | `.end.<key>` | `DONE`, to become `state` | **as long as the attempt lasts** |
//! | `reason.<n>` | why attempt `n` ended as it did | written by its holder, stays |
//!
//! A `key` is never used twice. Only two kinds of calls decide anything, and both are atomic on the file server: making a name
//! that must not be there (a link, which comes with its content), and taking away a name that must be there (by a rename or a
//! removal). What is read only saves work: if it is out of date, one of these two calls fails.
//!
//! # Transitions
//!
//! *Begin* attempt `n + 1`, where attempt `n` (the last one) has ended, and then `state` was read and allows it:
//! 1. make `.running.<key>` and `.end.<key>`;
//! 2. make the link `.attempt.<n + 1>`: whoever makes it has the task, the others remove what they made in step 1;
//! 3. rename `.running.<key>` to `state`.
//!
//! *Commit*: for another end than DONE overwrite `.end.<key>` in place; then rename it to `state`. That one call ends the
//! attempt and records its end, and it needs no room on the directory.
//!
//! *Takeover*, where the holder's heartbeat is silent or gone: remove `.running.<key>`, then `.end.<key>`, whether they are there
//! or not. Then begin as above.
//!
//! # Why it holds
//!
//! - *One holder at a time*: attempts end by the loss of `.end.<key>`, which is made before the link that names it, so its
//!   absence is for ever. The next link is made only after that, each number once. As links stay, a job that has slept since it
//!   looked cannot make an old number rerun.
//! - *An end is recorded once*: commit and takeover take away the same name. A late holder finds it gone: refused.
//! - *Nothing is written late*: every write to `state` is the rename of a file of that attempt, and a takeover removes both
//!   before the next attempt begins. So `state`, as it was read after attempt `n` ended, cannot change until `n + 1` begins.
//! - *A lost reply* of a network file system (the call was done, but repeated and then failed): a link is ours if it names our
//!   key, and a commit was ours if `state` is now the very file.
//! - *A directory that is full* keeps a task from being begun, and never a DONE from being recorded: its word is written, and the file
//!   closed without an error, before the task begins.
//!
//! # Killed between two calls
//!
//! | after | what is left | the next job |
//! |---|---|---|
//! | step 1 | two files that no link names | begins; they are removed with the heartbeat of a process that is gone |
//! | step 2 | a link, `state` not yet RUNNING | sees the link when it makes that number; takeover |
//! | step 3, and during the task | link, `.end`, RUNNING | takeover |
//! | overwriting `.end` | the same: its content matters only in a commit by its holder | takeover |
//! | the rename of a commit | a complete record | reads it |
//! | the first removal of a takeover | as before the takeover | takeover |
//! | the second | link without `.end`, RUNNING | begins |
//!
//! RUNNING without an attempt that lasts is nobody's: a task of a job that died, or of the Python package. The latter has no
//! leases, so a Python job that runs beside ours loses its tasks to it. A removal by hand of `state` opens the task again; one
//! of other files costs at most work done twice.
//!
//! Nothing is forced to the directory: when a whole machine loses its power, the states of its last seconds may be lost or empty, and
//! their tasks run rerun.

use crate::batch::store::files::Identity;
use crate::batch::store::heartbeat::{Heartbeat, Held, Life, Sign};
use crate::batch::store::link_template::LinkTemplate;
use crate::batch::store::{Options, files, heartbeat, state_file};
use crate::batch::task_state::TaskState;
use crate::error::Result;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// States beyond OPEN in which a task is to be run rerun. RUNNING needs no mention: such a task is taken exactly when nobody
/// who lives runs it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Rerun {
    pub(crate) failed: bool,
    pub(crate) done: bool,
}

impl Rerun {
    fn allows(self, state: TaskState) -> bool {
        match state {
            TaskState::Invalid | TaskState::Open | TaskState::Running => true,
            TaskState::Failed => self.failed,
            TaskState::Done => self.done,
        }
    }
}

/// What became of the wish to begin a task.
#[derive(Debug)]
pub(crate) enum Begin {
    /// It is ours.
    Ours(Lease),
    /// Another worker runs it.
    TakenBy {
        job: String,
        host: String,
        pid: u32,
        /// Time since its last sign of life.
        age: Duration,
    },
    /// It is in a state in which it is not to be begun.
    Is(TaskState),
}

/// Whether an end was recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Commit {
    /// It was.
    Recorded,
    /// It was not: another job had taken the task over.
    Refused,
}

/// The right to run a task and to record its end. Dropped without a commit, it leaves the task to whoever wants it.
#[derive(Debug)]
pub(crate) struct Lease {
    dir: PathBuf,
    number: u32,
    end: PathBuf,
    /// What is to become the state.
    file: Identity,
    is_over: bool,
    held: Held,
}

/// An attempt, as its link tells of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Attempt {
    pub(super) number: u32,
    pub(super) host: String,
    pub(super) pid: u32,
    pub(super) key: String,
}

impl Attempt {
    fn parse(number: u32, link: &str) -> Self {
        // From the end, because a host's name may contain anything.
        let mut parts = link.rsplitn(3, ':');
        let key = parts.next().unwrap_or_default();
        let pid = parts.next().unwrap_or_default();
        let host = parts.next().unwrap_or_default();
        Attempt {
            number,
            host: host.to_owned(),
            pid: pid.parse().unwrap_or_default(),
            // A separator would lead out of the folder.
            key: key.replace('/', " "),
        }
    }

    /// The heartbeat of its holder.
    pub(super) fn heartbeat(&self) -> &str {
        self.key
            .rsplit_once('.')
            .map_or("", |(heartbeat, _count)| heartbeat)
    }

    fn running(&self, dir: &Path) -> PathBuf {
        running(dir, &self.key)
    }

    fn end(&self, dir: &Path) -> PathBuf {
        end(dir, &self.key)
    }

    /// Whether it lasts, by the files alone.
    pub(super) fn lasts(&self, dir: &Path) -> bool {
        self.end(dir).symlink_metadata().is_ok()
    }
}

fn link(dir: &Path, number: u32) -> PathBuf {
    dir.join(format!(".attempt.{number}"))
}

fn running(dir: &Path, key: &str) -> PathBuf {
    dir.join(format!(".running.{key}"))
}

fn end(dir: &Path, key: &str) -> PathBuf {
    dir.join(format!(".end.{key}"))
}

pub(super) fn reason(dir: &Path, number: u32) -> PathBuf {
    dir.join(format!("reason.{number}"))
}

/// The last attempt at a task, if there was any. `known` is the number of one that there is, or 0.
pub(super) fn last(dir: &Path, known: u32) -> io::Result<Option<Attempt>> {
    let mut found = None;
    let mut number = known.max(1);
    loop {
        files::failpoint();
        match std::fs::read_link(link(dir, number)) {
            Ok(text) => found = Some(Attempt::parse(number, &text.to_string_lossy())),
            // One that is known to be there must be found: not to see it would be to run it twice.
            Err(error) if error.kind() == ErrorKind::NotFound && number > known => {
                return Ok(found);
            }
            // Something else of that name: it takes a number, and nobody has it.
            Err(error) if error.kind() == ErrorKind::InvalidInput => {
                found = Some(Attempt::parse(number, ""));
            }
            Err(error) => return Err(error),
        }
        number += 1;
    }
}

/// One job's claims on the tasks of a root.
#[derive(Debug)]
pub(super) struct Claims<'a> {
    pub(super) root: &'a Path,
    pub(super) options: &'a Options,
    pub(super) heartbeat: &'a Arc<Heartbeat>,
    pub(super) link_template: &'a LinkTemplate,
}

impl Claims<'_> {
    /// Tries to begin the task in `dir`.
    pub(super) fn begin(&self, dir: &Path, rerun: Rerun) -> Result<Begin> {
        let mut state = self.state(dir)?;
        // Most open tasks were never begun: their first attempt is made without looking for others.
        let mut known = 0;
        let mut is_new = state == TaskState::Open;
        loop {
            if !rerun.allows(state) {
                return Ok(Begin::Is(state));
            }
            if !is_new {
                let last = last(dir, known).map_err(self.failed("reading attempts", dir))?;
                if let Some(last) = last {
                    if let Some(sign) = self.end(dir, &last)? {
                        return Ok(Begin::TakenBy {
                            job: sign.job,
                            host: sign.host,
                            pid: sign.pid,
                            age: sign.age,
                        });
                    }
                    known = last.number;
                }
                // Now that the attempt has ended, nobody changes it any more.
                state = self.state(dir)?;
                if !rerun.allows(state) {
                    continue;
                }
            }
            if let Some(lease) = self.claim(dir, known + 1)? {
                return Ok(Begin::Ours(lease));
            }
            // Somebody else has made that attempt.
            known += 1;
            is_new = false;
        }
    }

    /// Sees to it that an attempt is over; if its holder lives, says who that is.
    fn end(&self, dir: &Path, attempt: &Attempt) -> Result<Option<Sign>> {
        if attempt.lasts(dir) {
            let now = self.heartbeat.now()?;
            let life = heartbeat::look(self.root, attempt.heartbeat(), now)
                .map_err(self.failed("reading signs of life", self.root))?;
            if let Life::Alive(sign) = life {
                return Ok(Some(sign));
            }
        }
        for path in [attempt.running(dir), attempt.end(dir)] {
            files::remove(&path).map_err(self.failed("removal", &path))?;
        }
        Ok(None)
    }

    /// Makes attempt `number`; `None` when another job was faster.
    pub(super) fn claim(&self, dir: &Path, number: u32) -> Result<Option<Lease>> {
        let held = self.heartbeat.hold()?;
        let key = self.heartbeat.fresh_key();
        let (running, end) = (running(dir, &key), end(dir, &key));
        self.link_template
            .put(&running)
            .map_err(self.failed("writing", &running))?;
        let file = match files::create(&end, state_file::content(TaskState::Done)) {
            Ok(file) => file,
            Err(error) => {
                // The error that is told is the first one.
                let _ = files::remove(&running);
                return Err(self.failed("writing", &end)(error));
            }
        };
        // From here on, whichever way this ends, the lease removes what there is.
        let mut lease = Lease {
            dir: dir.to_owned(),
            number,
            end,
            file,
            is_over: false,
            held,
        };
        let link = link(dir, number);
        let outcome = self
            .own_link(&link, &key)
            .and_then(|is_own| Ok(is_own && lease.announce(&running)?));
        if let Ok(true) = outcome {
            return Ok(Some(lease));
        }
        files::remove(&running).map_err(self.failed("removal", &running))?;
        lease.give_up()?;
        outcome
            .map(|_| None)
            .map_err(self.failed("beginning of an attempt", &link))
    }

    /// The lease on attempt `number`, which another process of this worker has begun, to record its end for it. `None` when
    /// the attempt is over.
    pub(super) fn adopt(&self, dir: &Path, number: u32) -> Result<Option<Lease>> {
        let link = link(dir, number);
        let text = std::fs::read_link(&link).map_err(self.failed("reading", &link))?;
        let end = Attempt::parse(number, &text.to_string_lossy()).end(dir);
        let Some(file) = files::identity(&end).map_err(self.failed("reading", &end))? else {
            return Ok(None);
        };
        Ok(Some(Lease {
            dir: dir.to_owned(),
            number,
            end,
            file,
            is_over: false,
            held: self.heartbeat.hold()?,
        }))
    }

    /// Makes the link of an attempt; `false` when it is another's.
    fn own_link(&self, link: &Path, key: &str) -> io::Result<bool> {
        let host: String = self.options.host.chars().take(20).collect();
        let text = format!("{}:{}:{key}", host.replace('/', "_"), std::process::id());
        match files::link(&text, link) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                // Ours, if the call was repeated because the reply to the first one was lost.
                Ok(std::fs::read_link(link).is_ok_and(|found| found.as_os_str() == text.as_str()))
            }
            Err(error) => Err(error),
        }
    }

    fn state(&self, dir: &Path) -> Result<TaskState> {
        let found = state_file::read(dir).map_err(self.failed("reading the state", dir))?;
        Ok(found.state())
    }

    fn failed<'b>(
        &'b self,
        call: &'b str,
        path: &'b Path,
    ) -> impl FnOnce(io::Error) -> crate::error::Error + 'b {
        files::failed(self.options, call, path)
    }
}

/// Renames `from`, which is that file, to `to`; `false` when somebody else has taken it away.
fn took_away(from: &Path, to: &Path, file: Identity) -> io::Result<bool> {
    match files::rename(from, to) {
        Ok(()) => Ok(true),
        // Ours, if the call was repeated because the reply to the first one was lost.
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(file.is_at(to)),
        Err(error) => Err(error),
    }
}

impl Lease {
    /// How often the task has been begun, this time included.
    pub(crate) fn attempt(&self) -> u32 {
        self.number
    }

    /// Records how the task has ended, unless it was taken over.
    pub(crate) fn commit(mut self, state: TaskState, reason: &str) -> Result<Commit> {
        let refused = |error: &io::Error| error.kind() == ErrorKind::NotFound;
        if !reason.is_empty() {
            // It serves people only: a directory that is full of it must not keep the state from being recorded.
            let _ = std::fs::write(self::reason(&self.dir, self.number), format!("{reason}\n"));
        }
        if state != TaskState::Done {
            match files::rewrite(&self.end, state_file::content(state)) {
                Ok(file) => self.file = file,
                Err(error) if refused(&error) => return Ok(Commit::Refused),
                Err(error) => return Err(self.failed("writing", error)),
            }
        }
        let outcome = took_away(&self.end, &state_file::path(&self.dir), self.file);
        let outcome = outcome.map_err(|error| self.failed("recording the state", error))?;
        self.is_over = true;
        Ok(if outcome {
            Commit::Recorded
        } else {
            Commit::Refused
        })
    }

    /// Makes the state RUNNING; `false` when the attempt was taken over.
    fn announce(&self, running: &Path) -> io::Result<bool> {
        match files::rename(running, &state_file::path(&self.dir)) {
            // Two names of one file stay both: the state may be one that this rank has left.
            Ok(()) if self.number > 1 => files::remove(running).map(|_| true),
            Ok(()) => Ok(true),
            // Taken over, or a call that was repeated because the reply to the first one was lost.
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(self.end.exists()),
            Err(error) => Err(error),
        }
    }

    /// Ends the attempt without a word about how.
    fn give_up(&mut self) -> Result<()> {
        self.is_over = true;
        match files::remove(&self.end) {
            Ok(_) => Ok(()),
            Err(error) => Err(self.failed("removal", error)),
        }
    }

    fn failed(&self, call: &str, error: io::Error) -> crate::error::Error {
        files::failed(self.held.options(), call, &self.end)(error)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if !self.is_over {
            // Where this fails, the attempt lasts until this process ends.
            let _ = self.give_up();
        }
    }
}

/// Removes what the processes with these heartbeats, all gone, have left in the folder of a task.
pub(super) fn clear(dir: &Path, gone: &[String]) -> io::Result<()> {
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let key = [".running.", ".end.", ".set."]
            .iter()
            .find_map(|kind| name.strip_prefix(kind));
        let heartbeat = key.and_then(|key| key.rsplit_once('.'));
        if heartbeat.is_some_and(|(heartbeat, _)| gone.iter().any(|id| id == heartbeat)) {
            files::remove(&entry.path())?;
        }
    }
    Ok(())
}
