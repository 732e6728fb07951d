//! Last pass: from the model to code, one file for each generated item.
//!
//! Types that users name (`field` says what their fields are) stand beside the struct; everything else is in one `const`
//! block with its own allowances, so that no lint of the user's crate looks at it and no name leaks.

mod columns;
mod dims;
mod extents;
mod field;
mod layout;
mod preview;
mod stub;
mod views;

use crate::generics::Scopes;
use crate::model::Model;
use proc_macro2::TokenStream;
use quote::quote;

pub(crate) use columns::expand as columns;
pub(crate) use stub::{columns as columns_stub, layout as layout_stub};

/// Everything that `#[derive(SharedLayout)]` generates for a struct without mistakes.
pub(crate) fn layout(model: &Model) -> TokenStream {
    let scopes = Scopes::of(model);
    let dims = dims::definition(model, &scopes);
    let view = views::view(model, &scopes, false);
    let view_mut = views::view_mut(model, &scopes, false);
    let fields = views::fields(model, &scopes, false);
    let hidden = const_block(&[
        dims::impls(model, &scopes),
        views::impls(model, &scopes),
        layout::plan(model, &scopes),
        layout::checks(model, &scopes),
        extents::functions(model, &scopes),
        layout::implementation(model, &scopes),
        preview::implementation(model, &scopes),
    ]);
    quote!(#dims #view #view_mut #fields #hidden)
}

/// For types beside the struct: lints that would judge names, visibility or use of what the user did not write.
pub(crate) fn allowances() -> TokenStream {
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
