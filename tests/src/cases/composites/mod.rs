//! Layouts of several leaves that belong together, beside models in private memory.
//!
//! - `ragged` rows of different lengths · `text` strings · `concat` rows that all ranks bring
//! - `damaged` files whose leaves contradict each other

mod concat;
mod damaged;
mod ragged;
mod text;

pub(super) use concat::*;
pub(super) use damaged::*;
pub(super) use ragged::*;
pub(super) use text::*;
