//! Conversions between the models and what each layout takes and returns.

use std::ops::Range;

use ndarray::{Array1, Array2, Array3, ArrayD, ArrayRef, ArrayViewMut1, Axis, Dimension, Slice};
use pshmem::{AsBlock, AsRows, AxisLayout, BlockLayout, Field, ResizeLayout, Shared, StackLayout};

use super::rng::{ModelElement, Rng};
use crate::values::{assert_array_eq, assert_slice_eq};

/// Sets up to three random elements, as the closure of an update does.
pub(super) fn random_update<T: ModelElement, D: Dimension>(
    array: &mut ArrayRef<T, D>,
    mut rng: Rng,
) {
    let len = array.len();
    for _ in 0..if len > 0 { rng.below(4) } else { 0 } {
        let (at, value) = (rng.below(len), T::from_number(rng.next()));
        *array.iter_mut().nth(at).expect("a position in the array") = value;
    }
}

/// A layout whose objects are compared with a model.
pub(super) trait ModelLayout:
    BlockLayout<Item: ModelElement, Owned: AsBlock<Self> + AsRows<Self>>
    + AxisLayout
    + ResizeLayout
    + StackLayout
{
    const DIMENSIONS: usize;
    fn dims_for(extents: &[usize]) -> Self::Dims;
    fn offset(at: &[usize]) -> Self::Offset;
    fn block(model: &ArrayD<Self::Item>) -> Self::Block<'_>;
    fn owned(model: &ArrayD<Self::Item>) -> Self::Owned;
    fn check(view: Self::View<'_>, model: &ArrayD<Self::Item>);
    fn random_update(view: Self::ViewMut<'_>, rng: Rng);
    /// A handle to all of an object.
    fn field(shared: &mut Shared<Self>) -> Field<'_, Self>;
    /// Copies what the model has in a range of an axis into a part.
    fn write(part: Self::Part<'_>, axis: usize, range: Range<usize>, model: &ArrayD<Self::Item>);
    /// Copies one row of the model.
    fn write_row(out: Self::Row<'_>, row: usize, model: &ArrayD<Self::Item>);
}

/// Some rows of a model.
pub(super) fn rows_of<T: ModelElement>(model: &ArrayD<T>, rows: Range<usize>) -> ArrayD<T> {
    model.slice_axis(Axis(0), Slice::from(rows)).to_owned()
}

macro_rules! slice_layout {
    ($($t:ty;)*) => {$(
        impl ModelLayout for [$t] {
            const DIMENSIONS: usize = 1;

            fn dims_for(extents: &[usize]) -> usize {
                extents[0]
            }

            fn offset(at: &[usize]) -> usize {
                at[0]
            }

            fn block(model: &ArrayD<$t>) -> &[$t] {
                model.as_slice().expect("a model is in row-major order")
            }

            fn owned(model: &ArrayD<$t>) -> Vec<$t> {
                model.iter().copied().collect()
            }

            fn check(view: &[$t], model: &ArrayD<$t>) {
                assert_slice_eq(view, Self::block(model));
            }

            fn random_update(mut view: Self::ViewMut<'_>, rng: Rng) {
                random_update(&mut ArrayViewMut1::from(&mut *view), rng);
            }

            fn field(shared: &mut Shared<Self>) -> Field<'_, Self> {
                shared.fields()
            }

            fn write(part: &mut [$t], _: usize, rows: Range<usize>, model: &ArrayD<$t>) {
                part.copy_from_slice(&Self::block(model)[rows]);
            }

            fn write_row(out: &mut $t, row: usize, model: &ArrayD<$t>) {
                *out = model[[row]];
            }
        }
    )*};
}

slice_layout! {
    u64;
    [u8; 3];
}

macro_rules! array_layout {
    ($($n:literal: $layout:ty, $t:ty, |$out:ident, $from:ident| $write_row:expr;)*) => {$(
        impl ModelLayout for $layout {
            const DIMENSIONS: usize = $n;

            fn dims_for(extents: &[usize]) -> [usize; $n] {
                extents.try_into().expect("as many extents as dimensions")
            }

            fn offset(at: &[usize]) -> [usize; $n] {
                at.try_into().expect("as many numbers as dimensions")
            }

            fn block(model: &ArrayD<$t>) -> Self::Block<'_> {
                model.view().into_dimensionality().expect("as many dimensions")
            }

            fn owned(model: &ArrayD<$t>) -> Self {
                Self::block(model).to_owned()
            }

            fn check(view: Self::View<'_>, model: &ArrayD<$t>) {
                assert_array_eq(view.into_dyn(), model.view());
            }

            fn random_update(mut view: Self::ViewMut<'_>, rng: Rng) {
                random_update(&mut *view, rng);
            }

            fn field(shared: &mut Shared<Self>) -> Field<'_, Self> {
                shared.fields()
            }

            fn write(
                part: Self::Part<'_>,
                axis: usize,
                range: Range<usize>,
                model: &ArrayD<$t>,
            ) {
                let from = model.slice_axis(Axis(axis), Slice::from(range));
                part.into_dyn().assign(&from);
            }

            fn write_row($out: Self::Row<'_>, row: usize, model: &ArrayD<$t>) {
                let $from = model.index_axis(Axis(0), row);
                $write_row
            }
        }
    )*};
}

array_layout! {
    1: Array1<[u8; 3]>, [u8; 3], |out, from| *out = *from.first().expect("a row is one element");
    2: Array2<f32>, f32, |out, from| out.into_dyn().assign(&from);
    3: Array3<u64>, u64, |out, from| out.into_dyn().assign(&from);
}
