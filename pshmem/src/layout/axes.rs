//! [`AxisLayout`]: layouts with axes, whose parts may lie along any of them, and whose rows are written one by one.

use crate::layout::rows::RawRows;
use crate::layout::{BaseMut, BlockLayout, Element, RowLayout};
use ndarray::{Array, ArrayViewMut, Dim, ShapeBuilder};
use std::ops::Range;

/// Layouts with axes: arrays, and slices, which have one.
///
/// ```
/// use ndarray::{Array2, Axis};
/// use pshmem::{Comm, Shared};
///
/// let mut table = Shared::<Array2<u32>>::new(&Comm::solo(), [2, 3])?;
/// table.update_parts_along(Axis(1), |columns, mut part| {
///     for (column, mut out) in columns.zip(part.columns_mut()) {
///         out.fill(column as u32);
///     }
/// })?;
/// table.update_rows(|_| 0, |row, mut out| out += row as u32)?;
/// assert_eq!(table.view(), ndarray::array![[0, 1, 2], [1, 2, 3]]);
/// # Ok::<(), pshmem::Error>(())
/// ```
///
/// # Safety
/// `part_along` makes references to the elements only whose index on the axis is in the range, and `row` to those of the row, to
/// each element at most once. No reference covers an element between them, because another rank may have a reference to it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no axes",
    label = "this type does not implement `pshmem::AxisLayout`",
    note = "arrays have, and slices, which have one; `update_parts` writes the rows of `Columns` and of structs"
)]
pub unsafe trait AxisLayout: BlockLayout + RowLayout {
    /// One row: `&mut T` for one axis, otherwise an `ArrayViewMut` with one axis less.
    type Row<'a>;

    /// # Safety
    /// As for `SharedLayout::view_mut`, for these elements only; there is such an axis, and `range` ends at most at its extent.
    #[doc(hidden)]
    unsafe fn part_along<'a>(
        plan: &Self::Plan,
        base: BaseMut<'a>,
        axis: usize,
        range: Range<usize>,
    ) -> Self::Part<'a>;

    /// # Safety
    /// As for `SharedLayout::view_mut`, for this row only, which exists.
    #[doc(hidden)]
    unsafe fn row<'a>(plan: &Self::Plan, base: BaseMut<'a>, row: usize) -> Self::Row<'a>;
}

macro_rules! slices {
    ($($layout:ty)*) => {$(
        // SAFETY: the only axis is that of the rows, each of which is one element.
        unsafe impl<T: Element> AxisLayout for $layout {
            type Row<'a> = &'a mut T;

            unsafe fn part_along<'a>(
                plan: &Self::Plan,
                base: BaseMut<'a>,
                _: usize,
                range: Range<usize>,
            ) -> &'a mut [T] {
                // SAFETY: passed on from the caller: the axis is the first one.
                unsafe { <Self as RawRows>::part(plan, base, range) }
            }

            unsafe fn row<'a>(plan: &Self::Plan, base: BaseMut<'a>, row: usize) -> &'a mut T {
                // SAFETY: passed on from the caller.
                let first = unsafe { base.leaf::<T>(&plan.leaf) };
                // SAFETY: the element is inside the leaf, a valid T as all of it, and no other reference to it is used (caller's duty).
                unsafe { first.add(row).as_mut() }
            }
        }
    )*};
}

slices!([T] Vec<T> Box<[T]>);

/// Implements `AxisLayout` of arrays with `$n` dimensions, whose rows `$row` makes of a pointer and the extents of a row.
macro_rules! arrays {
    ($($n:literal: $row_type:ty, |$first:ident, $extents:ident| $row:expr;)*) => {$(
        // SAFETY: the views have the strides of the whole array. They hold a pointer, and make a reference to an element only when
        // it is accessed, or a slice where their elements are adjacent, which has no other element in it. A row is contiguous.
        unsafe impl<T: Element> AxisLayout for Array<T, Dim<[usize; $n]>> {
            type Row<'a> = $row_type;

            unsafe fn part_along<'a>(
                plan: &Self::Plan,
                base: BaseMut<'a>,
                axis: usize,
                range: Range<usize>,
            ) -> ArrayViewMut<'a, T, Dim<[usize; $n]>> {
                let mut shape = plan.shape;
                shape[axis] = range.len();
                // SAFETY: passed on from the caller.
                let first = unsafe { base.leaf::<T>(&plan.leaf) };
                if shape.contains(&0) {
                    // SAFETY: the pointer is aligned and not null, and the view has no element.
                    return unsafe { ArrayViewMut::from_shape_ptr(shape, first.as_ptr()) };
                }
                let mut strides = [1; $n];
                for inner in (1..$n).rev() {
                    strides[inner - 1] = strides[inner] * plan.shape[inner];
                }
                // SAFETY: the range is not empty, so it starts inside the leaf.
                let first = unsafe { first.add(range.start * strides[axis]) };
                // SAFETY: with these strides, which are positive and those of the whole array, the view has the elements of the
                // array whose index on the axis is in the range, each once: they are inside the leaf, aligned and valid, and no other
                // reference to them is used during 'a (caller's duty). The extents are at most those of the array, whose product
                // was checked. No reference to the elements between them is made: the pointer is one to the leaf, and not a
                // part of a slice.
                unsafe { ArrayViewMut::from_shape_ptr(shape.strides(strides), first.as_ptr()) }
            }

            unsafe fn row<'a>(plan: &Self::Plan, base: BaseMut<'a>, row: usize) -> Self::Row<'a> {
                let mut $extents = [0; $n - 1];
                $extents.copy_from_slice(&plan.shape[1..]);
                let per_row: usize = $extents.iter().product();
                // SAFETY: passed on from the caller.
                let first = unsafe { base.leaf::<T>(&plan.leaf) };
                // SAFETY: the row starts inside the leaf, or at its end if rows have no elements (caller's duty).
                let $first = unsafe { first.add(row * per_row) };
                // SAFETY: the elements of the row are adjacent, inside the leaf, aligned and valid, and no other reference to them is
                // used during 'a (caller's duty).
                unsafe { $row }
            }
        }
    )*};
}

arrays! {
    1: &'a mut T, |first, _extents| &mut *first.as_ptr();
    2: ArrayViewMut<'a, T, Dim<[usize; 1]>>, |first, extents| ArrayViewMut::from_shape_ptr(extents, first.as_ptr());
    3: ArrayViewMut<'a, T, Dim<[usize; 2]>>, |first, extents| ArrayViewMut::from_shape_ptr(extents, first.as_ptr());
    4: ArrayViewMut<'a, T, Dim<[usize; 3]>>, |first, extents| ArrayViewMut::from_shape_ptr(extents, first.as_ptr());
    5: ArrayViewMut<'a, T, Dim<[usize; 4]>>, |first, extents| ArrayViewMut::from_shape_ptr(extents, first.as_ptr());
    6: ArrayViewMut<'a, T, Dim<[usize; 5]>>, |first, extents| ArrayViewMut::from_shape_ptr(extents, first.as_ptr());
}
