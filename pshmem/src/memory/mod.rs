//! Node memory: how it is mapped, divided among objects, and accessed.
//!
//! - [`map`]: memory mappings, the only folder that calls the system's memory functions
//! - [`huge_pages`]: which mappings ask for huge pages, and how many they have
//! - [`node_usage`]: how much memory a node uses, and how much it may use
//! - [`arena`]: many small objects in few mappings
//! - [`source`]: where the memory comes from
//! - [`Segment`]: the memory of one object · [`Chunk`]: memory that is divided into blocks
//! - [`frozen`]: bytes that are only read from now on, on any thread
//! - [`cast`]: node memory as references to atomics
//! - [`free_memory`]: how much memory is left

pub(crate) mod arena;
pub(crate) mod cast;
pub(crate) mod free_memory;
pub(crate) mod frozen;
pub(crate) mod huge_pages;
pub(crate) mod map;
pub(crate) mod node_usage;
mod segment;
pub(crate) mod source;

pub(crate) use segment::{Chunk, Segment};
