//! `XView`, `XViewMut` and `XFields`: one struct each, with the fields of the user's struct.

use super::allowances;
use crate::generics::Scopes;
use crate::model::{Field, Model};
use crate::names;
use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::{Generics, Lifetime};

type FieldType = fn(&Field, &Model, &Lifetime) -> TokenStream;

/// What readers get.
pub(super) fn view(model: &Model, scopes: &Scopes, stub: bool) -> TokenStream {
    let docs = format!(
        "A shared [`{}`] for reading: plain references into node memory.",
        model.name
    );
    definition(
        model,
        &model.names.view,
        &scopes.view,
        &docs,
        Field::view,
        stub,
    )
}

/// What the closure of an update gets.
pub(super) fn view_mut(model: &Model, scopes: &Scopes, stub: bool) -> TokenStream {
    let docs = format!(
        "A shared [`{}`] inside the closure of an update: the fields that are used mutably are sent to the other nodes.",
        model.name
    );
    definition(
        model,
        &model.names.view_mut,
        &scopes.view,
        &docs,
        Field::view_mut,
        stub,
    )
}

/// Disjoint handles.
pub(super) fn fields(model: &Model, scopes: &Scopes, stub: bool) -> TokenStream {
    let docs = format!(
        "One handle for each field of a shared [`{}`]: one can be read while another is written.",
        model.name
    );
    definition(
        model,
        &model.names.fields,
        &scopes.full_view,
        &docs,
        Field::handle,
        stub,
    )
}

fn definition(
    model: &Model,
    name: &Ident,
    generics: &Generics,
    docs: &str,
    field_type: FieldType,
    stub: bool,
) -> TokenStream {
    let vis = &model.vis;
    let clause = &generics.where_clause;
    let allow = allowances();
    let fields = model.fields.iter().map(|field| {
        let (docs, vis, name) = (field.docs(), &field.vis, &field.name);
        let ty = if field.refused {
            refused(field, &model.lifetime)
        } else {
            field_type(field, model, &model.lifetime)
        };
        quote!(#docs #vis #name: #ty)
    });
    let unused = stub.then(|| {
        let life = &model.lifetime;
        let types = generics.type_params().map(|param| &param.ident);
        quote!(#[doc(hidden)] __unused: ::core::marker::PhantomData<(&#life (), #(fn() -> #types),*)>,)
    });
    quote! {
        #[doc = #docs]
        #allow
        #vis struct #name #generics #clause {
            #(#fields,)*
            #unused
        }
    }
}

/// In stubs: something that every type allows, so that its use makes no second message.
fn refused(field: &Field, life: &Lifetime) -> TokenStream {
    let ty = &field.ty;
    quote!(&#life #ty)
}

/// `Clone` and `Copy` of the view, `Debug` of all three.
pub(super) fn impls(model: &Model, scopes: &Scopes) -> TokenStream {
    let copy = copy(model, scopes);
    let names = &model.names;
    let view = debug(model, &names.view, &scopes.view);
    let view_mut = debug(model, &names.view_mut, &scopes.view);
    let fields = debug(model, &names.fields, &scopes.full_view);
    quote!(#copy #view #view_mut #fields)
}

pub(super) fn copy(model: &Model, scopes: &Scopes) -> TokenStream {
    let name = &model.names.view;
    let (generics, parameters, clause) = scopes.view.split_for_impl();
    quote! {
        #[automatically_derived]
        impl #generics ::core::clone::Clone for #name #parameters #clause {
            #[inline]
            fn clone(&self) -> Self {
                *self
            }
        }

        #[automatically_derived]
        impl #generics ::core::marker::Copy for #name #parameters #clause {}
    }
}

/// Every field that has `Debug` prints, whatever the others have; so the impl asks for no bound.
fn debug(model: &Model, name: &Ident, generics: &Generics) -> TokenStream {
    let private = model.private();
    let text = name.to_string();
    let (generics, parameters, clause) = generics.split_for_impl();
    let names: Vec<_> = model.fields.iter().map(|field| &field.name).collect();
    let texts = names.iter().map(|name| names::text(name));
    quote! {
        #[automatically_derived]
        impl #generics ::core::fmt::Debug for #name #parameters #clause {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                use #private::{ShowDebug as _, ShowNothing as _};
                let fields = [#((#texts, (&#private::Show(&self.#names)).pshmem_show())),*];
                #private::debug_struct(f, #text, &fields)
            }
        }
    }
}
