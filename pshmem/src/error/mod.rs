//! `Error`: what can go wrong, as sentences for the person who reads them in a job's log.
//!
//! An error that concerns several ranks is decided once and sent to them, so every rank gets the same variant and the same
//! text. A text therefore never depends on the rank that prints it.

pub(crate) mod text;

#[cfg(feature = "__mpi")]
pub(crate) use text::SHM;
pub(crate) use text::{CGROUP, clip, clip_start, panic_text, printable};

use serde::{Deserialize, Serialize};

/// The result of every fallible call of this crate.
///
/// ```
/// use pshmem::{Comm, Result, Shared};
///
/// fn sum(comm: &Comm) -> Result<f64> {
///     let table = Shared::<[f64]>::from_root(comm, 0, || vec![1.0, 2.0])?;
///     Ok(table.view().iter().sum())
/// }
/// assert_eq!(sum(&Comm::solo()), Ok(3.0));
/// ```
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a call failed.
///
/// ```
/// use pshmem::{Comm, Error, Shared};
///
/// let comm = Comm::solo();
/// let mut table = Shared::<[f64]>::new(&comm, 4)?;
/// let error = table.set(0, 3, Some(&[1.0, 2.0])).unwrap_err();
/// assert!(matches!(error, Error::OutOfBounds { .. }));
/// assert!(!error.is_fatal());
/// table.set(0, 2, Some(&[1.0, 2.0]))?; // the object and the Comm are unharmed
/// # Ok::<(), Error>(())
/// ```
///
/// # Which ranks get it
///
/// A collective call that fails returns an equal error on all ranks of the [`Comm`](crate::Comm). There are three exceptions:
/// [`Nested`](Error::Nested) and [`MpiFinalized`](Error::MpiFinalized) are returned at once on the rank that makes the call; a
/// closure that panics gives [`Closure`](Error::Closure) on the other ranks, while the panic continues on its own; and where
/// one rank of a call dies, only those that wait for it get [`RankFailed`](Error::RankFailed). Calls that are not collective
/// (locks, the end of a task, the states of tasks) return their errors on the calling rank.
///
/// # What has changed
///
/// Nothing, with three exceptions. After [`Closure`](Error::Closure), what the closure wrote before it failed is in the object,
/// and the other nodes have received it. After [`NoSuchElement`](Error::NoSuchElement), what was added before is. After
/// [`Corrupt`](Error::Corrupt), the write that was checked has been done.
///
/// # What becomes of the `Comm`
///
/// It lives on, except after [`Diverged`](Error::Diverged), [`RankFailed`](Error::RankFailed),
/// [`TaskFailed`](Error::TaskFailed) and [`MpiFinalized`](Error::MpiFinalized), for which [`is_fatal`](Error::is_fatal) is
/// true. Every later call on such a `Comm` returns an error at once, so no rank is left waiting. Other `Comm`s continue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A collective or a lock was called inside the closure of a collective.
    ///
    /// Only the calling rank gets it. The other ranks wait for the closure to end, so they cannot join the inner call; nothing
    /// was sent, and both calls' `Comm`s live. Make the call before or after the closure.
    #[error(
        "`{call}` was called inside the closure of another collective; the other ranks wait for that closure to end, so \
         move the call out of the closure (a Comm of one rank may be used inside)"
    )]
    Nested {
        /// The inner call.
        call: String,
    },

    /// The ranks of one `Comm` made different collective calls, or one of them will never make the call that others wait in.
    ///
    /// All ranks of the `Comm` get it, nothing was written, and the `Comm` is dead. The usual causes are a collective call
    /// inside an `if` that depends on the rank, and a `return` or `?` that only one rank takes: the object or the `Comm` is
    /// dropped there. The text names both calls with their source lines.
    #[error(
        "the ranks of one Comm did not make the same call: {what}. Nothing was written; this Comm cannot be used any more. Does one \
         of the calls stand inside `if comm.rank() == ..`, or does a rank return before it?"
    )]
    Diverged {
        /// Who called what from where.
        what: String,
    },

    /// Another rank panicked, or returned an error from the closure of [`run`](crate::run), while this one waited for it.
    ///
    /// The ranks that wait for it get this error, and the `Comm` is dead. The cause is the message of the failed rank; usually
    /// this error is returned too, and the job ends.
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
    ///
    /// An error is returned on all ranks. After a panic the other ranks get this error, and the panic continues on its own
    /// rank. The `Comm` lives. What the closure wrote before it failed stays; the other nodes have received it, except in
    /// `update_per_node`, where each node holds what its own closure wrote. After a failed operation of a reduction, the array
    /// holds arbitrary values, the same on every node; a slice that was passed to `all_reduce_into` does, too, on each rank its own. An
    /// object that was to be made does not exist.
    #[error("the closure on rank {rank} failed: {message}")]
    Closure {
        /// The rank that ran the closure; of several that failed, the lowest.
        rank: usize,
        /// Its error, or its panic message.
        message: String,
    },

    /// A value could not be encoded by its `Serialize` on the rank that passes it, or decoded by its `Deserialize` on a rank that
    /// gets it.
    ///
    /// All ranks get it, no rank gets a value, and the `Comm` lives. Types whose format describes itself, such as
    /// `serde_json::Value`, and attributes such as `untagged` and `flatten` cannot be decoded from bytes without names: pass a
    /// string of JSON, for example.
    #[error("`{call}`: rank {rank} cannot {what} a value of the type {type_name}: {reason}")]
    Encoding {
        /// The call.
        call: String,
        /// The rank that cannot; of several, the lowest.
        rank: usize,
        /// `encode` or `decode`.
        what: String,
        /// The type.
        type_name: String,
        /// Why.
        reason: String,
    },

    /// A root is not a rank of the `Comm`.
    ///
    /// All ranks get it if they gave the same root (else [`Diverged`](Error::Diverged)), and the `Comm` lives. A rank of the
    /// world may not exist in a smaller `Comm`.
    #[error("`{call}` was given root {root}, but the Comm has {size} ranks: use 0 to {}", size - 1)]
    NoSuchRank {
        /// The call.
        call: String,
        /// The rank that was asked for.
        root: usize,
        /// Number of ranks.
        size: usize,
    },

    /// A block does not fit into the array at its offset.
    ///
    /// All ranks get it, nothing was written, and the `Comm` lives. Offsets and extents count elements, not bytes.
    #[error(
        "rank {rank} passed a block of shape {block:?} for the offset {offset:?}, which does not fit into an array of shape \
         {shape:?}; nothing was written"
    )]
    OutOfBounds {
        /// The rank that passed the block.
        rank: usize,
        /// Where it was to go.
        offset: Vec<usize>,
        /// Extents of the block.
        block: Vec<usize>,
        /// Extents of the array.
        shape: Vec<usize>,
    },

    /// The counts of `update_parts_by` do not cut the rows into one part for each rank.
    ///
    /// All ranks get it, no closure was called, and the `Comm` lives.
    #[error(
        "`update_parts_by` on rank {rank} was given {counts} counts with the sum {sum}, but there are {size} ranks and {rows} \
         rows: pass one count for each rank, with the number of rows as their sum"
    )]
    Counts {
        /// The rank that passed them.
        rank: usize,
        /// How many it passed.
        counts: usize,
        /// Their sum, or the largest `usize` when it is larger.
        sum: usize,
        /// Number of ranks.
        size: usize,
        /// Number of rows.
        rows: usize,
    },

    /// The weights of `update_parts_weighted` are not one for each row, or one of them is no weight.
    ///
    /// All ranks get it, no closure was called, and the `Comm` lives.
    #[error(
        "`update_parts_weighted` on rank {rank} was given {what}; pass one weight for each of the {rows} rows, none of them negative, \
         infinite or NaN"
    )]
    Weights {
        /// The rank that passed them.
        rank: usize,
        /// How many it passed, or the first that is no weight.
        what: String,
        /// Number of rows.
        rows: usize,
    },

    /// An array has no such axis.
    ///
    /// All ranks get it, that of the lowest rank if several did; no closure was called, and the `Comm` lives.
    #[error(
        "`{call}` on rank {rank} was given axis {axis}, but there are {axes} axes, numbered from 0"
    )]
    NoSuchAxis {
        /// The call.
        call: String,
        /// The rank that passed it.
        rank: usize,
        /// The axis that was asked for.
        axis: usize,
        /// Number of axes.
        axes: usize,
    },

    /// The owner that a rank names for a row in `update_rows` is no rank of the `Comm`.
    ///
    /// All ranks get it, that of the lowest rank if several did; nothing was written, and the `Comm` lives.
    #[error(
        "`{call}`: rank {rank} names rank {owner} as the owner of row {row}, but the Comm has {size} ranks: use 0 to {}", size - 1
    )]
    NoSuchOwner {
        /// The call.
        call: String,
        /// The rank that names it.
        rank: usize,
        /// The row.
        row: usize,
        /// The rank that was named.
        owner: usize,
        /// Number of ranks.
        size: usize,
    },

    /// A rank added to an element that the array does not have, in `scatter`.
    ///
    /// All ranks get it, that of the lowest rank if several did, and the `Comm` lives. What that rank had added before, and what the
    /// other ranks have added, is in the array, the same on all nodes.
    #[error(
        "`{call}`: rank {rank} added to the element at {index:?} of an array of shape {shape:?}, which has no such element; what was \
         added before stays"
    )]
    NoSuchElement {
        /// The call.
        call: String,
        /// The rank that added.
        rank: usize,
        /// Index of the element, one number for each axis.
        index: Vec<usize>,
        /// Extents of the array.
        shape: Vec<usize>,
    },

    /// Blocks of two ranks have elements in common.
    ///
    /// All ranks get it, nothing was written, and the `Comm` lives. Every element may be written by one rank only.
    #[error(
        "`{call}`: the blocks of ranks {first} and {second} overlap: both contain the element at {at:?}; nothing was written"
    )]
    Overlap {
        /// The call.
        call: String,
        /// The lower rank.
        first: usize,
        /// The higher rank.
        second: usize,
        /// The first element that both contain.
        at: Vec<usize>,
    },

    /// An array that a rank passed has the wrong extents.
    ///
    /// All ranks get it, nothing was written, and the `Comm` lives.
    #[error(
        "`{call}`: rank {rank} passed an array of shape {found:?}, but it must have the shape {expected:?}"
    )]
    Extents {
        /// The call.
        call: String,
        /// The rank that passed it.
        rank: usize,
        /// Its extents.
        found: Vec<usize>,
        /// The extents that it should have.
        expected: Vec<usize>,
    },

    /// Two objects of different `Comm`s were given to a call that needs them on one.
    ///
    /// All ranks get it, nothing has changed, and both `Comm`s live. Clones of a `Comm` are the same `Comm`; `split` makes a
    /// new one, also when it keeps all ranks.
    #[error(
        "`{call}`: the two objects were made on different Comms; make both on the same one (clones of a Comm count as one)"
    )]
    OtherComm {
        /// The call.
        call: String,
    },

    /// The root of a `set` passed `None`.
    ///
    /// All ranks get it, nothing was written, and the `Comm` lives.
    #[error(
        "rank {root} is the root of `{call}` but passed no data: pass `Some(block)` there, `None` elsewhere"
    )]
    NoData {
        /// The call.
        call: String,
        /// The root.
        root: usize,
    },

    /// No rank, or more than one, passed data to `assign`.
    ///
    /// All ranks get it, nothing was written, and the `Comm` lives.
    #[error("`assign` needs exactly one rank that passes `Some(block)`, but {}", text::holders(.ranks))]
    Holders {
        /// The ranks that passed data; at most the first two.
        ranks: Vec<usize>,
    },

    /// Ranks passed different values where all must pass the same.
    ///
    /// All ranks get it, nothing has changed, and the `Comm` lives. Compute the value from what all ranks know, or use a call
    /// with a root.
    #[error(
        "`{call}`: rank {rank} has {theirs}, but rank {reference} has {ours}; all ranks must pass the same"
    )]
    Mismatch {
        /// The call.
        call: String,
        /// The rank with which it is compared.
        reference: usize,
        /// What that rank has.
        ours: String,
        /// The first rank that differs.
        rank: usize,
        /// What it has.
        theirs: String,
    },

    /// A check at `PSHMEM_CHECK=2` found wrong bytes in node memory.
    ///
    /// All ranks get it, and the `Comm` lives; the checked write has been done. The usual cause is `unsafe` or foreign code
    /// that keeps a pointer into an object and writes through it.
    #[error(
        "after `{call}`: {what}; shared memory was modified outside the calls of this library (look at `unsafe` and foreign \
         code with a pointer into it), or this library or the network has a defect"
    )]
    Corrupt {
        /// The call after which it was found.
        call: String,
        /// What differs.
        what: String,
    },

    /// The extents ask for more bytes than an address space has.
    ///
    /// All ranks get it, nothing was allocated, and the `Comm` lives. Look for extents that are swapped, or that were computed
    /// from a negative number.
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

    /// A sparse matrix was to have more columns than there are column numbers.
    ///
    /// All ranks get it, nothing was allocated, and the `Comm` lives.
    #[error(
        "a sparse matrix of {cols} columns was asked for, but its column numbers have 32 bits: at most 4294967296 columns"
    )]
    TooManyColumns {
        /// How many were asked for.
        cols: usize,
    },

    /// A rank passed a triplet to `collect` that is for no place of the matrix.
    ///
    /// All ranks get it, that of the lowest rank if several did; no object was made, and the `Comm` lives.
    #[error("rank {rank} passed triplets that are not all inside of the matrix: {what}")]
    Triplet {
        /// The rank that passed it.
        rank: usize,
        /// The triplet and the shape.
        what: String,
    },

    /// Two ranks brought the same key to [`Shared::collect`](crate::Shared::collect) of a map, or one rank brought it twice.
    ///
    /// All ranks get it; no object was made, and the `Comm` lives.
    #[error(
        "rank {first} and rank {second} have brought the same key, {key}; the keys of all ranks must differ, or use `collect_with`, which combines \
         their values"
    )]
    RepeatedKey {
        /// The key as text, or its bytes.
        key: String,
        /// The lower rank.
        first: usize,
        /// The other rank, or the same one.
        second: usize,
    },

    /// A private value, or what a file holds, has other extents than the `shape` attribute of its field states; or a column in a
    /// file is longer or shorter than the first one.
    ///
    /// All ranks get it, no object was made, and the `Comm` lives.
    #[error(
        "field `{field}` has extents {found:?}, but its `shape` attribute, or for a column the first column, gives {expected:?}"
    )]
    Shape {
        /// The field.
        field: String,
        /// What the attribute gives.
        expected: Vec<usize>,
        /// What the value or the file has.
        found: Vec<usize>,
    },

    /// An extent that a `shape` or `dims` attribute computes is negative or does not fit a `usize`.
    ///
    /// All ranks get it, no object was made, and the `Comm` lives.
    #[error("field `{field}`: the extent `{extent}` is negative or too large for a usize ({dims})")]
    Extent {
        /// The field.
        field: String,
        /// The extent as it is written in the struct.
        extent: String,
        /// The dims it was computed from.
        dims: String,
    },

    /// A node has too little free memory for an object.
    ///
    /// All ranks of all nodes get it, nothing was allocated on any node, and the `Comm` lives. Where node memory is a window of the
    /// MPI library, it is usually in `/dev/shm`, which containers make small. Batch systems and containers also limit the memory of
    /// the whole job on a node, by a cgroup, `/dev/shm` included.
    #[error(
        "not enough room on {host}: {needed} B needed, {free} B free in {place}; allocate less, drop other objects, or {}",
        text::more_room(.place)
    )]
    NoRoom {
        /// The host of the node.
        host: String,
        /// What has too little: `/dev/shm`, `memory` (of the machine), or a cgroup, with the file that states its limit, as in
        /// `the cgroup /sys/fs/cgroup/job_7 (memory.max)`.
        place: String,
        /// Bytes needed on that node, a reserve included.
        needed: usize,
        /// Bytes free there.
        free: usize,
    },

    /// A node would use more memory than the limit that was set for it.
    ///
    /// All ranks of all nodes get it, nothing was allocated or changed on any node, and the `Comm` lives.
    #[error(
        "{needed} B more on {host} would pass the limit of {limit} B for this node, where {used} B are in use: {held}; drop objects, \
         or raise the limit (PSHMEM_MEMORY_LIMIT, `Comm::set_memory_limit`)"
    )]
    MemoryLimit {
        /// The host of the node.
        host: String,
        /// Bytes needed on that node; 0 when a limit was to be set that is below what is in use.
        needed: usize,
        /// Bytes in use there, those of small objects in whole chunks.
        used: usize,
        /// The limit.
        limit: usize,
        /// The largest objects, with their sizes, types and numbers.
        held: String,
    },

    /// The operating system refused a call.
    ///
    /// All ranks get it, because they allocate memory together. The `Comm` lives.
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

    /// A file or folder of a batch's state directory could not be read or written.
    ///
    /// All ranks get it when the batch is built, the ranks of the worker from `next_task`, and from the end of a task the rank
    /// that records it. The `Comm` lives. Look at permissions, quotas and the file system.
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

    /// A file or folder could not be saved or loaded.
    ///
    /// All ranks get it, and the `Comm` lives. Nothing has changed: at the path of a save is what was there before, and no object
    /// was made. Of a [`read_from`](crate::Shared::read_from), this holds for what headers and sizes tell. If reading itself fails,
    /// or if values are not valid, the object keeps what was read so far, the same on all nodes; the pieces of up to 4 MiB that
    /// failed are zero.
    #[error("`{call}` of {path} failed on rank {rank} ({host}): {reason}")]
    File {
        /// The call.
        call: String,
        /// The file or folder.
        path: String,
        /// What is wrong with it, or the system's own text.
        reason: String,
        /// Rank in the `Comm`; of several that failed, the lowest.
        rank: usize,
        /// Its host.
        host: String,
    },

    /// An MPI function has failed.
    ///
    /// No call returns this error. The rank prints it and ends the job, because other ranks may be inside the same MPI function,
    /// where they cannot be told.
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

    /// This rank asked for a lock that it already holds, because it leaked the guard.
    ///
    /// Only this rank gets it, and both the lock and the `Comm` live.
    #[error(
        "`{call}`: this rank already holds the lock, because its guard was leaked (`mem::forget`, a reference cycle); let \
         guards drop, or drop the lock to release it"
    )]
    AlreadyLocked {
        /// The call.
        call: String,
    },

    /// A rank ended while it held a lock, because it leaked the guard; no rank can get the lock any more.
    ///
    /// Ranks that wait for a lock on one node get it. Over several nodes the lock goes to the next rank, as poisoned. The
    /// `Comm` lives, but the ended rank joins no call.
    #[error(
        "{call}: rank {rank} on {host} returned from `run`'s closure while it held the lock, because its guard was leaked; no \
         rank can get this lock any more. The last collective call of that rank on the lock's Comm: {last}"
    )]
    Abandoned {
        /// The call, the lock and the source line.
        call: String,
        /// Rank in the `Comm` of the lock.
        rank: usize,
        /// Its host.
        host: String,
        /// The last collective call of that rank on the `Comm`, with its source line.
        last: String,
    },

    /// The rank that keeps a lock or the table of a batch has dropped all its handles before this rank has finished, in a program
    /// that uses `Comm::from_mpi`, and MPI was started without `MPI_THREAD_MULTIPLE`.
    ///
    /// Such a rank handles requests during its calls, and then once more when it ends MPI. Ranks that call before wait for as long
    /// as `PSHMEM_HANG_REPORT` says, and get this error then. The `Comm` lives.
    #[error(
        "`{call}`: rank {rank} on {host}, the home rank, has dropped its last handle, so it does not reply before it ends MPI; keep \
         a Comm alive there and make a call on it when all ranks have finished (a barrier), or start MPI with MPI_THREAD_MULTIPLE"
    )]
    HomeLeft {
        /// The call.
        call: String,
        /// Rank in the `Comm` of the lock or the batch.
        rank: usize,
        /// Its host.
        host: String,
    },

    /// A rank panicked while it held the lock, so what the lock protects may be inconsistent.
    ///
    /// Every rank that locks gets it until one calls `clear_poison`. The lock works, and the `Comm` lives;
    /// [`LockError::Poisoned`](crate::LockError::Poisoned) has the guard.
    #[error(
        "rank {rank} panicked, or returned from `run`'s closure, while it held the lock; check what it protects, and call \
         `clear_poison` on the guard if it is consistent"
    )]
    Poisoned {
        /// Rank in the `Comm` of the lock.
        rank: usize,
    },

    /// Another rank of the same worker ended its task as failed, so it joins no further call on the worker's `Comm`.
    ///
    /// The ranks of the worker that call on this `Comm` get it, and the `Comm` is dead. End the task on this rank too and call
    /// `next_task`: the next task has a new `Comm`.
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
    ///
    /// All ranks of the worker get it. The batch continues, and the worker has a new `Comm`: ask for
    /// [`worker_comm`](crate::Batch::worker_comm) again.
    #[error(
        "`next_task`: rank {rank} of the worker still has task {task}; end it with `done` or `failed`, or drop it, on every \
         rank of the worker first"
    )]
    TaskHeld {
        /// Rank in the worker's `Comm`.
        rank: usize,
        /// Its task.
        task: usize,
    },

    /// The result of a task came too late: another job took the task over.
    ///
    /// No call returns it: a loop over tasks goes on. It is reported on stderr, and stands in the report of the batch. This process
    /// was stopped, or cut off from the file system, for longer than the lease timeout of the batch. The other job runs the task
    /// again.
    #[error(
        "task {task} ({name}) has been taken over by another job, because this process did not update its heartbeat for longer \
         than the lease timeout; the result of this run is not recorded"
    )]
    TaskTakenOver {
        /// The task.
        task: usize,
        /// Its name.
        name: String,
    },

    /// A program that [`Task::command`](crate::Task::command) has run for a task did not end with exit code 0, or could not be
    /// started.
    ///
    /// Only this rank gets it, and the `Comm` lives. Returned from the closure of [`Batch::run`](crate::Batch::run), it makes the
    /// task FAILED.
    #[error("`{command}` {status}, on rank {rank} ({host}){}", text::tail(.tail))]
    Command {
        /// The program and its arguments, clipped.
        command: String,
        /// How it ended: its exit code, a signal or the time limit; or why it could not be started.
        status: String,
        /// The last lines of what it wrote to the file `stderr`, if there are any; control characters are escaped.
        tail: String,
        /// Rank in the `Comm` of the batch.
        rank: usize,
        /// Its host.
        host: String,
    },

    /// There is no task of that number.
    ///
    /// Only this rank gets it, and the `Comm` lives.
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
    ///
    /// The text says what to write instead. All ranks get it from collective calls, and the `Comm` lives.
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
    ///
    /// Every rank gets it, before the closure of [`run`](crate::run) is called or from `Comm::from_mpi`.
    #[error("{reason}")]
    Start {
        /// What is wrong and what to do.
        reason: String,
    },

    /// A call after `MPI_Finalize`.
    ///
    /// Only this rank gets it, from every call on a `Comm` of more than one rank. Values can still be read and dropped.
    #[error("`{call}` was called after MPI_Finalize: make collective calls before MPI ends")]
    MpiFinalized {
        /// The call.
        call: String,
    },
}

impl Error {
    /// Whether the `Comm` that returned this error is dead: every later call on it returns an error at once.
    ///
    /// True for [`Diverged`](Error::Diverged), [`RankFailed`](Error::RankFailed), [`TaskFailed`](Error::TaskFailed) and
    /// [`MpiFinalized`](Error::MpiFinalized). After any other error the ranks can make further calls.
    ///
    /// ```
    /// use pshmem::{Error, Shared, local::Cluster};
    ///
    /// let errors = Cluster::new(&[2]).run(|comm| {
    ///     let mut table = Shared::<[f64]>::new(comm, 4).unwrap();
    ///     let bad_offset = table.set(0, 9, Some(&[1.0])).unwrap_err();
    ///     let other_calls = if comm.rank() == 0 { table.fill(1.0) } else { comm.barrier() };
    ///     (bad_offset.is_fatal(), other_calls.unwrap_err().is_fatal())
    /// });
    /// assert_eq!(errors, [(false, true); 2]);
    /// ```
    #[must_use]
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
