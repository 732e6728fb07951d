//! All identifiers that the derives generate.
//!
//! Types that users name have the name of their struct as a prefix. Everything else is inside a `const` block or a function.
//! It could still collide with a name of the user's there (a type `Plan`, a field `span`), so these names have a prefix as well.

use proc_macro2::{Ident, Span};
use quote::{ToTokens, format_ident};
use syn::Lifetime;
use syn::ext::IdentExt;

/// Names of the types that belong to one struct.
pub(crate) struct Names {
    pub(crate) dims: Ident,
    pub(crate) view: Ident,
    pub(crate) view_mut: Ident,
    pub(crate) fields: Ident,
    /// Only of structs with `rows = n`.
    pub(crate) part: Ident,
    /// Inside the `const` block.
    pub(crate) plan: Ident,
}

impl Names {
    pub(crate) fn of_layout(name: &Ident) -> Self {
        let name = name.unraw();
        Names {
            dims: format_ident!("{name}Dims"),
            view: format_ident!("{name}View"),
            view_mut: format_ident!("{name}ViewMut"),
            fields: format_ident!("{name}Fields"),
            part: format_ident!("{name}Part"),
            plan: format_ident!("__{name}Plan"),
        }
    }

    pub(crate) fn of_columns(name: &Ident) -> Self {
        let name = name.unraw();
        Names {
            dims: format_ident!("__{name}Rows"),
            view: format_ident!("{name}Columns"),
            view_mut: format_ident!("{name}ColumnsMut"),
            fields: format_ident!("{name}ColumnsFields"),
            part: format_ident!("{name}ColumnsPart"),
            plan: format_ident!("__{name}ColumnsPlan"),
        }
    }
}

/// The field of the plan that holds the plan of a field.
pub(crate) fn plan_field(field: &Ident) -> Ident {
    format_ident!("field_{}", field.unraw(), span = Span::call_site())
}

/// The function that computes the extents of a field from the dims.
pub(crate) fn extents_function(field: &Ident) -> Ident {
    format_ident!("__extents_of_{}", field.unraw(), span = Span::call_site())
}

/// The variable of `dims_of` that holds the extents of a field's value.
pub(crate) fn actual_extents(field: &Ident) -> Ident {
    format_ident!("__actual_{}", field.unraw(), span = Span::mixed_site())
}

/// A name without `r#`, for schemas, errors and printing.
pub(crate) fn unraw(name: &Ident) -> String {
    name.unraw().to_string()
}

/// One of pshmem's numbered aliases, such as `ArrayView2` or `Ix2`.
pub(crate) fn numbered(name: &str, number: usize) -> Ident {
    format_ident!("{name}{number}")
}

/// The lifetime parameter of views: `'a`, unless the struct uses that name in a `for<'a>`.
pub(crate) fn lifetime(input: &impl ToTokens) -> Lifetime {
    let taken = input.to_token_stream().to_string().contains("'a");
    Lifetime::new(if taken { "'shared" } else { "'a" }, Span::call_site())
}
