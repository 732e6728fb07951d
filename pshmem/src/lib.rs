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
    ArrayMut, AsBlock, BlockLayout, Columns, Element, FieldSchema, Preview, Schema, SharedColumns,
    SharedLayout, SliceMut, Value, ValueMut,
};
pub use pshmem_derive::{SharedColumns, SharedLayout};
pub use run::run;
pub use shared::{Field, Shared};

/// Used by the code that the derive generates; not for users, and may change in any release.
#[doc(hidden)]
pub mod __private {
    pub use crate::error::Result;
    pub use crate::layout::derived::{
        Extent, FromShape, check_shape, field, inside, must_be_element,
    };
    pub use crate::layout::probe::{
        Probe, PutNothing, PutValues, Show, ShowDebug, ShowNothing, preview_field,
    };
    pub use crate::layout::raw::{Planned, RawLayout};
    pub use crate::layout::{Base, BaseMut, Leaf, Placer, SharedColumns, Value};
    pub use crate::shared::Handle;
    pub use ndarray::{ArrayView1, ArrayView2, ArrayView3, ArrayView4, ArrayView5, ArrayView6};
    pub use ndarray::{Ix1, Ix2, Ix3, Ix4, Ix5, Ix6};
    pub use std::vec::Vec;
}
