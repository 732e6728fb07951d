//! Extents of the fields: computed from the dims, read from an existing value, and converted to and from numbers.

use super::{dims, files};
use crate::errors::code_text;
use crate::generics::ItemGenerics;
use crate::kind::Kind;
use crate::model::{Field, Model};
use crate::names;
use crate::shape::{DimsExpr, ExtentExpr};
use crate::types;
use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote, quote_spanned};

/// The extents of a field, as an expression in the function `plan`; the variable `dims` holds those of the struct.
pub(super) fn of_field(field: &Field, model: &Model, params: &ItemGenerics) -> TokenStream {
    let name = &field.name;
    if matches!(field.kind, Kind::Value) {
        quote!(())
    } else if model.dims.is_some() {
        call_function(field, params)
    } else {
        quote!(dims.#name)
    }
}

/// A call of the function that computes the extents of the field.
fn call_function(field: &Field, params: &ItemGenerics) -> TokenStream {
    let function = names::extents_function(&field.name);
    let (_, parameters, _) = params.full.split_for_impl();
    let parameters = parameters.as_turbofish();
    quote!(#function #parameters(dims)?)
}

/// With `dims(..)`: one function for each field with extents, used both for placing the field and for checking its value.
pub(super) fn functions(model: &Model, params: &ItemGenerics) -> TokenStream {
    if model.dims.is_none() {
        return TokenStream::new();
    }
    let krate = &model.krate;
    let dims = dims::type_of(model, params);
    let (generics, _, clause) = params.full.split_for_impl();
    let functions = model
        .fields
        .iter()
        .filter(|field| field.has_dims())
        .map(|field| {
            let function = names::extents_function(&field.name);
            let ty = field.dims_type(model);
            let value = value_of(field, model);
            quote! {
                fn #function #generics(dims: &#dims) -> ::core::result::Result<#ty, #krate::Error> #clause {
                    ::core::result::Result::Ok(#value)
                }
            }
        });
    functions.collect()
}

fn value_of(field: &Field, model: &Model) -> TokenStream {
    if let Some(dims) = &field.dims {
        return dims_value(&dims.value, field, model);
    }
    let Some(shape) = &field.shape else {
        return quote!(::core::unreachable!());
    };
    let extents: Vec<_> = shape
        .value
        .extents
        .iter()
        .map(|extent| checked(extent, field, model))
        .collect();
    match field.kind {
        Kind::Array { .. } => quote!([#(#extents),*]),
        // The type behind an alias, which the derive cannot see, decides whether this is a number or a list.
        Kind::Layout | Kind::Composite(_) => {
            let span = shape.value.bracket.span.join();
            let (plan, count) = (field.plan(model), extents.len());
            quote_spanned!(span=> <#plan>::dims_from_shape::<#count>([#(#extents),*]))
        }
        _ => quote!(#(#extents)*),
    }
}

fn dims_value(value: &DimsExpr, field: &Field, model: &Model) -> TokenStream {
    match value {
        DimsExpr::Extent(extent) => checked(extent, field, model),
        DimsExpr::List(values) => {
            let values = values.iter().map(|value| dims_value(value, field, model));
            quote!([#(#values),*])
        }
        DimsExpr::Struct(path, fields) => {
            let fields = fields.iter().map(|(member, value)| {
                let value = dims_value(value, field, model);
                quote!(#member: #value)
            });
            quote!(#path { #(#fields),* })
        }
        DimsExpr::Unit => quote!(()),
    }
}

/// An extent in checked arithmetic. After an overflow, the error shows the expression as it was written.
fn checked(extent: &ExtentExpr, field: &Field, model: &Model) -> TokenStream {
    let name = names::unraw(&field.name);
    let value = arithmetic(extent, model);
    let text = code_text(extent);
    quote!((#value).get(#name, #text, dims)?)
}

fn arithmetic(extent: &ExtentExpr, model: &Model) -> TokenStream {
    let private = model.private();
    match extent {
        ExtentExpr::Number(number) => quote!(<#private::Placer>::extent(#number)),
        ExtentExpr::Name(path) => {
            if let Some(dim) = extent.name().and_then(|name| dim(name, model)) {
                return quote!(<#private::Placer>::extent(dims.#dim));
            }
            let constant = types::replace_self(path.to_token_stream(), &model.self_type);
            quote!(<#private::Placer>::extent(#constant))
        }
        ExtentExpr::Paren(inner) => {
            let inner = arithmetic(inner, model);
            quote!((#inner))
        }
        ExtentExpr::Binary(left, operator, right) => {
            let (left, right) = (arithmetic(left, model), arithmetic(right, model));
            // Keep the user's operator token: it has the right precedence and span.
            quote!(#left #operator #right)
        }
    }
}

/// The declared dim of this name.
fn dim<'m>(name: &Ident, model: &'m Model) -> Option<&'m Ident> {
    let dims = model.dims.iter().flat_map(|declared| &declared.value);
    dims.map(|dim| &dim.name)
        .find(|dim| names::unraw(dim) == names::unraw(name))
}

/// `dims_of`, `encode_dims` and `decode_dims`.
pub(super) fn items(model: &Model, params: &ItemGenerics) -> TokenStream {
    let (krate, private) = (&model.krate, model.private());
    let dims_of = dims_of(model, params);
    let put = encode_dims(model);
    let take = decode_dims(model);
    quote! {
        fn dims_of(owned: &Self) -> ::core::result::Result<Self::Dims, #krate::Error> {
            #dims_of
        }

        fn encode_dims(dims: &Self::Dims, out: &mut #private::Vec<::core::primitive::usize>) {
            #put
        }

        fn decode_dims(
            from: &mut dyn ::core::iter::Iterator<Item = ::core::primitive::usize>,
        ) -> ::core::option::Option<Self::Dims> {
            ::core::option::Option::Some(#take)
        }
    }
}

fn dims_of(model: &Model, params: &ItemGenerics) -> TokenStream {
    let fields = model.fields.iter().filter(|field| field.has_dims());
    from_fields(model, params, fields, Source::Value, |field| {
        let (name, text, plan) = (&field.name, names::unraw(&field.name), field.plan(model));
        quote!(<#plan>::dims_of(#text, &owned.#name))
    })
}

/// Where the extents of fields come from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// From a value, so that they are those of the shapes.
    Value,
    /// From files, which contain of a composite only what is in use: its extents are those of the shapes or smaller.
    Files,
}

/// The extents of the struct, inferred from those of these fields and compared with their shapes. The expression `actual` of a
/// field has its extents as a result.
pub(super) fn from_fields<'m>(
    model: &Model,
    params: &ItemGenerics,
    fields: impl Iterator<Item = &'m Field>,
    source: Source,
    actual: impl Fn(&Field) -> TokenStream,
) -> TokenStream {
    let fields: Vec<_> = fields.collect();
    let found = fields.iter().map(|&field| {
        let value = actual(field);
        if field.has_dims() {
            let name = names::actual_extents(&field.name);
            quote!(let #name = #value?;)
        } else {
            quote!(#value?;)
        }
    });
    let found: TokenStream = found.collect();
    if !model.has_dims() {
        return quote!(#found ::core::result::Result::Ok(()));
    }
    let fields: Vec<_> = fields
        .into_iter()
        .filter(|field| field.has_dims())
        .collect();
    let actual_names: Vec<_> = fields
        .iter()
        .map(|field| names::actual_extents(&field.name))
        .collect();
    let dims_name = &model.names.dims;
    let Some(declared) = &model.dims else {
        let names = fields.iter().map(|field| &field.name);
        return quote!(#found ::core::result::Result::Ok(#dims_name { #(#names: #actual_names,)* }));
    };
    let dim_names = declared.value.iter().map(|dim| &dim.name);
    let inferred = declared
        .value
        .iter()
        .map(|dim| inferred(&dim.name, &fields, source, model));
    let checks = fields.iter().zip(&actual_names).map(|(field, actual)| {
        let (text, plan) = (names::unraw(&field.name), field.plan(model));
        let expected = call_function(field, params);
        let check = match source {
            Source::Value => quote!(<#plan>),
            Source::Files => files::as_field(field, model),
        };
        quote!(#check::check_dims(#text, &#expected, &#actual)?;)
    });
    quote! {
        #found
        let inferred = #dims_name { #(#dim_names: #inferred,)* };
        let dims = &inferred;
        #(#checks)*
        ::core::result::Result::Ok(inferred)
    }
}

/// The value of a dim, from a place where it is a whole extent: the first one in a field with exact extents, or the largest of all.
fn inferred(dim: &Ident, fields: &[&Field], source: Source, model: &Model) -> TokenStream {
    let mut largest: Option<TokenStream> = None;
    for field in fields {
        for value in values_of_dim(dim, field, model) {
            // A layout that the derive cannot see may contain a composite.
            let may_be_less = matches!(field.kind, Kind::Composite(_) | Kind::Layout);
            if source == Source::Value || !may_be_less {
                return value;
            }
            largest = Some(match largest {
                Some(other) => quote!(::core::cmp::Ord::max(#other, #value)),
                None => value,
            });
        }
    }
    largest.unwrap_or_else(|| quote!(::core::unreachable!()))
}

/// The extents of a field that are a dim: `__actual_pressure[0]`, `__actual_lines`, `__actual_opacity.n`.
fn values_of_dim(dim: &Ident, field: &Field, model: &Model) -> Vec<TokenStream> {
    let actual = names::actual_extents(&field.name);
    let mut values = Vec::new();
    if let Some(shape) = &field.shape {
        let rank = shape.value.extents.len();
        for (axis, extent) in shape.value.extents.iter().enumerate() {
            if extent.is_name(dim) {
                values.push(match field.kind {
                    Kind::Array { .. } => quote!(#actual[#axis]),
                    Kind::Layout | Kind::Composite(_) => {
                        let plan = field.plan(model);
                        quote!(<#plan>::shape_of::<#rank>(&#actual)[#axis])
                    }
                    _ => quote!(#actual),
                });
            }
        }
    }
    if let Some(dims) = &field.dims {
        dims.value
            .for_each_extent(&TokenStream::new(), &mut |path, extent| {
                if extent.is_name(dim) {
                    values.push(quote!(#actual #path));
                }
            });
    }
    values
}

fn encode_dims(model: &Model) -> TokenStream {
    let private = model.private();
    if let Some(declared) = &model.dims {
        let names = declared.value.iter().map(|dim| &dim.name);
        return quote!(#(<#private::Vec<::core::primitive::usize>>::push(out, dims.#names);)*);
    }
    let puts = model
        .fields
        .iter()
        .filter(|field| field.has_dims())
        .map(|field| {
            let (name, plan) = (&field.name, field.plan(model));
            quote!(<#plan>::encode_dims(&dims.#name, out);)
        });
    puts.collect()
}

fn decode_dims(model: &Model) -> TokenStream {
    if !model.has_dims() {
        return quote!(());
    }
    let dims_name = &model.names.dims;
    if let Some(declared) = &model.dims {
        let names = declared.value.iter().map(|dim| &dim.name);
        return quote!(#dims_name { #(#names: ::core::iter::Iterator::next(from)?,)* });
    }
    let takes = model
        .fields
        .iter()
        .filter(|field| field.has_dims())
        .map(|field| {
            let (name, plan) = (&field.name, field.plan(model));
            quote!(#name: <#plan>::decode_dims(from)?)
        });
    quote!(#dims_name { #(#takes,)* })
}
