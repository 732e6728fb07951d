//! Fallback code for a struct with errors: the same types, and an impl that is never run. It prevents further errors in code that
//! uses the struct.

use super::{const_block, dims, parts, views};
use crate::generics::ItemGenerics;
use crate::model::{Field, Model};
use crate::types::ungroup;
use proc_macro2::TokenStream;
use quote::quote;
use syn::Type;

pub(crate) fn layout(model: &Model) -> TokenStream {
    let params = ItemGenerics::new(model);
    let types = types(model, &params);
    let definition = dims::definition(model, &params);
    let part = parts::definition(model, &params, true);
    let dims_impls = dims::impls(model, &params);
    let hidden = const_block(&[dims_impls, implementation(model, &params)]);
    quote!(#definition #types #part #hidden)
}

pub(crate) fn columns(model: &Model) -> TokenStream {
    let params = ItemGenerics::new(model);
    let types = types(model, &params);
    let hidden = const_block(&[columns_implementation(model, &params)]);
    quote!(#types #hidden)
}

fn types(model: &Model, params: &ItemGenerics) -> TokenStream {
    let view = views::view(model, params, true);
    let view_mut = views::view_mut(model, params, true);
    let fields = views::fields(model, params, true);
    let copy = const_block(&[views::copy(model, params)]);
    quote!(#view #view_mut #fields #copy)
}

/// Whether the struct cannot implement the trait: with lifetime parameters it is not `'static`, and with unsized fields it cannot
/// be returned by value.
fn cannot_implement(model: &Model) -> bool {
    let is_unsized = |field: &Field| match ungroup(&field.ty) {
        Type::Slice(_) | Type::TraitObject(_) => true,
        Type::Path(path) => path.path.is_ident("str"),
        _ => false,
    };
    model.generics.lifetimes().next().is_some() || model.fields.iter().any(is_unsized)
}

fn implementation(model: &Model, params: &ItemGenerics) -> TokenStream {
    if cannot_implement(model) {
        return TokenStream::new();
    }
    let (name, krate, private, life) =
        (&model.name, &model.krate, model.private(), &model.lifetime);
    let (generics, parameters, clause) = params.full.split_for_impl();
    let associated = associated_types(model, params);
    let dims = dims::type_of(model, params);
    let stack = model.rows.is_some().then(|| {
        quote! {
            #[automatically_derived]
            impl #generics #krate::StackLayout for #name #parameters #clause {
                type Rows<'__rows> = &'__rows Self;
                fn rows_of(owned: &Self) -> &Self { owned }
                fn parts<'__rows>(
                    _: &'__rows Self,
                    _: &mut #private::StackParts<'__rows>,
                ) -> ::core::result::Result<(), #krate::Error> { ::core::unreachable!() }
                fn dims_of_stack(_: &mut #private::StackShapes<'_>) -> ::core::result::Result<Self::Dims, #krate::Error> { ::core::unreachable!() }
            }

            #[automatically_derived]
            impl #generics #krate::AsRows<#name #parameters> for #name #parameters #clause {
                fn as_rows(&self) -> &Self { self }
            }
        }
    });
    let parts = parts::fallback(model, params);
    let checks = model
        .fields
        .iter()
        .filter(|field| !field.unsupported)
        .filter_map(|field| field.check(model));
    quote! {
        #[automatically_derived]
        impl #generics #private::Planned for #name #parameters #clause {
            type Plan = ();
        }

        fn __check_elements #generics() #clause {
            #(#checks)*
        }

        // SAFETY: never called, because the errors stop the compilation.
        #[automatically_derived]
        unsafe impl #generics #krate::SharedLayout for #name #parameters #clause {
            type Owned = Self;
            type Dims = #dims;
            #associated
            fn plan(_: &Self::Dims, _: &mut #private::Placer) -> ::core::result::Result<(), #krate::Error> { ::core::unreachable!() }
            fn dims(_: &()) -> Self::Dims { ::core::unreachable!() }
            fn leaves(_: &()) -> ::core::ops::Range<::core::primitive::usize> { ::core::unreachable!() }
            fn dims_of(_: &Self) -> ::core::result::Result<Self::Dims, #krate::Error> { ::core::unreachable!() }
            fn encode_dims(_: &Self::Dims, _: &mut #private::Vec<::core::primitive::usize>) {}
            fn decode_dims(
                _: &mut dyn ::core::iter::Iterator<Item = ::core::primitive::usize>,
            ) -> ::core::option::Option<Self::Dims> { ::core::unreachable!() }
            unsafe fn view<#life>(_: &(), _: #private::Base<#life>) -> Self::View<#life> { ::core::unreachable!() }
            unsafe fn view_mut<#life>(_: &(), _: #private::BaseMut<#life>) -> Self::ViewMut<#life> { ::core::unreachable!() }
            unsafe fn fields<#life>(_: &#life (), _: #private::Handle<#life>) -> Self::Fields<#life> { ::core::unreachable!() }
            unsafe fn store(_: &(), _: #private::BaseMut<'_>, _: &Self) {}
            unsafe fn load(_: &(), _: #private::Base<'_>) -> Self { ::core::unreachable!() }
        }

        #[automatically_derived]
        impl #generics #krate::FileLayout for #name #parameters #clause {
            fn file_leaves(_: &mut #private::FileLeaves) {}
            fn dims_from_shapes(_: &mut #private::LeafShapes<'_>) -> ::core::result::Result<Self::Dims, #krate::Error> { ::core::unreachable!() }
        }

        #[automatically_derived]
        impl #generics #krate::Preview for #name #parameters #clause {
            fn preview(_: Self::View<'_>, _: &mut dyn ::core::fmt::Write) -> ::core::fmt::Result { ::core::unreachable!() }
        }

        #stack
        #parts
    }
}

fn columns_implementation(model: &Model, params: &ItemGenerics) -> TokenStream {
    if cannot_implement(model) {
        return TokenStream::new();
    }
    let (name, krate, private, life) =
        (&model.name, &model.krate, model.private(), &model.lifetime);
    let (generics, parameters, clause) = params.full.split_for_impl();
    let associated = associated_types(model, params);
    quote! {
        // SAFETY: never called, because the errors stop the compilation.
        #[automatically_derived]
        unsafe impl #generics #krate::SharedColumns for #name #parameters #clause {
            #associated
            type Plan = ();
            fn plan(_: ::core::primitive::usize, _: &mut #private::Placer) -> ::core::result::Result<(), #krate::Error> { ::core::unreachable!() }
            fn leaves(_: &()) -> ::core::ops::Range<::core::primitive::usize> { ::core::unreachable!() }
            fn len(_: &()) -> ::core::primitive::usize { ::core::unreachable!() }
            unsafe fn view<#life>(_: &(), _: #private::Base<#life>) -> Self::View<#life> { ::core::unreachable!() }
            unsafe fn view_mut<#life>(_: &(), _: #private::BaseMut<#life>) -> Self::ViewMut<#life> { ::core::unreachable!() }
            unsafe fn part<#life>(
                _: &(),
                _: #private::BaseMut<#life>,
                _: ::core::ops::Range<::core::primitive::usize>,
            ) -> Self::ViewMut<#life> { ::core::unreachable!() }
            unsafe fn fields<#life>(_: &#life (), _: #private::Handle<#life>) -> Self::Fields<#life> { ::core::unreachable!() }
            unsafe fn store(_: &(), _: #private::BaseMut<'_>, _: &[Self]) {}
            unsafe fn load(_: &(), _: #private::Base<'_>) -> #private::Vec<Self> { ::core::unreachable!() }
            fn stack_columns<'__rows>(_: &'__rows [Self], _: &mut #private::StackParts<'__rows>) {}
            fn preview(_: Self::View<'_>, _: &mut dyn ::core::fmt::Write) -> ::core::fmt::Result { ::core::unreachable!() }
        }

        #[automatically_derived]
        impl #generics #private::FileColumns for #name #parameters #clause {
            fn file_columns(_: &mut #private::FileLeaves) {}
        }
    }
}

fn associated_types(model: &Model, params: &ItemGenerics) -> TokenStream {
    let (names, life) = (&model.names, &model.lifetime);
    let (view, view_mut, fields) = (&names.view, &names.view_mut, &names.fields);
    let (_, of_view, _) = params.view.split_for_impl();
    let (_, of_fields, _) = params.full_view.split_for_impl();
    quote! {
        type View<#life> = #view #of_view;
        type ViewMut<#life> = #view_mut #of_view;
        type Fields<#life> = #fields #of_fields;
    }
}
