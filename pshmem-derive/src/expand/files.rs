//! `impl FileLayout` for a struct and `impl FileColumns` for records, under the condition that each field can be saved.
//!
//! All code here is safe, and pshmem compares what it says with the plan, so it may rest on anything in a module of the user's.

use super::extents::{self, Source};
use crate::generics::ItemGenerics;
use crate::model::{Field, Model};
use crate::names;
use crate::types::{first_and_last, located_at};
use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Generics, parse_quote_spanned};

/// `impl FileLayout`.
pub(super) fn layout(model: &Model, params: &ItemGenerics) -> TokenStream {
    let (name, krate, private) = (&model.name, &model.krate, model.private());
    let conditional = with_conditions(&params.full, model);
    let (generics, parameters, clause) = conditional.split_for_impl();
    let leaves = leaves(model);
    let fields = model.fields.iter();
    let dims = extents::from_fields(model, params, fields, Source::Files, |field| {
        let (layout, text) = (as_field(field, model), names::unraw(&field.name));
        quote!(#layout::dims_from_shapes(#text, shapes))
    });
    quote! {
        #[automatically_derived]
        impl #generics #krate::FileLayout for #name #parameters #clause {
            fn file_leaves(into: &mut #private::FileLeaves) {
                #leaves
            }

            fn dims_from_shapes(
                shapes: &mut #private::LeafShapes<'_>,
            ) -> ::core::result::Result<<Self as #krate::SharedLayout>::Dims, #krate::Error> {
                #dims
            }
        }
    }
}

/// `impl FileColumns`.
pub(super) fn columns(model: &Model, params: &ItemGenerics) -> TokenStream {
    let (name, private) = (&model.name, model.private());
    let conditional = with_conditions(&params.full, model);
    let (generics, parameters, clause) = conditional.split_for_impl();
    let leaves = leaves(model);
    quote! {
        #[automatically_derived]
        impl #generics #private::FileColumns for #name #parameters #clause {
            fn file_columns(into: &mut #private::FileLeaves) {
                #leaves
            }
        }
    }
}

/// Adds one bound for each field. The compiler accepts such a bound although it does not hold, and reports it where the
/// implementation is used.
fn with_conditions(generics: &Generics, model: &Model) -> Generics {
    let mut generics = generics.clone();
    let clause = generics.make_where_clause();
    for (index, field) in model.fields.iter().enumerate() {
        let (first, last) = first_and_last(&field.ty);
        let (open, close) = (
            Span::call_site().located_at(first),
            Span::call_site().located_at(last),
        );
        let (layout, dims) = (field.layout(model), dims_type(field, model));
        let private = located_at(&model.private(), last);
        let quantifier = quote_spanned!(open=> for<'__file>);
        let bound = quote_spanned!(close=> #private::FileField<'__file, #index, #dims>);
        clause
            .predicates
            .push(parse_quote_spanned!(close=> #quantifier #layout: #bound));
    }
    generics
}

/// The type of the field's extents. For a single value, its name needs no bound.
pub(super) fn dims_type(field: &Field, model: &Model) -> TokenStream {
    if field.has_dims() {
        field.dims_type(model)
    } else {
        quote!(())
    }
}

/// The layout of the field as the trait of the bound, to be followed by a function.
pub(super) fn as_field(field: &Field, model: &Model) -> TokenStream {
    let private = model.private();
    let index = model.index_of(field);
    let (layout, dims) = (field.layout(model), dims_type(field, model));
    quote!(<#layout as #private::FileField<'_, #index, #dims>>)
}

fn leaves(model: &Model) -> TokenStream {
    let calls = model.fields.iter().map(|field| {
        let (layout, text) = (as_field(field, model), names::unraw(&field.name));
        quote!(#layout::file_leaves(#text, into))
    });
    quote!(#(#calls;)*)
}
