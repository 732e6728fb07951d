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
            control if control < ' ' => {
                let _ = write!(json, "\\u{:04x}", control as u32);
            }
            character => json.push(character),
        }
    }
    json.push('"');
    json
}
