//! The struct `XDims`, which holds the extents of a struct `X`.

use super::allow_lints;
use crate::generics::ItemGenerics;
use crate::model::{Field, Model};
use crate::names;
use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::Visibility;

/// One field of `XDims`.
struct DimsField {
    docs: TokenStream,
    vis: Visibility,
    name: Ident,
    ty: TokenStream,
}

/// The declared dims, or one field for each container and nested struct.
fn dims_fields(model: &Model) -> Vec<DimsField> {
    if let Some(declared) = &model.dims {
        let named = declared.value.iter().map(|dim| {
            let docs = &dim.docs;
            let text = format!("The dim `{}`.", names::unraw(&dim.name));
            DimsField {
                docs: if docs.is_empty() {
                    quote!(#[doc = #text])
                } else {
                    quote!(#(#docs)*)
                },
                vis: Visibility::Public(syn::token::Pub::default()),
                name: dim.name.clone(),
                ty: quote!(::core::primitive::usize),
            }
        });
        return named.collect();
    }
    let of_field = |field: &Field| {
        let text = format!("Extents of `{}`.", names::unraw(&field.name));
        DimsField {
            docs: quote!(#[doc = #text]),
            vis: field.vis.clone(),
            name: field.name.clone(),
            ty: field.dims_type(model),
        }
    };
    model
        .fields
        .iter()
        .filter(|field| field.has_dims())
        .map(of_field)
        .collect()
}

/// The struct, or nothing if there are no extents.
pub(super) fn definition(model: &Model, params: &ItemGenerics) -> TokenStream {
    if !model.has_dims() {
        return TokenStream::new();
    }
    let (vis, name) = (&model.vis, &model.names.dims);
    let (generics, clause) = (&params.dims, &params.dims.where_clause);
    let text = format!("Extents of a shared [`{}`].", model.name);
    let allow = allow_lints();
    let fields = dims_fields(model).into_iter().map(
        |DimsField {
             docs,
             vis,
             name,
             ty,
         }| quote!(#docs #vis #name: #ty),
    );
    quote! {
        #[doc = #text]
        #allow
        #vis struct #name #generics #clause {
            #(#fields,)*
        }
    }
}

/// The type of the extents: `XDims`, or `()`.
pub(super) fn type_of(model: &Model, params: &ItemGenerics) -> TokenStream {
    if !model.has_dims() {
        return quote!(());
    }
    let name = &model.names.dims;
    let (_, generics, _) = params.dims.split_for_impl();
    quote!(#name #generics)
}

/// `Clone`, `Copy`, `PartialEq`, `Eq` and `Debug`. They are not derived, because a derive would bound the type parameters.
pub(super) fn impls(model: &Model, params: &ItemGenerics) -> TokenStream {
    if !model.has_dims() {
        return TokenStream::new();
    }
    let (ty, private) = (type_of(model, params), model.private());
    let text = model.names.dims.to_string();
    let (generics, _, clause) = params.dims.split_for_impl();
    let names: Vec<_> = dims_fields(model)
        .into_iter()
        .map(|field| field.name)
        .collect();
    let texts = names.iter().map(names::unraw);
    quote! {
        #[automatically_derived]
        impl #generics ::core::clone::Clone for #ty #clause {
            #[inline]
            fn clone(&self) -> Self {
                *self
            }
        }

        #[automatically_derived]
        impl #generics ::core::marker::Copy for #ty #clause {}

        #[automatically_derived]
        impl #generics ::core::cmp::PartialEq for #ty #clause {
            #[inline]
            fn eq(&self, other: &Self) -> ::core::primitive::bool {
                #(self.#names == other.#names)&&*
            }
        }

        #[automatically_derived]
        impl #generics ::core::cmp::Eq for #ty #clause {}

        #[automatically_derived]
        impl #generics ::core::fmt::Debug for #ty #clause {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                #private::debug_struct(f, #text, &[#((#texts, &self.#names)),*])
            }
        }
    }
}
