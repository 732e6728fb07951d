//! The structs `XView`, `XViewMut` and `XFields`, each with the fields of the user's struct.

use super::allow_lints;
use super::print::debug;
use crate::generics::ItemGenerics;
use crate::model::{Field, Model};
use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::{Generics, Lifetime};

pub(super) type FieldType = fn(&Field, &Model, &Lifetime) -> TokenStream;

/// The view for reading.
pub(super) fn view(model: &Model, params: &ItemGenerics, is_fallback: bool) -> TokenStream {
    let docs = format!(
        "Read access to a shared [`{}`]: references into node memory.",
        model.name
    );
    definition(
        model,
        &model.all_fields(),
        &model.names.view,
        &params.view,
        &docs,
        Field::view,
        is_fallback,
    )
}

/// The view for the closure of an update.
pub(super) fn view_mut(model: &Model, params: &ItemGenerics, is_fallback: bool) -> TokenStream {
    let docs = format!(
        "Write access to a shared [`{}`] in the closure of an update. Fields that are borrowed mutably are sent to other nodes.",
        model.name
    );
    definition(
        model,
        &model.all_fields(),
        &model.names.view_mut,
        &params.view,
        &docs,
        Field::view_mut,
        is_fallback,
    )
}

/// The handles to the fields.
pub(super) fn fields(model: &Model, params: &ItemGenerics, is_fallback: bool) -> TokenStream {
    let docs = format!(
        "Handles to the fields of a shared [`{}`]. One field can be read while another is written.",
        model.name
    );
    definition(
        model,
        &model.all_fields(),
        &model.names.fields,
        &params.full_view,
        &docs,
        Field::handle,
        is_fallback,
    )
}

/// A struct with one field for each of `fields`.
pub(super) fn definition(
    model: &Model,
    fields: &[&Field],
    name: &Ident,
    generics: &Generics,
    docs: &str,
    field_type: FieldType,
    is_fallback: bool,
) -> TokenStream {
    let vis = &model.vis;
    let clause = &generics.where_clause;
    let allow = allow_lints();
    let fields = fields.iter().map(|field| {
        let (docs, vis, name) = (field.docs(), &field.vis, &field.name);
        let ty = if field.unsupported {
            placeholder(field, &model.lifetime)
        } else {
            field_type(field, model, &model.lifetime)
        };
        quote!(#docs #vis #name: #ty)
    });
    // Fallback views may leave parameters unused, which would be an error of its own.
    let unused = is_fallback.then(|| {
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

/// The type of an unsupported field in fallback code. It is valid for every type, so it causes no further errors.
fn placeholder(field: &Field, life: &Lifetime) -> TokenStream {
    let ty = &field.ty;
    quote!(&#life #ty)
}

/// `Clone` and `Copy` of the view, `Debug` of all three.
pub(super) fn impls(model: &Model, params: &ItemGenerics) -> TokenStream {
    let copy = copy(model, params);
    let names = &model.names;
    let all = model.all_fields();
    let view = debug(model, &all, &names.view, &params.view);
    let view_mut = debug(model, &all, &names.view_mut, &params.view);
    let fields = debug(model, &all, &names.fields, &params.full_view);
    quote!(#copy #view #view_mut #fields)
}

pub(super) fn copy(model: &Model, params: &ItemGenerics) -> TokenStream {
    let name = &model.names.view;
    let (generics, parameters, clause) = params.view.split_for_impl();
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
