//! `impl SharedColumns`, and methods of its views that read and write whole records.

use super::{allow_lints, const_block, files, print, views};
use crate::generics::ItemGenerics;
use crate::model::Model;
use crate::names;
use proc_macro2::TokenStream;
use quote::quote;

/// All code of `#[derive(SharedColumns)]` for a struct without errors.
pub(crate) fn expand(model: &Model) -> TokenStream {
    let params = ItemGenerics::new(model);
    let view = views::view(model, &params, false);
    let view_mut = views::view_mut(model, &params, false);
    let fields = views::fields(model, &params, false);
    let records = records(model, &params);
    let hidden = const_block(&[
        views::impls(model, &params),
        plan(model, &params),
        implementation(model, &params),
        files::columns(model, &params),
    ]);
    quote!(#view #view_mut #fields #records #hidden)
}

/// The methods `len`, `is_empty`, `get` and `set`. Users call them, so they are outside the `const` block and have docs. Generated
/// code does not use the syntax `x.len()`, because a trait of the user's may have a method of that name for every type.
fn records(model: &Model, params: &ItemGenerics) -> TokenStream {
    let vis = &model.vis;
    let (view, view_mut) = (&model.names.view, &model.names.view_mut);
    let (generics, parameters, clause) = params.full_view.split_for_impl();
    let names: Vec<_> = model.fields.iter().map(|field| &field.name).collect();
    let (record, self_type) = (&model.name, &model.self_type);
    let gathered = format!("Record `i` as a [`{record}`], gathered from the columns.");
    let first = names.first();
    let reads = quote! {
        /// Number of records.
        #[must_use]
        #[inline]
        #vis fn len(&self) -> ::core::primitive::usize {
            <[_]>::len(&self.#first)
        }

        /// Whether there are no records.
        #[must_use]
        #[inline]
        #vis fn is_empty(&self) -> ::core::primitive::bool {
            <[_]>::is_empty(&self.#first)
        }

        #[doc = #gathered]
        ///
        /// # Panics
        /// If `i` is out of bounds.
        #[must_use]
        #[inline]
        #vis fn get(&self, i: ::core::primitive::usize) -> #self_type {
            #record { #(#names: self.#names[i],)* }
        }
    };
    let allow = allow_lints();
    quote! {
        #allow
        impl #generics #view #parameters #clause {
            #reads
        }

        #allow
        impl #generics #view_mut #parameters #clause {
            #reads

            /// Replaces record `i`: writes each field to its column.
            ///
            /// # Panics
            /// If `i` is out of bounds.
            #[inline]
            #vis fn set(&mut self, i: ::core::primitive::usize, record: #self_type) {
                #(self.#names[i] = record.#names;)*
            }
        }
    }
}

fn plan(model: &Model, params: &ItemGenerics) -> TokenStream {
    let name = &model.names.plan;
    let (generics, clause) = (&params.full, &params.full.where_clause);
    let fields = model.fields.iter().map(|field| {
        let (name, plan) = (names::plan_field(&field.name), field.plan(model));
        quote!(#name: #plan)
    });
    quote! {
        pub struct #name #generics #clause {
            len: ::core::primitive::usize,
            first_leaf: ::core::primitive::usize,
            #(#fields,)*
            end_leaf: ::core::primitive::usize,
        }
    }
}

fn implementation(model: &Model, params: &ItemGenerics) -> TokenStream {
    let (name, krate) = (&model.name, &model.krate);
    let (generics, parameters, clause) = params.full.split_for_impl();
    let placing = placing(model, params);
    let views = view_items(model, params);
    let copying = copying(model);
    let preview = print::preview_body(model);
    quote! {
        // SAFETY: as for a derived `SharedLayout`, with the columns in place of the fields. All columns have `len` elements, and
        // `part` references those of the given rows only.
        #[automatically_derived]
        unsafe impl #generics #krate::SharedColumns for #name #parameters #clause {
            #placing
            #views
            #copying

            fn preview(view: Self::View<'_>, f: &mut dyn ::core::fmt::Write) -> ::core::fmt::Result {
                #preview
            }
        }
    }
}

/// `plan`, `len` and `leaves`.
fn placing(model: &Model, params: &ItemGenerics) -> TokenStream {
    let (krate, private, plan) = (&model.krate, model.private(), &model.names.plan);
    let (_, parameters, _) = params.full.split_for_impl();
    let names = model
        .fields
        .iter()
        .map(|field| names::plan_field(&field.name));
    let places = model
        .fields
        .iter()
        .map(|field| field.place(model, &quote!(len)));
    quote! {
        type Plan = #plan #parameters;

        fn plan(
            len: ::core::primitive::usize,
            placer: &mut #private::Placer,
        ) -> ::core::result::Result<Self::Plan, #krate::Error> {
            ::core::result::Result::Ok(#plan {
                len,
                first_leaf: <#private::Placer>::position(placer),
                #(#names: #places,)*
                end_leaf: <#private::Placer>::position(placer),
            })
        }

        #[inline]
        fn len(plan: &Self::Plan) -> ::core::primitive::usize {
            plan.len
        }

        #[inline]
        fn leaves(plan: &Self::Plan) -> ::core::ops::Range<::core::primitive::usize> {
            plan.first_leaf..plan.end_leaf
        }
    }
}

/// `view`, `view_mut`, `part` and `fields` with their types.
fn view_items(model: &Model, params: &ItemGenerics) -> TokenStream {
    let (private, life) = (model.private(), &model.lifetime);
    let (view, view_mut, handles) = (
        &model.names.view,
        &model.names.view_mut,
        &model.names.fields,
    );
    let (_, of_view, _) = params.view.split_for_impl();
    let (_, of_fields, _) = params.full_view.split_for_impl();
    let names: Vec<_> = model.fields.iter().map(|field| &field.name).collect();
    let plans: Vec<_> = model
        .fields
        .iter()
        .map(|field| names::plan_field(&field.name))
        .collect();
    let layouts: Vec<_> = model.fields.iter().map(|field| field.plan(model)).collect();
    quote! {
        type View<#life> = #view #of_view;
        type ViewMut<#life> = #view_mut #of_view;
        type Fields<#life> = #handles #of_fields;

        #[inline]
        unsafe fn view<#life>(plan: &Self::Plan, base: #private::Base<#life>) -> Self::View<#life> {
            #view {
                // SAFETY: guaranteed by the caller; the column's plan is a part of the whole plan.
                #(#names: unsafe { <#layouts>::view(&plan.#plans, base) },)*
            }
        }

        #[inline]
        unsafe fn view_mut<#life>(plan: &Self::Plan, base: #private::BaseMut<#life>) -> Self::ViewMut<#life> {
            #view_mut {
                // SAFETY: guaranteed by the caller; the columns' plans have no leaf in common.
                #(#names: unsafe { <#layouts>::view_mut(&plan.#plans, base) },)*
            }
        }

        #[inline]
        unsafe fn part<#life>(
            plan: &Self::Plan,
            base: #private::BaseMut<#life>,
            rows: ::core::ops::Range<::core::primitive::usize>,
        ) -> Self::ViewMut<#life> {
            #view_mut {
                // SAFETY: guaranteed by the caller, for these rows; the columns' plans have no leaf in common.
                #(#names: unsafe { <#layouts>::column_part(&plan.#plans, base, &rows) },)*
            }
        }

        unsafe fn fields<#life>(plan: &#life Self::Plan, handle: #private::Handle<#life>) -> Self::Fields<#life> {
            #handles {
                // SAFETY: guaranteed by the caller; the columns' plans are parts of the whole plan with no leaf in common.
                #(#names: unsafe { <#layouts>::field(&plan.#plans, handle) },)*
            }
        }
    }
}

/// `stack_columns`, `store` and `load`.
fn copying(model: &Model) -> TokenStream {
    let (krate, private, name) = (&model.krate, model.private(), &model.name);
    let names: Vec<_> = model.fields.iter().map(|field| &field.name).collect();
    let texts = model.fields.iter().map(|field| names::unraw(&field.name));
    let life = &model.lifetime;
    quote! {
        fn stack_columns<#life>(records: &#life [Self], into: &mut #private::StackParts<#life>) {
            #(<#private::StackParts<#life>>::column(into, #texts, records, |record: &Self| record.#names);)*
        }

        unsafe fn store(plan: &Self::Plan, base: #private::BaseMut<'_>, owned: &[Self]) {
            // SAFETY: guaranteed by the caller.
            let mut view = unsafe { <Self as #krate::SharedColumns>::view_mut(plan, base) };
            #(
                for (value, record) in ::core::iter::Iterator::zip(<[_]>::iter_mut(&mut view.#names), owned) {
                    *value = record.#names;
                }
            )*
        }

        unsafe fn load(plan: &Self::Plan, base: #private::Base<'_>) -> #private::Vec<Self> {
            // SAFETY: guaranteed by the caller.
            let view = unsafe { <Self as #krate::SharedColumns>::view(plan, base) };
            let record = |i: ::core::primitive::usize| #name { #(#names: view.#names[i],)* };
            ::core::iter::Iterator::collect(::core::iter::Iterator::map(0..plan.len, record))
        }
    }
}
