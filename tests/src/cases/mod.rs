//! The cases. Each is a function of a `Comm` of any shape, called by all its ranks.
//!
//! - `list` the names of all cases · `support` what several of them need
//! - `create` objects are created and dropped · `write` calls in which one rank writes · `fields` the same through `Field`
//! - `parts`, `partitions`, `struct_parts`, `gather`, `reduce`, `scatter` calls in which all ranks write · `counters` numbers and
//!   loops that are shared out · `values` values that ranks pass each other · `resize_copy_swap` changes of whole objects
//! - `composites` rows of different lengths, text, tables; rows that all ranks bring
//! - `elements` element types · `arrays` dimensions, blocks, empty extents · `sizes` internal limits · `memory` memory use
//! - `node_memory` its source, its use and its limit
//! - `files` saving and loading · `comms` splits and other derived `Comm`s · `locks` locks and values that they protect · `batch` tasks and workers
//! - `arguments` invalid arguments · `mismatch` arguments that differ between ranks · `divergence` different calls
//! - `closures` closures that fail or panic · `nested` collective calls inside closures · `user_code` what else closures may do
#![deny(dead_code, reason = "a case that is not in the list is dead code")]

mod arguments;
mod arrays;
mod batch;
mod closures;
mod comms;
mod composites;
mod counters;
mod create;
mod divergence;
mod elements;
mod fields;
mod files;
mod gather;
mod list;
mod locks;
mod memory;
mod mismatch;
mod nested;
mod node_memory;
mod partitions;
mod parts;
mod reduce;
mod resize_copy_swap;
mod scatter;
mod sizes;
mod struct_parts;
mod support;
mod user_code;
mod values;
mod write;

use pshmem::Comm;

use crate::report::Outcome;
use crate::{for_each_case, for_each_large_case};

/// One case.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    /// Module and function.
    pub name: &'static str,
    /// What every rank calls.
    pub run: fn(&Comm) -> Outcome,
}

macro_rules! table {
    ($($module:ident { $($case:ident),* $(,)? })*) => {
        &[$($(Case { name: concat!(stringify!($module), "::", stringify!($case)), run: $module::$case },)*)*]
    };
}

/// Every case but those of [`LARGE`].
pub const ALL: &[Case] = for_each_case!(table);

/// The cases that need gigabytes of memory.
pub const LARGE: &[Case] = for_each_large_case!(table);

/// The case of this name.
///
/// # Panics
/// When there is none.
#[must_use]
pub fn named(name: &str) -> Case {
    let case = ALL.iter().chain(LARGE).find(|case| case.name == name);
    *case.unwrap_or_else(|| panic!("no case is called `{name}`"))
}
