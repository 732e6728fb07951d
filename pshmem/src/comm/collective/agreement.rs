//! Comparing what all ranks must pass alike, and saying how it differs.

use crate::comm::check;
use crate::comm::collective::call::{Argument, Call, Step};
use crate::comm::collective::contribution::Contribution;
use crate::comm::collective::round::WRITTEN_BYTES;
use crate::comm::rank_state::RankState;
use crate::error::{Error, Result, clip};
use crate::layout::identity::Identity;

/// Bytes that are compared within one meeting.
pub(crate) const AGREEMENT_BYTES: usize = 900;

/// The error of a call to which two ranks passed different things.
pub(crate) fn mismatch(call: Call, ours: &(usize, Vec<u8>), theirs: &(usize, Vec<u8>)) -> Error {
    if call.is_step(Step::Copies) {
        return check::copies_differ(call, ours.0, theirs.0);
    }
    let (first, second) = texts(call, &ours.1, &theirs.1);
    let (ours, theirs) = ((ours.0, first), (theirs.0, second));
    Error::Mismatch {
        call: call.name().to_owned(),
        reference: ours.0,
        ours: clip(&ours.1, 300),
        rank: theirs.0,
        theirs: clip(&theirs.1, 300),
    }
}

fn texts(call: Call, ours: &[u8], theirs: &[u8]) -> (String, String) {
    let show = match call.argument() {
        Argument::Layout => match (Identity::decode(ours), Identity::decode(theirs)) {
            (Ok(ours), Ok(theirs)) => return ours.difference(&theirs),
            _ => hex,
        },
        Argument::Bytes => hex,
        Argument::Number => number,
        Argument::Text => text,
        Argument::Counts => counts,
    };
    (show(ours), show(theirs))
}

fn hex(bytes: &[u8]) -> String {
    let shown = &bytes[..bytes.len().min(32)];
    let more = if bytes.len() > 32 { "…" } else { "" };
    format!("a value with the bytes {shown:02x?}{more}")
}

fn number(bytes: &[u8]) -> String {
    format!("n = {}", bytes.try_into().map_or(0, u64::from_le_bytes))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A list of counts as `update_parts_by` compares it.
fn counts(bytes: &[u8]) -> String {
    postcard::from_bytes::<Vec<usize>>(bytes).map_or("other counts".to_owned(), |counts| {
        format!("the counts {counts:?}")
    })
}

impl RankState {
    /// All ranks meet and compare `mine`, which may be of any length on any rank. A rank with a `fault` passes that on.
    pub(crate) fn agree_on(&self, call: Call, mine: &[u8], fault: Option<Error>) -> Result<()> {
        let long = mine.len() > AGREEMENT_BYTES;
        // A fault takes room in the note, and is told before a difference.
        let must_match = (!long && fault.is_none()).then(|| mine.to_vec());
        let contribution = Contribution {
            fault,
            must_match,
            compare_in_pieces: long,
            ..Contribution::default()
        };
        let agreed = self.agree(call, contribution)?;
        if agreed.compare_in_pieces {
            self.compare(call, mine)?;
        }
        Ok(())
    }

    /// All ranks compare `mine` with what rank 0 has, piece by piece.
    pub(crate) fn compare(&self, call: Call, mine: &[u8]) -> Result<()> {
        let mut reference = Vec::new();
        loop {
            let piece = self.write(call.root(0).step(Step::Reference), None, |_| {
                let rest = &mine[reference.len()..];
                let taken = rest.len().min(WRITTEN_BYTES.saturating_sub(1));
                let last = u8::from(taken == rest.len());
                Ok([&[last], &rest[..taken]].concat())
            })?;
            let (last, bytes) = piece.split_first().expect("every piece begins with a flag");
            reference.extend_from_slice(bytes);
            if *last == 1 {
                break;
            }
        }
        let rank = self.topology.rank;
        let fault =
            (reference != mine).then(|| mismatch(call, &(0, reference), &(rank, mine.to_vec())));
        self.agree(call.step(Step::Compare), Contribution::fault(fault))?;
        Ok(())
    }
}
