//! Ending an attempt: recording its result, or giving it up.

use crate::batch::store::files::{self, FileIdentity};
use crate::batch::store::heartbeat::KeepAlive;
use crate::batch::store::lease::{CommitOutcome, attempt};
use crate::batch::store::state_file;
use crate::batch::task_state::TaskState;
use crate::error::{Error, Result};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// The right to run a task and to record its result. Dropping it without a commit leaves the task to other processes.
#[derive(Debug)]
pub(crate) struct Lease {
    dir: PathBuf,
    number: u32,
    /// The file that is to become the state.
    end: PathBuf,
    file: FileIdentity,
    is_over: bool,
    kept: KeepAlive,
}

impl Lease {
    pub(super) fn new(
        dir: &Path,
        number: u32,
        end: PathBuf,
        file: FileIdentity,
        kept: KeepAlive,
    ) -> Self {
        Lease {
            dir: dir.to_owned(),
            number,
            end,
            file,
            is_over: false,
            kept,
        }
    }

    /// How often the task has been begun, this time included.
    pub(crate) fn attempt(&self) -> u32 {
        self.number
    }

    /// Makes the state RUNNING. `false` when the attempt has been taken over.
    pub(super) fn announce(&self, running: &Path) -> io::Result<bool> {
        match files::rename(running, &state_file::path(&self.dir)) {
            // Renaming one name of a file to another name of the same file does nothing: `state` may be a link that this
            // rank has left there.
            Ok(()) if self.number > 1 => files::remove(running).map(|_| true),
            Ok(()) => Ok(true),
            // Taken over, or the call was repeated because the reply to the first one was lost.
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(self.end.exists()),
            Err(error) => Err(error),
        }
    }

    /// Records how the task has ended, unless it was taken over.
    pub(crate) fn commit(mut self, state: TaskState, reason: &str) -> Result<CommitOutcome> {
        let is_gone = |error: &io::Error| error.kind() == ErrorKind::NotFound;
        if !reason.is_empty() {
            // For people only, so a full file system that has no room for it does not keep the state from being recorded.
            let path = attempt::reason(&self.dir, self.number);
            let _ = std::fs::write(path, format!("{reason}\n"));
        }
        if state != TaskState::Done {
            match files::rewrite(&self.end, state_file::content(state)) {
                Ok(file) => self.file = file,
                Err(error) if is_gone(&error) => return Ok(CommitOutcome::Refused),
                Err(error) => return Err(self.failed("writing", error)),
            }
        }
        let moved = move_file(&self.end, &state_file::path(&self.dir), self.file);
        let moved = moved.map_err(|error| self.failed("recording the state", error))?;
        self.is_over = true;
        Ok(if moved {
            CommitOutcome::Recorded
        } else {
            CommitOutcome::Refused
        })
    }

    /// Ends the attempt without a result.
    pub(super) fn give_up(&mut self) -> Result<()> {
        self.is_over = true;
        match files::remove(&self.end) {
            Ok(_) => Ok(()),
            Err(error) => Err(self.failed("removal", error)),
        }
    }

    fn failed(&self, call: &str, error: io::Error) -> Error {
        files::failed(self.kept.options(), call, &self.end)(error)
    }
}

/// Renames `from`, which is `file`, to `to`. `false` when somebody else has taken it away.
fn move_file(from: &Path, to: &Path, file: FileIdentity) -> io::Result<bool> {
    match files::rename(from, to) {
        Ok(()) => Ok(true),
        // Ours if the call was repeated because the reply to the first one was lost.
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(file.is_at(to)),
        Err(error) => Err(error),
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if !self.is_over {
            // If this fails, the attempt lasts until this process ends.
            let _ = self.give_up();
        }
    }
}
