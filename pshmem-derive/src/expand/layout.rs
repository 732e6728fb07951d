//! The plan of a struct and `impl SharedLayout`.

use super::{dims, extents};
use crate::generics::Scopes;
use crate::kind::Kind;
use crate::model::{Field, Model};
use crate::names;
use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

/// The struct that says where everything is: the fields' plans, the extents, and the range of leaves.
pub(super) fn plan(model: &Model, scopes: &Scopes) -> TokenStream {
    let name = &model.names.plan;
    let (generics, clause) = (&scopes.full, &scopes.full.where_clause);
    let dims = dims::type_of(model, scopes);
    let fields = model.fields.iter().map(|field| {
        let (name, plan) = (names::plan_field(&field.name), field.plan(model));
        quote!(#name: #plan)
    });
    quote! {
        pub struct #name #generics #clause {
            dims: #dims,
            first_leaf: ::core::primitive::usize,
            #(#fields,)*
            end_leaf: ::core::primitive::usize,
        }
    }
}

/// `impl Planned`, and one function that is never called, which states that all elements are `Element`s: the functions of
/// `RawLayout` rest on it.
pub(super) fn checks(model: &Model, scopes: &Scopes) -> TokenStream {
    let (name, private, plan) = (&model.name, model.private(), &model.names.plan);
    let (generics, parameters, clause) = scopes.full.split_for_impl();
    let checks = model
        .fields
        .iter()
        .filter(|field| !field.refused)
        .filter_map(|field| field.check(model));
    quote! {
        #[automatically_derived]
        impl #generics #private::Planned for #name #parameters #clause {
            type Plan = #plan #parameters;
        }

        fn __check_elements #generics() #clause {
            #(#checks)*
        }
    }
}

/// How one field is placed: its name in the schema, its alignment, and the plan of its layout with its extents.
fn place(field: &Field, model: &Model, scopes: &Scopes) -> TokenStream {
    place_with(field, model, &extents::of_field(field, model, scopes))
}

/// The same with given extents.
pub(super) fn place_with(field: &Field, model: &Model, dims: &TokenStream) -> TokenStream {
    let private = model.private();
    let text = names::text(&field.name);
    let align = field
        .align
        .as_ref()
        .map_or_else(|| crate::kind::literal(1), Clone::clone);
    let layout = field.as_layout(model);
    quote!(#private::Placer::field(placer, #text, #align, |placer| #layout::plan(&#dims, placer))?)
}

pub(super) fn implementation(model: &Model, scopes: &Scopes) -> TokenStream {
    let (name, krate) = (&model.name, &model.krate);
    let (generics, parameters, clause) = scopes.full.split_for_impl();
    let types = types(model, scopes);
    let placing = placing(model, scopes);
    let dims = extents::items(model, scopes);
    let reading = reading(model);
    let writing = writing(model);
    quote! {
        // SAFETY: every item calls the same item of each field's layout exactly once, with that field's part of the plan,
        // and the fields' plans are made one after the other by one placer. So the leaves are those of the fields, each is
        // referenced and handed out at most once, `first_leaf..end_leaf` is their range, and the fields' own view types
        // mark what is written.
        #[automatically_derived]
        unsafe impl #generics #krate::SharedLayout for #name #parameters #clause {
            #types
            #placing
            #dims
            #reading
            #writing
        }
    }
}

/// The associated types.
fn types(model: &Model, scopes: &Scopes) -> TokenStream {
    let names = &model.names;
    let (view, view_mut, fields) = (&names.view, &names.view_mut, &names.fields);
    let life = &model.lifetime;
    let dims = dims::type_of(model, scopes);
    let (_, of_view, _) = scopes.view.split_for_impl();
    let (_, of_fields, _) = scopes.full_view.split_for_impl();
    quote! {
        type Owned = Self;
        type Dims = #dims;
        type View<#life> = #view #of_view;
        type ViewMut<#life> = #view_mut #of_view;
        type Fields<#life> = #fields #of_fields;
    }
}

/// `plan`, `dims` and `span`.
fn placing(model: &Model, scopes: &Scopes) -> TokenStream {
    let (private, plan) = (model.private(), &model.names.plan);
    let names = model
        .fields
        .iter()
        .map(|field| names::plan_field(&field.name));
    let places = model.fields.iter().map(|field| place(field, model, scopes));
    quote! {
        fn plan(dims: &Self::Dims, placer: &mut #private::Placer) -> #private::Result<<Self as #private::Planned>::Plan> {
            // Fields of a struct literal are evaluated in the order in which they are written.
            #private::Result::Ok(#plan {
                dims: *dims,
                first_leaf: #private::Placer::position(placer),
                #(#names: #places,)*
                end_leaf: #private::Placer::position(placer),
            })
        }

        #[inline]
        fn dims(plan: &<Self as #private::Planned>::Plan) -> Self::Dims {
            plan.dims
        }

        #[inline]
        fn span(plan: &<Self as #private::Planned>::Plan) -> ::core::ops::Range<::core::primitive::usize> {
            plan.first_leaf..plan.end_leaf
        }
    }
}

/// `view` and `load`.
fn reading(model: &Model) -> TokenStream {
    let (private, view, life) = (model.private(), &model.names.view, &model.lifetime);
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
    let loads = model
        .fields
        .iter()
        .zip(&plans)
        .zip(&layouts)
        .map(|((field, plan), layout)| {
            // SAFETY: passed on from the caller; the field's plan is a part of the whole plan.
            let load = quote!(unsafe { #layout::load(&plan.#plan, base) });
            match field.kind {
                // The owned twin of `Columns<P>` is `Vec<P>`; for every other layout this is the identity.
                Kind::Columns => {
                    quote_spanned! {Span::call_site().located_at(field.ty.span())=>
                        ::core::convert::From::from(#load)
                    }
                }
                _ => load,
            }
        });
    quote! {
        #[inline]
        unsafe fn view<#life>(plan: &<Self as #private::Planned>::Plan, base: #private::Base<#life>) -> Self::View<#life> {
            #view {
                // SAFETY: passed on from the caller; the field's plan is a part of the whole plan.
                #(#names: unsafe { #layouts::view(&plan.#plans, base) },)*
            }
        }

        unsafe fn load(plan: &<Self as #private::Planned>::Plan, base: #private::Base<'_>) -> Self {
            Self {
                #(#names: #loads,)*
            }
        }
    }
}

/// `view_mut`, `fields` and `store`.
fn writing(model: &Model) -> TokenStream {
    let (private, life) = (model.private(), &model.lifetime);
    let (view_mut, handles) = (&model.names.view_mut, &model.names.fields);
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
        #[inline]
        unsafe fn view_mut<#life>(plan: &<Self as #private::Planned>::Plan, base: #private::BaseMut<#life>) -> Self::ViewMut<#life> {
            #view_mut {
                // SAFETY: passed on from the caller; the fields' plans have no leaf in common.
                #(#names: unsafe { #layouts::view_mut(&plan.#plans, base) },)*
            }
        }

        unsafe fn fields<#life>(plan: &#life <Self as #private::Planned>::Plan, handle: #private::Handle<#life>) -> Self::Fields<#life> {
            #handles {
                // SAFETY: passed on from the caller; the fields' plans are parts of the whole plan with no leaf in common.
                #(#names: unsafe { #private::field(handle, &plan.#plans) },)*
            }
        }

        unsafe fn store(plan: &<Self as #private::Planned>::Plan, base: #private::BaseMut<'_>, owned: &Self) {
            // SAFETY: passed on from the caller; the fields' plans have no leaf in common.
            #(unsafe { #layouts::store(&plan.#plans, base, &owned.#names) };)*
        }
    }
}
