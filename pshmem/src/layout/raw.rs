//! Layouts of values, slices and arrays whose elements need not be [`Element`](crate::Element)s yet.
//!
//! They serve generated code, in which only one call per field has the bound `Element` ([`Placer::field`]). With the functions of
//! [`SharedLayout`](crate::SharedLayout), which all have the bound, a field of a wrong type would cause an error message at every
//! call: 16 messages instead of one.

use crate::error::Result;
use crate::layout::{Base, BaseMut, Placer};
use std::fmt::Debug;
use std::ops::Range;

/// The part of a layout that a handle needs.
pub trait Planned: 'static {
    /// Numbers and offsets of the leaves.
    type Plan: 'static;
}

/// The items of `SharedLayout` of the same names, for elements of any type.
///
/// # Safety
/// As for `SharedLayout`, if `Element` is an [`Element`](crate::Element). Callers of the unsafe functions guarantee that it is: new
/// memory is zeroed, so with other types `view` may produce an invalid value.
pub unsafe trait RawLayout: Planned {
    type Element;
    type Owned;
    type Dims: Copy + Eq + Debug + 'static;
    type View<'a>: Copy;
    type ViewMut<'a>;
    fn plan(dims: &Self::Dims, placer: &mut Placer) -> Result<Self::Plan>;
    fn dims(plan: &Self::Plan) -> Self::Dims;
    fn leaves(plan: &Self::Plan) -> Range<usize>;
    fn dims_of(owned: &Self::Owned) -> Result<Self::Dims>;
    fn encode_dims(dims: &Self::Dims, out: &mut Vec<usize>);
    fn decode_dims(from: &mut dyn Iterator<Item = usize>) -> Option<Self::Dims>;
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

            fn leaves(plan: &<Self as $crate::layout::raw::Planned>::Plan) -> std::ops::Range<usize> {
                <Self as $crate::layout::raw::RawLayout>::leaves(plan)
            }

            fn dims_of(owned: &$owned) -> $crate::error::Result<$dims> {
                <Self as $crate::layout::raw::RawLayout>::dims_of(owned)
            }

            fn encode_dims(dims: &$dims, out: &mut Vec<usize>) {
                <Self as $crate::layout::raw::RawLayout>::encode_dims(dims, out);
            }

            fn decode_dims(from: &mut dyn Iterator<Item = usize>) -> Option<$dims> {
                <Self as $crate::layout::raw::RawLayout>::decode_dims(from)
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
