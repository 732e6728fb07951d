//! `Parts`: several layouts one after the other, as a tuple.

use crate::error::Result;
use crate::layout::{Base, BaseMut, Placer, SharedLayout};

/// The parts of a [`Composite`](super::Composite). Implemented for tuples of layouts.
///
/// # Safety
/// As for [`SharedLayout`], for functions of the same names.
pub unsafe trait Parts: 'static {
    type Plan: 'static;
    type Dims;
    type View<'a>: Copy;
    type ViewMut<'a>;

    /// Places one part after the other, under these names.
    fn plan(names: &[&str], dims: &Self::Dims, placer: &mut Placer) -> Result<Self::Plan>;

    /// # Safety
    /// As for `SharedLayout::view`.
    unsafe fn view<'a>(plan: &Self::Plan, base: Base<'a>) -> Self::View<'a>;

    /// # Safety
    /// As for `SharedLayout::view_mut`.
    unsafe fn view_mut<'a>(plan: &Self::Plan, base: BaseMut<'a>) -> Self::ViewMut<'a>;
}

macro_rules! tuples {
    ($(($($part:ident $index:tt),*))*) => {$(
        // SAFETY: each part is placed once, and its functions are called once for its own plan.
        unsafe impl<$($part: SharedLayout),*> Parts for ($($part,)*) {
            type Plan = ($($part::Plan,)*);
            type Dims = ($($part::Dims,)*);
            type View<'a> = ($($part::View<'a>,)*);
            type ViewMut<'a> = ($($part::ViewMut<'a>,)*);

            fn plan(names: &[&str], dims: &Self::Dims, placer: &mut Placer) -> Result<Self::Plan> {
                Ok(($(
                    placer.place(names[$index], 1, |placer| $part::plan(&dims.$index, placer))?,
                )*))
            }

            #[inline]
            unsafe fn view<'a>(plan: &Self::Plan, base: Base<'a>) -> Self::View<'a> {
                // SAFETY: passed on from the caller.
                ($(unsafe { $part::view(&plan.$index, base) },)*)
            }

            #[inline]
            unsafe fn view_mut<'a>(plan: &Self::Plan, base: BaseMut<'a>) -> Self::ViewMut<'a> {
                // SAFETY: passed on from the caller; the parts have no leaf in common.
                ($(unsafe { $part::view_mut(&plan.$index, base) },)*)
            }
        }
    )*};
}

tuples! {
    (A 0, B 1)
    (A 0, B 1, C 2)
    (A 0, B 1, C 2, D 3)
}
