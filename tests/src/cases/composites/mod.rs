//! Layouts of several leaves that belong together, beside models in private memory.
//!
//! - `ragged` rows of different lengths · `text` strings · `maps` hash tables · `sparse` matrices · `concat` rows that all ranks bring
//! - `structs` the same of structs · `damaged` files whose leaves contradict each other

mod concat;
mod damaged;
mod maps;
mod ragged;
mod sparse;
mod structs;
mod text;

pub(super) use concat::*;
pub(super) use damaged::*;
pub(super) use maps::*;
pub(super) use ragged::*;
pub(super) use sparse::*;
pub(super) use structs::*;
pub(super) use text::*;
