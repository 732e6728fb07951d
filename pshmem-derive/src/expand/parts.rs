//! `impl RowLayout` for a struct with `rows = n`, and the struct `XPart` with the rows of one rank, under the condition that each
//! nested field with rows has parts.
//!
//! Composites are left out of the part: their rows have no fixed length, so a rank cannot write some of them alone.

use super::views;
use crate::generics::{ItemGenerics, with_conditions_of_part};
use crate::kind::Kind;
use crate::model::{Field, Model};
use crate::names;
use proc_macro2::TokenStream;
use quote::quote;

/// The part, or nothing if no field is in it.
pub(super) fn definition(model: &Model, params: &ItemGenerics, is_fallback: bool) -> TokenStream {
    let fields = model.fields_of_part();
    let Some(rows) = model.rows.as_ref().filter(|_| !fields.is_empty()) else {
        return TokenStream::new();
    };
    let docs = format!(
        "The rows of one rank of a shared [`{}`], for the closure of `update_parts`: those of each field whose extents begin with \
         `{}`.",
        model.name, rows.value
    );
    views::definition(
        model,
        &fields,
        &model.names.part,
        &params.part,
        &docs,
        Field::part,
        is_fallback,
    )
}

/// `impl RowLayout`, and `Debug` of the part.
pub(super) fn impls(model: &Model, params: &ItemGenerics) -> TokenStream {
    let fields = model.fields_of_part();
    let Some(rows) = model.dim_of_rows().filter(|_| !fields.is_empty()) else {
        return TokenStream::new();
    };
    let (name, krate, private) = (&model.name, &model.krate, model.private());
    let (part, life) = (&model.names.part, &model.lifetime);
    let conditional = with_conditions_of_part(&params.full, model);
    let (generics, parameters, clause) = conditional.split_for_impl();
    let (_, of_part, _) = params.part.split_for_impl();
    let leaves = fields.iter().map(|field| {
        let (text, plan) = (names::unraw(&field.name), names::plan_field(&field.name));
        let function = function(field, model, &quote!(row_leaves));
        quote!(#function(&plan.#plan, #text, into);)
    });
    let parts = fields.iter().map(|field| {
        let (name, plan) = (&field.name, names::plan_field(&field.name));
        let function = function(field, model, &quote!(part));
        quote!(#name: unsafe { #function(&plan.#plan, base, &rows) },)
    });
    let debug = super::print::debug(model, &fields, part, &params.part);
    quote! {
        #debug

        // SAFETY: the leaves and the parts are those of fields, whose plans have no leaf in common; `row_leaves` and `part` call the
        // functions of the same name once for the same fields. pshmem compares the number of rows of each of them with `rows`. As for
        // `SharedLayout`, this holds for every module that the user names as pshmem.
        #[automatically_derived]
        unsafe impl #generics #krate::RowLayout for #name #parameters #clause {
            type Part<#life> = #part #of_part;

            #[inline]
            fn rows(plan: &<Self as #private::Planned>::Plan) -> ::core::primitive::usize {
                plan.dims.#rows
            }

            fn row_leaves(plan: &<Self as #private::Planned>::Plan, into: &mut #private::RowLeaves) {
                #(#leaves)*
            }

            unsafe fn part<#life>(
                plan: &<Self as #private::Planned>::Plan,
                base: #private::BaseMut<#life>,
                rows: ::core::ops::Range<::core::primitive::usize>,
            ) -> Self::Part<#life> {
                #part {
                    // SAFETY: guaranteed by the caller, for these rows; the fields' plans have no leaf in common.
                    #(#parts)*
                }
            }
        }
    }
}

/// The same for a struct with errors: never run.
pub(super) fn fallback(model: &Model, params: &ItemGenerics) -> TokenStream {
    if model.dim_of_rows().is_none() || model.fields_of_part().is_empty() {
        return TokenStream::new();
    }
    let (name, krate, private) = (&model.name, &model.krate, model.private());
    let (part, life) = (&model.names.part, &model.lifetime);
    let conditional = with_conditions_of_part(&params.full, model);
    let (generics, parameters, clause) = conditional.split_for_impl();
    let (_, of_part, _) = params.part.split_for_impl();
    quote! {
        // SAFETY: never called, because the errors stop the compilation.
        #[automatically_derived]
        unsafe impl #generics #krate::RowLayout for #name #parameters #clause {
            type Part<#life> = #part #of_part;
            fn rows(_: &()) -> ::core::primitive::usize { ::core::unreachable!() }
            fn row_leaves(_: &(), _: &mut #private::RowLeaves) {}
            unsafe fn part<#life>(
                _: &(),
                _: #private::BaseMut<#life>,
                _: ::core::ops::Range<::core::primitive::usize>,
            ) -> Self::Part<#life> { ::core::unreachable!() }
        }
    }
}

/// A function of the field's plan. That of a nested field has the number of the field, as the bound of the implementation.
fn function(field: &Field, model: &Model, name: &TokenStream) -> TokenStream {
    let plan = field.plan(model);
    if matches!(field.kind, Kind::Columns | Kind::Layout) {
        let index = model.index_of(field);
        return quote!(<#plan>::#name::<#index>);
    }
    quote!(<#plan>::#name)
}
