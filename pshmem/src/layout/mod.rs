//! Layouts: how typed values are placed in a segment of memory, read and written.
//!
//! Everything here is arithmetic and memory access inside one process, without ranks, messages or MPI.
//!
//! | file | contents |
//! |---|---|
//! | `traits` | [`Element`], [`SharedLayout`] and what every layout can do |
//! | `block` | [`BlockLayout`]: layouts that are written block by block |
//! | `rows`, `axes` | [`RowLayout`], [`AxisLayout`]: layouts that are divided among the ranks by rows, or along any axis |
//! | `value`, `slice`, `array`, `columns` | the layouts; `raw` has what they share |
//! | `composite/` | layouts of several leaves that belong together: rows, text, tables |
//! | `placer`, `base` | offsets of fields, and pointers from offsets |
//! | `handle` | [`Field`], which a layout hands out for each of its fields |
//! | `derived`, `printing` | what generated code calls |
//! | `schema`, `identity` | descriptions of objects, to print and to compare |
//! | `region`, `partition`, `owners`, `placement` | arithmetic of blocks and parts |
//! | `value_text` | values as text, for errors |
//! | `op` | operations of reductions |
//! | `stack` | [`StackLayout`]: rows of all ranks, one block behind the other |
//! | `record`, `file_layout` | [`Record`], [`FileLayout`]: what can be saved to files, and how its bytes are described and checked |
//!
//! A new kind of field is a new file beside `slice` with an implementation of `RawLayout`. For structs to recognise it, add an
//! arm in `pshmem-derive/src/kind.rs`.

mod array;
mod axes;
mod base;
mod block;
mod columns;
pub(crate) mod composite;
pub(crate) mod derived;
pub(crate) mod file_layout;
mod handle;
pub(crate) mod identity;
mod op;
pub(crate) mod owners;
pub(crate) mod partition;
pub(crate) mod placement;
pub(crate) mod placer;
pub(crate) mod printing;
pub(crate) mod raw;
mod record;
pub(crate) mod region;
pub(crate) mod rows;
pub(crate) mod schema;
mod slice;
pub(crate) mod stack;
mod traits;
mod value;
pub(crate) mod value_text;

pub use array::ArrayMut;
pub use axes::AxisLayout;
pub(crate) use base::Flag;
pub use base::{Base, BaseMut};
pub use block::{AsBlock, BlockLayout};
pub use columns::{Columns, SharedColumns};
pub use composite::{
    Csr, CsrDims, CsrError, CsrIter, CsrMut, CsrView, Full, Map, MapDims, MapIter, MapKey, MapMut,
    MapView, Ragged, RaggedDims, RaggedIter, RaggedMut, RaggedView, RowsIter, Strings, StringsIter,
    StringsMut, StringsView, Text, TextMut,
};
pub use file_layout::FileLayout;
pub use handle::{Field, Handle};
pub use op::Op;
pub(crate) use placer::Leaf;
pub use placer::Placer;
pub use record::Record;
pub use rows::{ResizeLayout, RowLayout};
pub use schema::{FieldSchema, Schema};
pub use slice::SliceMut;
pub use stack::{AsRows, StackLayout};
pub use traits::{Element, OwnedBy, Preview, SharedLayout};
pub use value::{Value, ValueMut};
