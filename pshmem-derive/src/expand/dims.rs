//! `XDims`: the extents of a struct.

use super::allowances;
use crate::generics::Scopes;
use crate::model::{Field, Model};
use crate::names;
use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::Visibility;

/// One field of the extents.
struct Part {
    docs: TokenStream,
    vis: Visibility,
    name: Ident,
    ty: TokenStream,
}

/// The named dims, or one part for each container and nested field.
fn parts(model: &Model) -> Vec<Part> {
    if let Some(given) = &model.dims {
        let named = given.value.iter().map(|dim| {
            let docs = &dim.docs;
            let text = format!("The dim `{}`.", names::text(&dim.name));
            Part {
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
        let text = format!("Extents of `{}`.", names::text(&field.name));
        Part {
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

/// The struct, unless there are no extents.
pub(super) fn definition(model: &Model, scopes: &Scopes) -> TokenStream {
    if !model.has_dims() {
        return TokenStream::new();
    }
    let (vis, name) = (&model.vis, &model.names.dims);
    let (generics, clause) = (&scopes.dims, &scopes.dims.where_clause);
    let text = format!("Extents of a shared [`{}`].", model.name);
    let allow = allowances();
    let fields = parts(model).into_iter().map(
        |Part {
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

/// The type of the extents.
pub(super) fn type_of(model: &Model, scopes: &Scopes) -> TokenStream {
    if !model.has_dims() {
        return quote!(());
    }
    let name = &model.names.dims;
    let (_, generics, _) = scopes.dims.split_for_impl();
    quote!(#name #generics)
}

/// `Clone`, `Copy`, `PartialEq`, `Eq`, `Debug`: written out, because a derive would ask the same of the type parameters.
pub(super) fn impls(model: &Model, scopes: &Scopes) -> TokenStream {
    if !model.has_dims() {
        return TokenStream::new();
    }
    let (ty, private) = (type_of(model, scopes), model.private());
    let text = model.names.dims.to_string();
    let (generics, _, clause) = scopes.dims.split_for_impl();
    let names: Vec<_> = parts(model).into_iter().map(|part| part.name).collect();
    let texts = names.iter().map(names::text);
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
