//! Compile errors: collected, so that all mistakes in a struct are reported together, and formatting of code in their messages.

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use std::fmt::Display;

/// The errors found so far, in the order in which they were found.
#[derive(Default)]
pub(crate) struct Errors {
    all: Option<syn::Error>,
}

impl Errors {
    /// Adds an error; the compiler underlines `tokens`.
    pub(crate) fn at(&mut self, tokens: impl ToTokens, message: impl Display) {
        self.push(syn::Error::new_spanned(tokens, message));
    }

    /// Adds an error at `span`.
    pub(crate) fn at_span(&mut self, span: Span, message: impl Display) {
        self.push(syn::Error::new(span, message));
    }

    pub(crate) fn push(&mut self, error: syn::Error) {
        match &mut self.all {
            Some(all) => all.combine(error),
            None => self.all = Some(error),
        }
    }

    /// The value, or `None` after the error has been added.
    pub(crate) fn ok<T>(&mut self, result: syn::Result<T>) -> Option<T> {
        result.map_err(|error| self.push(error)).ok()
    }

    /// Number of errors.
    pub(crate) fn len(&self) -> usize {
        self.all.iter().flatten().count()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_none()
    }

    /// One `compile_error!` for each error.
    pub(crate) fn into_tokens(self) -> TokenStream {
        self.all
            .map(syn::Error::into_compile_error)
            .unwrap_or_default()
    }
}

/// Tokens as source code, with the usual spacing; exact spacing is not part of a token stream.
pub(crate) fn code_text(tokens: impl ToTokens) -> String {
    let spaced = tokens.to_token_stream().to_string();
    let mut text = String::new();
    let mut previous = "";
    for piece in spaced.split(' ') {
        if !text.is_empty() && !is_adjacent(previous, piece) {
            text.push(' ');
        }
        text.push_str(piece);
        previous = piece;
    }
    text
}

/// Whether there is no space between two tokens in ordinary code.
fn is_adjacent(left: &str, right: &str) -> bool {
    let arrow = left == "->" || right == "->";
    let opens = left.ends_with(['<', '(', '[', '&']) || left.ends_with("::");
    let pointer = left.ends_with('*') && matches!(right, "const" | "mut");
    let closes = right.starts_with(['<', '>', ')', ']', ',', ';', ':']);
    let call = right.starts_with('(') && left == "fn";
    !arrow && (opens || pointer || closes || call)
}

#[cfg(test)]
mod tests {
    use super::code_text;
    use quote::quote;

    #[test]
    fn reads_as_written() {
        assert_eq!(
            code_text(quote!(std::collections::HashMap<u64, [f64; 3]>)),
            "std::collections::HashMap<u64, [f64; 3]>"
        );
        assert_eq!(
            code_text(quote!(fn(*const f64, &'static str) -> u8)),
            "fn(*const f64, &'static str) -> u8"
        );
        assert_eq!(
            code_text(quote!((nx - 1) * Self::SIDES + 2 * (n))),
            "(nx - 1) * Self::SIDES + 2 * (n)"
        );
    }
}
