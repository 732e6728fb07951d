//! The layouts `ndarray::Array` of one to six dimensions, in row-major order.

use crate::error::Result;
use crate::layout::block::{AsBlock, BlockError, BlockLayout};
use crate::layout::raw::{Planned, RawLayout, checked_layout};
use crate::layout::region::Region;
use crate::layout::rows::{RawRows, ResizeLayout, checked_rows};
use crate::layout::slice::copy_out;
use crate::layout::{Base, BaseMut, Element, Flag, Leaf, Placer, Preview};
use ndarray::{Array, ArrayRef, ArrayView, ArrayViewMut, Dim, Slice};
use std::fmt::{self, Debug};
use std::ops::{Deref, DerefMut, Range};

/// An array inside the closure of an update; derefs to `ndarray::ArrayRef`, so it can be indexed, filled, sliced and iterated
/// like any array.
///
/// Only arrays that the closure uses mutably are sent to the other nodes.
///
/// ```
/// use ndarray::{Array2, Ix2};
/// use pshmem::{ArrayMut, Comm, Shared};
///
/// let mut grid = Shared::<Array2<f64>>::new(&Comm::solo(), [2, 3])?;
/// grid.update(0, |mut w: ArrayMut<f64, Ix2>| w.row_mut(1).fill(1.0))?;
/// assert_eq!(grid.view().sum(), 3.0);
/// # Ok::<(), pshmem::Error>(())
/// ```
pub struct ArrayMut<'a, T, D> {
    array: ArrayViewMut<'a, T, D>,
    touched: &'a Flag,
}

impl<T, D> Deref for ArrayMut<'_, T, D> {
    type Target = ArrayRef<T, D>;
    fn deref(&self) -> &ArrayRef<T, D> {
        &self.array
    }
}

impl<T, D: ndarray::Dimension> DerefMut for ArrayMut<'_, T, D> {
    fn deref_mut(&mut self) -> &mut ArrayRef<T, D> {
        self.touched.set(true);
        &mut self.array
    }
}

impl<T: Debug, D: ndarray::Dimension> Debug for ArrayMut<'_, T, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.array.fmt(f)
    }
}

/// The place of an array in its segment.
#[derive(Debug, Clone, Copy)]
#[doc(hidden)]
pub struct ArrayPlan<const N: usize> {
    pub(super) leaf: Leaf,
    pub(super) shape: [usize; N],
}

/// Implements the layout of arrays with `$n` dimensions.
macro_rules! array_layout {
    ($($n:literal)*) => {$(
        impl<T: 'static> Planned for Array<T, Dim<[usize; $n]>> {
            type Plan = ArrayPlan<$n>;
        }

        // SAFETY: one leaf of the product of `shape` elements, placed with the placer and kept in the plan; `view` and
        // `view_mut` make one array view of it; `ArrayMut` marks it in `DerefMut`, the only way to a `&mut`.
        unsafe impl<T: 'static> RawLayout for Array<T, Dim<[usize; $n]>> {
            type Element = T;
            type Owned = Self;
            type Dims = [usize; $n];
            type View<'a> = ArrayView<'a, T, Dim<[usize; $n]>>;
            type ViewMut<'a> = ArrayMut<'a, T, Dim<[usize; $n]>>;

            fn plan(&shape: &[usize; $n], placer: &mut Placer) -> Result<ArrayPlan<$n>> {
                Ok(ArrayPlan { leaf: placer.leaf::<T>(&shape)?, shape })
            }

            fn dims(plan: &ArrayPlan<$n>) -> [usize; $n] {
                plan.shape
            }

            fn leaves(plan: &ArrayPlan<$n>) -> Range<usize> {
                plan.leaf.index..plan.leaf.index + 1
            }

            fn dims_of(owned: &Self) -> Result<[usize; $n]> {
                let mut shape = [0; $n];
                shape.copy_from_slice(owned.shape());
                Ok(shape)
            }

            fn encode_dims(shape: &[usize; $n], out: &mut Vec<usize>) {
                out.extend_from_slice(shape);
            }

            fn decode_dims(from: &mut dyn Iterator<Item = usize>) -> Option<[usize; $n]> {
                let mut shape = [0; $n];
                for extent in &mut shape {
                    *extent = from.next()?;
                }
                Some(shape)
            }

            #[inline]
            unsafe fn view<'a>(plan: &ArrayPlan<$n>, base: Base<'a>) -> Self::View<'a> {
                // SAFETY: passed on from the caller.
                let first = unsafe { base.leaf::<T>(&plan.leaf) };
                // SAFETY: ndarray asks for a pointer to the first of `shape.product()` elements, aligned, each a valid T, live
                // and not written during 'a, the product of the non-zero extents at most isize::MAX (all checked or
                // guaranteed by `Placer::leaf` and the caller); row-major strides are positive and do not overlap.
                unsafe { ArrayView::from_shape_ptr(plan.shape, first.as_ptr()) }
            }

            #[inline]
            unsafe fn view_mut<'a>(plan: &ArrayPlan<$n>, base: BaseMut<'a>) -> Self::ViewMut<'a> {
                // SAFETY: passed on from the caller.
                let first = unsafe { base.leaf::<T>(&plan.leaf) };
                // SAFETY: as in `view`; the view is the only one in use during 'a (caller's duty).
                let array = unsafe { ArrayViewMut::from_shape_ptr(plan.shape, first.as_ptr()) };
                ArrayMut { array, touched: base.flag(&plan.leaf) }
            }

            unsafe fn store(plan: &ArrayPlan<$n>, base: BaseMut<'_>, owned: &Self) {
                // Checked here, so that safety rests neither on `dims_of` nor on how a struct compares extents.
                assert_eq!(owned.shape(), plan.shape, "the value has the extents of the plan");
                // SAFETY: passed on from the caller.
                let target = unsafe { base.leaf::<T>(&plan.leaf) }.as_ptr();
                // Row-major order, that of the leaf.
                if let Some(elements) = owned.as_slice() {
                    // SAFETY: both have the same number of elements (asserted), which are `Copy` (`Element`s); private and shared
                    // memory do not overlap.
                    unsafe { std::ptr::copy_nonoverlapping(elements.as_ptr(), target, elements.len()) };
                } else {
                    for (index, element) in owned.iter().enumerate() {
                        // SAFETY: `index` is below the number of elements.
                        let place = unsafe { target.add(index) };
                        // SAFETY: as for the whole.
                        unsafe { std::ptr::copy_nonoverlapping(element, place, 1) };
                    }
                }
            }

            unsafe fn load(plan: &ArrayPlan<$n>, base: Base<'_>) -> Self {
                // SAFETY: passed on from the caller.
                let source = unsafe { base.leaf::<T>(&plan.leaf) };
                // SAFETY: the leaf holds as many elements, and they are `Copy` (`Element`s).
                let elements = unsafe { copy_out(source, plan.shape.iter().product()) };
                Array::from_shape_vec(plan.shape, elements).expect("the product of the extents is the number of elements")
            }
        }

        checked_layout! {
            [T] Array<T, Dim<[usize; $n]>>, where [T: Element]
            Owned = Self, Dims = [usize; $n], View<'a> = ArrayView<'a, T, Dim<[usize; $n]>>,
            ViewMut<'a> = ArrayMut<'a, T, Dim<[usize; $n]>>
        }

        // SAFETY: `region` is inside the leaf, because the block was checked against every extent; `copy` writes exactly the
        // elements of that block.
        unsafe impl<T: Element> BlockLayout for Array<T, Dim<[usize; $n]>> {
            type Item = T;
            type Offset = [usize; $n];
            type Block<'a> = ArrayView<'a, T, Dim<[usize; $n]>>;

            fn region(
                plan: &ArrayPlan<$n>,
                offset: &[usize; $n],
                block: &Self::Block<'_>,
            ) -> Result<Region, BlockError> {
                let extents = block.shape();
                let fits = |axis: usize| {
                    offset[axis].checked_add(extents[axis]).is_some_and(|end| end <= plan.shape[axis])
                };
                if !(0..$n).all(fits) {
                    let (offset, block, shape) = (offset.to_vec(), extents.to_vec(), plan.shape.to_vec());
                    return Err(BlockError { offset, block, shape });
                }
                Ok(Region::block(plan.leaf.offset, size_of::<T>(), &plan.shape, offset, extents))
            }

            fn bytes<'a>(block: &'a Self::Block<'_>) -> Option<&'a [u8]> {
                block.as_slice().map(bytemuck::cast_slice)
            }

            unsafe fn copy(
                plan: &ArrayPlan<$n>,
                base: BaseMut<'_>,
                offset: &[usize; $n],
                block: &Self::Block<'_>,
            ) {
                // SAFETY: passed on from the caller.
                let mut array = unsafe { <Self as RawLayout>::view_mut(plan, base) };
                let extents = block.shape();
                let mut target = array.slice_each_axis_mut(|axis| {
                    let at = axis.axis.index();
                    Slice::from(offset[at]..offset[at] + extents[at])
                });
                // One memcpy is twice as fast as ndarray's loop once the block leaves the caches.
                match (target.as_slice_mut(), block.as_slice()) {
                    (Some(target), Some(block)) => target.copy_from_slice(block),
                    _ => target.assign(block),
                }
            }

            unsafe fn run_mut<'a>(plan: &ArrayPlan<$n>, base: BaseMut<'a>, run: Range<usize>) -> &'a mut [T] {
                // SAFETY: passed on from the caller.
                let first = unsafe { base.leaf::<T>(&plan.leaf) };
                // SAFETY: `run` is inside the leaf's elements, and no other reference to these is used (caller's duty).
                unsafe { std::slice::from_raw_parts_mut(first.as_ptr().add(run.start), run.len()) }
            }

            fn elements(plan: &ArrayPlan<$n>) -> usize {
                plan.shape.iter().product()
            }

            #[inline]
            fn place(plan: &ArrayPlan<$n>, offset: &[usize; $n]) -> Option<usize> {
                let mut place = 0;
                for (&at, &extent) in offset.iter().zip(&plan.shape) {
                    if at >= extent {
                        return None;
                    }
                    place = place * extent + at;
                }
                Some(place)
            }

            fn numbers(offset: &[usize; $n]) -> Vec<usize> {
                offset.to_vec()
            }

            fn at_row(row: usize) -> [usize; $n] {
                let mut offset = [0; $n];
                offset[0] = row;
                offset
            }

            fn extents(block: &Self::Block<'_>) -> Vec<usize> {
                block.shape().to_vec()
            }

            fn run_of<'b>(
                block: &'b Self::Block<'_>,
                run: Range<usize>,
                buffer: &'b mut Vec<T>,
            ) -> &'b [T] {
                if let Some(elements) = block.as_slice() {
                    return &elements[run];
                }
                buffer.clear();
                buffer.extend(run.map(|at| {
                    let mut rest = at;
                    let mut index = [0; $n];
                    for axis in (0..$n).rev() {
                        index[axis] = rest % block.shape()[axis];
                        rest /= block.shape()[axis];
                    }
                    block[index]
                }));
                buffer
            }
        }

        // SAFETY: one leaf in row-major order, in which a row is all elements with one index of the first axis; `part` makes
        // a view of the elements of these rows.
        unsafe impl<T: 'static> RawRows for Array<T, Dim<[usize; $n]>> {
            type Part<'a> = ArrayViewMut<'a, T, Dim<[usize; $n]>>;

            fn rows(plan: &ArrayPlan<$n>) -> usize {
                plan.shape[0]
            }

            unsafe fn part<'a>(
                plan: &ArrayPlan<$n>,
                base: BaseMut<'a>,
                rows: Range<usize>,
            ) -> Self::Part<'a> {
                let per_row: usize = plan.shape[1..].iter().product();
                let mut shape = plan.shape;
                shape[0] = rows.len();
                // SAFETY: passed on from the caller.
                let first = unsafe { base.leaf::<T>(&plan.leaf) };
                // SAFETY: `rows` starts inside the leaf or at its end (caller's duty).
                let first = unsafe { first.add(rows.start * per_row) };
                // SAFETY: as in `RawLayout::view_mut`, for these rows.
                unsafe { ArrayViewMut::from_shape_ptr(shape, first.as_ptr()) }
            }
        }

        checked_rows! {
            [T: Element] Array<T, Dim<[usize; $n]>>, Part<'a> = ArrayViewMut<'a, T, Dim<[usize; $n]>>
        }

        // SAFETY: one leaf in row-major order.
        unsafe impl<T: Element> ResizeLayout for Array<T, Dim<[usize; $n]>> {}

        impl<T: Element + Debug> Preview for Array<T, Dim<[usize; $n]>> {
            fn preview(view: Self::View<'_>, f: &mut dyn fmt::Write) -> fmt::Result {
                // ndarray shortens long axes; what it adds about strides is no news for a row-major array.
                let text = format!("{view:?}");
                f.write_str(text.split_once(", shape=").map_or(text.as_str(), |(values, _)| values))
            }
        }

        impl<T: Element> AsBlock<Self> for Array<T, Dim<[usize; $n]>> {
            fn as_block(&self) -> ArrayView<'_, T, Dim<[usize; $n]>> {
                self.view()
            }
        }

        impl<T: Element> AsBlock<Array<T, Dim<[usize; $n]>>> for ArrayView<'_, T, Dim<[usize; $n]>> {
            fn as_block(&self) -> ArrayView<'_, T, Dim<[usize; $n]>> {
                self.view()
            }
        }
    )*};
}

array_layout!(1 2 3 4 5 6);
