//! Which layout a field has, decided by the last name in its type.
//!
//! A derive sees names, not types. `Vec`, `Box<[T]>`, `Columns`, `Array1` to `Array6` and `Array<T, IxN>` are containers
//! wherever they come from; `#[shared(layout)]` marks nested structs and aliases; everything else is one plain value.

use crate::refuse;
use proc_macro2::Ident;
use quote::format_ident;
use syn::{
    Error, Expr, ExprLit, GenericArgument, Lit, LitInt, PathArguments, PathSegment, Result, Type,
};

/// The largest number of dimensions of an array.
pub(crate) const MAX_RANK: usize = 6;

/// How a field lies in shared memory.
pub(crate) enum Kind {
    /// One value: `Value<T>`.
    Value,
    /// `Vec<T>` or `Box<[T]>`.
    Slice { element: Type },
    /// `ndarray::Array` with this number of dimensions.
    Array { element: Type, rank: usize },
    /// `Columns<P>`.
    Columns,
    /// Marked `#[shared(layout)]`: a derived struct or an alias of a container.
    Layout,
    /// One column of a `Columns<P>`; the field's type is the element.
    Column,
}

impl Kind {
    /// Number of extents, if the type's name tells.
    pub(crate) fn rank(&self) -> Option<usize> {
        match self {
            Kind::Slice { .. } | Kind::Columns | Kind::Column => Some(1),
            Kind::Array { rank, .. } => Some(*rank),
            Kind::Value | Kind::Layout => None,
        }
    }

    /// Recognises a field that is not marked.
    pub(crate) fn of(ty: &Type) -> Result<Self> {
        match container(ty)? {
            Some(kind) => {
                if let Kind::Slice { element } | Kind::Array { element, .. } = &kind {
                    refuse::element(element)?;
                }
                Ok(kind)
            }
            None => refuse::value(ty).map(|()| Kind::Value),
        }
    }
}

/// The type without parentheses and without the invisible groups that `macro_rules` leaves.
pub(crate) fn bare(mut ty: &Type) -> &Type {
    loop {
        match ty {
            Type::Group(group) => ty = &group.elem,
            Type::Paren(paren) => ty = &paren.elem,
            _ => return ty,
        }
    }
}

/// The last segment of a path type.
pub(crate) fn last_segment(ty: &Type) -> Option<&PathSegment> {
    match bare(ty) {
        Type::Path(path) if path.qself.is_none() => path.path.segments.last(),
        _ => None,
    }
}

/// The type's arguments between `<` and `>`, without lifetimes.
pub(crate) fn type_arguments(segment: &PathSegment) -> Vec<&Type> {
    let PathArguments::AngleBracketed(arguments) = &segment.arguments else {
        return Vec::new();
    };
    let types = arguments.args.iter().filter_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    });
    types.collect()
}

/// The kind of a container, or `None` for any other type.
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
            .ok_or_else(|| untyped(&segment.ident))
    };
    Ok(match name.as_str() {
        "Vec" => Some(Kind::Slice {
            element: element()?,
        }),
        "Box" => match arguments.first().map(|inner| bare(inner)) {
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
                    "an array without dimensions is one value: write the value's type",
                ));
            }
            _ => None,
        },
    })
}

fn untyped(name: &Ident) -> Error {
    Error::new(
        name.span(),
        format!("write the type of the elements: `{name}<f64>`"),
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
    let message = "the number of dimensions must be in the type: write `Array1<T>` to `Array6<T>`, or `Array<T, Ix1>` to \
                   `Array<T, Ix6>`";
    let Some(dimension) = dimension else {
        return Err(Error::new_spanned(array, message));
    };
    let segment = last_segment(dimension);
    let rank = segment.and_then(|segment| match segment.ident.to_string().as_str() {
        "Dim" => match type_arguments(segment).first().map(|inner| bare(inner)) {
            Some(Type::Array(shape)) => length(&shape.len),
            _ => None,
        },
        name => rank_suffix(name, "Ix"),
    });
    rank.filter(|rank| (1..=MAX_RANK).contains(rank))
        .ok_or_else(|| Error::new_spanned(dimension, message))
}

fn length(expression: &Expr) -> Option<usize> {
    match expression {
        Expr::Lit(ExprLit {
            lit: Lit::Int(number),
            ..
        }) => number.base10_parse().ok(),
        Expr::Group(group) => length(&group.expr),
        _ => None,
    }
}

/// `ArrayView2` or `Ix2`: pshmem's own aliases, numbered.
pub(crate) fn numbered(name: &str, rank: usize) -> Ident {
    format_ident!("{name}{rank}")
}

/// A literal for messages and extents.
pub(crate) fn literal(number: usize) -> LitInt {
    LitInt::new(&number.to_string(), proc_macro2::Span::call_site())
}
