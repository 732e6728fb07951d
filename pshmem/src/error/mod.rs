//! What can go wrong, as sentences for the person who reads them in a job's log.
//!
//! An error that concerns several ranks is decided once, travels as bytes, and is equal on every rank that gets it:
//! same variant, same text. Text therefore never depends on the rank that prints it.

use serde::{Deserialize, Serialize};

/// The result of every fallible call of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a call failed.
///
/// Two classes matter to callers. After a *bad argument* nothing has changed and the [`Comm`](crate::Comm) lives on.
/// After [`Error::Diverged`], [`Error::RankFailed`] or [`Error::MpiFinalized`] the `Comm` is dead: every later call on it
/// returns an error at once, so a rank is never left waiting.
///
/// ```
/// use pshmem::{Comm, Error, Shared};
///
/// let comm = Comm::solo();
/// let mut table = Shared::<[f64]>::new(&comm, 4)?;
/// let wrong = table.set(0, 3, Some(&[1.0, 2.0]));
/// assert!(matches!(wrong, Err(Error::OutOfBounds { .. })));
/// table.set(0, 2, Some(&[1.0, 2.0]))?; // the object is unharmed
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A collective was called inside a closure that another collective is running.
    ///
    /// The other ranks wait for that closure to end, so the inner call could never meet them.
    #[error(
        "`{call}` was called inside the closure of another collective; the other ranks wait for that closure to end, so \
         move the call out of the closure (a Comm of one rank may be used inside)"
    )]
    Nested {
        /// The inner call.
        call: String,
    },

    /// The ranks of one `Comm` made different collective calls, or some of them let go of it while others wait.
    #[error(
        "the ranks of one Comm did not make the same call: {what}. Nothing was written; this Comm cannot be used any more"
    )]
    Diverged {
        /// Who called what from where.
        what: String,
    },

    /// Another rank panicked or left [`run`](crate::run) with an error while this one waited for it.
    #[error("rank {rank} on {host} failed: {message}")]
    RankFailed {
        /// Rank in the `Comm` whose call returned this error.
        rank: usize,
        /// Its host.
        host: String,
        /// Its panic message or error.
        message: String,
    },

    /// A closure given to a collective returned an error or panicked.
    #[error("the closure on rank {rank} failed: {message}")]
    Closure {
        /// The rank that ran the closure.
        rank: usize,
        /// Its error, or its panic message.
        message: String,
    },

    /// A root or source rank is not a rank of the `Comm`.
    #[error("`{call}` was given root {root}, but the Comm has {size} ranks: use 0 to {}", size - 1)]
    NoSuchRank {
        /// The call.
        call: String,
        /// The rank that was asked for.
        root: usize,
        /// Number of ranks.
        size: usize,
    },

    /// A block does not fit into the array at the offset given.
    #[error(
        "rank {rank} wrote a block of shape {block:?} at {offset:?}, which does not fit into an array of shape {shape:?}"
    )]
    OutOfBounds {
        /// The rank that holds the block.
        rank: usize,
        /// Where it was to go.
        offset: Vec<usize>,
        /// Extents of the block.
        block: Vec<usize>,
        /// Extents of the array.
        shape: Vec<usize>,
    },

    /// The counts of `update_parts_by` do not cut all rows into one part for each rank.
    #[error(
        "rank {rank} gave `update_parts_by` {counts} counts with the sum {sum} for {size} ranks and {rows} rows: give one \
         count for each rank, with the number of rows as their sum"
    )]
    Counts {
        /// The rank that gave them.
        rank: usize,
        /// How many it gave.
        counts: usize,
        /// Their sum, or the largest `usize` when it is larger.
        sum: usize,
        /// Number of ranks.
        size: usize,
        /// Number of rows.
        rows: usize,
    },

    /// The blocks of two ranks have elements in common.
    #[error(
        "`{call}`: the blocks of ranks {first} and {second} overlap, both have the element at {at:?}; nothing was written"
    )]
    Overlap {
        /// The call.
        call: String,
        /// The lower rank.
        first: usize,
        /// The higher rank.
        second: usize,
        /// The first element that both have.
        at: Vec<usize>,
    },

    /// What a rank passed has other extents than the object.
    #[error(
        "`{call}`: rank {rank} passed an array of shape {found:?}, but it must have the shape {expected:?}"
    )]
    Extents {
        /// The call.
        call: String,
        /// The rank that passed it.
        rank: usize,
        /// What it has.
        found: Vec<usize>,
        /// What it should have.
        expected: Vec<usize>,
    },

    /// Two objects of different `Comm`s were given to a call that wants them on one.
    #[error("`{call}`: both objects must have been made on the same Comm")]
    OtherComm {
        /// The call.
        call: String,
    },

    /// The root of a `set` passed `None`.
    #[error(
        "rank {root} is the root of `{call}` but passed no data: pass `Some(block)` there, `None` elsewhere"
    )]
    NoData {
        /// The call.
        call: String,
        /// The root.
        root: usize,
    },

    /// No rank, or more than one rank, passed data to `assign`.
    #[error("`assign` wants exactly one rank with `Some(block)`, but {}", holders(.ranks))]
    Holders {
        /// The ranks that hold data; at most the first two.
        ranks: Vec<usize>,
    },

    /// Ranks passed different values where all must pass the same.
    #[error(
        "`{call}`: rank {rank} has {theirs}, but rank {reference} has {ours}; all ranks must pass the same"
    )]
    Mismatch {
        /// The call.
        call: String,
        /// The rank it is compared with.
        reference: usize,
        /// What that rank has.
        ours: String,
        /// The first rank that differs.
        rank: usize,
        /// What it has.
        theirs: String,
    },

    /// A check at `PSHMEM_CHECK=2` has found bytes in node memory that are not what they must be.
    #[error(
        "after `{call}`: {what}; some code of this program has written through a pointer that it may not have, or this \
         library or the network has a defect"
    )]
    Corrupt {
        /// The call after which it was found.
        call: String,
        /// What differs.
        what: String,
    },

    /// The extents ask for more bytes than an address space has.
    #[error(
        "{what} with extents {extents:?} of {size} B elements is larger than the address space ({} B)",
        isize::MAX
    )]
    TooLarge {
        /// The object or field.
        what: String,
        /// Its extents.
        extents: Vec<usize>,
        /// Bytes per element.
        size: usize,
    },

    /// The extents of an owned value do not fit the shape that its layout states.
    #[error("field `{field}` has extents {found:?}, but its shape says {expected:?}")]
    Shape {
        /// The field.
        field: String,
        /// What the layout states.
        expected: Vec<usize>,
        /// What the value has.
        found: Vec<usize>,
    },

    /// An extent that a `shape` or `dims` attribute computes is negative or does not fit a `usize`.
    #[error("field `{field}`: the extent `{extent}` is negative or too large for a usize ({dims})")]
    Extent {
        /// The field.
        field: String,
        /// The extent as it is written in the struct.
        extent: String,
        /// The dims it was computed from.
        dims: String,
    },

    /// A node has too little room for the memory asked for. Nothing was allocated on any node.
    #[error(
        "not enough room on {host}: {needed} B needed, {free} B free in {place}; ask for less, free other objects, or enlarge it"
    )]
    NoRoom {
        /// The host of the node.
        host: String,
        /// Where the memory would live: `/dev/shm` or `memory`.
        place: String,
        /// Bytes needed on that node, slack included.
        needed: usize,
        /// Bytes free there.
        free: usize,
    },

    /// The operating system refused a call.
    #[error("{call} failed on rank {rank} ({host}): {text}")]
    System {
        /// The call.
        call: String,
        /// Rank in the world.
        rank: usize,
        /// Its host.
        host: String,
        /// The system's own text.
        text: String,
    },

    /// A file or folder that holds the states of a batch's tasks could not be read or written.
    #[error("{call} of {path} failed on rank {rank} ({host}): {text}")]
    Directory {
        /// The file or folder.
        path: String,
        /// What was to be done with it.
        call: String,
        /// The system's own text.
        text: String,
        /// Rank in the `Comm` of the batch.
        rank: usize,
        /// Its host.
        host: String,
    },

    /// An MPI call returned an error code.
    #[error("{call} failed on rank {rank} ({host}) with code {code} (class {class}): {text}")]
    Mpi {
        /// The MPI function.
        call: String,
        /// MPI's error code.
        code: i32,
        /// MPI's error class.
        class: i32,
        /// MPI's text for the code.
        text: String,
        /// Rank in the world.
        rank: usize,
        /// Its host.
        host: String,
    },

    /// The lock was asked for while this rank has it: a guard was leaked.
    #[error(
        "`{call}`: this rank has the lock already, because its guard was leaked; drop guards, or drop the lock to be rid of both"
    )]
    AlreadyLocked {
        /// The call.
        call: String,
    },

    /// A rank ended while it had the lock, because its guard was leaked; nobody will get it any more.
    #[error(
        "`{call}`: rank {rank} on {host} has left `run` with the lock, because its guard was leaked"
    )]
    Abandoned {
        /// The call.
        call: String,
        /// Rank in the `Comm` of the lock.
        rank: usize,
        /// Its host.
        host: String,
    },

    /// A rank panicked while it had the lock, so that what the lock protects may be half done.
    #[error(
        "rank {rank} panicked, or left `run`, while it had the lock; look at what it protects, and call `clear_poison` if all \
         is well"
    )]
    Poisoned {
        /// Rank in the `Comm` of the lock.
        rank: usize,
    },

    /// A rank of the same worker has ended its task with a failure, so it joins no further call on the worker's `Comm`.
    ///
    /// End the task too and go on with `next_task`.
    #[error("task {task} failed on rank {rank} of its worker ({host}): {message}")]
    TaskFailed {
        /// The task.
        task: usize,
        /// Rank in the worker's `Comm`.
        rank: usize,
        /// Its host.
        host: String,
        /// The reason it gave.
        message: String,
    },

    /// `next_task` was called while a rank of the worker has a task that it has not ended.
    #[error(
        "`next_task`: rank {rank} of the worker still has task {task}; end it by `done` or `failed`, or drop it, on every \
         rank of the worker first"
    )]
    TaskHeld {
        /// Rank in the worker's `Comm`.
        rank: usize,
        /// Its task.
        task: usize,
    },

    /// The result of a task came too late: another job has taken the task over, because this one seemed to be dead.
    #[error(
        "task {task} ({name}) has been taken over by another job, because this one gave no sign of life for longer than the \
         lease timeout; what it did is not recorded"
    )]
    TaskTakenOver {
        /// The task.
        task: usize,
        /// Its name.
        name: String,
    },

    /// There is no task of that number.
    #[error("`{call}`: there is no task {task}; the batch has {tasks} tasks, numbered from 0")]
    NoSuchTask {
        /// The call.
        call: String,
        /// The number that was asked for.
        task: usize,
        /// Number of tasks.
        tasks: usize,
    },

    /// An environment variable or a setting cannot be used.
    #[error("{name}={value}: {reason}")]
    InvalidSetting {
        /// The variable or setting.
        name: String,
        /// Its value.
        value: String,
        /// What is wrong and what to write.
        reason: String,
    },

    /// The program cannot start as it was launched.
    #[error("{reason}")]
    Start {
        /// What is wrong and what to do.
        reason: String,
    },

    /// A call after `MPI_Finalize`.
    #[error("`{call}` was called after MPI_Finalize: make collective calls before MPI ends")]
    MpiFinalized {
        /// The call.
        call: String,
    },
}

impl Error {
    /// The error with its long texts cut, so that it can be told to other ranks.
    pub(crate) fn clipped(mut self) -> Self {
        const TEXT: usize = 300;
        let cut = |text: &mut String| *text = clip(text, TEXT);
        match &mut self {
            Error::InvalidSetting {
                name,
                value,
                reason,
            } => [name, value, reason].into_iter().for_each(cut),
            Error::System { text, host, .. } | Error::Mpi { text, host, .. } => {
                [text, host].into_iter().for_each(cut);
            }
            Error::Directory {
                path,
                call,
                text,
                host,
                ..
            } => {
                // What tells paths apart is at their ends.
                if path.len() > TEXT {
                    let tail =
                        (path.len() - TEXT..path.len()).find(|&at| path.is_char_boundary(at));
                    *path = format!("…{}", &path[tail.unwrap_or(path.len())..]);
                }
                [call, text, host].into_iter().for_each(cut);
            }
            Error::Closure { message, .. } | Error::TaskFailed { message, .. } => cut(message),
            Error::TaskTakenOver { name, .. } => cut(name),
            _ => {}
        }
        self
    }

    /// Whether the `Comm` that returned this error refuses every later call.
    pub fn is_fatal(&self) -> bool {
        matches!(
            self,
            Error::Diverged { .. }
                | Error::RankFailed { .. }
                | Error::TaskFailed { .. }
                | Error::MpiFinalized { .. }
        )
    }
}

fn holders(ranks: &[usize]) -> String {
    match ranks {
        [] => "no rank passed any".into(),
        [one] => format!("only rank {one} did"),
        [first, second, ..] => format!("ranks {first} and {second} both did"),
    }
}

/// `text` cut to at most `limit` bytes, so that a long message still fits into a control block.
pub(crate) fn clip(text: &str, limit: usize) -> String {
    if text.len() <= limit {
        return text.to_owned();
    }
    let mut end = limit;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}…", &text[..end])
}

/// The text of a panic's payload.
pub(crate) fn panic_text(payload: &(dyn std::any::Any + Send)) -> String {
    if let Some(text) = payload.downcast_ref::<&str>() {
        (*text).to_owned()
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text.clone()
    } else {
        "a panic without a message".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_name_what_was_asked_and_what_there_was() {
        let error = Error::NoRoom {
            host: "n1".into(),
            place: "/dev/shm".into(),
            needed: 20,
            free: 10,
        };
        assert_eq!(
            error.to_string(),
            "not enough room on n1: 20 B needed, 10 B free in /dev/shm; ask for less, free other objects, or enlarge it"
        );
        let error = Error::Holders { ranks: vec![1, 3] };
        assert_eq!(
            error.to_string(),
            "`assign` wants exactly one rank with `Some(block)`, but ranks 1 and 3 both did"
        );
    }

    #[test]
    fn clipping_keeps_whole_characters() {
        assert_eq!(clip("häuser", 2), "h…");
        assert_eq!(clip("haus", 4), "haus");
    }
}
