//! What the code that `#[derive(SharedLayout)]` and `#[derive(SharedColumns)]` generate calls.
//!
//! `#[shared(crate = path)]` lets a user choose the module in which generated code looks for pshmem. This module may contain other
//! items under the names of ours, and the generated `unsafe` code must be sound all the same. So its soundness rests only on items
//! that the compiler forces to be ours:
//! - the implemented trait: this library never calls an impl of another trait;
//! - [`Placer`], [`Base`], [`BaseMut`], [`Handle`], [`RowLeaves`], [`Error`] and `Vec`: the signatures of the traits contain them,
//!   so a different type is a compile error;
//! - [`FieldPlan`] and [`NestedPlan`]: the generated code stores the results of [`Placer::field`] and [`Placer::nested`] in fields of
//!   these types, so a different type is a compile error;
//! - [`RowField`]: the functions of `NestedPlan` have it as a bound, which generated code meets by a bound of its own.
//!
//! Positions, extents and memory accesses are therefore computed by inherent functions of these types only. Generated code uses
//! other names of `__private` in two places: as types of the fields of generated types, where a different type is a compile error,
//! and in safe code that prints.

use crate::error::{Error, Result};
use crate::layout::placer::in_field;
use crate::layout::raw::RawLayout;
use crate::layout::rows::{RawRows, RowField, RowLeaves};
use crate::layout::{Base, BaseMut, Element, Field, Handle, Placer, SharedLayout, SliceMut};
use std::fmt::Debug;
use std::ops::{Add, Mul, Range, Sub};

impl Placer {
    /// Places a field that is a value, a slice or an array. This is the only call with the bound [`Element`], so that a wrong type
    /// is reported once.
    ///
    /// `T` is the element type of `L`. It is a parameter of its own, so that the compiler's message points at the element type.
    ///
    /// # Errors
    /// [`Error::TooLarge`].
    pub fn field<L, T>(&mut self, name: &str, align: usize, dims: &L::Dims) -> Result<FieldPlan<L>>
    where
        L: RawLayout<Element = T> + ?Sized,
        T: Element,
    {
        self.place(name, align, |placer| L::plan(dims, placer))
            .map(FieldPlan)
    }

    /// Places a field that is a nested struct, columns or an alias of a container.
    ///
    /// # Errors
    /// [`Error::TooLarge`], [`Error::Extent`].
    pub fn nested<L: SharedLayout + ?Sized>(
        &mut self,
        name: &str,
        align: usize,
        dims: &L::Dims,
    ) -> Result<NestedPlan<L>> {
        self.place(name, align, |placer| L::plan(dims, placer))
            .map(NestedPlan)
    }

    /// A dim, a number or a constant in an extent expression.
    #[must_use]
    pub fn extent(number: usize) -> Extent {
        Extent(Some(number))
    }
}

/// The plan of a field that is a value, a slice or an array.
///
/// Only [`Placer::field`] creates one, so the elements of `L` are [`Element`]s.
pub struct FieldPlan<L: RawLayout + ?Sized>(L::Plan);

/// The plan of a field that is a nested struct, columns or an alias of a container.
///
/// Only [`Placer::nested`] creates one.
pub struct NestedPlan<L: SharedLayout + ?Sized>(L::Plan);

/// The functions of a layout trait for one field.
macro_rules! layout_functions {
    ($plan:ident, $layout:ident) => {
        impl<L: $layout + ?Sized> $plan<L> {
            /// The extents of the field's value.
            ///
            /// # Errors
            /// [`Error::Shape`], [`Error::Extent`], with the name of the field.
            pub fn dims_of(name: &str, owned: &L::Owned) -> Result<L::Dims> {
                in_field(name, L::dims_of(owned))
            }

            /// Compares the extents that the shape gives with those of the field's value.
            ///
            /// # Errors
            /// [`Error::Shape`] if they differ.
            pub fn check_dims(name: &str, expected: &L::Dims, actual: &L::Dims) -> Result<()> {
                check_dims(name, expected, actual, L::encode_dims)
            }

            /// As in the trait.
            pub fn encode_dims(dims: &L::Dims, out: &mut Vec<usize>) {
                L::encode_dims(dims, out);
            }

            /// As in the trait.
            pub fn decode_dims(from: &mut dyn Iterator<Item = usize>) -> Option<L::Dims> {
                L::decode_dims(from)
            }

            /// # Safety
            /// As in the trait.
            #[inline]
            pub unsafe fn view<'a>(&self, base: Base<'a>) -> L::View<'a> {
                // SAFETY: guaranteed by the caller.
                unsafe { L::view(&self.0, base) }
            }

            /// # Safety
            /// As in the trait.
            #[inline]
            pub unsafe fn view_mut<'a>(&self, base: BaseMut<'a>) -> L::ViewMut<'a> {
                // SAFETY: guaranteed by the caller.
                unsafe { L::view_mut(&self.0, base) }
            }

            /// # Safety
            /// As in the trait.
            pub unsafe fn store(&self, base: BaseMut<'_>, owned: &L::Owned) {
                // SAFETY: guaranteed by the caller.
                unsafe { L::store(&self.0, base, owned) };
            }

            /// # Safety
            /// As in the trait.
            pub unsafe fn load(&self, base: Base<'_>) -> L::Owned {
                // SAFETY: guaranteed by the caller.
                unsafe { L::load(&self.0, base) }
            }

            /// The handle to the field.
            ///
            /// # Safety
            /// As for `SharedLayout::fields`, with the plan of this field.
            pub unsafe fn field<'a>(&'a self, handle: Handle<'a>) -> Field<'a, L> {
                // SAFETY: guaranteed by the caller.
                unsafe { Field::new(handle, &self.0) }
            }
        }
    };
}

layout_functions!(FieldPlan, RawLayout);
layout_functions!(NestedPlan, SharedLayout);

impl<T: 'static> FieldPlan<[T]> {
    /// Some rows of a column.
    ///
    /// # Safety
    /// As for `RowLayout::part`.
    #[must_use]
    #[inline]
    pub unsafe fn column_part<'a>(
        &self,
        base: BaseMut<'a>,
        rows: &Range<usize>,
    ) -> SliceMut<'a, T> {
        // SAFETY: guaranteed by the caller, for these rows.
        unsafe { <[T] as RawLayout>::view_mut(&self.0.part(rows), base) }
    }
}

impl<L: RawRows + ?Sized> FieldPlan<L> {
    /// Adds the leaf of the field `name`.
    pub fn row_leaves(&self, name: &'static str, into: &mut RowLeaves) {
        into.field(name, |into| into.add(L::leaves(&self.0), L::rows(&self.0)));
    }

    /// Some rows of the field.
    ///
    /// # Safety
    /// As for `RowLayout::part`.
    pub unsafe fn part<'a>(&self, base: BaseMut<'a>, rows: &Range<usize>) -> L::Part<'a> {
        // SAFETY: guaranteed by the caller.
        unsafe { L::part(&self.0, base, rows.clone()) }
    }
}

impl<L: SharedLayout + ?Sized> NestedPlan<L> {
    /// Adds the leaves of the field `name` that have rows.
    pub fn row_leaves<const INDEX: usize>(&self, name: &'static str, into: &mut RowLeaves)
    where
        L: RowField<'static, INDEX>,
    {
        into.field(name, |into| L::row_leaves(&self.0, into));
    }

    /// Some rows of the field.
    ///
    /// # Safety
    /// As for `RowLayout::part`.
    pub unsafe fn part<'a, const INDEX: usize>(
        &self,
        base: BaseMut<'a>,
        rows: &Range<usize>,
    ) -> <L as RowField<'static, INDEX>>::Part<'a>
    where
        L: RowField<'static, INDEX>,
    {
        // SAFETY: guaranteed by the caller.
        unsafe { <L as RowField<'static, INDEX>>::part(&self.0, base, rows.clone()) }
    }
}

impl<L: SharedLayout + ?Sized> NestedPlan<L> {
    /// The extents of an alias from its `shape = [..]`.
    #[must_use]
    pub fn dims_from_shape<const N: usize>(shape: [usize; N]) -> L::Dims
    where
        L::Dims: FromShape<N>,
    {
        L::Dims::from_shape(shape)
    }

    /// The opposite of `dims_from_shape`.
    pub fn shape_of<const N: usize>(dims: &L::Dims) -> [usize; N]
    where
        L::Dims: FromShape<N>,
    {
        dims.to_shape()
    }
}

/// The value of an extent expression: `None` after it has left the range of `usize`.
#[derive(Debug, Clone, Copy)]
pub struct Extent(Option<usize>);

impl Extent {
    /// The number, or an error that shows the field and the expression as they are written in the struct.
    ///
    /// # Errors
    /// [`Error::Extent`].
    pub fn get(self, field: &str, expression: &str, dims: &dyn Debug) -> Result<usize> {
        let error = || Error::Extent {
            field: field.to_owned(),
            extent: expression.to_owned(),
            dims: format!("{dims:?}"),
        };
        self.0.ok_or_else(error)
    }
}

impl Add for Extent {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Extent(self.0.zip(other.0).and_then(|(a, b)| a.checked_add(b)))
    }
}

impl Sub for Extent {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Extent(self.0.zip(other.0).and_then(|(a, b)| a.checked_sub(b)))
    }
}

impl Mul for Extent {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        Extent(self.0.zip(other.0).and_then(|(a, b)| a.checked_mul(b)))
    }
}

/// Extents that consist of `N` numbers, for `shape = [..]` on an alias, whose container the derive cannot see.
#[diagnostic::on_unimplemented(
    message = "the shape is a list of length {N}, but the extents of this field are `{Self}`",
    label = "wrong number of extents",
    note = "write one extent for each dimension of the container; a nested struct needs `dims = InnerDims {{ .. }}` instead"
)]
pub trait FromShape<const N: usize>: Sized {
    /// The extents of these numbers.
    fn from_shape(shape: [usize; N]) -> Self;
    /// The numbers of these extents.
    fn to_shape(&self) -> [usize; N];
}

impl FromShape<1> for usize {
    fn from_shape([len]: [usize; 1]) -> Self {
        len
    }

    fn to_shape(&self) -> [usize; 1] {
        [*self]
    }
}

impl<const N: usize> FromShape<N> for [usize; N] {
    fn from_shape(shape: [usize; N]) -> Self {
        shape
    }

    fn to_shape(&self) -> [usize; N] {
        *self
    }
}

/// Compares extents; `encode_dims` converts them to numbers.
pub(crate) fn check_dims<D: PartialEq>(
    field: &str,
    expected: &D,
    actual: &D,
    encode_dims: impl Fn(&D, &mut Vec<usize>),
) -> Result<()> {
    if expected == actual {
        return Ok(());
    }
    Err(other_shape(field, expected, actual, encode_dims))
}

/// Checks that no extent is larger than expected.
pub(crate) fn check_fits<D>(
    field: &str,
    expected: &D,
    actual: &D,
    encode_dims: impl Fn(&D, &mut Vec<usize>),
) -> Result<()> {
    let (room, needed) = (
        numbers(expected, &encode_dims),
        numbers(actual, &encode_dims),
    );
    if room.len() == needed.len()
        && room
            .iter()
            .zip(&needed)
            .all(|(room, needed)| needed <= room)
    {
        return Ok(());
    }
    Err(other_shape(field, expected, actual, encode_dims))
}

fn other_shape<D>(
    field: &str,
    expected: &D,
    actual: &D,
    encode_dims: impl Fn(&D, &mut Vec<usize>),
) -> Error {
    Error::Shape {
        field: field.to_owned(),
        expected: numbers(expected, &encode_dims),
        found: numbers(actual, encode_dims),
    }
}

fn numbers<D>(dims: &D, encode_dims: impl Fn(&D, &mut Vec<usize>)) -> Vec<usize> {
    let mut list = Vec::new();
    encode_dims(dims, &mut list);
    list
}

/// Compiles only if `T` is an element. Code for a struct with errors calls it, so that errors in its other fields are reported too.
pub fn assert_element<T: Element>() {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaving_the_range_is_an_error_that_shows_the_extent() {
        let n = Placer::extent;
        assert_eq!((n(2) * n(3) + n(1) - n(7)).get("", "", &()), Ok(0));
        assert!((n(2) - n(3) + n(5)).get("", "", &()).is_err());
        assert!((n(usize::MAX) + n(1)).get("", "", &()).is_err());
        let error = in_field("grid", (n(usize::MAX) * n(2)).get("flux", "nx * 2", &7)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "field `grid.flux`: the extent `nx * 2` is negative or too large for a usize (7)"
        );
    }

    #[test]
    fn what_is_in_use_may_be_less() {
        let numbers = |pair: &[usize; 2], out: &mut Vec<usize>| out.extend(pair);
        assert_eq!(check_fits("a", &[3, 5], &[3, 4], numbers), Ok(()));
        let error = check_fits("a", &[3, 5], &[4, 1], numbers).unwrap_err();
        assert!(matches!(error, Error::Shape { found, .. } if found == [4, 1]));
    }

    #[test]
    fn a_wrong_shape_names_the_field() {
        let numbers = |&n: &usize, out: &mut Vec<usize>| out.push(n);
        assert_eq!(check_dims("a", &3, &3, numbers), Ok(()));
        let error = check_dims("a", &3, &4, numbers).unwrap_err();
        assert_eq!(
            error,
            Error::Shape {
                field: "a".into(),
                expected: vec![3],
                found: vec![4]
            }
        );
    }
}
