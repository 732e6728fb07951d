//! The struct's own type: `Self` in a field's type or in a shape means the user's struct, also where its tokens end up in a generated type.

use proc_macro2::{Group, Ident, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{DeriveInput, Type};

/// The type with `Self` written out. Lifetimes of the struct, which are refused, become `'static`: the stubs have none.
pub(crate) fn resolve(ty: &Type, input: &DeriveInput) -> Type {
    let tokens = ty.to_token_stream();
    let borrows = input.generics.lifetimes().next().is_some();
    if !borrows && !mentions_self(tokens.clone()) {
        return ty.clone();
    }
    let mut tokens = replace(tokens, &own_type(input));
    if borrows {
        tokens = made_static(tokens);
    }
    syn::parse2(tokens).unwrap_or_else(|_| ty.clone())
}

fn made_static(tokens: TokenStream) -> TokenStream {
    let mut after_quote = false;
    let replace = |token: TokenTree| {
        let quoted = std::mem::replace(
            &mut after_quote,
            matches!(&token, TokenTree::Punct(punct) if punct.as_char() == '\''),
        );
        match token {
            TokenTree::Ident(ident) if quoted => Ident::new("static", ident.span()).into(),
            TokenTree::Group(group) => {
                let mut inner = Group::new(group.delimiter(), made_static(group.stream()));
                inner.set_span(group.span());
                inner.into()
            }
            other => other,
        }
    };
    tokens.into_iter().map(replace).collect()
}

/// `Name<T, N>`
pub(crate) fn own_type(input: &DeriveInput) -> TokenStream {
    let name = &input.ident;
    let (_, generics, _) = input.generics.split_for_impl();
    quote!(#name #generics)
}

fn mentions_self(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == "Self",
        TokenTree::Group(group) => mentions_self(group.stream()),
        _ => false,
    })
}

/// `Self::N` becomes `<Name<T>>::N`, any other `Self` becomes `Name<T>`.
pub(crate) fn replace(tokens: TokenStream, own: &TokenStream) -> TokenStream {
    let mut tokens = tokens.into_iter().peekable();
    let mut replaced = TokenStream::new();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Ident(ident) if ident == "Self" => {
                let path = matches!(tokens.peek(), Some(TokenTree::Punct(punct)) if punct.as_char() == ':');
                replaced.extend(if path { quote!(<#own>) } else { own.clone() });
            }
            TokenTree::Group(group) => {
                let mut inner = Group::new(group.delimiter(), replace(group.stream(), own));
                inner.set_span(group.span());
                replaced.extend([TokenTree::Group(inner)]);
            }
            other => replaced.extend([other]),
        }
    }
    replaced
}
