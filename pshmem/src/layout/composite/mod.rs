//! Composite layouts: values of several leaves that belong together, such as rows and their offsets.
//!
//! The leaves of a composite are laid out like the fields of a struct, but users see them only through types that keep them
//! consistent: [`Ragged`], [`Strings`], [`Text`], [`Map`], [`Csr`].
//!
//! | file | contents |
//! |---|---|
//! | `mod` | [`Composite`], what a new composite implements, and its [`SharedLayout`](crate::layout::SharedLayout) |
//! | `parts` | layouts of several parts one after the other |
//! | `content` | what a composite tells of its leaves as bytes: how much of them is used, whether they are consistent |
//! | `full` | the error of a composite that has no room |
//! | `rows` | rows by their offsets, of items or of text |
//! | `ragged`, `strings`, `text`; folders `map/`, `csr/` | the composites |
//! | `in_memory` | a composite in private memory, for tests |
//! | `tests` | tests of `ragged`, `strings` and `text`; the folders have their own |
//!
//! # Why a view can rely on what it reads
//!
//! A composite is consistent whenever a view of it can exist, and views check nothing but indices.
//! - New memory is zeroed, which is an empty composite: zero rows, no text, a matrix without values.
//! - Safe code writes only through the types of `ViewMut`, whose calls begin and end with a consistent composite, and write nothing
//!   that is in use before they say so. No code of users runs in between.
//! - A transfer brings all leaves that were written on another node. `content` checks them before the ranks of this node go on;
//!   the job ends if they are inconsistent.
//! - What comes from files or from several ranks is checked by all nodes before the call returns. If it is inconsistent, the
//!   composite is emptied.
//! - No layout of a composite is a `RowLayout` or a `BlockLayout`, and the parts of a struct leave its composites out, so no other
//!   call writes some of the leaves only.
//!
//! References stay inside the leaves even if all of this failed, because views slice with checked bounds. Only that text is UTF-8
//! rests on it (`text::str_of`).

mod content;
pub(crate) mod csr;
mod full;
#[cfg(all(test, not(loom)))]
mod in_memory;
pub(crate) mod map;
mod parts;
mod ragged;
mod rows;
mod strings;
#[cfg(all(test, not(loom)))]
mod tests;
mod text;

pub(crate) use content::{Content, PlacedComposite};
pub use csr::{Csr, CsrDims, CsrError, CsrIter, CsrMut, CsrView};
pub use full::Full;
pub use map::{Map, MapDims, MapIter, MapKey, MapMut, MapView};
pub(crate) use parts::Parts;
pub use ragged::{Ragged, RaggedDims, RaggedIter, RaggedMut, RaggedView};
pub use rows::RowsIter;
pub use strings::{Strings, StringsIter, StringsMut, StringsView};
pub use text::{Text, TextMut};

use crate::error::Result;
use crate::layout::{Base, BaseMut, Placer};
use std::fmt::Debug;
use std::ops::Range;

/// A layout of several leaves that its own types keep consistent.
///
/// Nothing here is `unsafe` but `view` and `view_mut`: memory is laid out by [`Parts`], and the rest is written in terms of their
/// views. `composite_layout!` makes a [`SharedLayout`](crate::layout::SharedLayout) of it.
pub trait Composite: Sized + 'static {
    /// The layouts of its leaves, as a tuple.
    type Parts: Parts;
    type Dims: Copy + Eq + Debug + 'static;
    type View<'a>: Copy;
    type ViewMut<'a>;

    /// The names of the parts in schemas and messages.
    const NAMES: &'static [&'static str];

    /// The extents of the parts for these extents of the whole.
    fn part_dims(dims: &Self::Dims) -> Result<<Self::Parts as Parts>::Dims>;

    /// The extents of a private value.
    fn dims_of(&self) -> Self::Dims;

    /// As in `SharedLayout`.
    fn encode_dims(dims: &Self::Dims, out: &mut Vec<usize>);

    /// As in `SharedLayout`.
    fn decode_dims(from: &mut dyn Iterator<Item = usize>) -> Option<Self::Dims>;

    /// # Safety
    /// The parts are consistent: `check` accepts their bytes.
    unsafe fn view<'a>(dims: &Self::Dims, parts: PartsView<'a, Self>) -> Self::View<'a>;

    /// # Safety
    /// As for `view`.
    unsafe fn view_mut<'a>(dims: &Self::Dims, parts: PartsViewMut<'a, Self>) -> Self::ViewMut<'a>;

    /// Copies a private value, which has the extents of the target or smaller ones.
    fn store(&self, into: Self::ViewMut<'_>) -> Result<(), Full>;

    /// A private copy.
    fn load(from: Self::View<'_>) -> Self;

    /// How many elements of each leaf are in use. `leaves` are the bytes of all leaves of the parts, in order; they are consistent.
    fn lengths(dims: &Self::Dims, leaves: &[&[u8]]) -> Vec<usize>;

    /// Whether leaves of which so many elements are in use can be consistent: what is known before anything of them is read. That of
    /// derived leaves is 0.
    fn check_lengths(dims: &Self::Dims, lengths: &[usize]) -> Result<(), String>;

    /// Whether the bytes of the leaves are consistent. It must not panic, whatever they are.
    fn check(dims: &Self::Dims, leaves: &[&[u8]]) -> Result<(), String>;

    /// Computes those leaves that files do not contain, from `lengths`, the elements in use of the others, which `check_lengths` has
    /// accepted. Then checks all.
    fn complete(
        dims: &Self::Dims,
        lengths: &[usize],
        leaves: &mut [&mut [u8]],
    ) -> Result<(), String>;
}

/// What is read of the parts of `C`.
pub(crate) type PartsView<'a, C> = <<C as Composite>::Parts as Parts>::View<'a>;

/// What is written of the parts of `C`.
pub(crate) type PartsViewMut<'a, C> = <<C as Composite>::Parts as Parts>::ViewMut<'a>;

/// Extents of a composite and plans of its parts.
#[doc(hidden)]
pub struct CompositePlan<C: Composite> {
    dims: C::Dims,
    parts: <C::Parts as Parts>::Plan,
    leaves: Range<usize>,
}

/// Implements the functions of `SharedLayout` by those of `Composite`.
impl<C: Composite> CompositePlan<C> {
    pub(crate) fn place(dims: &C::Dims, placer: &mut Placer) -> Result<Self> {
        let first = placer.position();
        let parts = C::Parts::plan(C::NAMES, &C::part_dims(dims)?, placer)?;
        let leaves = first..placer.position();
        let mut numbers = Vec::new();
        C::encode_dims(dims, &mut numbers);
        placer.add_composite(PlacedComposite {
            leaves: leaves.clone(),
            dims: numbers,
            content: Content::of::<C>(),
        });
        Ok(CompositePlan {
            dims: *dims,
            parts,
            leaves,
        })
    }

    pub(crate) fn dims(&self) -> C::Dims {
        self.dims
    }

    pub(crate) fn leaves(&self) -> Range<usize> {
        self.leaves.clone()
    }

    /// # Safety
    /// As for `SharedLayout::view`.
    #[inline]
    pub(crate) unsafe fn view<'a>(&self, base: Base<'a>) -> C::View<'a> {
        // SAFETY: passed on from the caller.
        let parts = unsafe { C::Parts::view(&self.parts, base) };
        // SAFETY: a composite is consistent whenever a view of it can exist: see the head of this module.
        unsafe { C::view(&self.dims, parts) }
    }

    /// # Safety
    /// As for `SharedLayout::view_mut`.
    #[inline]
    pub(crate) unsafe fn view_mut<'a>(&self, base: BaseMut<'a>) -> C::ViewMut<'a> {
        // SAFETY: passed on from the caller.
        let parts = unsafe { C::Parts::view_mut(&self.parts, base) };
        // SAFETY: as in `view`.
        unsafe { C::view_mut(&self.dims, parts) }
    }
}

/// Leaves that are written, to be read.
fn read_only<'l>(leaves: &'l [&mut [u8]]) -> Vec<&'l [u8]> {
    leaves.iter().map(|leaf| &**leaf).collect()
}

/// Implements `SharedLayout` for a [`Composite`].
macro_rules! composite_layout {
    (
        [$($generics:tt)*] $layout:ty, where [$($bounds:tt)*]
        Dims = $dims:ty, View<$a:lifetime> = $view:ty, ViewMut<$b:lifetime> = $view_mut:ty
    ) => {
        impl<$($generics)*> $crate::layout::raw::Planned for $layout where $($bounds)* {
            type Plan = $crate::layout::composite::CompositePlan<Self>;
        }

        // SAFETY: the plan's leaves are those of the parts, which are placed with the placer, each in one part; the views of the
        // parts reference each leaf once and mark what is written.
        unsafe impl<$($generics)*> $crate::layout::SharedLayout for $layout where $($bounds)* {
            type Owned = Self;
            type Dims = $dims;
            type View<$a> = $view;
            type ViewMut<$b> = $view_mut;
            type Fields<'f> = $crate::layout::Field<'f, Self>;

            fn plan(
                dims: &Self::Dims,
                placer: &mut $crate::layout::Placer,
            ) -> $crate::error::Result<Self::Plan> {
                Self::Plan::place(dims, placer)
            }

            fn dims(plan: &Self::Plan) -> Self::Dims {
                plan.dims()
            }

            fn leaves(plan: &Self::Plan) -> std::ops::Range<usize> {
                plan.leaves()
            }

            fn dims_of(owned: &Self) -> $crate::error::Result<Self::Dims> {
                Ok($crate::layout::composite::Composite::dims_of(owned))
            }

            fn encode_dims(dims: &Self::Dims, out: &mut Vec<usize>) {
                <Self as $crate::layout::composite::Composite>::encode_dims(dims, out);
            }

            fn decode_dims(from: &mut dyn Iterator<Item = usize>) -> Option<Self::Dims> {
                <Self as $crate::layout::composite::Composite>::decode_dims(from)
            }

            #[inline]
            unsafe fn view<'v>(plan: &Self::Plan, base: $crate::layout::Base<'v>) -> Self::View<'v> {
                // SAFETY: passed on from the caller.
                unsafe { plan.view(base) }
            }

            #[inline]
            unsafe fn view_mut<'v>(
                plan: &Self::Plan,
                base: $crate::layout::BaseMut<'v>,
            ) -> Self::ViewMut<'v> {
                // SAFETY: passed on from the caller.
                unsafe { plan.view_mut(base) }
            }

            unsafe fn fields<'f>(
                plan: &'f Self::Plan,
                handle: $crate::layout::Handle<'f>,
            ) -> Self::Fields<'f> {
                // SAFETY: passed on from the caller.
                unsafe { $crate::layout::Field::new(handle, plan) }
            }

            unsafe fn store(plan: &Self::Plan, base: $crate::layout::BaseMut<'_>, owned: &Self) {
                // SAFETY: passed on from the caller.
                let into = unsafe { plan.view_mut(base) };
                $crate::layout::composite::Composite::store(owned, into)
                    .expect("the value has the extents of the plan");
            }

            unsafe fn load(plan: &Self::Plan, base: $crate::layout::Base<'_>) -> Self {
                // SAFETY: passed on from the caller.
                let from = unsafe { plan.view(base) };
                $crate::layout::composite::Composite::load(from)
            }
        }
    };
}

pub(crate) use composite_layout;
