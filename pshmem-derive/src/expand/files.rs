//! `impl FileLayout` for a struct and `impl FileColumns` for records, under the condition that each field can be saved.
//!
//! All code here is safe, and pshmem compares what it says with the plan, so it may rest on anything in a module of the user's.

use super::extents;
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
    let dims = extents::from_fields(model, params, model.fields.iter(), |index, field| {
        call(
            index,
            field,
            model,
            &quote!(dims_from_shapes),
            &quote!(shapes),
        )
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
fn dims_type(field: &Field, model: &Model) -> TokenStream {
    if field.has_dims() {
        field.dims_type(model)
    } else {
        quote!(())
    }
}

/// A call of a function of the bound.
fn call(
    index: usize,
    field: &Field,
    model: &Model,
    function: &TokenStream,
    argument: &TokenStream,
) -> TokenStream {
    let private = model.private();
    let (layout, dims) = (field.layout(model), dims_type(field, model));
    let text = names::unraw(&field.name);
    quote!(<#layout as #private::FileField<'_, #index, #dims>>::#function(#text, #argument))
}

fn leaves(model: &Model) -> TokenStream {
    let fields = model.fields.iter().enumerate();
    let calls =
        fields.map(|(index, field)| call(index, field, model, &quote!(file_leaves), &quote!(into)));
    quote!(#(#calls;)*)
}
