//! Node-shared memory for programs that run under MPI: each table is held once per node instead of once per process. It is
//! typed, read through plain Rust references, written by collective calls only, and equal on all nodes.
//!
//! ```
//! use ndarray::{Array2, array};
//! use pshmem::{Comm, Result, Shared};
//!
//! fn main() -> std::process::ExitCode {
//!     pshmem::run(|comm: &Comm| -> Result<()> {
//!         let mut shm = Shared::<Array2<f64>>::new(comm, [3, 5])?; // collective; zeroed
//!         let data = array![[0., 1., 2.], [3., 4., 5.]];
//!         shm.set(0, [1, 1], (comm.rank() == 0).then(|| data.view()))?; // only rank 0's data count
//!         println!("rank {}: {}", comm.rank(), shm.view()[[2, 3]]); // a plain read
//!         Ok(())
//!     })
//! }
//! ```
//!
//! Run it with `cargo run` (one rank), `PSHMEM_LOCAL=4 cargo run` (four ranks as threads), or, built with
//! `--features mpi`, under `mpirun` or `srun`.
//!
//! # Map of the API
//!
//! | start and communicate | |
//! |---|---|
//! | [`run`] | starts the ranks: MPI processes, threads, or one; ends the job when one fails |
//! | [`Comm`] | a group of ranks; [`split`](Comm::split), [`node`](Comm::node), [`barrier`](Comm::barrier) |
//! | [`broadcast`](Comm::broadcast), [`gather`](Comm::gather), [`all_gather`](Comm::all_gather) | pass values of any type to other ranks |
//! | [`all_reduce`](Comm::all_reduce), [`all_reduce_into`](Comm::all_reduce_into), [`exclusive_scan`](Comm::exclusive_scan) | combine numbers and arrays of all ranks by an [`Op`] |
//! | [`local::Cluster`] | ranks as threads on simulated nodes, for tests |
//!
//! | shared data | |
//! |---|---|
//! | [`Shared<L>`](Shared) | a value, slice, array or struct that each node holds once |
//! | [`Field`] | a handle to one field of it, with the same calls |
//! | [`derive@SharedLayout`] | makes a struct shareable; its page is the manual of the derive |
//! | [`derive@SharedColumns`], [`Columns`] | records stored as one array per field |
//! | [`Ragged`], [`Strings`], [`Text`] | rows of different lengths; many strings; one string |
//! | [`Map`], [`Csr`] | a hash table; a sparse matrix |
//! | [`Element`], [`Value`] | what may be an element; one value of any such type |
//! | [`derive@Record`], [`FileLayout`] | what may be an element of files; what can be saved to files and loaded |
//!
//! | calls that write | whose data count |
//! |---|---|
//! | [`set`](Shared::set), [`update`](Shared::update), [`Shared::from_root`] | those of one rank, the root |
//! | [`assign`](Shared::assign) | those of one rank that the others need not know |
//! | [`fill`](Shared::fill) | one value, passed by all |
//! | [`update_per_node`](Shared::update_per_node) | those of one rank of each node |
//! | [`update_parts`](Shared::update_parts), [`gather`](Shared::gather) | those of all ranks, each a part of its own |
//! | [`update_parts_along`](Shared::update_parts_along), [`update_rows`](Shared::update_rows) | the same, along any axis; rows that lie anywhere |
//! | [`reduce_into`](Shared::reduce_into), [`accumulate`](Shared::accumulate) | those of all ranks, combined by an [`Op`] |
//! | [`scatter`](Shared::scatter) | those of all ranks: single elements, combined by an [`Op`] |
//! | [`concat`](Shared::concat) | those of all ranks: rows, of which it makes a new object |
//! | [`collect`](Shared::collect) | those of all ranks: pairs of a [`Map`] or triplets of a [`Csr`], of which it makes a new one |
//! | [`resize`](Shared::resize), [`copy_from`](Shared::copy_from), [`swap`](Shared::swap) | none: whole objects |
//!
//! | locks, loops and tasks | |
//! |---|---|
//! | [`Lock`], [`Mutex`], [`RwLock`] | first-come-first-served locks over the ranks of all nodes, also with a value |
//! | [`for_each_dynamic`](Comm::for_each_dynamic), [`Counter`] | loops whose iterations are shared out while they run; numbers that are taken once |
//! | [`Batch`] | hands out tasks to groups of ranks, across jobs and crashes; [`signal`] has the numbers of signals that stop it |
//!
//! | what went wrong | |
//! |---|---|
//! | [`Error`] | says what went wrong, on which rank and host, and what to do |
//!
//! The [guide] explains more: [choosing among the calls that write](guide::writing), [memory](guide::memory),
//! [tables of rows, text, keys and matrices](guide::tables), [files](guide::files), [errors](guide::errors),
//! [locks and batches](guide::locks_and_batches), [clusters](guide::clusters), [testing](guide::testing),
//! [troubleshooting](guide::troubleshooting), [patterns of real programs](guide::patterns), [files in Python](guide::python), and moving
//! [from the Python package](guide::from_python).
//!
//! # What makes it safe
//!
//! A view borrows its [`Shared`], and every write is a collective call that takes `&mut self`. All ranks of the `Comm` make the
//! call. Before the first byte is written, all ranks have arrived and their calls (kind, object, field, root) have been compared
//! exactly. No rank returns before the last byte is in place on its node. So no reference into node memory is alive during a
//! write, on any rank. Safe code cannot break this:
//!
//! - different calls on different ranks write nothing and return [`Error::Diverged`];
//! - leaked handles keep their memory mapped;
//! - a closure that panics ends its call with an error on the other ranks;
//! - swapped handles are found, because objects are numbered and the numbers are compared.
//!
//! # What is sent
//!
//! A *round* is what a barrier does: every rank arrives, and is released when all ranks have arrived. The documentation of each
//! collective call says how many rounds it takes and what it sends.
//!
//! On one node, a write takes one round and no messages: each rank stores its call in a cache line of its own, the writer checks
//! all of them, writes, and releases all ranks with one store. Over N nodes, one rank of each node (its leader) takes part in a
//! tree of depth log2(N). Then a header and the written bytes are sent to each other node once, from node memory to node memory:
//! a few bytes inside the header, more in pieces along a chain of nodes. In calls in which all ranks write, each rank sends its
//! part to one rank of every other node, so that many connections are in use. No rank holds a private copy of the data.
//!
//! # Environment
//!
//! | variable | meaning |
//! |---|---|
//! | `PSHMEM_LOCAL=4`, `PSHMEM_LOCAL=2+3+1` | without a launcher: number of ranks, as threads on one node, or on each of several nodes |
//! | `PSHMEM_DOMAIN=numa`, `socket`, `l3`, `node` | divides every node by memory domains, so that each has a copy of every object; needs bound ranks: see [`Domain`]. `node`: does not |
//! | `PSHMEM_RANKS_PER_NODE=n` | divides every node into nodes of `n` ranks; with `PSHMEM_DOMAIN`, every domain |
//! | `PSHMEM_HANG_REPORT=60` | a rank that waits longer than this many seconds reports it on stderr, again after each such time |
//! | `PSHMEM_MEMORY=window` | node memory is a window of the MPI library; `memfd`: a file in memory without a name; `auto` is the default: `memfd` where all ranks of a node can open it |
//! | `PSHMEM_MEMORY_LIMIT=64G` | the most that objects may use on a node ([`Comm::set_memory_limit`]) |
//! | `PSHMEM_HUGE_PAGES=never` | no huge pages; `always`: for objects of 2 MiB and more; `auto` is the default: of 16 MiB and more |
//! | `PSHMEM_HANG_ABORT=600` | a wait of this many seconds ends the job |
//! | `PSHMEM_CHECK=0`, `1`, `2` | checks beyond the comparison of calls. 0: none. 1 (the default): source lines in errors, deadlocks over several `Comm`s. 2: also the copies of what was written, after each write |
//! | `PSHMEM_ONE_SIDED=never`, `always` | one-sided MPI operations for locks and batches over several nodes, which are used if a self-test finds that they progress quickly while their target computes. `never`: no self-test, not used. `always`: also used if they are slow, and on one machine |
//! | `PSHMEM_MPI_LIBRARY=FILE` | with feature `mpi-abi`: the MPI library to load |
//! | `MPI_DISABLE=1` | turns MPI off: under a launcher, each process is a job of one rank |
//!
//! # Other crates
//!
//! Three crates are re-exported, so that a program need not name them in its manifest: `pshmem::ndarray` (0.17), `pshmem::bytemuck`
//! (1.25, with its derives) and `pshmem::num_complex` (0.4). The derives of this crate need none of them. Those of `bytemuck` must be
//! told where it is:
//!
//! ```
//! use pshmem::bytemuck::{Pod, Zeroable};
//!
//! #[derive(Clone, Copy, Pod, Zeroable)]
//! #[bytemuck(crate = "pshmem::bytemuck")] // not needed if `bytemuck` is a dependency of the program
//! #[repr(C)]
//! struct Line {
//!     frequency: f64,
//!     strength: f64,
//! }
//! ```
//!
//! # Features
//!
//! - `mpi`: ranks are MPI processes. Building needs libclang and an MPI library, which `mpicc` in `PATH`, or `MPICC`, chooses.
//!   Without the feature nothing needs to be installed.
//! - `mpi-abi`: ranks are MPI processes, and the program loads a library with the standard ABI of MPI 5.0 when it starts. Nothing
//!   needs to be installed for building: see [the guide](crate::guide::clusters#one-program-for-several-libraries).
//! - `progress` (on by default): bars on a terminal, drawn by `indicatif`. Without it, batches print lines.
//! - `tracing` (on by default): events of the crate `tracing`.
//! - `sprs`: [`Csr`] from and to matrices of the crate `sprs`.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod batch;
mod comm;
mod counter;
mod error;
mod events;
mod files;
pub mod guide;
mod home;
mod layout;
mod live;
mod lock;
mod memory;
mod progress_bar;
mod rank_thread;
mod run;
mod shared;
pub mod signal;
mod stderr;
mod sync;
mod transport;
mod values;

/// Ranks as threads of one process, for tests on nodes of any size and to start without MPI.
///
/// ```
/// let sums = pshmem::local::Cluster::new(&[2, 1]).run(|comm| comm.node().index + comm.rank());
/// assert_eq!(sums, [0, 1, 3]);
/// ```
pub mod local {
    pub use crate::run::cluster::Cluster;
}

pub use batch::{
    Batch, BatchBuilder, BatchReport, BatchStatus, LogEntry, Task, TaskHolder, TaskReport,
    TaskReports, TaskState, TaskStatus,
};
pub use comm::domains::Domain;
pub use comm::usage::{Memory, NodeUse, ObjectUse};
pub use comm::{Comm, NodeInfo};
pub use counter::Counter;
pub use error::{Error, Result};
pub use files::{Checkpoints, Reading, Source};
pub use home::engine::Engine;
pub use layout::{
    ArrayMut, AsBlock, AsRows, AxisLayout, BlockLayout, Columns, Csr, CsrDims, CsrError, CsrIter,
    CsrMut, CsrView, Element, Field, FieldSchema, FileLayout, Full, Map, MapDims, MapIter, MapKey,
    MapMut, MapView, Op, OwnedBy, Preview, Ragged, RaggedDims, RaggedIter, RaggedMut, RaggedView,
    Record, ResizeLayout, RowLayout, RowsIter, Schema, SharedColumns, SharedLayout, SliceMut,
    StackLayout, Strings, StringsIter, StringsMut, StringsView, Text, TextMut, Value, ValueMut,
};
pub use lock::guarded::Lockable;
pub use lock::mutex::{Mutex, MutexGuard};
pub use lock::rwlock::{RwLock, RwLockReadGuard, RwLockWriteGuard};
pub use lock::{
    Fairness, Holder, Lock, LockBuilder, LockError, LockGuard, LockResult, TryLockResult,
};
pub use memory::source::MemorySource;
pub use pshmem_derive::{Record, SharedColumns, SharedLayout};
pub use run::run;
pub use shared::Shared;

// The crates whose types and traits users meet: arrays, complex numbers, the derives of elements.
#[doc(no_inline)]
pub use {bytemuck, ndarray, num_complex};

/// Items for code that the derives generate. They may change in any release.
#[doc(hidden)]
pub mod __private {
    pub use crate::layout::derived::{FieldPlan, NestedPlan, assert_element};
    pub use crate::layout::file_layout::{
        FileColumns, FileField, FileLeaf, FileLeaves, LeafShapes,
    };
    pub use crate::layout::printing::{
        DebugOf, PreviewOf, WithDebug, WithPreview, WithoutDebug, WithoutPreview, debug_struct,
        preview_field,
    };
    pub use crate::layout::raw::Planned;
    pub use crate::layout::rows::{RowField, RowLeaves};
    pub use crate::layout::stack::{StackField, StackParts, StackShapes};
    pub use crate::layout::{Base, BaseMut, Handle, Placer, Value};
    pub use ndarray::{ArrayView1, ArrayView2, ArrayView3, ArrayView4, ArrayView5, ArrayView6};
    pub use ndarray::{
        ArrayViewMut1, ArrayViewMut2, ArrayViewMut3, ArrayViewMut4, ArrayViewMut5, ArrayViewMut6,
    };
    pub use ndarray::{Ix1, Ix2, Ix3, Ix4, Ix5, Ix6};
    pub use pshmem_format::{Dtype, Item, StructField};
    pub use std::vec::Vec;
}

/// Tests the code blocks of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
