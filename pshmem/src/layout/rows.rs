//! Cutting a layout into parts along its rows: the trait behind `update_parts`.

use crate::layout::{BaseMut, SharedLayout};
use std::ops::Range;

/// Layouts that are cut along their rows, so that every rank can write a part of its own: slices, arrays, columns.
///
/// A row is one element of a slice, one index of an array's first axis, one record of [`Columns`](crate::Columns).
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
/// Every leaf of the plan has the same number of bytes for each of the `rows`, row after row; and `part` makes references to
/// the bytes of the rows that it is given only, to each byte at most once.
pub unsafe trait RowLayout: SharedLayout {
    /// Some rows that one rank writes: `&mut [T]` for slices, `ArrayViewMut` for arrays, one slice for each column.
    type Part<'a>;

    #[doc(hidden)]
    fn rows(plan: &Self::Plan) -> usize;

    /// # Safety
    /// As for `SharedLayout::view_mut`, for these rows only; `rows` ends at most at the number of rows.
    #[doc(hidden)]
    unsafe fn part<'a>(plan: &Self::Plan, base: BaseMut<'a>, rows: Range<usize>) -> Self::Part<'a>;
}
