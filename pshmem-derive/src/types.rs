//! Helpers for types as they are written: the last segment of a path and its arguments, `Self` replaced by the struct's type, and
//! locations for messages.

use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{DeriveInput, GenericArgument, PathArguments, PathSegment, Type};

/// The type without parentheses and without the invisible groups that `macro_rules` adds.
pub(crate) fn ungroup(mut ty: &Type) -> &Type {
    loop {
        match ty {
            Type::Group(group) => ty = &group.elem,
            Type::Paren(paren) => ty = &paren.elem,
            _ => return ty,
        }
    }
}

/// The last segment of a path type.
pub(crate) fn last_segment(ty: &Type) -> Option<&PathSegment> {
    match ungroup(ty) {
        Type::Path(path) if path.qself.is_none() => path.path.segments.last(),
        _ => None,
    }
}

/// The type arguments between `<` and `>`.
pub(crate) fn type_arguments(segment: &PathSegment) -> Vec<&Type> {
    let PathArguments::AngleBracketed(arguments) = &segment.arguments else {
        return Vec::new();
    };
    let types = arguments.args.iter().filter_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    });
    types.collect()
}

/// The struct's own type, `Name<T, N>`.
pub(crate) fn self_type(input: &DeriveInput) -> TokenStream {
    let name = &input.ident;
    let (_, generics, _) = input.generics.split_for_impl();
    quote!(#name #generics)
}

/// A field's type for use in generated types, where `Self` would mean something else: `Self` is replaced by the struct's type.
///
/// Lifetime parameters, which are reported as errors, become `'static`, because the generated types do not have them.
pub(crate) fn resolve(ty: &Type, input: &DeriveInput) -> Type {
    let tokens = ty.to_token_stream();
    let has_lifetimes = input.generics.lifetimes().next().is_some();
    if !has_lifetimes && !mentions_self(tokens.clone()) {
        return ty.clone();
    }
    let mut tokens = replace_self(tokens, &self_type(input));
    if has_lifetimes {
        tokens = replace_lifetimes(tokens);
    }
    syn::parse2(tokens).unwrap_or_else(|_| ty.clone())
}

fn mentions_self(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == "Self",
        TokenTree::Group(group) => mentions_self(group.stream()),
        _ => false,
    })
}

/// `Self::N` becomes `<Name<T>>::N`, any other `Self` becomes `Name<T>`.
pub(crate) fn replace_self(tokens: TokenStream, self_type: &TokenStream) -> TokenStream {
    let mut tokens = tokens.into_iter().peekable();
    let mut replaced = TokenStream::new();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Ident(ident) if ident == "Self" => {
                let path = matches!(tokens.peek(), Some(TokenTree::Punct(punct)) if punct.as_char() == ':');
                replaced.extend(if path {
                    quote!(<#self_type>)
                } else {
                    self_type.clone()
                });
            }
            TokenTree::Group(group) => {
                replaced.extend([map_group(&group, |inner| replace_self(inner, self_type))]);
            }
            other => replaced.extend([other]),
        }
    }
    replaced
}

fn replace_lifetimes(tokens: TokenStream) -> TokenStream {
    let mut after_quote = false;
    let replace = |token: TokenTree| {
        let quoted = std::mem::replace(
            &mut after_quote,
            matches!(&token, TokenTree::Punct(punct) if punct.as_char() == '\''),
        );
        match token {
            TokenTree::Ident(ident) if quoted => Ident::new("static", ident.span()).into(),
            TokenTree::Group(group) => map_group(&group, replace_lifetimes),
            other => other,
        }
    };
    tokens.into_iter().map(replace).collect()
}

fn map_group(group: &Group, map: impl FnOnce(TokenStream) -> TokenStream) -> TokenTree {
    let mut mapped = Group::new(group.delimiter(), map(group.stream()));
    mapped.set_span(group.span());
    mapped.into()
}

/// The tokens with another location, so that the compiler's messages underline the user's type. Names still resolve as before;
/// this matters for `$crate`.
pub(crate) fn located_at(tokens: &TokenStream, location: Span) -> TokenStream {
    let relocate = |mut token: TokenTree| {
        token.set_span(token.span().located_at(location));
        token
    };
    tokens.clone().into_iter().map(relocate).collect()
}

/// Spans of the first and the last token.
pub(crate) fn first_and_last(tokens: impl ToTokens) -> (Span, Span) {
    let mut spans = tokens
        .into_token_stream()
        .into_iter()
        .map(|token| token.span());
    let first = spans.next().unwrap_or_else(Span::call_site);
    (first, spans.last().unwrap_or(first))
}
