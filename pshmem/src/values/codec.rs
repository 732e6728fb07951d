//! Runs users' `Serialize` and `Deserialize` inside collective calls, and knows which types have none of their own.

use crate::comm::closure::ClosureRunner;
use crate::comm::protocol::call::{Call, Step};
use crate::comm::protocol::contribution::Contribution;
use crate::comm::protocol::value_key::ValueKey;
use crate::comm::rank_state::RankState;
use crate::error::{Error, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Encodes and decodes the values of one call. They are of one type, whose name it has.
#[must_use = "`finish` continues a panic"]
pub(super) struct Codec {
    call: Call,
    rank: usize,
    type_name: &'static str,
    is_of_std: bool,
    /// Runs the user's code.
    pub(super) closure: ClosureRunner,
}

impl Codec {
    pub(super) fn new<T>(core: &RankState, call: Call) -> Self {
        let rank = core.group.topology.rank;
        Codec {
            call,
            rank,
            type_name: std::any::type_name::<T>(),
            is_of_std: are_names_of_std(std::any::type_name::<T>()),
            closure: ClosureRunner::new(rank),
        }
    }

    /// What all ranks must pass alike.
    pub(super) fn key(&self) -> ValueKey<'static> {
        ValueKey {
            type_name: self.type_name,
            type_id: &[],
            len: None,
            op: None,
        }
    }

    pub(super) fn encode<T: Serialize>(&mut self, value: &T) -> Result<Vec<u8>> {
        let encoded = self.closure.run(|| Ok(postcard::to_allocvec(value)))?;
        encoded.map_err(|why| self.error("encode", &why))
    }

    pub(super) fn decode<T: DeserializeOwned>(&mut self, bytes: &[u8]) -> Result<T> {
        let decoded = self.closure.run(|| Ok(from_bytes(bytes)))?;
        decoded.map_err(|why| self.error("decode", &why))
    }

    /// The values of all ranks, of which this one has its own, which it takes.
    pub(super) fn decode_all<'a, T: DeserializeOwned>(
        &mut self,
        own: &mut Option<T>,
        mut of_ranks: impl Iterator<Item = &'a [u8]>,
    ) -> Result<Vec<T>> {
        let rank = self.rank;
        let decoded = self.closure.run(|| {
            // In here, because `drop` of values is the user's code, too.
            let mut all = Vec::new();
            for bytes in of_ranks.by_ref().take(rank) {
                match from_bytes(bytes) {
                    Ok(value) => all.push(value),
                    Err(why) => return Ok(Err(why)),
                }
            }
            all.extend(own.take());
            for bytes in of_ranks.skip(1) {
                match from_bytes(bytes) {
                    Ok(value) => all.push(value),
                    Err(why) => return Ok(Err(why)),
                }
            }
            Ok(Ok(all))
        })?;
        decoded.map_err(|why| self.error("decode", &why))
    }

    fn error(&self, what: &str, why: &postcard::Error) -> Error {
        use postcard::Error as Why;
        let reason = match why {
            Why::SerdeSerCustom => "its `Serialize` has returned an error".to_owned(),
            Why::SerdeDeCustom => "its `Deserialize` has returned an error".to_owned(),
            Why::WontImplement => {
                "its `Deserialize` needs a format that describes itself; pass a string in such a format, for example JSON".to_owned()
            }
            Why::DeserializeBadEncoding => {
                "its `Deserialize` has not read all that its `Serialize` has written".to_owned()
            }
            other => other.to_string(),
        };
        Error::Encoding {
            call: self.call.name().to_owned(),
            rank: self.rank,
            what: what.to_owned(),
            type_name: self.type_name.to_owned(),
            reason,
        }
    }

    /// All ranks agree on whether all of them have decoded what they have got. Afterwards none of them uses the bytes any more.
    pub(super) fn agree<R>(&self, core: &RankState, decoded: Result<R>) -> Result<R> {
        let fault = decoded.as_ref().err().cloned();
        core.agree(self.call.step(Step::Finish), Contribution::fault(fault))?;
        decoded
    }

    /// The same, unless it is known that all have decoded it, and no memory of the node is in use.
    pub(super) fn agree_unless_of_std<R>(&self, core: &RankState, decoded: Result<R>) -> Result<R> {
        if self.is_of_std {
            return decoded;
        }
        self.agree(core, decoded)
    }

    /// Ends the call on this rank: continues a panic of the user's code, or gives the result back.
    pub(super) fn finish<R>(self, result: Result<R>) -> Result<R> {
        self.closure.finish(result)
    }
}

fn from_bytes<T: DeserializeOwned>(bytes: &[u8]) -> postcard::Result<T> {
    match postcard::take_from_bytes(bytes)? {
        (value, []) => Ok(value),
        _ => Err(postcard::Error::DeserializeBadEncoding),
    }
}

/// Whether values of a type are decoded without code of the user, so that what was encoded on one rank is decoded on all: its name
/// consists of names of primitives and of types of the standard library.
///
/// `alloc::vec::Vec<(u64, f64)>`, but not `alloc::vec::Vec<my_crate::Line>`.
fn are_names_of_std(type_name: &str) -> bool {
    const PRIMITIVES: [&str; 18] = [
        "bool", "char", "str", "u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32",
        "i64", "i128", "isize", "f32", "f64", "mut",
    ];
    let is_of_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | ':' | '{' | '}' | '#');
    let mut names = type_name
        .split(|c| !is_of_name(c))
        .filter(|name| !name.is_empty());
    names.all(|name| {
        let is_of_std = ["core::", "alloc::", "std::"]
            .iter()
            .any(|root| name.starts_with(root));
        let is_number = name.bytes().all(|byte| byte.is_ascii_digit());
        is_of_std || is_number || PRIMITIVES.contains(&name)
    })
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, HashMap};
    use std::num::NonZeroU8;
    use std::time::Duration;

    #[test]
    fn types_of_the_standard_library_are_told_from_others() {
        struct Local;
        fn is_of_std<T>() -> bool {
            are_names_of_std(std::any::type_name::<T>())
        }
        assert!(is_of_std::<()>() && is_of_std::<f64>() && is_of_std::<[u8; 3]>());
        assert!(is_of_std::<(String, Option<char>, Vec<Box<[i128]>>)>());
        assert!(is_of_std::<HashMap<NonZeroU8, BTreeMap<&str, Duration>>>());
        assert!(!is_of_std::<Local>() && !is_of_std::<Vec<Local>>());
        assert!(!is_of_std::<Option<(u8, [Local; 2])>>());
        assert!(!is_of_std::<Error>() && !is_of_std::<num_complex::Complex<f64>>());
        for name in ["u64x", "my_core::Line", "Line", "dyn core::fmt::Debug"] {
            assert!(!are_names_of_std(name), "{name}");
        }
    }

    #[test]
    fn bytes_that_are_left_over_are_an_error() {
        assert_eq!(from_bytes::<u8>(&[3]), Ok(3));
        assert_eq!(from_bytes::<()>(&[]), Ok(()));
        assert!(from_bytes::<u8>(&[3, 4]).is_err() && from_bytes::<u8>(&[]).is_err());
    }
}
