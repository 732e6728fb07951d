//! The calls that `Shared` and `Field` have in common, as a trait, so that one model serves both.

use std::ops::Range;

use ndarray::Axis;
use pshmem::{Field, Op, Result, Shared};

use super::layout::ModelLayout;

/// Declares the trait `Calls`, and implements it by the calls of the same name.
macro_rules! calls {
    ($(fn $name:ident$(<$r:ident>)?($($argument:ident: $type:ty),*) -> $result:ty;)*) => {
        /// A handle to one array.
        pub(super) trait Calls<L: ModelLayout + ?Sized> {
            $(fn $name$(<$r>)?(&mut self, $($argument: $type),*) -> $result;)*
        }

        impl<L: ModelLayout + ?Sized> Calls<L> for Shared<L> {
            $(fn $name$(<$r>)?(&mut self, $($argument: $type),*) -> $result {
                self.$name($($argument),*)
            })*
        }

        impl<L: ModelLayout + ?Sized> Calls<L> for Field<'_, L> {
            $(fn $name$(<$r>)?(&mut self, $($argument: $type),*) -> $result {
                self.$name($($argument),*)
            })*
        }
    };
}

calls! {
    fn set(root: usize, offset: L::Offset, data: Option<L::Block<'_>>) -> Result<()>;
    fn set_with(root: usize, offset: L::Offset, block: impl FnOnce() -> L::Owned) -> Result<()>;
    fn assign(offset: L::Offset, data: Option<L::Block<'_>>) -> Result<()>;
    fn fill(value: L::Item) -> Result<()>;
    fn update<R>(root: usize, write: impl FnOnce(L::ViewMut<'_>) -> R) -> Result<Option<R>>;
    fn try_update<R>(
        root: usize,
        write: impl FnOnce(L::ViewMut<'_>) -> Result<R, String>
    ) -> Result<Option<R>>;
    fn update_per_node<R>(write: impl FnOnce(L::ViewMut<'_>) -> R) -> Result<Option<R>>;
    fn try_update_per_node<R>(
        write: impl FnOnce(L::ViewMut<'_>) -> Result<R, String>
    ) -> Result<Option<R>>;
    fn update_parts<R>(write: impl FnOnce(Range<usize>, L::Part<'_>) -> R) -> Result<R>;
    fn try_update_parts<R>(
        write: impl FnOnce(Range<usize>, L::Part<'_>) -> Result<R, String>
    ) -> Result<R>;
    fn update_parts_by<R>(
        counts: &[usize],
        write: impl FnOnce(Range<usize>, L::Part<'_>) -> R
    ) -> Result<R>;
    fn try_update_parts_by<R>(
        counts: &[usize],
        write: impl FnOnce(Range<usize>, L::Part<'_>) -> Result<R, String>
    ) -> Result<R>;
    fn update_parts_weighted<R>(
        weights: &[f64],
        write: impl FnOnce(Range<usize>, L::Part<'_>) -> R
    ) -> Result<R>;
    fn try_update_parts_weighted<R>(
        weights: &[f64],
        write: impl FnOnce(Range<usize>, L::Part<'_>) -> Result<R, String>
    ) -> Result<R>;
    fn update_parts_along<R>(
        axis: Axis,
        write: impl FnOnce(Range<usize>, L::Part<'_>) -> R
    ) -> Result<R>;
    fn try_update_parts_along<R>(
        axis: Axis,
        write: impl FnOnce(Range<usize>, L::Part<'_>) -> Result<R, String>
    ) -> Result<R>;
    fn update_rows(
        owner: impl FnMut(usize) -> usize,
        write: impl FnMut(usize, L::Row<'_>)
    ) -> Result<()>;
    fn try_update_rows(
        owner: impl FnMut(usize) -> usize,
        write: impl FnMut(usize, L::Row<'_>) -> Result<(), String>
    ) -> Result<()>;
    fn gather(offset: L::Offset, block: &L::Owned) -> Result<()>;
    fn gather_in_order(block: &L::Owned) -> Result<Range<usize>>;
    fn reduce_into(op: Op<'_, L::Item>, local: &L::Owned) -> Result<()>;
    fn accumulate(op: Op<'_, L::Item>, local: &L::Owned) -> Result<()>;
    fn scatter<R>(
        op: Op<'_, L::Item>,
        body: impl FnOnce(&mut dyn FnMut(L::Offset, L::Item)) -> R
    ) -> Result<R>;
    fn try_scatter<R>(
        op: Op<'_, L::Item>,
        body: impl FnOnce(&mut dyn FnMut(L::Offset, L::Item)) -> Result<R, String>
    ) -> Result<R>;
}
