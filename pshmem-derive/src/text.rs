//! Code as text, for messages.

use quote::ToTokens;

/// Tokens as the user would write them, in so far as tokens tell.
pub(crate) fn text(tokens: impl ToTokens) -> String {
    let spaced = tokens.to_token_stream().to_string();
    let mut text = String::new();
    let mut previous = "";
    for piece in spaced.split(' ') {
        if !text.is_empty() && !is_glued(previous, piece) {
            text.push(' ');
        }
        text.push_str(piece);
        previous = piece;
    }
    text
}

/// Whether two tokens stand together in ordinary code.
fn is_glued(left: &str, right: &str) -> bool {
    let arrow = left == "->" || right == "->";
    let opens = left.ends_with(['<', '(', '[', '&']) || left.ends_with("::");
    let pointer = left.ends_with('*') && matches!(right, "const" | "mut");
    let closes = right.starts_with(['<', '>', ')', ']', ',', ';', ':']);
    let call = right.starts_with('(') && left == "fn";
    !arrow && (opens || pointer || closes || call)
}

#[cfg(test)]
mod tests {
    use super::text;
    use quote::quote;

    #[test]
    fn reads_as_written() {
        assert_eq!(
            text(quote!(std::collections::HashMap<u64, [f64; 3]>)),
            "std::collections::HashMap<u64, [f64; 3]>"
        );
        assert_eq!(
            text(quote!(fn(*const f64, &'static str) -> u8)),
            "fn(*const f64, &'static str) -> u8"
        );
        assert_eq!(
            text(quote!((nx - 1) * Self::SIDES + 2 * (n))),
            "(nx - 1) * Self::SIDES + 2 * (n)"
        );
    }
}
