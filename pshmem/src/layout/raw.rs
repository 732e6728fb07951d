//! The layouts of values, slices and arrays for any type of element, sound or not.
//!
//! `#[derive(SharedLayout)]` calls these functions and states the bound `Element` once per field, beside them. If its code
//! called the bounded functions of [`SharedLayout`](crate::SharedLayout) instead, one field of a wrong type would be reported
//! at every call: measured, 16 messages in place of one.

use crate::error::Result;
use crate::layout::{Base, BaseMut, Placer};
use std::fmt::Debug;
use std::ops::Range;

/// Has a plan: what a handle needs to know about a layout.
pub trait Planned: 'static {
    /// Where everything is.
    type Plan: 'static;
}

/// The items of `SharedLayout` of the same names, for elements of any type.
///
/// # Safety
/// As for `SharedLayout`, provided that the elements are [`Element`](crate::Element)s. Memory is zeroed when it is new, so for
/// any other type a call of `view` may produce an invalid value; no function is called before the bound has been checked.
#[expect(
    clippy::missing_errors_doc,
    clippy::missing_safety_doc,
    missing_docs,
    reason = "as in `SharedLayout`"
)]
pub unsafe trait RawLayout: Planned {
    type Owned;
    type Dims: Copy + Eq + Debug + 'static;
    type View<'a>: Copy;
    type ViewMut<'a>;
    fn plan(dims: &Self::Dims, placer: &mut Placer) -> Result<Self::Plan>;
    fn dims(plan: &Self::Plan) -> Self::Dims;
    fn span(plan: &Self::Plan) -> Range<usize>;
    fn dims_of(owned: &Self::Owned) -> Result<Self::Dims>;
    fn put_dims(dims: &Self::Dims, out: &mut Vec<usize>);
    fn take_dims(from: &mut dyn Iterator<Item = usize>) -> Option<Self::Dims>;
    unsafe fn view<'a>(plan: &Self::Plan, base: Base<'a>) -> Self::View<'a>;
    unsafe fn view_mut<'a>(plan: &Self::Plan, base: BaseMut<'a>) -> Self::ViewMut<'a>;
    unsafe fn store(plan: &Self::Plan, base: BaseMut<'_>, owned: &Self::Owned);
    unsafe fn load(plan: &Self::Plan, base: Base<'_>) -> Self::Owned;
}

/// Implements `SharedLayout` by the functions of `RawLayout`, for a bounded element type.
macro_rules! checked_layout {
    (
        [$($generics:tt)*] $layout:ty, where [$($bounds:tt)*]
        Owned = $owned:ty, Dims = $dims:ty, View<$a:lifetime> = $view:ty, ViewMut<$b:lifetime> = $view_mut:ty
    ) => {
        // SAFETY: by the bound on the elements, `RawLayout`'s contract is that of `SharedLayout`; `fields` hands all leaves out
        // once.
        unsafe impl<$($generics)*> $crate::layout::SharedLayout for $layout where $($bounds)* {
            type Owned = $owned;
            type Dims = $dims;
            type View<$a> = $view;
            type ViewMut<$b> = $view_mut;
            type Fields<'f> = $crate::layout::Field<'f, Self>;

            fn plan(
                dims: &$dims,
                placer: &mut $crate::layout::Placer,
            ) -> $crate::error::Result<<Self as $crate::layout::raw::Planned>::Plan> {
                <Self as $crate::layout::raw::RawLayout>::plan(dims, placer)
            }

            fn dims(plan: &<Self as $crate::layout::raw::Planned>::Plan) -> $dims {
                <Self as $crate::layout::raw::RawLayout>::dims(plan)
            }

            fn span(plan: &<Self as $crate::layout::raw::Planned>::Plan) -> std::ops::Range<usize> {
                <Self as $crate::layout::raw::RawLayout>::span(plan)
            }

            fn dims_of(owned: &$owned) -> $crate::error::Result<$dims> {
                <Self as $crate::layout::raw::RawLayout>::dims_of(owned)
            }

            fn put_dims(dims: &$dims, out: &mut Vec<usize>) {
                <Self as $crate::layout::raw::RawLayout>::put_dims(dims, out);
            }

            fn take_dims(from: &mut dyn Iterator<Item = usize>) -> Option<$dims> {
                <Self as $crate::layout::raw::RawLayout>::take_dims(from)
            }

            #[inline]
            unsafe fn view<'v>(
                plan: &<Self as $crate::layout::raw::Planned>::Plan,
                base: $crate::layout::Base<'v>,
            ) -> Self::View<'v> {
                // SAFETY: passed on from the caller.
                unsafe { <Self as $crate::layout::raw::RawLayout>::view(plan, base) }
            }

            #[inline]
            unsafe fn view_mut<'v>(
                plan: &<Self as $crate::layout::raw::Planned>::Plan,
                base: $crate::layout::BaseMut<'v>,
            ) -> Self::ViewMut<'v> {
                // SAFETY: passed on from the caller.
                unsafe { <Self as $crate::layout::raw::RawLayout>::view_mut(plan, base) }
            }

            unsafe fn fields<'f>(
                plan: &'f <Self as $crate::layout::raw::Planned>::Plan,
                handle: $crate::layout::Handle<'f>,
            ) -> $crate::layout::Field<'f, Self> {
                // SAFETY: passed on from the caller.
                unsafe { $crate::layout::Field::new(handle, plan) }
            }

            unsafe fn store(
                plan: &<Self as $crate::layout::raw::Planned>::Plan,
                base: $crate::layout::BaseMut<'_>,
                owned: &$owned,
            ) {
                // SAFETY: passed on from the caller.
                unsafe { <Self as $crate::layout::raw::RawLayout>::store(plan, base, owned) };
            }

            unsafe fn load(
                plan: &<Self as $crate::layout::raw::Planned>::Plan,
                base: $crate::layout::Base<'_>,
            ) -> $owned {
                // SAFETY: passed on from the caller.
                unsafe { <Self as $crate::layout::raw::RawLayout>::load(plan, base) }
            }
        }
    };
}

pub(crate) use checked_layout;
