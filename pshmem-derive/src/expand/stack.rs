//! `impl StackLayout` for a struct with `rows = n`, under the condition that each field can be stacked or is common.
//!
//! All code here is safe, and pshmem compares what it says with the plan, so it may rest on anything in a module of the user's.

use super::extents::{self, Source};
use super::files::dims_type;
use crate::generics::ItemGenerics;
use crate::kind::Kind;
use crate::model::{Field, Model};
use crate::names;
use crate::types::{first_and_last, last_segment, located_at, type_arguments};
use crate::validate::counts_rows;
use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::{Generics, parse_quote_spanned};

/// `impl StackLayout` and `impl AsRows`, or nothing without `rows = n`.
pub(super) fn layout(model: &Model, params: &ItemGenerics) -> TokenStream {
    let Some(rows) = &model.rows else {
        return TokenStream::new();
    };
    let (name, krate, private) = (&model.name, &model.krate, model.private());
    let conditional = with_conditions(&params.full, model);
    let (generics, parameters, clause) = conditional.split_for_impl();
    let parts = model.fields.iter().map(|field| {
        let function = if counts_rows(field, &rows.value) {
            quote!(rows)
        } else {
            quote!(common)
        };
        let (layout, text) = (as_field(field, model), names::unraw(&field.name));
        let field = &field.name;
        quote!(#layout::#function(#text, &rows.#field, into)?;)
    });
    let fields = model.fields.iter();
    let dims = extents::from_fields(model, params, fields, Source::Value, |field| {
        let (layout, text) = (as_field(field, model), names::unraw(&field.name));
        quote!(#layout::dims_of_stack(#text, shapes))
    });
    quote! {
        #[automatically_derived]
        impl #generics #krate::StackLayout for #name #parameters #clause {
            type Rows<'__rows> = &'__rows Self;

            fn rows_of(owned: &Self) -> &Self {
                owned
            }

            fn parts<'__rows>(
                rows: &'__rows Self,
                into: &mut #private::StackParts<'__rows>,
            ) -> ::core::result::Result<(), #krate::Error> {
                // The fields must not contradict each other.
                <Self as #krate::SharedLayout>::dims_of(rows)?;
                #(#parts)*
                ::core::result::Result::Ok(())
            }

            fn dims_of_stack(
                shapes: &mut #private::StackShapes<'_>,
            ) -> ::core::result::Result<<Self as #krate::SharedLayout>::Dims, #krate::Error> {
                #dims
            }
        }

        #[automatically_derived]
        impl #generics #krate::AsRows<#name #parameters> for #name #parameters #clause {
            fn as_rows(&self) -> &Self {
                self
            }
        }
    }
}

/// Adds one bound for each field, as for files.
fn with_conditions(generics: &Generics, model: &Model) -> Generics {
    let mut generics = generics.clone();
    let clause = generics.make_where_clause();
    for (index, field) in model.fields.iter().enumerate() {
        let (first, last) = first_and_last(&field.ty);
        let (open, close) = (
            Span::call_site().located_at(first),
            Span::call_site().located_at(last),
        );
        let (layout, owned, dims) = (
            field.layout(model),
            owned(field, model),
            dims_type(field, model),
        );
        let private = located_at(&model.private(), last);
        let quantifier = quote_spanned!(open=> for<'__stack>);
        let bound = quote_spanned!(close=> #private::StackField<'__stack, #index, #owned, #dims>);
        clause
            .predicates
            .push(parse_quote_spanned!(close=> #quantifier #layout: #bound));
    }
    generics
}

/// The layout of the field as the trait of the bound, to be followed by a function.
fn as_field(field: &Field, model: &Model) -> TokenStream {
    let (private, index) = (model.private(), model.index_of(field));
    let (layout, owned, dims) = (
        field.layout(model),
        owned(field, model),
        dims_type(field, model),
    );
    quote!(<#layout as #private::StackField<'_, #index, #owned, #dims>>)
}

/// The private value of the field's layout: the type of the field, or the `Vec<P>` in a `Columns<P>`.
fn owned(field: &Field, model: &Model) -> TokenStream {
    let record = match field.kind {
        Kind::Columns => {
            last_segment(&field.ty).and_then(|segment| type_arguments(segment).first().copied())
        }
        _ => None,
    };
    let Some(record) = record else {
        return field.ty.to_token_stream();
    };
    let private = model.private();
    quote!(#private::Vec<#record>)
}
