//! The states of the tasks.

use crate::output::{self, error_text};
use pshmem::{Batch, BatchStatus, TaskState};
use std::path::Path;

/// The status of a directory.
pub(crate) fn read(dir: &Path) -> Result<BatchStatus, String> {
    Batch::status(dir).map_err(|error| error_text(&error))
}

/// Prints a status once. Returns whether every task is DONE.
pub(crate) fn print(dir: &Path, text: impl FnOnce(&BatchStatus) -> String) -> Result<bool, String> {
    let status = read(dir)?;
    output::print(&text(&status))?;
    Ok(is_done(&status))
}

/// The status for people: tasks that run or have failed, or all. The library escapes control characters.
pub(crate) fn text(status: &BatchStatus, all: bool) -> String {
    if all {
        format!("{status:#}\n")
    } else {
        format!("{status}\n")
    }
}

/// Whether every task is DONE. Where there are none, no job has begun.
pub(crate) fn is_done(status: &BatchStatus) -> bool {
    let tasks = status.tasks().len();
    tasks > 0 && status.count(TaskState::Done) == tasks
}

/// Whether every task is DONE or FAILED, and none is run.
pub(crate) fn has_ended(status: &BatchStatus) -> bool {
    let tasks = status.tasks();
    let has_ended = |state| matches!(state, TaskState::Done | TaskState::Failed);
    !tasks.is_empty()
        && tasks.iter().all(|task| {
            let is_run = task.holder.as_ref().is_some_and(|holder| holder.is_alive);
            has_ended(task.state) && !is_run
        })
}
