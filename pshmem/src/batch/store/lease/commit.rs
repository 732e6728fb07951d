//! Ending an attempt: recording its result, or giving it up.

use crate::batch::store::folder::{FileIdentity, Folder, Read, Rename};
use crate::batch::store::heartbeat::{Heartbeat, KeepAlive};
use crate::batch::store::lease::CommitOutcome;
use crate::batch::store::lease::attempt::{self, AttemptLink};
use crate::batch::store::options::StoreOptions;
use crate::batch::store::state_file::{Recorded, STATE};
use crate::batch::task_state::TaskState;
use crate::error::{Error, Result};
use std::io;
use std::rc::Rc;
use std::sync::Arc;

/// The right to run a task and to record its result. Dropping it without a commit leaves the task to other processes.
#[derive(Debug)]
pub(crate) struct Lease {
    pub(super) folder: Rc<Folder>,
    pub(super) number: u32,
    /// Failures of the task before this attempt.
    pub(super) failures: u32,
    /// The rerun request that the attempt belongs to; 0 for none.
    pub(super) request: u32,
    pub(super) key: String,
    /// The file that is to become the state.
    pub(super) file: FileIdentity,
    is_over: bool,
    /// `None` where another process of the worker keeps the attempt alive.
    pub(super) kept: Option<KeepAlive>,
    /// That of this process.
    heartbeat: Arc<Heartbeat>,
    options: Rc<StoreOptions>,
}

impl Lease {
    /// Attempt 0, whose end file has been made.
    pub(super) fn new(
        folder: &Rc<Folder>,
        key: String,
        file: FileIdentity,
        options: &Rc<StoreOptions>,
        heartbeat: &Arc<Heartbeat>,
    ) -> Self {
        Lease {
            folder: Rc::clone(folder),
            number: 0,
            failures: 0,
            request: 0,
            key,
            file,
            is_over: false,
            kept: None,
            heartbeat: Arc::clone(heartbeat),
            options: Rc::clone(options),
        }
    }

    /// How often the task has been begun, this time included.
    pub(crate) fn attempt(&self) -> u32 {
        self.number
    }

    /// How often the task has failed before.
    pub(crate) fn failures(&self) -> u32 {
        self.failures
    }

    /// Makes the state RUNNING. `false` when the attempt has been taken over.
    pub(super) fn announce(&self) -> io::Result<bool> {
        let running = attempt::running(&self.key);
        if self.folder.rename(&running, STATE)? == Rename::Missing {
            // Taken over, or the call was repeated because the reply to the first one was lost.
            return Ok(self.folder.identity(&self.end())?.is_some());
        }
        if self.number > 1 {
            // Renaming one name of a file to another name of the same file does nothing: `state` may be a link that this rank
            // has left there.
            self.folder.remove(&running)?;
        }
        Ok(true)
    }

    /// Records how the task has ended, unless it was taken over.
    pub(crate) fn commit(mut self, state: TaskState, reason: &str) -> Result<CommitOutcome> {
        if !reason.is_empty() {
            // For people only, so a full file system that has no room for it does not keep the state from being recorded.
            self.folder.set_patience(self.options.patience);
            let text = format!("{reason}\n");
            let path = attempt::reason(self.number);
            let _ = self.folder.write_for_people(&path, &text);
        }
        self.folder.set_patience(self.options.patience_with_results);
        let end = self.end();
        if state != TaskState::Done {
            let recorded = Recorded {
                failures: self.failures + u32::from(state == TaskState::Failed),
                rerun: self.request,
                ..Recorded::new(state)
            };
            let written = self.folder.rewrite(&end, &recorded.text());
            match written.map_err(self.failed("writing"))? {
                Some(file) => self.file = file,
                None => return Ok(CommitOutcome::Refused),
            }
        }
        let recorded = self.move_to_state(state);
        let recorded = recorded.map_err(self.failed("recording the state"))?;
        self.is_over = true;
        Ok(if recorded {
            CommitOutcome::Recorded
        } else {
            CommitOutcome::Refused
        })
    }

    /// Renames the end file to the state. `false` when somebody else has taken it away.
    fn move_to_state(&self, state: TaskState) -> io::Result<bool> {
        match self.folder.rename(&self.end(), STATE) {
            Ok(Rename::Done) => Ok(true),
            // Ours if the call was repeated because the reply to the first one was lost.
            Ok(Rename::Missing) => {
                Ok(self.folder.is(STATE, self.file)? || self.was_recorded(state)?)
            }
            Err(error) => match self.folder.is(STATE, self.file) {
                Ok(true) => Ok(true),
                _ => Err(error),
            },
        }
    }

    /// Whether the next attempt has found this one's failure. Otherwise it has taken this one over.
    fn was_recorded(&self, state: TaskState) -> io::Result<bool> {
        if state != TaskState::Failed {
            return Ok(false);
        }
        let number = self.number + 1;
        let next = self
            .folder
            .read_link(&attempt::link(number), Read::SavesWork)?;
        let next = next.map(|text| AttemptLink::parse(number, &text));
        Ok(next.is_some_and(|next| next.failures > self.failures))
    }

    /// Ends the attempt without a result.
    pub(super) fn give_up(&mut self) -> Result<()> {
        self.is_over = true;
        let end = self.end();
        let removed = self.folder.remove(&end);
        if removed.is_err() {
            // Otherwise the attempt would last as long as this process.
            self.heartbeat.remove_later(self.folder.path(), &end);
        }
        removed.map(|_| ()).map_err(self.failed("removal"))
    }

    fn end(&self) -> String {
        attempt::end(&self.key)
    }

    fn failed<'a>(&'a self, call: &'a str) -> impl FnOnce(io::Error) -> Error + 'a {
        self.options.failed(call, self.folder.join(&self.end()))
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if !self.is_over {
            // If this fails, it is tried again later.
            let _ = self.give_up();
        }
    }
}
