//! Printing: `Preview` of the struct, for `{}` of a shared object, and `Debug` of the generated types.

use crate::generics::ItemGenerics;
use crate::model::{Field, Model};
use crate::names;
use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::Generics;

/// `impl Preview`, which prints one line for each field.
pub(super) fn preview(model: &Model, params: &ItemGenerics) -> TokenStream {
    let (name, krate) = (&model.name, &model.krate);
    let (generics, parameters, clause) = params.full.split_for_impl();
    let body = preview_body(model);
    quote! {
        #[automatically_derived]
        impl #generics #krate::Preview for #name #parameters #clause {
            fn preview(view: Self::View<'_>, f: &mut dyn ::core::fmt::Write) -> ::core::fmt::Result {
                #body
            }
        }
    }
}

/// The body of `preview`. Fields whose values have no `Debug` print as `..`.
pub(super) fn preview_body(model: &Model) -> TokenStream {
    let private = model.private();
    let lines = model.fields.iter().enumerate().map(|(index, field): (usize, &Field)| {
        let (name, text, layout) = (&field.name, names::unraw(&field.name), field.layout(model));
        let first = index == 0;
        quote! {
            #private::preview_field(f, #first, #text, |f| (&#private::PreviewOf::<#layout>::new()).pshmem_preview(view.#name, f))?;
        }
    });
    quote! {
        use #private::{WithoutPreview as _, WithPreview as _};
        #(#lines)*
        ::core::result::Result::Ok(())
    }
}

/// `impl Debug` for a generated type, without bounds: fields whose values have no `Debug` print as `..`.
pub(super) fn debug(
    model: &Model,
    fields: &[&Field],
    name: &Ident,
    generics: &Generics,
) -> TokenStream {
    let private = model.private();
    let text = name.to_string();
    let (generics, parameters, clause) = generics.split_for_impl();
    let names: Vec<_> = fields.iter().map(|field| &field.name).collect();
    let texts = names.iter().map(|name| names::unraw(name));
    quote! {
        #[automatically_derived]
        impl #generics ::core::fmt::Debug for #name #parameters #clause {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                use #private::{WithDebug as _, WithoutDebug as _};
                let fields = [#((#texts, (&#private::DebugOf(&self.#names)).pshmem_debug())),*];
                #private::debug_struct(f, #text, &fields)
            }
        }
    }
}
