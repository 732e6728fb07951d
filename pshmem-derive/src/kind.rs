//! The kind of layout that a field has, decided by the last name in its type.
//!
//! A derive macro sees names, not types. `Vec`, `Box<[T]>`, `Columns`, `Array1` to `Array6` and `Array<T, IxN>` are containers,
//! and `composite` lists some more, whatever path they are reached by. `#[shared(layout)]` marks nested structs and aliases of
//! containers. Every other type is one plain value; `#[shared(value)]` marks one whose type has the name of a container.

use crate::composite::Composite;
use crate::types::{last_segment, type_arguments, ungroup};
use proc_macro2::Ident;
use syn::{Error, Expr, ExprLit, Lit, Result, Type};

/// The largest number of dimensions of an array.
pub(crate) const MAX_RANK: usize = 6;

/// The kind of layout of a field.
pub(crate) enum Kind {
    /// One value: `Value<T>`.
    Value,
    /// `Vec<T>` or `Box<[T]>`.
    Slice { element: Type },
    /// `ndarray::Array` with this number of dimensions.
    Array { element: Type, rank: usize },
    /// `Columns<P>`.
    Columns,
    /// `Ragged<T>` and the like.
    Composite(Composite),
    /// Marked `#[shared(layout)]`: a derived struct or an alias of a container.
    Layout,
    /// A field of a record that derives `SharedColumns`; the field's type is the element type of the column.
    Column,
}

impl Kind {
    /// Number of extents, if the name of the type determines it.
    pub(crate) fn rank(&self) -> Option<usize> {
        match self {
            Kind::Slice { .. } | Kind::Columns | Kind::Column => Some(1),
            Kind::Array { rank, .. } => Some(*rank),
            Kind::Composite(composite) => Some(composite.extents().len()),
            Kind::Value | Kind::Layout => None,
        }
    }
}

/// The kind of a container that is no composite, or `None` for any other type.
pub(crate) fn container(ty: &Type) -> Result<Option<Kind>> {
    let Some(segment) = last_segment(ty) else {
        return Ok(None);
    };
    let name = segment.ident.to_string();
    let arguments = type_arguments(segment);
    let element = || {
        arguments
            .first()
            .map(|&element| element.clone())
            .ok_or_else(|| missing_element_type(&segment.ident))
    };
    Ok(match name.as_str() {
        "Vec" => Some(Kind::Slice {
            element: element()?,
        }),
        "Box" => match arguments.first().map(|inner| ungroup(inner)) {
            Some(Type::Slice(slice)) => Some(Kind::Slice {
                element: (*slice.elem).clone(),
            }),
            _ => None,
        },
        "Columns" => Some(Kind::Columns),
        "Array" => Some(Kind::Array {
            element: element()?,
            rank: array_rank(ty, arguments.get(1).copied())?,
        }),
        _ => match rank_suffix(&name, "Array") {
            Some(rank @ 1..=MAX_RANK) => Some(Kind::Array {
                element: element()?,
                rank,
            }),
            Some(0) => {
                return Err(Error::new_spanned(
                    ty,
                    "an array without dimensions is one value: use the type of that value",
                ));
            }
            _ => None,
        },
    })
}

fn missing_element_type(container: &Ident) -> Error {
    Error::new(
        container.span(),
        format!("missing element type: write `{container}<f64>`"),
    )
}

/// The number in `Ix3` or `Array3`.
fn rank_suffix(name: &str, prefix: &str) -> Option<usize> {
    name.strip_prefix(prefix)
        .filter(|digits| digits.len() == 1)?
        .parse()
        .ok()
}

/// The rank of `Array<T, dimension>`.
fn array_rank(array: &Type, dimension: Option<&Type>) -> Result<usize> {
    let message = "the number of dimensions must be part of the type: use `Array1<T>` to `Array6<T>`, or `Array<T, Ix1>` to \
                   `Array<T, Ix6>`";
    let Some(dimension) = dimension else {
        return Err(Error::new_spanned(array, message));
    };
    let segment = last_segment(dimension);
    let rank = segment.and_then(|segment| match segment.ident.to_string().as_str() {
        "Dim" => match type_arguments(segment).first().map(|inner| ungroup(inner)) {
            Some(Type::Array(shape)) => array_length(&shape.len),
            _ => None,
        },
        name => rank_suffix(name, "Ix"),
    });
    rank.filter(|rank| (1..=MAX_RANK).contains(rank))
        .ok_or_else(|| Error::new_spanned(dimension, message))
}

fn array_length(expression: &Expr) -> Option<usize> {
    match expression {
        Expr::Lit(ExprLit {
            lit: Lit::Int(number),
            ..
        }) => number.base10_parse().ok(),
        Expr::Group(group) => array_length(&group.expr),
        _ => None,
    }
}
