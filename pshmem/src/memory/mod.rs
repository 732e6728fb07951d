//! Node memory: how it is mapped, divided among objects, and accessed.
//!
//! - [`map`]: memory mappings, the only file that calls the system's memory functions
//! - [`arena`]: many small objects in few mappings
//! - [`Segment`]: the memory of one object · [`Chunk`]: memory that is divided into blocks
//! - [`frozen`]: bytes that are only read from now on, on any thread
//! - [`cast`]: node memory as references to atomics
//! - [`free_memory`]: how much memory is left

pub(crate) mod arena;
pub(crate) mod cast;
pub(crate) mod free_memory;
pub(crate) mod frozen;
pub(crate) mod map;
mod segment;

pub(crate) use segment::{Chunk, Segment};
