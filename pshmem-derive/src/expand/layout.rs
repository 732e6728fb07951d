//! `impl SharedLayout` and the plan of a struct, which holds the position of every field.

use super::{dims, extents};
use crate::generics::ItemGenerics;
use crate::kind::Kind;
use crate::model::Model;
use crate::names;
use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

/// The plan: the extents, the plans of the fields, and the range of leaves.
pub(super) fn plan(model: &Model, params: &ItemGenerics) -> TokenStream {
    let name = &model.names.plan;
    let (generics, clause) = (&params.full, &params.full.where_clause);
    let dims = dims::type_of(model, params);
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

/// `impl Planned`.
pub(super) fn planned(model: &Model, params: &ItemGenerics) -> TokenStream {
    let (name, private, plan) = (&model.name, model.private(), &model.names.plan);
    let (generics, parameters, clause) = params.full.split_for_impl();
    quote! {
        #[automatically_derived]
        impl #generics #private::Planned for #name #parameters #clause {
            type Plan = #plan #parameters;
        }
    }
}

pub(super) fn implementation(model: &Model, params: &ItemGenerics) -> TokenStream {
    let (name, krate) = (&model.name, &model.krate);
    let (generics, parameters, clause) = params.full.split_for_impl();
    let types = types(model, params);
    let placing = placing(model, params);
    let dims = extents::items(model, params);
    let reading = reading(model);
    let writing = writing(model);
    quote! {
        // SAFETY: `plan` makes the plans of the fields one after the other, with the placer that it is given. So the leaves of the
        // plan are those of its fields, no leaf belongs to two fields, and `first_leaf..end_leaf` is their range. The placer makes
        // plans for `Element`s only. The extents depend on the dims only. Every other item calls the function of the same name
        // once for each field's plan, so it references each leaf at most once, and the view types of the fields mark what is
        // written.
        //
        // The user chooses the path of pshmem, but this holds for every module: an impl of another trait is never called, and
        // the real trait forces the placer and the plans to be the real ones (see the module `layout::derived` of pshmem).
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
fn types(model: &Model, params: &ItemGenerics) -> TokenStream {
    let names = &model.names;
    let (view, view_mut, fields) = (&names.view, &names.view_mut, &names.fields);
    let life = &model.lifetime;
    let dims = dims::type_of(model, params);
    let (_, of_view, _) = params.view.split_for_impl();
    let (_, of_fields, _) = params.full_view.split_for_impl();
    quote! {
        type Owned = Self;
        type Dims = #dims;
        type View<#life> = #view #of_view;
        type ViewMut<#life> = #view_mut #of_view;
        type Fields<#life> = #fields #of_fields;
    }
}

/// `plan`, `dims` and `leaves`.
fn placing(model: &Model, params: &ItemGenerics) -> TokenStream {
    let (krate, private, plan) = (&model.krate, model.private(), &model.names.plan);
    let names = model
        .fields
        .iter()
        .map(|field| names::plan_field(&field.name));
    let places = model
        .fields
        .iter()
        .map(|field| field.place(model, &extents::of_field(field, model, params)));
    quote! {
        fn plan(
            dims: &Self::Dims,
            placer: &mut #private::Placer,
        ) -> ::core::result::Result<<Self as #private::Planned>::Plan, #krate::Error> {
            // Fields of a struct literal are evaluated in the order in which they are written.
            ::core::result::Result::Ok(#plan {
                dims: *dims,
                first_leaf: <#private::Placer>::position(placer),
                #(#names: #places,)*
                end_leaf: <#private::Placer>::position(placer),
            })
        }

        #[inline]
        fn dims(plan: &<Self as #private::Planned>::Plan) -> Self::Dims {
            plan.dims
        }

        #[inline]
        fn leaves(plan: &<Self as #private::Planned>::Plan) -> ::core::ops::Range<::core::primitive::usize> {
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
    let layouts: Vec<_> = model.fields.iter().map(|field| field.plan(model)).collect();
    let loads = model
        .fields
        .iter()
        .zip(&plans)
        .zip(&layouts)
        .map(|((field, plan), layout)| {
            // SAFETY: guaranteed by the caller; the field's plan is a part of the whole plan.
            let load = quote!(unsafe { <#layout>::load(&plan.#plan, base) });
            match field.kind {
                // The private value of a `Columns<P>` is a `Vec<P>`; for every other layout it has the type of the field.
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
                // SAFETY: guaranteed by the caller; the field's plan is a part of the whole plan.
                #(#names: unsafe { <#layouts>::view(&plan.#plans, base) },)*
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
    let layouts: Vec<_> = model.fields.iter().map(|field| field.plan(model)).collect();
    quote! {
        #[inline]
        unsafe fn view_mut<#life>(plan: &<Self as #private::Planned>::Plan, base: #private::BaseMut<#life>) -> Self::ViewMut<#life> {
            #view_mut {
                // SAFETY: guaranteed by the caller; the fields' plans have no leaf in common.
                #(#names: unsafe { <#layouts>::view_mut(&plan.#plans, base) },)*
            }
        }

        unsafe fn fields<#life>(plan: &#life <Self as #private::Planned>::Plan, handle: #private::Handle<#life>) -> Self::Fields<#life> {
            #handles {
                // SAFETY: guaranteed by the caller; the fields' plans are parts of the whole plan with no leaf in common.
                #(#names: unsafe { <#layouts>::field(&plan.#plans, handle) },)*
            }
        }

        unsafe fn store(plan: &<Self as #private::Planned>::Plan, base: #private::BaseMut<'_>, owned: &Self) {
            // SAFETY: guaranteed by the caller; the fields' plans have no leaf in common.
            #(unsafe { <#layouts>::store(&plan.#plans, base, &owned.#names) };)*
        }
    }
}
