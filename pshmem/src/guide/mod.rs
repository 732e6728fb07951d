//! The guide: longer explanations, one page per subject.
//!
//! | page | answers |
//! |---|---|
//! | [`writing`] | Which of the calls that write is the right one here? |
//! | [`memory`] | What is allocated when, where is it, and when is it free again? |
//! | [`tables`] | How are rows of different lengths, text, look-up tables and sparse matrices shared? |
//! | [`files`] | How are tables read from files and saved, and what is left after a crash? |
//! | [`errors`] | Which errors can be handled, and what happens to the other ranks? |
//! | [`locks_and_batches`] | How do locks and task batches work over several nodes and several jobs? |
//! | [`clusters`] | How is a program built and started on a cluster, or in a container? |
//! | [`testing`] | How does `cargo test` run a case on several ranks, with threads and under MPI? |
//! | [`troubleshooting`] | What does this message mean, and what is to be done? |
//! | [`patterns`] | How does a simulation that exists look with this library? |
//! | [`python`] | How do numpy, scipy, xarray and h5py read what is saved here, and write what is loaded? |
//! | [`from_python`] | What replaces `MPIShared`, `MPILock` and `MPIBatch` of the Python package? |
//!
//! # Words
//!
//! - **Rank**: one process under MPI, or one thread under `PSHMEM_LOCAL` and [`local::Cluster`](crate::local::Cluster).
//! - **Node**: the ranks that share memory. Usually a machine; `PSHMEM_DOMAIN` and `PSHMEM_RANKS_PER_NODE` make it a part of one.
//! - **Collective call**: a call that all ranks of a [`Comm`](crate::Comm) make, in the same order as its other collective
//!   calls. The heading `# Collective` in the documentation of a call says who must call, what must be the same on all
//!   ranks, and what it costs.
//! - **Root**: the rank whose data, or whose closure, counts in a collective call.
//! - **Row**: what the first axis counts: one element of a slice, one index of an array's first axis, one record of
//!   [`Columns`](crate::Columns), one slice of a [`Ragged`](crate::Ragged), one string of [`Strings`](crate::Strings).
//! - **Items**, **offsets**: the elements of all rows of a [`Ragged`](crate::Ragged), and where each row begins among them.
//! - **Entry**: a key of a [`Map`](crate::Map) with its value.
//! - **Capacity**: how much there is room for in a `Ragged`, `Strings`, `Text`, `Map` or `Csr`, which its extents state. What is
//!   **in use** is what views show.
//! - **Hit**: one value that `scatter` combines into one element.
//! - **Home rank**: the rank that holds a lock, a counter or the task table of a batch when the ranks are on several nodes.

#[doc = include_str!("writing.md")]
pub mod writing {}

#[doc = include_str!("memory.md")]
pub mod memory {}

#[doc = include_str!("tables.md")]
pub mod tables {}

#[doc = include_str!("files.md")]
pub mod files {}

#[doc = include_str!("errors.md")]
pub mod errors {}

#[doc = include_str!("locks_and_batches.md")]
pub mod locks_and_batches {}

#[doc = include_str!("clusters.md")]
#[doc = include_str!("messages.svg")]
pub mod clusters {}

#[doc = include_str!("testing.md")]
pub mod testing {}

#[doc = include_str!("troubleshooting.md")]
pub mod troubleshooting {}

#[doc = include_str!("patterns.md")]
pub mod patterns {}

#[doc = include_str!("python.md")]
pub mod python {}

#[doc = include_str!("from_python.md")]
pub mod from_python {}
