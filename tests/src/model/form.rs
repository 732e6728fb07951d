//! How each layout takes what a model has.

use std::ops::Range;

use ndarray::{Array1, Array2, Array3, ArrayD, ArrayRef, ArrayViewMut1, Axis, Dimension, Slice};
use pshmem::{AsBlock, BlockLayout, Result, RowLayout, Shared};

use super::dice::{Dice, Item};
use crate::values::{assert_array_eq, assert_slice_eq};

/// How an update changes an array.
pub(super) fn change<T: Item, D: Dimension>(array: &mut ArrayRef<T, D>, mut dice: Dice) {
    let len = array.len();
    for _ in 0..if len > 0 { dice.below(4) } else { 0 } {
        let (at, value) = (dice.below(len), T::from_number(dice.next()));
        *array.iter_mut().nth(at).expect("a position inside") = value;
    }
}

/// How the layouts turn what a model has into what they take.
pub(super) trait Form: BlockLayout<Item: Item, Owned: AsBlock<Self>> + RowLayout {
    const DIMENSIONS: usize;
    fn dims_for(extents: &[usize]) -> Self::Dims;
    fn offset(at: &[usize]) -> Self::Offset;
    fn block(model: &ArrayD<Self::Item>) -> Self::Block<'_>;
    fn own(model: &ArrayD<Self::Item>) -> Self::Owned;
    fn check(view: Self::View<'_>, model: &ArrayD<Self::Item>);
    fn change(view: Self::ViewMut<'_>, dice: Dice);
    fn update_field(shared: &mut Shared<Self>, root: usize, dice: Dice) -> Result<Option<()>>;
    /// Writes some rows of the model.
    fn write(part: Self::Part<'_>, rows: Range<usize>, model: &ArrayD<Self::Item>);
}

/// Some rows of a model.
pub(super) fn rows_of<T: Item>(model: &ArrayD<T>, rows: Range<usize>) -> ArrayD<T> {
    model.slice_axis(Axis(0), Slice::from(rows)).to_owned()
}

impl Form for [u64] {
    const DIMENSIONS: usize = 1;

    fn dims_for(extents: &[usize]) -> usize {
        extents[0]
    }

    fn offset(at: &[usize]) -> usize {
        at[0]
    }

    fn block(model: &ArrayD<u64>) -> &[u64] {
        model.as_slice().expect("a model is in row-major order")
    }

    fn own(model: &ArrayD<u64>) -> Vec<u64> {
        model.iter().copied().collect()
    }

    fn check(view: &[u64], model: &ArrayD<u64>) {
        assert_slice_eq(view, Self::block(model));
    }

    fn change(mut view: Self::ViewMut<'_>, dice: Dice) {
        change(&mut ArrayViewMut1::from(&mut *view), dice);
    }

    fn update_field(shared: &mut Shared<Self>, root: usize, dice: Dice) -> Result<Option<()>> {
        shared.fields().update(root, |w| Self::change(w, dice))
    }

    fn write(part: &mut [u64], rows: Range<usize>, model: &ArrayD<u64>) {
        part.copy_from_slice(&Self::block(model)[rows]);
    }
}

macro_rules! array_form {
    ($($n:literal: $layout:ty, $t:ty;)*) => {$(
        impl Form for $layout {
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

            fn own(model: &ArrayD<$t>) -> Self {
                Self::block(model).to_owned()
            }

            fn check(view: Self::View<'_>, model: &ArrayD<$t>) {
                assert_array_eq(view.into_dyn(), model.view());
            }

            fn change(mut view: Self::ViewMut<'_>, dice: Dice) {
                change(&mut *view, dice);
            }

            fn update_field(shared: &mut Shared<Self>, root: usize, dice: Dice) -> Result<Option<()>> {
                shared.fields().update(root, |w| Self::change(w, dice))
            }

            fn write(mut part: Self::Part<'_>, rows: Range<usize>, model: &ArrayD<$t>) {
                part.assign(&Self::block(&rows_of(model, rows)));
            }
        }
    )*};
}

array_form! {
    1: Array1<[u8; 3]>, [u8; 3];
    2: Array2<f32>, f32;
    3: Array3<u64>, u64;
}
