//! Leases: the protocol by which jobs share the tasks of a directory, so that no two live jobs run one task and only one
//! records how it ended.
//!
//! # Files of a task
//!
//! | name | content | lifetime |
//! |---|---|---|
//! | `state` | the state of the task, and the only record of it | replaced, never removed |
//! | `.attempt.<n>` | symbolic link to `host:pid:key`, where `key` is `<heartbeat>.<count>` | made once, stays |
//! | `.running.<key>` | `RUNNING`, to become `state` | until the attempt has begun |
//! | `.end.<key>` | `DONE`, to become `state` | **as long as the attempt lasts** |
//! | `reason.<n>` | why attempt `n` failed | written by its owner, stays |
//!
//! A key is never used twice. Only two kinds of calls decide anything, and the file server executes both atomically: making a
//! name that must not exist (a link, which is made together with its content), and taking away a name that must exist (a
//! rename or a removal). Reads only avoid work: where one is out of date, one of these calls fails. One read must be current:
//! that of `state` after an attempt has ended has to find the file that the last rename has put there.
//!
//! # Transitions
//!
//! *Begin* attempt `n + 1`, after attempt `n`, the last one, has ended and `state` was read and allows it:
//! 1. make `.running.<key>` and `.end.<key>`;
//! 2. make the link `.attempt.<n + 1>`: whoever makes it owns the attempt, the others remove their files of step 1;
//! 3. rename `.running.<key>` to `state`.
//!
//! *Commit*: for a state other than DONE, overwrite `.end.<key>` in place; then rename it to `state`. This one call ends the
//! attempt and records its result. It needs no room on the file system.
//!
//! *Takeover*, when the heartbeat of the owner is silent or that of a dead process: remove `.running.<key>`, then
//! `.end.<key>`, whether they exist or not. Then begin as above.
//!
//! # Why it is correct
//!
//! - *One owner at a time.* An attempt lasts while `.end.<key>` exists. That file is made before the link that names it, so
//!   once it is absent it stays absent. The next link is made only after that, and each number once. As links stay, a job
//!   that has slept since it read the directory cannot make an old number again.
//! - *One result.* A commit and a takeover take away the same name, `.end.<key>`. An owner that is too late finds it gone,
//!   and its commit is refused.
//! - *No late writes.* Each write to `state` is the rename of a file of one attempt, and a takeover removes both files of the
//!   attempt before the next one begins. So `state`, read after attempt `n` has ended, does not change until `n + 1` begins.
//! - *A lost reply* of a network file system (the call was executed, then repeated, and the repetition failed): a link is ours
//!   if it names our key, and a commit was ours if `state` is now our very file.
//! - *A full file system* can keep a task from being begun, but not a DONE from being recorded: its file is written, and
//!   closed without an error, before the task begins.
//!
//! # Crash points
//!
//! What a job leaves that is killed between two calls, and how the next job continues:
//!
//! | killed after | what is left | the next job |
//! |---|---|---|
//! | step 1 of begin | two files that no link names | begins; removes them with the heartbeat of the dead process |
//! | step 2 | link and `.end`; `state` not yet RUNNING | fails to make that link, takes over |
//! | step 3, or during the task | link, `.end`, `state` RUNNING | takes over |
//! | overwriting `.end` in a commit | the same; only its owner ever renames `.end` | takes over |
//! | the rename of a commit | a complete result | reads it |
//! | the first removal of a takeover | as before the takeover | takes over |
//! | the second removal | link, no `.end`, `state` RUNNING | begins |
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
use crate::batch::task_state::TaskState;

pub(super) use attempt::{AttemptLink, clear, last, reason};
pub(super) use begin::Leases;
pub(crate) use commit::Lease;

/// The states in which tasks are begun besides OPEN and RUNNING. A RUNNING task is begun exactly when no live process owns it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct RerunPolicy {
    pub(crate) failed: bool,
    pub(crate) done: bool,
}

impl RerunPolicy {
    fn allows(self, state: TaskState) -> bool {
        match state {
            TaskState::Invalid | TaskState::Open | TaskState::Running => true,
            TaskState::Failed => self.failed,
            TaskState::Done => self.done,
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
