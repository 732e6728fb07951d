//! Last pass: generates code from the model, with one file for each kind of item.
//!
//! Types that users name are generated next to the struct; `field` has the types of their fields. Everything else is inside one
//! `const` block, which hides its names and switches lints off.

mod columns;
mod dims;
mod extents;
mod fallback;
mod field;
mod files;
mod layout;
mod parts;
mod print;
mod record;
mod stack;
mod views;

use crate::generics::ItemGenerics;
use crate::model::Model;
use proc_macro2::TokenStream;
use quote::quote;

pub(crate) use columns::expand as columns;
pub(crate) use fallback::{columns as columns_fallback, layout as layout_fallback};
pub(crate) use record::expand as record;

/// All code of `#[derive(SharedLayout)]` for a struct without errors.
pub(crate) fn layout(model: &Model) -> TokenStream {
    let params = ItemGenerics::new(model);
    let dims = dims::definition(model, &params);
    let view = views::view(model, &params, false);
    let view_mut = views::view_mut(model, &params, false);
    let fields = views::fields(model, &params, false);
    let part = parts::definition(model, &params, false);
    let hidden = const_block(&[
        dims::impls(model, &params),
        views::impls(model, &params),
        layout::plan(model, &params),
        layout::planned(model, &params),
        extents::functions(model, &params),
        layout::implementation(model, &params),
        print::preview(model, &params),
        files::layout(model, &params),
        stack::layout(model, &params),
        parts::impls(model, &params),
    ]);
    quote!(#dims #view #view_mut #fields #part #hidden)
}

/// Switches off lints about names, visibility and unused items, for the types next to the struct.
pub(crate) fn allow_lints() -> TokenStream {
    quote! {
        #[allow(
            dead_code, nonstandard_style, private_bounds, private_interfaces, single_use_lifetimes, trivial_bounds, unreachable_pub,
            unused_qualifications, clippy::all, clippy::nursery, clippy::pedantic
        )]
    }
}

fn const_block(items: &[TokenStream]) -> TokenStream {
    quote! {
        #[doc(hidden)]
        #[allow(
            dead_code, deprecated, missing_docs, non_local_definitions, nonstandard_style, private_bounds, private_interfaces,
            single_use_lifetimes, trivial_bounds, unreachable_pub, unsafe_code, unused, unused_qualifications,
            clippy::all, clippy::nursery, clippy::pedantic, clippy::undocumented_unsafe_blocks
        )]
        const _: () = {
            #(#items)*
        };
    }
}
