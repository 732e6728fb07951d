//! Parser for the values of `shape = [..]` and `dims = ..`.
//!
//! ```text
//! dims  := '[' dims, .. ']'  |  Path '{' name: dims, .. '}'  |  '(' ')'  |  sum
//! sum   := product (('+' | '-') product)*
//! product := atom ('*' atom)*
//! atom  := whole number  |  '(' sum ')'  |  dim  |  path of a constant
//! ```
//! Rust's own expressions are not accepted, for two reasons: every operation is computed in checked arithmetic, and the derive
//! has to find the places where a dim is the whole expression.

use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{
    Error, ExprPath, LitInt, Member, Path, Result, Token, braced, bracketed, parenthesized, token,
};

/// What an extent may contain, for messages.
const ALLOWED: &str = "`+`, `-`, `*`, parentheses, dims, whole numbers and constants";

/// An expression for one extent.
#[derive(Clone)]
pub(crate) enum ExtentExpr {
    Number(LitInt),
    /// A dim or a constant; the later passes, which know all dims, tell them apart.
    Name(ExprPath),
    Paren(Box<ExtentExpr>),
    Binary(Box<ExtentExpr>, Operator, Box<ExtentExpr>),
}

#[derive(Clone, Copy)]
pub(crate) enum Operator {
    Plus(Token![+]),
    Minus(Token![-]),
    Times(Token![*]),
}

/// An expression for the extents of a nested struct.
pub(crate) enum DimsExpr {
    Extent(ExtentExpr),
    List(Vec<DimsExpr>),
    Struct(Path, Vec<(Member, DimsExpr)>),
    Unit,
}

/// `[nx, ny + 1]`
pub(crate) struct Shape {
    pub(crate) bracket: token::Bracket,
    pub(crate) extents: Vec<ExtentExpr>,
}

impl ExtentExpr {
    /// The name, if the expression is a single name.
    pub(crate) fn name(&self) -> Option<&Ident> {
        match self {
            ExtentExpr::Name(path) if path.qself.is_none() => path.path.get_ident(),
            ExtentExpr::Paren(inner) => inner.name(),
            _ => None,
        }
    }

    /// Whether the expression is this name.
    pub(crate) fn is_name(&self, other: &Ident) -> bool {
        self.name()
            .is_some_and(|name| name.unraw() == other.unraw())
    }

    /// Calls `visit` with every name in the expression.
    pub(crate) fn for_each_name<'e>(&'e self, visit: &mut impl FnMut(&'e ExprPath)) {
        match self {
            ExtentExpr::Number(_) => {}
            ExtentExpr::Name(path) => visit(path),
            ExtentExpr::Paren(inner) => inner.for_each_name(visit),
            ExtentExpr::Binary(left, _, right) => {
                left.for_each_name(visit);
                right.for_each_name(visit);
            }
        }
    }

    fn product(input: ParseStream<'_>) -> Result<Self> {
        let mut left = ExtentExpr::atom(input)?;
        while input.peek(Token![*]) {
            let times = Operator::Times(input.parse()?);
            left = ExtentExpr::Binary(Box::new(left), times, Box::new(ExtentExpr::atom(input)?));
        }
        Ok(left)
    }

    fn atom(input: ParseStream<'_>) -> Result<Self> {
        if input.peek(token::Paren) {
            let inner;
            parenthesized!(inner in input);
            let extent = Box::new(parse_all(&inner, ExtentExpr::parse)?);
            return if inner.is_empty() {
                Ok(ExtentExpr::Paren(extent))
            } else {
                Err(unexpected(&inner))
            };
        }
        // A `macro_rules` fragment such as `$n:expr` arrives as an invisible group, which keeps its precedence.
        if let Some(group) = invisible_group(input) {
            return Ok(ExtentExpr::Paren(Box::new(
                ExtentExpr::parse.parse2(group)?,
            )));
        }
        if input.peek(syn::Lit) {
            let number: LitInt = input
                .parse()
                .map_err(|error| Error::new(error.span(), "expected a whole number"))?;
            number.base10_parse::<u64>().map_err(|_| {
                Error::new_spanned(&number, "the number is too large for a `usize`")
            })?;
            return match number.suffix() {
                "" | "usize" => Ok(ExtentExpr::Number(number)),
                _ => Err(Error::new_spanned(
                    &number,
                    "extents are `usize`: remove the suffix",
                )),
            };
        }
        if input.peek(syn::Ident)
            || input.peek(Token![::])
            || input.peek(Token![<])
            || is_path_keyword(input)
        {
            return Ok(ExtentExpr::Name(input.parse()?));
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
        "an extent may contain only {ALLOWED}: for anything else, declare a dim or define a constant"
    );
    match input.fork().parse::<TokenTree>() {
        Ok(token) => Error::new_spanned(token, message),
        Err(_) => input.error("expected an extent"),
    }
}

fn invisible_group(input: ParseStream<'_>) -> Option<TokenStream> {
    let step = input.step(|cursor| match cursor.group(Delimiter::None) {
        Some((inner, _, rest)) => Ok((inner.token_stream(), rest)),
        None => Err(cursor.error("no group")),
    });
    step.ok()
}

/// Parses the contents of brackets. After an error the rest is skipped, because `syn` would report the unread tokens as well.
pub(crate) fn parse_all<T>(
    inner: ParseStream<'_>,
    parse: impl FnOnce(ParseStream<'_>) -> Result<T>,
) -> Result<T> {
    let parsed = parse(inner);
    if parsed.is_err() {
        inner.parse::<TokenStream>()?;
    }
    parsed
}

impl Parse for ExtentExpr {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut left = ExtentExpr::product(input)?;
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
            left = ExtentExpr::Binary(
                Box::new(left),
                operator,
                Box::new(ExtentExpr::product(input)?),
            );
        }
    }
}

impl Parse for Shape {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        if !input.peek(token::Bracket) {
            return Err(input.error(
                "expected a list with one extent for each dimension: write `shape = [nx, ny]`",
            ));
        }
        let inner;
        let bracket = bracketed!(inner in input);
        let extents = parse_all(
            &inner,
            Punctuated::<ExtentExpr, Token![,]>::parse_terminated,
        )?;
        Ok(Shape {
            bracket,
            extents: extents.into_iter().collect(),
        })
    }
}

impl Parse for DimsExpr {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let inner;
        if input.peek(token::Bracket) {
            bracketed!(inner in input);
            let values = parse_all(&inner, Punctuated::<DimsExpr, Token![,]>::parse_terminated)?;
            return Ok(DimsExpr::List(values.into_iter().collect()));
        }
        let fork = input.fork();
        if fork.parse::<Path>().is_ok() && fork.peek(token::Brace) {
            let path = input.parse()?;
            braced!(inner in input);
            let fields = parse_all(&inner, |inner| {
                inner.parse_terminated(named_value, Token![,])
            })?;
            return Ok(DimsExpr::Struct(path, fields.into_iter().collect()));
        }
        let fork = input.fork();
        if let Ok(TokenTree::Group(group)) = fork.parse::<TokenTree>()
            && group.delimiter() == Delimiter::Parenthesis
            && group.stream().is_empty()
        {
            parenthesized!(inner in input);
            return inner.parse::<syn::parse::Nothing>().map(|_| DimsExpr::Unit);
        }
        input.parse().map(DimsExpr::Extent)
    }
}

/// `n: ny`, or `n` for `n: n`.
fn named_value(input: ParseStream<'_>) -> Result<(Member, DimsExpr)> {
    let member: Member = input.parse()?;
    if input.peek(Token![:]) {
        input.parse::<Token![:]>()?;
        return Ok((member, input.parse()?));
    }
    match &member {
        Member::Named(name) => {
            let value = DimsExpr::Extent(ExtentExpr::Name(syn::parse2(quote!(#name))?));
            Ok((member, value))
        }
        Member::Unnamed(_) => Err(input.error("expected `:` and the value of the field")),
    }
}

impl DimsExpr {
    /// Calls `visit` with every extent and its path from the root of the expression, as tokens: `.n`, `.table[0]`.
    pub(crate) fn for_each_extent<'v>(
        &'v self,
        path: &TokenStream,
        visit: &mut impl FnMut(&TokenStream, &'v ExtentExpr),
    ) {
        match self {
            DimsExpr::Extent(extent) => visit(path, extent),
            DimsExpr::List(values) => {
                for (index, value) in values.iter().enumerate() {
                    value.for_each_extent(&quote!(#path[#index]), visit);
                }
            }
            DimsExpr::Struct(_, fields) => {
                for (member, value) in fields {
                    value.for_each_extent(&quote!(#path.#member), visit);
                }
            }
            DimsExpr::Unit => {}
        }
    }
}

impl ToTokens for ExtentExpr {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        tokens.extend(match self {
            ExtentExpr::Number(number) => quote!(#number),
            ExtentExpr::Name(path) => quote!(#path),
            ExtentExpr::Paren(inner) => quote!((#inner)),
            ExtentExpr::Binary(left, operator, right) => quote!(#left #operator #right),
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
