//! Extents: what a shape computes from the dims, and what an owned value says about them.

use super::dims;
use crate::generics::Scopes;
use crate::kind::Kind;
use crate::model::{Field, Model};
use crate::names;
use crate::own_type;
use crate::shape::{Extent, Value};
use crate::text::text;
use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote, quote_spanned};

/// The extents of a field as an expression in `plan`, where `dims` are those of the struct.
pub(super) fn of_field(field: &Field, model: &Model, scopes: &Scopes) -> TokenStream {
    let name = &field.name;
    if matches!(field.kind, Kind::Value) {
        quote!(())
    } else if model.dims.is_some() {
        computed(field, scopes)
    } else {
        quote!(dims.#name)
    }
}

/// A call of the field's function.
fn computed(field: &Field, scopes: &Scopes) -> TokenStream {
    let function = names::extents_of(&field.name);
    let (_, parameters, _) = scopes.full.split_for_impl();
    let parameters = parameters.as_turbofish();
    quote!(#function #parameters(dims)?)
}

/// With `dims(..)`: one function for each field that has extents, so that placing and checking compute the same.
pub(super) fn functions(model: &Model, scopes: &Scopes) -> TokenStream {
    if model.dims.is_none() {
        return TokenStream::new();
    }
    let private = model.private();
    let dims = dims::type_of(model, scopes);
    let (generics, _, clause) = scopes.full.split_for_impl();
    let functions = model
        .fields
        .iter()
        .filter(|field| field.has_dims())
        .map(|field| {
            let function = names::extents_of(&field.name);
            let layout = field.as_layout(model);
            let value = value_of(field, model);
            quote! {
                fn #function #generics(dims: &#dims) -> #private::Result<#layout::Dims> #clause {
                    #private::Result::Ok(#value)
                }
            }
        });
    functions.collect()
}

fn value_of(field: &Field, model: &Model) -> TokenStream {
    if let Some(given) = &field.dims {
        return nested(&given.value, model);
    }
    let Some(given) = &field.shape else {
        return quote!(::core::unreachable!());
    };
    let extents: Vec<_> = given
        .value
        .extents
        .iter()
        .map(|extent| checked(extent, model))
        .collect();
    match field.kind {
        Kind::Array { .. } => quote!([#(#extents),*]),
        // What the alias stands for decides whether this is a number or a list.
        Kind::Layout => {
            let private = model.private();
            let span = given.value.bracket.span.join();
            quote_spanned!(span=> #private::FromShape::from_shape([#(#extents),*]))
        }
        _ => quote!(#(#extents)*),
    }
}

fn nested(value: &Value, model: &Model) -> TokenStream {
    match value {
        Value::Extent(extent) => checked(extent, model),
        Value::List(values) => {
            let values = values.iter().map(|value| nested(value, model));
            quote!([#(#values),*])
        }
        Value::Struct(path, fields) => {
            let fields = fields.iter().map(|(member, value)| {
                let value = nested(value, model);
                quote!(#member: #value)
            });
            quote!(#path { #(#fields),* })
        }
        Value::Unit => quote!(()),
    }
}

/// An extent in checked arithmetic; an overflow is an error that shows the extent as it was written.
fn checked(extent: &Extent, model: &Model) -> TokenStream {
    let private = model.private();
    let value = arithmetic(extent, model);
    let text = text(extent);
    quote!(#private::Extent::get(#value, #text, dims)?)
}

fn arithmetic(extent: &Extent, model: &Model) -> TokenStream {
    let private = model.private();
    match extent {
        Extent::Number(number) => quote!(#private::Extent::of(#number)),
        Extent::Name(path) => {
            if let Some(dim) = extent.name().and_then(|name| dim(name, model)) {
                return quote!(#private::Extent::of(dims.#dim));
            }
            let constant = own_type::replace(path.to_token_stream(), &model.own);
            quote!(#private::Extent::of(#constant))
        }
        Extent::Paren(inner) => {
            let inner = arithmetic(inner, model);
            quote!((#inner))
        }
        Extent::Binary(left, operator, right) => {
            let (left, right) = (arithmetic(left, model), arithmetic(right, model));
            // The user's operator as an operator of ours: same precedence, same place in the source.
            quote!(#left #operator #right)
        }
    }
}

/// The declared dim of that name.
fn dim<'m>(name: &Ident, model: &'m Model) -> Option<&'m Ident> {
    let dims = model.dims.iter().flat_map(|given| &given.value);
    dims.map(|dim| &dim.name)
        .find(|dim| names::text(dim) == names::text(name))
}

/// `dims_of`, `put_dims` and `take_dims`.
pub(super) fn items(model: &Model, scopes: &Scopes) -> TokenStream {
    let private = model.private();
    let dims_of = dims_of(model, scopes);
    let put = puts(model);
    let take = takes(model);
    quote! {
        fn dims_of(owned: &Self) -> #private::Result<Self::Dims> {
            #dims_of
        }

        fn put_dims(dims: &Self::Dims, out: &mut #private::Vec<::core::primitive::usize>) {
            #put
        }

        fn take_dims(
            from: &mut dyn ::core::iter::Iterator<Item = ::core::primitive::usize>,
        ) -> ::core::option::Option<Self::Dims> {
            ::core::option::Option::Some(#take)
        }
    }
}

fn dims_of(model: &Model, scopes: &Scopes) -> TokenStream {
    let private = model.private();
    if !model.has_dims() {
        return quote!(#private::Result::Ok(()));
    }
    let fields: Vec<_> = model
        .fields
        .iter()
        .filter(|field| field.has_dims())
        .collect();
    let found = fields.iter().map(|field| {
        let (name, text, layout) = (
            &field.name,
            names::text(&field.name),
            field.as_layout(model),
        );
        quote!(#private::inside(#text, #layout::dims_of(&owned.#name))?)
    });
    let dims_name = &model.names.dims;
    let Some(given) = &model.dims else {
        let names = fields.iter().map(|field| &field.name);
        return quote!(#private::Result::Ok(#dims_name { #(#names: #found,)* }));
    };
    let found_names: Vec<_> = fields
        .iter()
        .map(|field| names::found(&field.name))
        .collect();
    let dim_names = given.value.iter().map(|dim| &dim.name);
    let inferred = given
        .value
        .iter()
        .map(|dim| inferred(&dim.name, &fields, model));
    let checks = fields.iter().zip(&found_names).map(|(field, found)| {
        let (text, layout) = (names::text(&field.name), field.as_layout(model));
        let function = names::extents_of(&field.name);
        let (_, parameters, _) = scopes.full.split_for_impl();
        let parameters = parameters.as_turbofish();
        quote!(#private::check_shape(#text, #function #parameters(dims), &#found, #layout::put_dims)?;)
    });
    quote! {
        #(let #found_names = #found;)*
        let inferred = #dims_name { #(#dim_names: #inferred,)* };
        let dims = &inferred;
        #(#checks)*
        #private::Result::Ok(inferred)
    }
}

/// Where a dim stands alone: `__found_pressure[0]`, `__found_lines`, `__found_opacity.n`.
fn inferred(dim: &Ident, fields: &[&Field], model: &Model) -> TokenStream {
    let is_dim = |extent: &Extent| {
        extent
            .name()
            .is_some_and(|name| names::text(name) == names::text(dim))
    };
    for field in fields {
        let found = names::found(&field.name);
        if let Some(axis) = field
            .shape
            .iter()
            .flat_map(|given| &given.value.extents)
            .position(is_dim)
        {
            let private = model.private();
            return match field.kind {
                Kind::Array { .. } => quote!(#found[#axis]),
                Kind::Layout => {
                    let rank = field
                        .shape
                        .as_ref()
                        .map_or(0, |given| given.value.extents.len());
                    quote!(#private::FromShape::<#rank>::to_shape(&#found)[#axis])
                }
                _ => quote!(#found),
            };
        }
        let mut place = None;
        if let Some(given) = &field.dims {
            given.value.extents(&TokenStream::new(), &mut |at, extent| {
                if place.is_none() && is_dim(extent) {
                    place = Some(quote!(#found #at));
                }
            });
        }
        if let Some(place) = place {
            return place;
        }
    }
    quote!(::core::unreachable!())
}

fn puts(model: &Model) -> TokenStream {
    let private = model.private();
    if let Some(given) = &model.dims {
        let names = given.value.iter().map(|dim| &dim.name);
        return quote!(#(#private::Vec::push(out, dims.#names);)*);
    }
    let puts = model
        .fields
        .iter()
        .filter(|field| field.has_dims())
        .map(|field| {
            let (name, layout) = (&field.name, field.as_layout(model));
            quote!(#layout::put_dims(&dims.#name, out);)
        });
    puts.collect()
}

fn takes(model: &Model) -> TokenStream {
    if !model.has_dims() {
        return quote!(());
    }
    let dims_name = &model.names.dims;
    if let Some(given) = &model.dims {
        let names = given.value.iter().map(|dim| &dim.name);
        return quote!(#dims_name { #(#names: ::core::iter::Iterator::next(from)?,)* });
    }
    let takes = model
        .fields
        .iter()
        .filter(|field| field.has_dims())
        .map(|field| {
            let (name, layout) = (&field.name, field.as_layout(model));
            quote!(#name: #layout::take_dims(from)?)
        });
    quote!(#dims_name { #(#takes,)* })
}
