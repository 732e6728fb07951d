//! How typed values lie in a segment.
//!
//! Everything here is arithmetic, borrowing and copying inside one process: no rank, no message, no MPI. A new kind of
//! field is a new file beside [`slice`] and [`array`] with an implementation of `RawLayout` (see [`raw`]), and an arm in
//! `pshmem-derive/src/kind.rs` if structs shall recognise it.

mod array;
mod base;
mod block;
mod columns;
pub(crate) mod derived;
mod element;
mod handle;
pub(crate) mod identity;
mod op;
mod owned;
pub(crate) mod partition;
pub(crate) mod placement;
pub(crate) mod placer;
mod preview;
pub(crate) mod printing;
pub(crate) mod raw;
pub(crate) mod region;
mod rows;
pub(crate) mod schema;
mod slice;
mod value;

pub use array::ArrayMut;
pub(crate) use base::Flag;
pub use base::{Base, BaseMut};
pub use block::{AsBlock, BlockLayout};
pub use columns::{Columns, SharedColumns};
pub use element::Element;
pub use handle::{Field, Handle};
pub use op::Op;
pub use owned::OwnedBy;
pub(crate) use placer::Leaf;
pub use placer::Placer;
pub use preview::Preview;
pub use rows::RowLayout;
pub use schema::{FieldSchema, Schema};
pub use slice::SliceMut;
pub use value::{Value, ValueMut};

use crate::error::Result;
use std::fmt::Debug;
use std::ops::Range;

/// A type that can live in one node-shared segment, once per node.
///
/// It is implemented for primitives, complex numbers and fixed arrays, for [`Value<T>`], for `[T]`, `Vec<T>` and `Box<[T]>`,
/// for `ndarray::Array` of one to six dimensions, for [`Columns<P>`], and by `#[derive(SharedLayout)]`. The associated types are what users
/// meet; the hidden items are for the derive and may change in any release.
///
/// | layout | `Owned` | `Dims` | `View` | `ViewMut` derefs to |
/// |---|---|---|---|---|
/// | a primitive, `Complex`, `[T; N]`, `Value<T>` | `T` | `()` | `&T` | `T` |
/// | `[T]` (`Owned` is `Vec<T>`), `Vec<T>`, `Box<[T]>` | itself | `usize` | `&[T]` | `[T]` |
/// | `Columns<P>` (`Owned` is `Vec<P>`) | | `usize` | one `&[T]` for each field of `P` | one `[T]` for each field |
/// | `ndarray::Array<T, IxN>` | itself | `[usize; N]` | `ArrayView` | `ndarray::ArrayRef` |
/// | a derived struct | itself | generated | generated | generated |
///
/// # Safety
/// Safe code reads and writes memory through these functions, so an implementation promises that
/// - `plan` places every leaf with the [`Placer`] it is given and the plan keeps exactly those leaves;
/// - `view` and `view_mut` make references to bytes of these leaves only, `view_mut` to each byte at most once, and
///   `view_mut` marks a leaf before it hands out the first `&mut` into it;
/// - `leaves` is the range of the plan's leaves, and `fields` hands out each leaf at most once;
/// - `plan` depends on nothing but the type and the numbers that `encode_dims` writes, so that all ranks, which run the same
///   executable, place the fields alike.
///
/// The derive guarantees all of this by calling the implementations of the fields, each once.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a layout for node-shared memory",
    label = "not a shared layout",
    note = "add `#[derive(pshmem::SharedLayout)]` to a struct; one plain value is a `Value<T>`, many are a `Vec<T>`, `Box<[T]>` or `Array1<T>` to `Array6<T>`"
)]
pub unsafe trait SharedLayout: raw::Planned + 'static {
    /// The same value in private memory.
    type Owned: OwnedBy<Self>;
    /// The extents that are known only at run time.
    type Dims: Copy + Eq + Debug + 'static;
    /// What readers get.
    type View<'a>: Copy;
    /// What the closure of an update gets.
    type ViewMut<'a>;
    /// Disjoint handles to the fields; a [`Field`](crate::Field) of the layout itself for all but structs.
    type Fields<'a>;

    #[doc(hidden)]
    fn plan(dims: &Self::Dims, placer: &mut Placer) -> Result<Self::Plan>;

    #[doc(hidden)]
    fn dims(plan: &Self::Plan) -> Self::Dims;

    #[doc(hidden)]
    fn leaves(plan: &Self::Plan) -> Range<usize>;

    /// The extents of a private value, checked against what the layout states about them.
    #[doc(hidden)]
    fn dims_of(owned: &Self::Owned) -> Result<Self::Dims>;

    /// Extents as numbers, for the journey between ranks.
    #[doc(hidden)]
    fn encode_dims(dims: &Self::Dims, out: &mut Vec<usize>);

    /// The opposite of `encode_dims`; `None` when `from` ends early.
    #[doc(hidden)]
    fn decode_dims(from: &mut dyn Iterator<Item = usize>) -> Option<Self::Dims>;

    /// # Safety
    /// `base` is a segment laid out by `plan`; no leaf of the plan is written during `'a`.
    #[doc(hidden)]
    unsafe fn view<'a>(plan: &Self::Plan, base: Base<'a>) -> Self::View<'a>;

    /// # Safety
    /// `base` is a segment laid out by `plan`; no other reference into the plan's leaves is used during `'a`.
    #[doc(hidden)]
    unsafe fn view_mut<'a>(plan: &Self::Plan, base: BaseMut<'a>) -> Self::ViewMut<'a>;

    /// # Safety
    /// `handle` belongs to an object laid out by `plan`, and is the only handle to its leaves during `'a`.
    #[doc(hidden)]
    unsafe fn fields<'a>(plan: &'a Self::Plan, handle: Handle<'a>) -> Self::Fields<'a>;

    /// Copies a private value to the segment. Panics unless the extents of the value are those of the plan.
    ///
    /// # Safety
    /// As for `view_mut`.
    #[doc(hidden)]
    unsafe fn store(plan: &Self::Plan, base: BaseMut<'_>, owned: &Self::Owned);

    /// A private copy.
    ///
    /// # Safety
    /// As for `view`.
    #[doc(hidden)]
    unsafe fn load(plan: &Self::Plan, base: Base<'_>) -> Self::Owned;
}
