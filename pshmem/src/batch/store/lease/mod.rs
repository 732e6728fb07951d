//! Leases: the protocol between jobs, so that no two live jobs run one task and only one records how it ended.
//!
//! # Files of a task
//!
//! | name | content | lifetime |
//! |---|---|---|
//! | `state` | the state of the task, and the only record of it | replaced, never removed |
//! | `.attempt.<n>` | symbolic link to `host:pid:failures:key`, where `key` is `<heartbeat>.<count>` | made once; see *Pruning* |
//! | `.running.<key>` | `RUNNING`, to become `state` | until the attempt has begun |
//! | `.end.<key>` | `DONE`, to become `state` | **as long as the attempt lasts** |
//! | `.first`, `.first.<key>` | symbolic link to a number; what is to become it | replaced, never removed |
//! | `reason.<n>` | why attempt `n` failed | written by its owner, stays |
//!
//! A key is never used twice. Only two kinds of calls decide anything, and the file server executes both atomically: making a
//! name that must not exist (a link, which is made together with its content), and taking away a name that must exist (a
//! rename or a removal).
//!
//! # Transitions
//!
//! *Begin* attempt `n + 1`, after attempt `n`, the last one, has ended and `state` was read and allows it:
//! 1. make `.running.<key>` and `.end.<key>`;
//! 2. make the link `.attempt.<n + 1>`: whoever makes it owns the attempt, the others remove their files of step 1;
//! 3. read `state` again: if it does not allow the attempt any more, remove the files of step 1;
//! 4. rename `.running.<key>` to `state`.
//!
//! *Commit*: for a state other than DONE, overwrite `.end.<key>` in place; then rename it to `state`. This one call ends the
//! attempt and records its result. It needs no room on the file system.
//!
//! *Takeover*, when the heartbeat of the owner is silent or that of a dead process: remove `.running.<key>` and `.first.<key>`,
//! then `.end.<key>`, whether they exist or not. Then begin as above.
//!
//! *Pruning* by the owner of attempt `n`, a multiple of 16: make `.first.<key>`, rename it to `.first`, then remove the links of
//! attempts before `n`. Whoever makes a link reads `.first` afterwards, and gives up if its number is below.
//!
//! # Why it is correct
//!
//! - *One owner at a time.* An attempt lasts while `.end.<key>` exists. That file is made before the link that names it, so
//!   once it is absent it stays absent. The next link is made only after that, and each number once: a job that has slept since
//!   it read the directory finds the link, or, if it was removed, finds in `.first` that it was.
//! - *One result.* A commit and a takeover take away the same name, `.end.<key>`. An owner that is too late finds it gone,
//!   and its commit is refused.
//! - *No late writes.* Each write to `state` and `.first` is the rename of a file of one attempt, and a takeover removes the
//!   files of the attempt before the next one begins. So `state`, read after attempt `n` has ended, does not change until
//!   `n + 1` begins.
//! - *A lost reply* of a network file system (the call was executed, then repeated, and the repetition failed): a link is ours
//!   if it names our key, and a commit was ours if `state` is now our very file.
//! - *A full file system* can keep a task from being begun, but not a DONE from being recorded: its file is written, and
//!   closed without an error, before the task begins. Also not by another rank of the worker than the one that began it.
//! - *Errors*: only "there is no such file" means that something is gone. All others are repeated for a while, and then end the
//!   operation.
//!
//! # What an outdated read costs
//!
//! A network file system may answer from a cache. The reads of step 3 and of `.first` after step 2 decide; the process has then
//! just made names in the same folder, so that its file system has to ask the server. All other reads only avoid work:
//!
//! | read | an outdated answer |
//! |---|---|
//! | `state` before step 1, OPEN or RUNNING although the task has ended | files of step 1 in vain; step 3 finds the end. The number of the attempt is used up |
//! | the same, DONE or FAILED although it was opened again | the task is left to others, or to the next job |
//! | `.attempt.<n>`, missing although it was made | files of step 1 in vain: its link cannot be made again |
//! | `.first`, too small | the same, with a number that was used; step 3 finds it |
//! | `.end.<key>`, there although the attempt has ended | its owner is judged, and nothing is taken from it |
//! | `.end.<key>`, missing although it is there | no cache says so: its name is learned from a link that was made after it |
//! | the link's count of failures | counts one failure too few or too many, if the owner dies as well |
//! | a heartbeat, older than it is | the process may be taken for silent: duplicate work, not a duplicate result |
//!
//! # Crash points
//!
//! What a job leaves that is killed between two calls, and how the next job continues:
//!
//! | killed after | what is left | the next job |
//! |---|---|---|
//! | step 1 of begin | two files that no link names | begins; removes them with the heartbeat of the dead process |
//! | step 2 or 3 | link and `.end`; `state` not yet RUNNING | fails to make that link, takes over |
//! | step 4, or during the task | link, `.end`, `state` RUNNING | takes over |
//! | overwriting `.end` in a commit | the same; only its owner ever renames `.end` | takes over |
//! | the rename of a commit | a complete result | reads it |
//! | the first removal of a takeover | as before the takeover | takes over |
//! | the second removal | link, no `.end`, `state` RUNNING | begins |
//! | the rename of pruning | links below `.first` | ignores them; the next pruning removes them |
//!
//! # Other writers
//!
//! RUNNING without an attempt that lasts means that nobody runs the task: its job has died, or it is of the Python package. The
//! latter has no leases, so a Python job that runs at the same time loses its tasks to ours. Removing `state` by hand opens
//! the task again; removing other files by hand costs at most duplicate work.
//!
//! Nothing is synced to disk: when a whole machine loses power, states of its last seconds may be lost or empty, and their
//! tasks run again.
//!
//! Files: [`begin`] begins an attempt or takes one over, [`commit`] ends it, [`attempt`] knows the names of its files.

mod attempt;
mod begin;
mod commit;

use crate::batch::store::heartbeat::Owner;
use crate::batch::store::state_file::Recorded;
use crate::batch::task_state::TaskState;

pub(super) use attempt::{AttemptLink, clear, last, of_keys, reason};
#[cfg(test)]
pub(super) use begin::Claimed;
pub(super) use begin::Leases;
pub(crate) use commit::Lease;

/// Which tasks are begun besides those that are OPEN or RUNNING. A RUNNING task is begun exactly when no live process owns it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Admission {
    /// How often a task that has failed is run again, in all jobs together.
    pub(crate) retries: u32,
    /// Whether tasks are run again that have failed, or that are done, unless an attempt of this request has ended so.
    pub(crate) reruns_failed: bool,
    pub(crate) reruns_done: bool,
    /// The rerun request of this job; 0 for none.
    pub(crate) request: u32,
}

impl Admission {
    /// The failures of a task before it is begun; `None` if it is not to be begun.
    pub(crate) fn failures_before(&self, found: Recorded) -> Option<u32> {
        let is_asked_for = |reruns: bool| reruns && found.rerun != self.request;
        match found.state {
            TaskState::Invalid | TaskState::Open | TaskState::Running => Some(found.failures),
            // A rerun is a new beginning, with all its retries.
            TaskState::Failed if is_asked_for(self.reruns_failed) => Some(0),
            TaskState::Failed => (found.failures <= self.retries).then_some(found.failures),
            TaskState::Done => is_asked_for(self.reruns_done).then_some(0),
        }
    }
}

/// Whether a task could be begun.
#[derive(Debug)]
pub(crate) enum BeginOutcome {
    /// It is ours.
    Leased(Lease),
    /// A live process owns it.
    OwnedBy(Owner),
    /// It is in a state in which it is not to be begun.
    NotOpen(TaskState),
}

/// Whether a result was recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CommitOutcome {
    Recorded,
    /// Another process had taken the task over.
    Refused,
}
