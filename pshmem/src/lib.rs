//! Big tables once per node instead of once per process.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod comm;
mod error;
mod launch;
mod layout;
pub mod local;
mod run;
mod segment;
mod shared;
mod sync;
mod transport;

pub use comm::{Comm, NodeInfo};
pub use error::{Error, Result};
pub use layout::{
    ArrayMut, AsBlock, BlockLayout, Element, FieldSchema, Preview, Schema, SharedLayout, SliceMut,
    Value, ValueMut,
};
pub use run::run;
pub use shared::{Field, Shared};

/// Used by the code that the derive generates; not for users, and may change in any release.
#[doc(hidden)]
pub mod __private {
    pub use crate::layout::{Base, BaseMut, Leaf, Placer};
    pub use crate::shared::Handle;
}
