//! Derive macros of pshmem; use them through `pshmem`, which re-exports them beside the traits of the same names.
//!
//! Passes, one file each: `attr` (attributes as written) · `model` (the struct, with `kind`, `refuse` and `shape`) ·
//! `validate` (what needs the whole struct) · `expand` (code). All mistakes are collected in `errors` and reported together.

mod attr;
mod errors;
mod expand;
mod generics;
#[cfg(test)]
mod golden;
mod kind;
mod model;
mod names;
mod own_type;
mod refuse;
mod shape;
mod text;
mod validate;

use errors::Errors;
use model::{Derive, Model};
use proc_macro2::TokenStream;
use syn::DeriveInput;

#[doc = include_str!("../docs/shared_layout.md")]
#[proc_macro_derive(SharedLayout, attributes(shared))]
pub fn shared_layout(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    expand(input.into(), Derive::Layout).into()
}

#[doc = include_str!("../docs/shared_columns.md")]
#[proc_macro_derive(SharedColumns, attributes(shared))]
pub fn shared_columns(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    expand(input.into(), Derive::Columns).into()
}

/// All passes: the generated code, or all mistakes and stubs in its place.
fn expand(input: TokenStream, derive: Derive) -> TokenStream {
    let input: DeriveInput = match syn::parse2(input) {
        Ok(input) => input,
        Err(error) => return error.into_compile_error(),
    };
    let mut errors = Errors::default();
    let model = Model::parse(&input, derive, &mut errors);
    validate::validate(&model, &mut errors);
    let good = errors.is_empty();
    let code = match (derive, good) {
        (Derive::Layout, true) => expand::layout(&model),
        (Derive::Layout, false) => expand::layout_stub(&model),
        (Derive::Columns, true) => expand::columns(&model),
        (Derive::Columns, false) => expand::columns_stub(&model),
    };
    let errors = errors.into_tokens();
    quote::quote!(#code #errors)
}
