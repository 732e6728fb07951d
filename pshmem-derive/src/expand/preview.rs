//! `impl Preview`: the values that `{}` of a shared struct prints, one line for each field.

use crate::generics::Scopes;
use crate::model::{Field, Model};
use crate::names;
use proc_macro2::TokenStream;
use quote::quote;

pub(super) fn implementation(model: &Model, scopes: &Scopes) -> TokenStream {
    let (name, krate) = (&model.name, &model.krate);
    let (generics, parameters, clause) = scopes.full.split_for_impl();
    let body = body(model);
    quote! {
        #[automatically_derived]
        impl #generics #krate::Preview for #name #parameters #clause {
            fn preview(view: Self::View<'_>, f: &mut dyn ::core::fmt::Write) -> ::core::fmt::Result {
                #body
            }
        }
    }
}

/// Fields whose values have no `Debug` print as `..`: see `Probe`.
pub(super) fn body(model: &Model) -> TokenStream {
    let private = model.private();
    let lines = model.fields.iter().enumerate().map(|(index, field): (usize, &Field)| {
        let (name, text, layout) = (&field.name, names::text(&field.name), field.layout(model));
        let first = index == 0;
        quote! {
            #private::preview_field(f, #first, #text, |f| (&#private::Probe::<#layout>::new()).pshmem_put(view.#name, f))?;
        }
    });
    quote! {
        use #private::{PutNothing as _, PutValues as _};
        #(#lines)*
        ::core::result::Result::Ok(())
    }
}
