//! What the code that `#[derive(SharedLayout)]` generates calls: extents in checked arithmetic, and their comparison.

use crate::error::{Error, Result};
use crate::layout::raw::Planned;
use crate::layout::{Element, Field, Handle, SlicePlan};
use std::fmt::Debug;
use std::ops::{Add, Mul, Range, Sub};

/// An extent on the way through `nx + 1`: `None` once it has left the range of `usize`.
#[derive(Debug, Clone, Copy)]
pub struct Extent(Option<usize>);

impl Extent {
    /// A dim, a number or a constant.
    #[must_use]
    pub fn of(number: usize) -> Self {
        Extent(Some(number))
    }

    /// The number, or an error that shows the extent as it is written in the struct.
    ///
    /// # Errors
    /// [`Error::Extent`].
    pub fn get(self, text: &str, dims: &dyn Debug) -> Result<usize> {
        let error = || Error::Extent {
            field: String::new(),
            extent: text.to_owned(),
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

/// Extents that a list of `N` numbers can state; for `shape = [..]` on an alias, whose container the derive cannot see.
#[diagnostic::on_unimplemented(
    message = "the shape states {N} extents, but the extents of this field are `{Self}`",
    label = "wrong number of extents",
    note = "give one extent for each dimension of the container; a nested struct takes `dims = InnerDims {{ .. }}` instead"
)]
pub trait FromShape<const N: usize>: Sized {
    /// The extents of these numbers.
    fn from_shape(shape: [usize; N]) -> Self;
    /// The numbers of these extents.
    fn to_shape(&self) -> [usize; N];
}

impl FromShape<1> for usize {
    /// The extents of these numbers.
    fn from_shape([len]: [usize; 1]) -> Self {
        len
    }

    fn to_shape(&self) -> [usize; 1] {
        [*self]
    }
}

impl<const N: usize> FromShape<N> for [usize; N] {
    /// The extents of these numbers.
    fn from_shape(shape: [usize; N]) -> Self {
        shape
    }

    fn to_shape(&self) -> [usize; N] {
        *self
    }
}

/// Names the field in an error about extents; called on every level, from the inside out.
///
/// # Errors
/// That of `result`.
pub fn inside<R>(name: &str, result: Result<R>) -> Result<R> {
    result.map_err(|mut error| {
        if let Error::Shape { field, .. } | Error::Extent { field, .. } = &mut error {
            *field = if field.is_empty() {
                name.to_owned()
            } else {
                format!("{name}.{field}")
            };
        }
        error
    })
}

/// Compares what a shape states with what an owned value has; `numbers` turns extents into a list.
///
/// # Errors
/// [`Error::Shape`]; that of `expected`.
pub fn check_shape<D: PartialEq>(
    field: &str,
    expected: Result<D>,
    found: &D,
    numbers: impl Fn(&D, &mut Vec<usize>),
) -> Result<()> {
    let expected = inside(field, expected)?;
    if expected == *found {
        return Ok(());
    }
    let list = |dims: &D| {
        let mut list = Vec::new();
        numbers(dims, &mut list);
        list
    };
    Err(Error::Shape {
        field: field.to_owned(),
        expected: list(&expected),
        found: list(found),
    })
}

/// Where the derive states, once per field, what all its code rests on.
pub fn must_be_element<T: Element>() {}

/// The plan of some rows of a column.
#[must_use]
pub fn part_of(column: &SlicePlan, rows: &Range<usize>) -> SlicePlan {
    column.part(rows)
}

/// The handle to one field.
///
/// # Safety
/// As for `SharedLayout::fields`, for this field's plan.
pub unsafe fn field<'a, L: Planned + ?Sized>(
    handle: Handle<'a>,
    plan: &'a L::Plan,
) -> Field<'a, L> {
    // SAFETY: passed on from the caller.
    unsafe { Field::new(handle, plan) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaving_the_range_is_an_error_that_shows_the_extent() {
        let n = Extent::of;
        assert_eq!((n(2) * n(3) + n(1) - n(7)).get("", &()), Ok(0));
        assert!((n(2) - n(3) + n(5)).get("", &()).is_err());
        assert!((n(usize::MAX) + n(1)).get("", &()).is_err());
        let error = inside(
            "grid",
            inside("flux", (n(usize::MAX) * n(2)).get("nx * 2", &7)),
        )
        .unwrap_err();
        assert_eq!(
            error.to_string(),
            "field `grid.flux`: the extent `nx * 2` is negative or too large for a usize (7)"
        );
    }

    #[test]
    fn a_wrong_shape_names_the_field() {
        let numbers = |&n: &usize, out: &mut Vec<usize>| out.push(n);
        assert_eq!(check_shape("a", Ok(3), &3, numbers), Ok(()));
        let error = check_shape("a", Ok(3), &4, numbers).unwrap_err();
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
