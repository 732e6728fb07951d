//! Texts in JSON, which is all that reports and status need.
//!
//! It is not written by `serde_json`: that crate implements `PartialEq` between its values and the primitive types,
//! and as a dependency of this library it makes `assert_eq!(count, text.parse().unwrap())` ambiguous in a user's program.

use std::fmt::Write;

/// A text as a JSON string.
pub(super) fn json_string(text: &str) -> String {
    let mut json = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => json.extend(['\\', character]),
            // Also those above ASCII, which would control a terminal.
            control if control.is_control() => {
                let _ = write!(json, "\\u{:04x}", control as u32);
            }
            character => json.push(character),
        }
    }
    json.push('"');
    json
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_escaped() {
        let text = "a \"b\" \\ \n\x1b\u{7f}\u{9b}ü";
        let json = json_string(text);
        assert_eq!(json, r#""a \"b\" \\ \u000a\u001b\u007f\u009bü""#);
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
    }
}
