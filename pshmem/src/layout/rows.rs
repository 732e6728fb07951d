//! [`RowLayout`]: layouts whose rows can be divided among the ranks; which leaves have the rows, and where.

use crate::error::{Error, Result};
use crate::layout::raw::{Planned, RawLayout};
use crate::layout::region::Region;
use crate::layout::{BaseMut, Leaf, SharedLayout};
use std::ops::Range;

/// Layouts whose rows can be divided among the ranks, so that each writes a part of its own: slices, arrays, columns, and structs
/// with `rows = n`.
///
/// A row is one element of a slice, one index of the first axis of an array, or one record of [`Columns`](crate::Columns). A
/// struct that derives [`SharedLayout`](derive@crate::SharedLayout) with `rows = n` consists of the rows of its fields; those of
/// one rank are in a generated struct.
///
/// ```
/// use ndarray::{Array2, ArrayViewMut2};
/// use pshmem::{Comm, Shared};
///
/// let mut table = Shared::<Array2<f64>>::new(&Comm::solo(), [4, 3])?;
/// table.update_parts(|rows, mut part: ArrayViewMut2<f64>| {
///     assert_eq!(part.shape(), [rows.len(), 3]);
///     part.fill(1.0);
/// })?;
/// assert_eq!(table.view().sum(), 12.0);
/// # Ok::<(), pshmem::Error>(())
/// ```
///
/// # Safety
/// - Each leaf that `row_leaves` adds belongs to the plan, belongs to no composite, is added once, and has as many rows as are
///   added with it, with the same number of bytes each, row after row.
/// - `part` makes references to the bytes of the rows that it is given of these leaves only, to each byte at most once.
#[diagnostic::on_unimplemented(
    message = "the rows of `{Self}` cannot be divided among the ranks",
    label = "this type does not implement `pshmem::RowLayout`",
    note = "slices, arrays and `Columns` have parts; a struct with `#[derive(SharedLayout)]` needs `#[shared(dims(n), rows = n)]` and a field with `shape = [n, ..]` whose rows have equal lengths"
)]
pub unsafe trait RowLayout: SharedLayout {
    /// The rows of one rank: `&mut [T]` for slices, `ArrayViewMut` for arrays, one slice for each column, one part for each field
    /// of a struct that has the rows.
    type Part<'a>;

    #[doc(hidden)]
    fn rows(plan: &Self::Plan) -> usize;

    /// Adds the leaves that have the rows.
    #[doc(hidden)]
    fn row_leaves(plan: &Self::Plan, into: &mut RowLeaves);

    /// # Safety
    /// As for `SharedLayout::view_mut`, for these rows of the leaves that `row_leaves` adds only; `rows` ends at most at the number
    /// of rows of each of them.
    #[doc(hidden)]
    unsafe fn part<'a>(plan: &Self::Plan, base: BaseMut<'a>, rows: Range<usize>) -> Self::Part<'a>;
}

/// The items of `RowLayout` for elements of any type, as [`RawLayout`] has those of `SharedLayout`.
///
/// # Safety
/// As for `RowLayout`, if `Element` is an [`Element`](crate::Element).
pub unsafe trait RawRows: RawLayout {
    type Part<'a>;
    fn rows(plan: &Self::Plan) -> usize;
    unsafe fn part<'a>(plan: &Self::Plan, base: BaseMut<'a>, rows: Range<usize>) -> Self::Part<'a>;
}

/// Implements `RowLayout` by the functions of `RawRows`, for a bounded element type.
macro_rules! checked_rows {
    ([$($generics:tt)*] $layout:ty, Part<$a:lifetime> = $part:ty) => {
        // SAFETY: by the bound on the elements, `RawRows`'s contract is that of `RowLayout`; all leaves have the rows.
        unsafe impl<$($generics)*> $crate::layout::RowLayout for $layout {
            type Part<$a> = $part;

            fn rows(plan: &<Self as $crate::layout::raw::Planned>::Plan) -> usize {
                <Self as $crate::layout::rows::RawRows>::rows(plan)
            }

            fn row_leaves(
                plan: &<Self as $crate::layout::raw::Planned>::Plan,
                into: &mut $crate::layout::rows::RowLeaves,
            ) {
                into.add(
                    <Self as $crate::layout::raw::RawLayout>::leaves(plan),
                    <Self as $crate::layout::rows::RawRows>::rows(plan),
                );
            }

            unsafe fn part<'p>(
                plan: &<Self as $crate::layout::raw::Planned>::Plan,
                base: $crate::layout::BaseMut<'p>,
                rows: std::ops::Range<usize>,
            ) -> Self::Part<'p> {
                // SAFETY: passed on from the caller.
                unsafe { <Self as $crate::layout::rows::RawRows>::part(plan, base, rows) }
            }
        }
    };
}

pub(crate) use checked_rows;

/// The bound of generated implementations for the layout `Self` of their nested field `INDEX`.
///
/// Its lifetime and `INDEX` have the purpose of those of [`FileField`](crate::layout::file_layout::FileField): a struct with a
/// nested field that has no rows compiles until its parts are written.
///
/// # Safety
/// As for [`RowLayout`], which all types that implement this trait implement as well.
#[diagnostic::on_unimplemented(
    message = "the rows of the field `{Self}` cannot be divided among the ranks",
    label = "this field has no rows of equal lengths",
    note = "a nested struct needs `#[shared(dims(n), rows = n)]` of its own"
)]
#[doc(hidden)]
pub unsafe trait RowField<'f, const INDEX: usize>: Planned {
    type Part<'a>;
    fn row_leaves(plan: &Self::Plan, into: &mut RowLeaves);
    /// # Safety
    /// As for `RowLayout::part`.
    unsafe fn part<'a>(plan: &Self::Plan, base: BaseMut<'a>, rows: Range<usize>) -> Self::Part<'a>;
}

// SAFETY: every function is that of `RowLayout`.
unsafe impl<L: RowLayout + ?Sized, const INDEX: usize> RowField<'_, INDEX> for L {
    type Part<'a> = L::Part<'a>;

    fn row_leaves(plan: &L::Plan, into: &mut RowLeaves) {
        L::row_leaves(plan, into);
    }

    unsafe fn part<'a>(plan: &L::Plan, base: BaseMut<'a>, rows: Range<usize>) -> L::Part<'a> {
        // SAFETY: passed on from the caller.
        unsafe { L::part(plan, base, rows) }
    }
}

/// The leaves of an object that have its rows.
#[derive(Debug)]
#[doc(hidden)]
pub struct RowLeaves {
    /// Number of rows of the whole.
    rows: usize,
    /// Names of the field and of the structs around it, from the outermost inwards.
    names: Vec<&'static str>,
    /// Numbers of the leaves.
    leaves: Vec<usize>,
    /// The first field that has another number of rows.
    error: Option<Error>,
}

impl RowLeaves {
    /// The numbers of the leaves of `L` that have its rows.
    ///
    /// # Errors
    /// [`Error::Shape`] if a field has another number of rows than the whole: the `dims = ..` of a nested struct passes the dim that
    /// counts the rows for another one.
    pub(crate) fn of<L: RowLayout + ?Sized>(plan: &L::Plan) -> Result<Vec<usize>> {
        let mut all = RowLeaves {
            rows: L::rows(plan),
            names: Vec::new(),
            leaves: Vec::new(),
            error: None,
        };
        L::row_leaves(plan, &mut all);
        match all.error {
            Some(error) => Err(error),
            None => Ok(all.leaves),
        }
    }

    /// Adds leaves with this number of rows.
    pub(crate) fn add(&mut self, leaves: Range<usize>, rows: usize) {
        if rows != self.rows && self.error.is_none() {
            self.error = Some(Error::Shape {
                field: self.names.join("."),
                expected: vec![self.rows],
                found: vec![rows],
            });
        }
        self.leaves.extend(leaves);
    }

    /// Adds those of the field `name` of a struct.
    pub(crate) fn field(&mut self, name: &'static str, add: impl FnOnce(&mut Self)) {
        self.names.push(name);
        add(self);
        self.names.pop();
    }
}

/// Some of the `n_rows` rows of the leaves, each of which has equally many bytes for every row.
pub(crate) fn regions_of_rows(leaves: &[Leaf], n_rows: usize, rows: &Range<usize>) -> Vec<Region> {
    let region = |leaf: &Leaf| {
        let per_row = leaf.bytes.checked_div(n_rows).unwrap_or(0);
        Region::run(leaf.offset + rows.start * per_row, rows.len() * per_row)
    };
    let regions = leaves.iter().map(region);
    regions.filter(|region| region.bytes() > 0).collect()
}

/// Layouts whose extents can be changed while elements keep their values: slices, arrays, columns.
///
/// ```
/// use pshmem::{Comm, ResizeLayout, Shared};
///
/// // Generic code has it as a bound.
/// fn emptied<L: ResizeLayout + ?Sized>(mut object: Shared<L>, none: L::Dims) -> pshmem::Result<Shared<L>> {
///     object.resize(none)?;
///     Ok(object)
/// }
/// let table = Shared::<[f64]>::new(&Comm::solo(), 4)?;
/// assert!(emptied(table, 0)?.view().is_empty());
/// # Ok::<(), pshmem::Error>(())
/// ```
///
/// # Safety
/// Every leaf of the plan has one element for each index of the extents that `encode_dims` writes, in row-major order.
#[diagnostic::on_unimplemented(
    message = "an object of `{Self}` cannot be resized",
    label = "this type does not implement `pshmem::ResizeLayout`",
    note = "slices, arrays and `Columns` can; of any other layout, make a new object and copy what is to stay"
)]
pub unsafe trait ResizeLayout: RowLayout {}
