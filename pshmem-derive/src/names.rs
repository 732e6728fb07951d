//! Every identifier that the derives generate.
//!
//! Types that users name are called after their struct. Everything else lives inside a `const` block or inside a function,
//! where it could still meet a name of the user's (a type `Plan`, a field `span`): these names carry a prefix.

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
    /// Hidden in the `const` block.
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
            plan: format_ident!("__{name}ColumnsPlan"),
        }
    }
}

/// The plan's part for a field.
pub(crate) fn plan_field(field: &Ident) -> Ident {
    format_ident!("field_{}", field.unraw(), span = Span::call_site())
}

/// The function that computes the extents of a field from the dims.
pub(crate) fn extents_of(field: &Ident) -> Ident {
    format_ident!("__extents_of_{}", field.unraw(), span = Span::call_site())
}

/// What `dims_of` found in a field.
pub(crate) fn found(field: &Ident) -> Ident {
    format_ident!("__found_{}", field.unraw(), span = Span::mixed_site())
}

/// A field's name as text, for schemas, errors and prints.
pub(crate) fn text(field: &Ident) -> String {
    field.unraw().to_string()
}

/// The lifetime of views: `'a`, unless the struct uses that name in a `for<'a>`.
pub(crate) fn lifetime(input: &impl ToTokens) -> Lifetime {
    let taken = input.to_token_stream().to_string().contains("'a");
    Lifetime::new(if taken { "'shared" } else { "'a" }, Span::call_site())
}
