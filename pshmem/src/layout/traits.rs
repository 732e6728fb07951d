//! `Element`, `SharedLayout`, and the small traits that belong to a layout: `OwnedBy`, `Preview`.

use crate::error::Result;
use crate::layout::{Base, BaseMut, Columns, Handle, Placer, SharedColumns, Value, raw};
use bytemuck::{NoUninit, Zeroable};
use std::fmt::{self, Debug};
use std::ops::Range;

/// A type whose values may be in node-shared memory.
///
/// It is implemented for every type that is
/// - [`Zeroable`]: all bytes zero is a valid value, because new memory is zeroed;
/// - [`NoUninit`]: `Copy`, without padding, pointers or interior mutability, because its bytes are compared, copied and sent;
/// - `Send + Sync`.
///
/// These are the integers and floats, `bool`, `char`, complex numbers, arrays of them, and every struct that derives bytemuck's
/// `Pod`, or `Zeroable` and `NoUninit`.
///
/// ```
/// use bytemuck::{Pod, Zeroable};
/// use pshmem::{Comm, Shared};
///
/// #[derive(Clone, Copy, Pod, Zeroable)]
/// #[repr(C)]
/// struct Line {
///     frequency: f64,
///     strength: f64,
/// }
///
/// let lines = Shared::<[Line]>::new(&Comm::solo(), 10)?;
/// assert_eq!(lines.view()[9].strength, 0.0);
/// # Ok::<(), pshmem::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot live in node-shared memory",
    label = "its bytes must mean the same to every rank: no pointer, no padding, and all bytes zero is a value",
    note = "a field that is a struct with `#[derive(SharedLayout)]`, or an alias of a container, needs `#[shared(layout)]`",
    note = "use numbers, `bool`, `char`, arrays of these, or a struct with `#[repr(C)]` and `#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]`",
    note = "an enum without fields needs `#[repr(u8)]`, `#[derive(Clone, Copy, bytemuck::NoUninit, bytemuck::Zeroable)]`, and a variant that is 0",
    note = "rows of different lengths are a `Ragged<T>`, strings are `Strings` or one `Text`, a table is a `Map<K, V>`: these are fields, not elements"
)]
pub trait Element: Zeroable + NoUninit + Send + Sync {}

#[diagnostic::do_not_recommend]
impl<T: Zeroable + NoUninit + Send + Sync> Element for T {}

/// A type that [`Shared`](crate::Shared) can hold once per node.
///
/// It is implemented for primitives, complex numbers and fixed arrays, for [`Value<T>`], for `[T]`, `Vec<T>` and `Box<[T]>`,
/// for `ndarray::Array` of one to six dimensions, for [`Columns<P>`], and for [`Ragged<T>`](crate::Ragged),
/// [`Strings`](crate::Strings), [`Text`](crate::Text), [`Map<K, V>`](crate::Map) and [`Csr<T>`](crate::Csr).
/// `#[derive(SharedLayout)]` implements it for structs.
/// The hidden items are for the derive and may change in any release.
///
/// ```
/// use pshmem::{Comm, Shared, SharedLayout};
///
/// #[derive(SharedLayout)]
/// struct Gas {
///     density: Vec<f64>,
///     step: u64,
/// }
///
/// // Generic code names the associated types.
/// fn zeroed<L: SharedLayout>(comm: &Comm, dims: L::Dims) -> pshmem::Result<L::Owned> {
///     Ok(Shared::<L>::new(comm, dims)?.to_owned())
/// }
/// let gas: Gas = zeroed::<Gas>(&Comm::solo(), GasDims { density: 3 })?;
/// assert_eq!((gas.density, gas.step), (vec![0.0; 3], 0));
/// # Ok::<(), pshmem::Error>(())
/// ```
///
/// | layout | `Owned` | `Dims` | `View` | `ViewMut` derefs to |
/// |---|---|---|---|---|
/// | a primitive, `Complex`, `[T; N]`, `Value<T>` | `T` | `()` | `&T` | `T` |
/// | `[T]` (`Owned` is `Vec<T>`), `Vec<T>`, `Box<[T]>` | itself | `usize` | `&[T]` | `[T]` |
/// | `Columns<P>` (`Owned` is `Vec<P>`) | | `usize` | one `&[T]` for each field of `P` | one `[T]` for each field |
/// | `ndarray::Array<T, IxN>` | itself | `[usize; N]` | `ArrayView` | `ndarray::ArrayRef` |
/// | `Ragged<T>`, `Strings` | itself | `RaggedDims` | `RaggedView`, `StringsView` | nothing: `RaggedMut`, `StringsMut` |
/// | `Text` | itself | `usize` | `&str` | nothing: `TextMut` |
/// | `Map<K, V>` | itself | `MapDims` | `MapView` | nothing: `MapMut` |
/// | `Csr<T>` | itself | `CsrDims` | `CsrView` | nothing: `CsrMut` |
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
    note = "in place of `String`, `Shared::<Text>` holds one string and `Shared::<Strings>` many",
    note = "add `#[derive(pshmem::SharedLayout)]` to a struct; one plain value is a `Value<T>`, many are a `Vec<T>`, `Box<[T]>` or `Array1<T>` to `Array6<T>`",
    note = "see also `Ragged<T>`, `Strings`, `Text`, `Map<K, V>` and `Csr<T>`; a field of another type with such a name needs `#[shared(value)]` if it is one plain value"
)]
pub unsafe trait SharedLayout: raw::Planned + 'static {
    /// The same value in private memory.
    type Owned: OwnedBy<Self>;
    /// The extents that are known only at run time.
    type Dims: Copy + Eq + Debug + 'static;
    /// The result of [`view`](crate::Shared::view).
    type View<'a>: Copy;
    /// The argument of the closure of [`update`](crate::Shared::update).
    type ViewMut<'a>;
    /// The result of [`fields`](crate::Shared::fields): one [`Field`](crate::Field) for each field of a struct, otherwise one
    /// for the whole.
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

    /// Appends the extents as numbers, to be sent to other ranks.
    #[doc(hidden)]
    fn encode_dims(dims: &Self::Dims, out: &mut Vec<usize>);

    /// The inverse of `encode_dims`. `None` if there are too few numbers.
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

    /// Copies the value into private memory.
    ///
    /// # Safety
    /// As for `view`.
    #[doc(hidden)]
    unsafe fn load(plan: &Self::Plan, base: Base<'_>) -> Self::Owned;
}

/// A private value that can be shared with the layout `L`, whose `Owned` type it is.
///
/// It lets the compiler infer the layout of a struct or an array from the value, so that `Shared::from_root(comm, 0, ||
/// Gas::read(path))` need not name `Gas`. A `Vec<T>` can be shared as `[T]`, as `Vec<T>` or as columns, and a number as itself or
/// as a [`Value`], so the layout must be written there.
///
/// ```
/// use pshmem::{Comm, Shared, SharedLayout};
///
/// #[derive(SharedLayout)]
/// struct Gas {
///     density: Vec<f64>,
///     step: u64,
/// }
///
/// let gas = Shared::from_root(&Comm::solo(), 0, || Gas { density: vec![0.5; 3], step: 7 })?; // a `Shared<Gas>`
/// let table = Shared::<[f64]>::from_root(&Comm::solo(), 0, || vec![0.5; 10])?;
/// assert_eq!((*gas.view().step, table.view().len()), (7, 10));
/// # Ok::<(), pshmem::Error>(())
/// ```
pub trait OwnedBy<L: SharedLayout + ?Sized> {}

impl<L: SharedLayout<Owned = L>> OwnedBy<L> for L {}
impl<T: Element> OwnedBy<[T]> for Vec<T> {}
impl<T: Element> OwnedBy<Value<T>> for T {}
impl<P: SharedColumns> OwnedBy<Columns<P>> for Vec<P> {}

/// Layouts whose values can be printed. `{}` of a [`Shared`](crate::Shared) needs it, `{:?}` does not.
///
/// ```
/// use pshmem::{Comm, Shared};
///
/// let table = Shared::<[u8]>::from_root(&Comm::solo(), 0, || vec![1, 2, 3])?;
/// assert!(table.to_string().contains("[1, 2, 3]"));
/// # Ok::<(), pshmem::Error>(())
/// ```
pub trait Preview: SharedLayout {
    /// Writes a few values of `view`.
    ///
    /// # Errors
    /// Those of the writer.
    fn preview(view: Self::View<'_>, f: &mut dyn fmt::Write) -> fmt::Result;
}
