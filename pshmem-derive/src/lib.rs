//! Derive macros of pshmem. Use them through the crate `pshmem`, which re-exports them together with the traits of the same names.
//!
//! `SharedLayout` and `SharedColumns` run in four passes:
//! 1. `attr` parses the `#[shared(..)]` attributes; `shape` parses the extents in them;
//! 2. `model` parses the struct; `kind`, `composite` and `unsupported` classify the type of each field;
//! 3. `validate` checks what depends on the whole struct;
//! 4. `expand` generates code.
//!
//! `Record` is simpler: `record` parses and checks, `expand` generates code. Errors of all passes are collected in `errors` and reported together. `generics`, `names` and `types` are helpers.

mod attr;
mod composite;
mod errors;
mod expand;
mod generics;
#[cfg(test)]
mod golden;
mod instead;
mod kind;
mod model;
mod names;
mod record;
mod shape;
mod types;
mod unsupported;
mod validate;

use errors::Errors;
use model::{Derive, Model};
use proc_macro2::TokenStream;
use record::Record;
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

#[doc = include_str!("../docs/record.md")]
#[proc_macro_derive(Record, attributes(shared))]
pub fn record(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    expand_record(input.into()).into()
}

/// Runs all passes of a layout. Returns the generated code, or the errors and fallback code.
fn expand(input: TokenStream, derive: Derive) -> TokenStream {
    let input: DeriveInput = match syn::parse2(input) {
        Ok(input) => input,
        Err(error) => return error.into_compile_error(),
    };
    let mut errors = Errors::default();
    let model = Model::parse(&input, derive, &mut errors);
    validate::validate(&model, &mut errors);
    let is_valid = errors.is_empty();
    let code = match (derive, is_valid) {
        (Derive::Layout, true) => expand::layout(&model),
        (Derive::Layout, false) => expand::layout_fallback(&model),
        (Derive::Columns, true) => expand::columns(&model),
        (Derive::Columns, false) => expand::columns_fallback(&model),
    };
    let errors = errors.into_tokens();
    quote::quote!(#code #errors)
}

/// Runs both passes of a record. Returns the generated code, or the errors.
fn expand_record(input: TokenStream) -> TokenStream {
    let input: DeriveInput = match syn::parse2(input) {
        Ok(input) => input,
        Err(error) => return error.into_compile_error(),
    };
    let mut errors = Errors::default();
    let record = Record::parse(&input, &mut errors);
    let code = record.as_ref().map(expand::record);
    let errors = errors.into_tokens();
    quote::quote!(#code #errors)
}
