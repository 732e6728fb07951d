//! Big tables **once per node** instead of once per process, for simulations that run under MPI: typed, readable as plain
//! references, changed only by collective calls, equal on all nodes.
//!
//! ```
//! use ndarray::{Array2, array};
//! use pshmem::{Comm, Result, Shared};
//!
//! fn main() -> std::process::ExitCode {
//!     pshmem::run(|comm: &Comm| -> Result<()> {
//!         let mut shm = Shared::<Array2<f64>>::new(comm, [3, 5])?; // collective; zeroed
//!         let data = array![[0., 1., 2.], [3., 4., 5.]];
//!         shm.set(0, [1, 1], (comm.rank() == 0).then(|| data.view()))?; // only rank 0's data counts
//!         println!("rank {}: {}", comm.rank(), shm.view()[[2, 3]]); // plain read
//!         Ok(())
//!     })
//! }
//! ```
//!
//! - [`run`] starts the ranks: MPI processes, threads, or one; [`Comm`] says who shares what.
//! - [`Shared`] holds one value, slice, array or struct per node; [`Field`] is a handle to a part of one.
//! - [`derive@SharedLayout`] turns a struct into one node-shared layout; its page is the manual of the derive.
//!   [`derive@SharedColumns`] stores records as one array per field.
//! - [`update_parts`](Shared::update_parts) has all ranks write at the same time, each a part of its own, in place;
//!   [`gather`](Shared::gather) takes a block of each rank, [`reduce_into`](Shared::reduce_into) sums up private arrays of all
//!   ranks, or combines them by another [`Op`].
//! - [`Lock`] serves ranks in order of request, on one node or over many; [`Mutex`] and [`RwLock`] protect a value.
//! - [`Batch`] hands out tasks to groups of ranks, across jobs and crashes.
//! - [`Error`] explains what went wrong, where, and what to do.
//!
//! The [guide] explains more: [choosing among the calls that write](guide::writing), [memory](guide::memory),
//! [errors](guide::errors), [locks and batches](guide::locks_and_batches), [clusters](guide::clusters),
//! [troubleshooting](guide::troubleshooting), and moving [from the Python package](guide::from_python).
//!
//! # What makes it safe
//!
//! A view borrows its [`Shared`]; every write takes `&mut self` and is a collective that all ranks of the `Comm` enter. Before
//! the first byte changes, all ranks have arrived and their calls (kind, object, field, root) have been compared exactly; no
//! rank returns before the last byte is in place on its node. So a reference into node memory never lives across a write, on
//! any rank, and safe code cannot make it: not by calling collectives in different orders (an [`Error::Diverged`]), not by
//! leaking handles (memory stays mapped), not by panicking in a closure (the others get an error), not by swapping handles
//! (objects are numbered).
//!
//! # What travels
//!
//! On one node a write is one meeting: each rank posts its call on a cache line of its own, the writer looks at all of them,
//! writes, and releases everybody with one store. Over N nodes, one leader per node takes part in a tree of depth log2(N);
//! then a header and the written bytes go to each other node once, straight from segment to segment: few bytes inside the
//! header, many in pieces down a chain of nodes. Where all ranks write, each sends what it wrote to one rank of every other
//! node as soon as it is done, so that many lanes are in use. No rank ever holds a copy of the data.
//!
//! # Environment
//!
//! | variable | meaning |
//! |---|---|
//! | `PSHMEM_LOCAL=4`, `PSHMEM_LOCAL=2+3+1` | ranks as threads, on one or more nodes, when no launcher started the program |
//! | `PSHMEM_RANKS_PER_NODE=n` | cut every node into nodes of `n` ranks |
//! | `PSHMEM_HANG_REPORT=60` | seconds after which a wait is reported on stderr, once per that many seconds |
//! | `PSHMEM_HANG_ABORT=600` | seconds after which a wait ends the job |
//! | `PSHMEM_CHECK=0`, `1`, `2` | what is checked beyond the calls of all ranks: nothing; source lines and circles of waiting ranks (the default); also the copies of what was written, after each write |
//! | `PSHMEM_ONE_SIDED=never`, `always` | not to look whether locks over several nodes can use MPI's one-sided operations; to use them also where they are slow, or a node was cut into several |
//! | `MPI_DISABLE=1` | keep MPI off: under a launcher, each process runs alone |
//!
//! # Features
//!
//! `mpi`: ranks are MPI processes. Building then needs an MPI library, chosen by `mpicc` in `PATH` or by `MPICC`, and libclang.
//! Without it nothing needs to be installed.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod batch;
mod comm;
mod error;
pub mod guide;
mod home;
mod layout;
mod live;
mod lock;
mod memory;
mod run;
mod shared;
mod stderr;
mod sync;
mod transport;

/// Ranks as threads of one process: to start with nothing installed, and to test on nodes of any shape.
pub mod local {
    pub use crate::run::cluster::Cluster;
}

pub use batch::{
    Batch, BatchBuilder, BatchReport, BatchStatus, Task, TaskHolder, TaskReport, TaskState,
    TaskStatus,
};
pub use comm::usage::{Memory, NodeUse, ObjectUse};
pub use comm::{Comm, NodeInfo};
pub use error::{Error, Result};
pub use home::engine::Engine;
pub use layout::{
    ArrayMut, AsBlock, BlockLayout, Columns, Element, Field, FieldSchema, Op, OwnedBy, Preview,
    RowLayout, Schema, SharedColumns, SharedLayout, SliceMut, Value, ValueMut,
};
pub use lock::guarded::Lockable;
pub use lock::mutex::{Mutex, MutexGuard};
pub use lock::rwlock::{RwLock, RwLockReadGuard, RwLockWriteGuard};
pub use lock::{
    Fairness, Holder, Lock, LockBuilder, LockError, LockGuard, LockResult, TryLockResult,
};
pub use pshmem_derive::{SharedColumns, SharedLayout};
pub use run::run;
pub use shared::Shared;

/// Used by the code that the derive generates; not for users, and may change in any release.
#[doc(hidden)]
pub mod __private {
    pub use crate::layout::derived::{FieldPlan, NestedPlan, assert_element};
    pub use crate::layout::probe::{
        Probe, PutNothing, PutValues, Show, ShowDebug, ShowNothing, debug_struct, preview_field,
    };
    pub use crate::layout::raw::Planned;
    pub use crate::layout::{Base, BaseMut, Handle, Placer, Value};
    pub use ndarray::{ArrayView1, ArrayView2, ArrayView3, ArrayView4, ArrayView5, ArrayView6};
    pub use ndarray::{Ix1, Ix2, Ix3, Ix4, Ix5, Ix6};
    pub use std::vec::Vec;
}

/// The code blocks of the README are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
