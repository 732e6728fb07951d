//! The small language of `shape = [..]` and `dims = ..`: syntax only.
//!
//! ```text
//! value := '[' value, .. ']'  |  Path '{' name: value, .. '}'  |  '(' ')'  |  sum
//! sum   := product (('+' | '-') product)*
//! product := atom ('*' atom)*
//! atom  := whole number  |  '(' sum ')'  |  dim  |  path of a constant
//! ```
//! A language of its own, not Rust's expressions, because every step is computed in checked arithmetic, and because the
//! derive has to see where a dim stands alone.

use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::parse::{Parse, ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{
    Error, ExprPath, LitInt, Member, Path, Result, Token, braced, bracketed, parenthesized, token,
};

/// What a shape may consist of, for messages.
const ALLOWED: &str = "`+`, `-`, `*`, parentheses, dims, whole numbers and constants";

/// One extent.
#[derive(Clone)]
pub(crate) enum Extent {
    Number(LitInt),
    /// A dim or a constant; which of them is decided when all dims are known.
    Name(ExprPath),
    Paren(Box<Extent>),
    Binary(Box<Extent>, Operator, Box<Extent>),
}

#[derive(Clone, Copy)]
pub(crate) enum Operator {
    Plus(Token![+]),
    Minus(Token![-]),
    Times(Token![*]),
}

/// The extents of a container or of a nested struct.
pub(crate) enum Value {
    Extent(Extent),
    List(Vec<Value>),
    Struct(Path, Vec<(Member, Value)>),
    Unit,
}

/// `[nx, ny + 1]`
pub(crate) struct Shape {
    pub(crate) bracket: token::Bracket,
    pub(crate) extents: Vec<Extent>,
}

impl Extent {
    /// The name, when the extent is nothing else.
    pub(crate) fn name(&self) -> Option<&Ident> {
        match self {
            Extent::Name(path) if path.qself.is_none() => path.path.get_ident(),
            Extent::Paren(inner) => inner.name(),
            _ => None,
        }
    }

    /// Calls `visit` with every name.
    pub(crate) fn names<'e>(&'e self, visit: &mut impl FnMut(&'e ExprPath)) {
        match self {
            Extent::Number(_) => {}
            Extent::Name(path) => visit(path),
            Extent::Paren(inner) => inner.names(visit),
            Extent::Binary(left, _, right) => {
                left.names(visit);
                right.names(visit);
            }
        }
    }

    fn product(input: ParseStream<'_>) -> Result<Self> {
        let mut left = Extent::atom(input)?;
        while input.peek(Token![*]) {
            let times = Operator::Times(input.parse()?);
            left = Extent::Binary(Box::new(left), times, Box::new(Extent::atom(input)?));
        }
        Ok(left)
    }

    fn atom(input: ParseStream<'_>) -> Result<Self> {
        if input.peek(token::Paren) {
            let inner;
            parenthesized!(inner in input);
            let extent = Box::new(whole(&inner, Extent::parse)?);
            return if inner.is_empty() {
                Ok(Extent::Paren(extent))
            } else {
                Err(unexpected(&inner))
            };
        }
        // What a `macro_rules` fragment such as `$n:expr` becomes: a group that keeps its precedence.
        if let Some(group) = invisible_group(input) {
            return Ok(Extent::Paren(Box::new(Extent::parse.parse2(group)?)));
        }
        if input.peek(syn::Lit) {
            let number: LitInt = input
                .parse()
                .map_err(|error| Error::new(error.span(), "an extent is a whole number"))?;
            number
                .base10_parse::<u64>()
                .map_err(|_| Error::new_spanned(&number, "an extent is at most a `usize`"))?;
            return match number.suffix() {
                "" | "usize" => Ok(Extent::Number(number)),
                _ => Err(Error::new_spanned(
                    &number,
                    "an extent is a `usize`: leave the suffix out",
                )),
            };
        }
        if input.peek(syn::Ident)
            || input.peek(Token![::])
            || input.peek(Token![<])
            || is_path_keyword(input)
        {
            return Ok(Extent::Name(input.parse()?));
        }
        Err(unexpected(input))
    }
}

fn is_path_keyword(input: ParseStream<'_>) -> bool {
    input.peek(Token![crate])
        || input.peek(Token![self])
        || input.peek(Token![super])
        || input.peek(Token![Self])
}

fn unexpected(input: ParseStream<'_>) -> Error {
    let message = format!(
        "an extent is made of {ALLOWED}: compute anything else in a constant and name it here"
    );
    match input.fork().parse::<TokenTree>() {
        Ok(token) => Error::new_spanned(token, message),
        Err(_) => input.error("an extent is missing here"),
    }
}

fn invisible_group(input: ParseStream<'_>) -> Option<TokenStream> {
    let step = input.step(|cursor| match cursor.group(Delimiter::None) {
        Some((inner, _, rest)) => Ok((inner.token_stream(), rest)),
        None => Err(cursor.error("no group")),
    });
    step.ok()
}

/// Parses what is between brackets. After a mistake the rest is skipped, or the unread tokens would be reported as well.
pub(crate) fn whole<T>(
    inner: ParseStream<'_>,
    parse: impl FnOnce(ParseStream<'_>) -> Result<T>,
) -> Result<T> {
    let parsed = parse(inner);
    if parsed.is_err() {
        inner.parse::<TokenStream>()?;
    }
    parsed
}

impl Parse for Extent {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut left = Extent::product(input)?;
        loop {
            let operator = if input.peek(Token![+]) {
                Operator::Plus(input.parse()?)
            } else if input.peek(Token![-]) {
                Operator::Minus(input.parse()?)
            } else if input.is_empty() || input.peek(Token![,]) {
                return Ok(left);
            } else {
                return Err(unexpected(input));
            };
            left = Extent::Binary(Box::new(left), operator, Box::new(Extent::product(input)?));
        }
    }
}

impl Parse for Shape {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        if !input.peek(token::Bracket) {
            return Err(input.error(
                "a shape is a list with one extent for each dimension: write `shape = [nx, ny]`",
            ));
        }
        let inner;
        let bracket = bracketed!(inner in input);
        let extents = whole(&inner, Punctuated::<Extent, Token![,]>::parse_terminated)?;
        Ok(Shape {
            bracket,
            extents: extents.into_iter().collect(),
        })
    }
}

impl Parse for Value {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let inner;
        if input.peek(token::Bracket) {
            bracketed!(inner in input);
            let values = whole(&inner, Punctuated::<Value, Token![,]>::parse_terminated)?;
            return Ok(Value::List(values.into_iter().collect()));
        }
        let fork = input.fork();
        if fork.parse::<Path>().is_ok() && fork.peek(token::Brace) {
            let path = input.parse()?;
            braced!(inner in input);
            let fields = whole(&inner, |inner| {
                inner.parse_terminated(named_value, Token![,])
            })?;
            return Ok(Value::Struct(path, fields.into_iter().collect()));
        }
        let fork = input.fork();
        if let Ok(TokenTree::Group(group)) = fork.parse::<TokenTree>()
            && group.delimiter() == Delimiter::Parenthesis
            && group.stream().is_empty()
        {
            parenthesized!(inner in input);
            return inner.parse::<syn::parse::Nothing>().map(|_| Value::Unit);
        }
        input.parse().map(Value::Extent)
    }
}

/// `n: ny`, or `n` for `n: n`.
fn named_value(input: ParseStream<'_>) -> Result<(Member, Value)> {
    let member: Member = input.parse()?;
    if input.peek(Token![:]) {
        input.parse::<Token![:]>()?;
        return Ok((member, input.parse()?));
    }
    match &member {
        Member::Named(name) => {
            let value = Value::Extent(Extent::Name(syn::parse2(quote!(#name))?));
            Ok((member, value))
        }
        Member::Unnamed(_) => Err(input.error("write the field's value after a `:`")),
    }
}

impl Value {
    /// Calls `visit` with every extent and the way to it from the whole value, as tokens: `.n`, `.table[0]`.
    pub(crate) fn extents<'v>(
        &'v self,
        at: &TokenStream,
        visit: &mut impl FnMut(&TokenStream, &'v Extent),
    ) {
        match self {
            Value::Extent(extent) => visit(at, extent),
            Value::List(values) => {
                for (index, value) in values.iter().enumerate() {
                    value.extents(&quote!(#at[#index]), visit);
                }
            }
            Value::Struct(_, fields) => {
                for (member, value) in fields {
                    value.extents(&quote!(#at.#member), visit);
                }
            }
            Value::Unit => {}
        }
    }
}

impl ToTokens for Extent {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        tokens.extend(match self {
            Extent::Number(number) => quote!(#number),
            Extent::Name(path) => quote!(#path),
            Extent::Paren(inner) => quote!((#inner)),
            Extent::Binary(left, operator, right) => quote!(#left #operator #right),
        });
    }
}

impl ToTokens for Operator {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self {
            Operator::Plus(token) => token.to_tokens(tokens),
            Operator::Minus(token) => token.to_tokens(tokens),
            Operator::Times(token) => token.to_tokens(tokens),
        }
    }
}
