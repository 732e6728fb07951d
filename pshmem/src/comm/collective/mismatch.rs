//! The error of a call to which two ranks have passed different arguments.

use crate::comm::protocol::call::{Argument, Call, Step};
use crate::comm::protocol::value_key::ValueKey;
use crate::error::{Error, clip};
use crate::layout::identity::Identity;
use crate::layout::owners;
use crate::layout::value_text::{self, bytes_text};

/// Bytes of an argument that the error shows.
const SHOWN: usize = 300;

/// What two ranks have passed, each with its rank.
pub(super) fn mismatch(call: Call, ours: &(usize, Vec<u8>), theirs: &(usize, Vec<u8>)) -> Error {
    if call.is_step(Step::Copies) {
        return copies_differ(call, ours.0, theirs.0);
    }
    let (ours_text, theirs_text) = texts(call.argument(), &ours.1, &theirs.1);
    Error::Mismatch {
        call: call.name().to_owned(),
        reference: ours.0,
        ours: clip(&ours_text, SHOWN),
        rank: theirs.0,
        theirs: clip(&theirs_text, SHOWN),
    }
}

fn copies_differ(call: Call, ours: usize, theirs: usize) -> Error {
    Error::Corrupt {
        call: call.name().to_owned(),
        what: format!("the copies that ranks {ours} and {theirs} read differ in what was written"),
    }
}

fn texts(argument: Argument, ours: &[u8], theirs: &[u8]) -> (String, String) {
    let show = match argument {
        Argument::Layout => match (Identity::decode(ours), Identity::decode(theirs)) {
            (Ok(ours), Ok(theirs)) => return ours.difference(&theirs),
            _ => bytes_text,
        },
        Argument::Owners => match owners::difference(ours, theirs) {
            Some((row, ours, theirs)) => {
                let text = |owner| format!("rank {owner} as the owner of row {row}");
                return (text(ours), text(theirs));
            }
            None => bytes_text,
        },
        Argument::Bytes => bytes_text,
        Argument::Element => return value_text::texts(ours, theirs),
        Argument::Number => number,
        Argument::Text => text,
        Argument::Counts => counts,
        Argument::Values => values,
    };
    (show(ours), show(theirs))
}

fn number(bytes: &[u8]) -> String {
    format!("n = {}", bytes.try_into().map_or(0, u64::from_le_bytes))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn values(bytes: &[u8]) -> String {
    ValueKey::decode(bytes).map_or("other values".to_owned(), |key| key.to_string())
}

fn counts(bytes: &[u8]) -> String {
    postcard::from_bytes::<Vec<usize>>(bytes).map_or("other counts".to_owned(), |counts| {
        format!("the counts {counts:?}")
    })
}
