//! `impl SharedColumns`: the same view types as for a struct of slices, with whole records gathered and scattered.

use super::layout::place_with;
use super::{allowances, const_block, preview, views};
use crate::generics::Scopes;
use crate::model::Model;
use crate::names;
use proc_macro2::TokenStream;
use quote::quote;

/// Everything that `#[derive(SharedColumns)]` generates for a struct without mistakes.
pub(crate) fn expand(model: &Model) -> TokenStream {
    let scopes = Scopes::of(model);
    let view = views::view(model, &scopes, false);
    let view_mut = views::view_mut(model, &scopes, false);
    let fields = views::fields(model, &scopes, false);
    let records = records(model, &scopes);
    let hidden = const_block(&[
        views::impls(model, &scopes),
        plan(model, &scopes),
        implementation(model, &scopes),
    ]);
    quote!(#view #view_mut #fields #records #hidden)
}

/// `len`, `is_empty`, `get` and `set`: methods that users call, so they stand outside the `const` block, with docs. Generated
/// code calls nothing by `.len()`: a trait of the user's may have a method of that name for every type.
fn records(model: &Model, scopes: &Scopes) -> TokenStream {
    let vis = &model.vis;
    let (view, view_mut) = (&model.names.view, &model.names.view_mut);
    let (generics, parameters, clause) = scopes.full_view.split_for_impl();
    let names: Vec<_> = model.fields.iter().map(|field| &field.name).collect();
    let (record, own) = (&model.name, &model.own);
    let gathered = format!("Record `i` as a [`{record}`], gathered from all columns.");
    let first = names.first();
    let reads = quote! {
        /// Number of records.
        #[must_use]
        #[inline]
        #vis fn len(&self) -> ::core::primitive::usize {
            <[_]>::len(&self.#first)
        }

        /// Whether there is no record.
        #[must_use]
        #[inline]
        #vis fn is_empty(&self) -> ::core::primitive::bool {
            <[_]>::is_empty(&self.#first)
        }

        #[doc = #gathered]
        ///
        /// # Panics
        /// When there is no such record.
        #[must_use]
        #[inline]
        #vis fn get(&self, i: ::core::primitive::usize) -> #own {
            #record { #(#names: self.#names[i],)* }
        }
    };
    let allow = allowances();
    quote! {
        #allow
        impl #generics #view #parameters #clause {
            #reads
        }

        #allow
        impl #generics #view_mut #parameters #clause {
            #reads

            /// Scatters a record to all columns, as record `i`.
            ///
            /// # Panics
            /// When there is no such record.
            #[inline]
            #vis fn set(&mut self, i: ::core::primitive::usize, record: #own) {
                #(self.#names[i] = record.#names;)*
            }
        }
    }
}

fn plan(model: &Model, scopes: &Scopes) -> TokenStream {
    let name = &model.names.plan;
    let (generics, clause) = (&scopes.full, &scopes.full.where_clause);
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

fn implementation(model: &Model, scopes: &Scopes) -> TokenStream {
    let (name, krate) = (&model.name, &model.krate);
    let (generics, parameters, clause) = scopes.full.split_for_impl();
    let placing = placing(model, scopes);
    let views = view_items(model, scopes);
    let copying = copying(model);
    let preview = preview::body(model);
    let checks = model.fields.iter().filter_map(|field| field.check(model));
    quote! {
        fn __check_elements #generics() #clause {
            #(#checks)*
        }

        // SAFETY: every item calls the same item of each column's layout exactly once, with that column's part of the plan,
        // and all columns have `len` elements; the rest as for a derived `SharedLayout`.
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

/// `plan`, `len` and `span`.
fn placing(model: &Model, scopes: &Scopes) -> TokenStream {
    let (private, plan) = (model.private(), &model.names.plan);
    let (_, parameters, _) = scopes.full.split_for_impl();
    let names = model
        .fields
        .iter()
        .map(|field| names::plan_field(&field.name));
    let places = model
        .fields
        .iter()
        .map(|field| place_with(field, model, &quote!(len)));
    quote! {
        type Plan = #plan #parameters;

        fn plan(len: ::core::primitive::usize, placer: &mut #private::Placer) -> #private::Result<Self::Plan> {
            #private::Result::Ok(#plan {
                len,
                first_leaf: #private::Placer::position(placer),
                #(#names: #places,)*
                end_leaf: #private::Placer::position(placer),
            })
        }

        #[inline]
        fn len(plan: &Self::Plan) -> ::core::primitive::usize {
            plan.len
        }

        #[inline]
        fn span(plan: &Self::Plan) -> ::core::ops::Range<::core::primitive::usize> {
            plan.first_leaf..plan.end_leaf
        }
    }
}

/// `view`, `view_mut`, `part` and `fields` with their types.
fn view_items(model: &Model, scopes: &Scopes) -> TokenStream {
    let (private, life) = (model.private(), &model.lifetime);
    let (view, view_mut, handles) = (
        &model.names.view,
        &model.names.view_mut,
        &model.names.fields,
    );
    let (_, of_view, _) = scopes.view.split_for_impl();
    let (_, of_fields, _) = scopes.full_view.split_for_impl();
    let names: Vec<_> = model.fields.iter().map(|field| &field.name).collect();
    let plans: Vec<_> = model
        .fields
        .iter()
        .map(|field| names::plan_field(&field.name))
        .collect();
    let layouts: Vec<_> = model
        .fields
        .iter()
        .map(|field| field.as_layout(model))
        .collect();
    quote! {
        type View<#life> = #view #of_view;
        type ViewMut<#life> = #view_mut #of_view;
        type Fields<#life> = #handles #of_fields;

        #[inline]
        unsafe fn view<#life>(plan: &Self::Plan, base: #private::Base<#life>) -> Self::View<#life> {
            #view {
                // SAFETY: passed on from the caller; the column's plan is a part of the whole plan.
                #(#names: unsafe { #layouts::view(&plan.#plans, base) },)*
            }
        }

        #[inline]
        unsafe fn view_mut<#life>(plan: &Self::Plan, base: #private::BaseMut<#life>) -> Self::ViewMut<#life> {
            #view_mut {
                // SAFETY: passed on from the caller; the columns' plans have no leaf in common.
                #(#names: unsafe { #layouts::view_mut(&plan.#plans, base) },)*
            }
        }

        #[inline]
        unsafe fn part<#life>(
            plan: &Self::Plan,
            base: #private::BaseMut<#life>,
            rows: ::core::ops::Range<::core::primitive::usize>,
        ) -> Self::ViewMut<#life> {
            #view_mut {
                // SAFETY: passed on from the caller, for these rows; the columns' plans have no leaf in common.
                #(#names: unsafe { #layouts::view_mut(&#private::part_of(&plan.#plans, &rows), base) },)*
            }
        }

        unsafe fn fields<#life>(plan: &#life Self::Plan, handle: #private::Handle<#life>) -> Self::Fields<#life> {
            #handles {
                // SAFETY: passed on from the caller; the columns' plans are parts of the whole with no leaf in common.
                #(#names: unsafe { #private::field(handle, &plan.#plans) },)*
            }
        }
    }
}

/// `store` and `load`: column by column, so that each is written or read in one sweep.
fn copying(model: &Model) -> TokenStream {
    let private = model.private();
    let name = &model.name;
    let names: Vec<_> = model.fields.iter().map(|field| &field.name).collect();
    quote! {
        unsafe fn store(plan: &Self::Plan, base: #private::BaseMut<'_>, owned: &[Self]) {
            // SAFETY: passed on from the caller.
            let mut view = unsafe { <Self as #private::SharedColumns>::view_mut(plan, base) };
            #(
                for (value, record) in ::core::iter::Iterator::zip(<[_]>::iter_mut(&mut view.#names), owned) {
                    *value = record.#names;
                }
            )*
        }

        unsafe fn load(plan: &Self::Plan, base: #private::Base<'_>) -> #private::Vec<Self> {
            // SAFETY: passed on from the caller.
            let view = unsafe { <Self as #private::SharedColumns>::view(plan, base) };
            let record = |i: ::core::primitive::usize| #name { #(#names: view.#names[i],)* };
            ::core::iter::Iterator::collect(::core::iter::Iterator::map(0..plan.len, record))
        }
    }
}
