//! What all ranks of a call that passes values must pass alike, besides the call itself.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Type and number of the values, and the operation that combines them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ValueKey<'a> {
    pub(crate) type_name: &'a str,
    /// What `layout::identity::type_bytes` gives. Empty where values are encoded, because those are checked when they are decoded.
    pub(crate) type_id: &'a [u8],
    /// Number of elements, if the values are slices.
    pub(crate) len: Option<usize>,
    /// The name of the operation, if there is one.
    pub(crate) op: Option<&'a str>,
}

impl<'a> ValueKey<'a> {
    pub(crate) fn encode(&self) -> Vec<u8> {
        // Room for usual names: a vector that grows byte by byte takes a good part of a round.
        const USUAL: usize = 96;
        postcard::to_extend(self, Vec::with_capacity(USUAL))
            .expect("keys are plain data and always encode")
    }

    pub(crate) fn decode(bytes: &'a [u8]) -> postcard::Result<Self> {
        postcard::from_bytes(bytes)
    }
}

/// As in "8 elements of f64 and the operation `sum`".
impl fmt::Display for ValueKey<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.len {
            Some(len) => write!(f, "{len} elements of {}", self.type_name)?,
            None => write!(f, "a value of the type {}", self.type_name)?,
        }
        match self.op {
            Some(op) => write!(f, " and the operation `{op}`"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_back_and_read_well() {
        let mut key = ValueKey {
            type_name: "f64",
            type_id: &[1, 2],
            len: Some(8),
            op: Some("sum"),
        };
        assert_eq!(ValueKey::decode(&key.encode()), Ok(key));
        assert_eq!(key.to_string(), "8 elements of f64 and the operation `sum`");
        (key.len, key.op) = (None, None);
        assert_eq!(ValueKey::decode(&key.encode()), Ok(key));
        assert_eq!(key.to_string(), "a value of the type f64");
        assert!(ValueKey::decode(&[9]).is_err());
    }
}
