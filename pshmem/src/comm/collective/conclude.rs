//! Calls in which every rank may pass a few bytes, and one rank makes of the bytes of all what all ranks get.

use crate::comm::collective::agree::lead;
use crate::comm::collective::mismatch::mismatch;
use crate::comm::collective::round::{
    Outcome, WRITTEN_BYTES, arrive_with, await_outcome, encode_contribution,
};
use crate::comm::protocol::call::Call;
use crate::comm::protocol::contribution::{Contribution, Contributions, short_form};
use crate::comm::protocol::control_block::CONTRIBUTION_BYTES;
use crate::comm::rank_sync::RankSync;
use crate::error::{Error, Result};

/// What all ranks get from [`conclude`].
#[derive(Debug)]
pub(crate) enum Conclusion {
    Bytes(Vec<u8>),
    /// There is none: an item, all items together, or what was made of them does not fit into a round.
    TooLong {
        /// What must match is not compared yet, because it does not fit into a contribution.
        compare_in_pieces: bool,
    },
}

/// What makes one of the items of all ranks.
pub(crate) struct Maker<F> {
    /// Gets the items.
    pub(crate) run: F,
    /// Whether it may run on one rank only: it contains user code, which may fail, or make different things on two ranks.
    pub(crate) once: bool,
}

/// The items of ranks, in rank order. Each with its rank.
pub(crate) type Items = [(usize, Vec<u8>)];

/// What a rank passes: nothing, an item, or why it cannot.
pub(crate) type Mine<'a> = Result<Option<&'a [u8]>, &'a Error>;

/// Bytes of `must_match` that leave enough room for items.
const MATCHED: usize = CONTRIBUTION_BYTES / 2;

/// All ranks get what the maker returns for the items that they pass. It runs on one rank or two, which all others wait for, and only
/// if no rank has an error, all pass the same `must_match`, and all items fit.
///
/// One round. Items go up the trees of nodes, what is made of them comes down. To be called on a `Comm` of several ranks.
pub(crate) fn conclude(
    sync: &RankSync,
    call: Call,
    must_match: &[u8],
    mine: Mine<'_>,
    maker: Maker<impl FnOnce(&Items) -> Result<Vec<u8>>>,
) -> Result<Conclusion> {
    let n = arrive_with(sync, call, &contribution(must_match, mine, maker.once));
    if sync.group.topology.is_leader() {
        let rank = sync.group.topology.rank;
        let at_top = |merged: &mut Contributions| make_of_all(rank, merged, maker.run);
        lead(sync, n, call, at_top, |merged| outcome(call, merged));
    }
    Ok(match await_outcome(sync, n, call)? {
        Some(Outcome::Written(bytes)) => Conclusion::Bytes(bytes),
        Some(Outcome::TooLong { compare_in_pieces }) => Conclusion::TooLong { compare_in_pieces },
        _ => unreachable!("every leader releases this call with one of these outcomes"),
    })
}

/// What this rank contributes, encoded.
fn contribution(must_match: &[u8], mine: Mine<'_>, make_once: bool) -> Vec<u8> {
    let one = match mine {
        // The error needs the room.
        Err(error) => Contribution::fault(Some(error.clone())),
        Ok(_) if must_match.len() > MATCHED => Contribution {
            compare_in_pieces: true,
            ..Contribution::default()
        },
        Ok(item) => {
            let room = Contribution::room_for_item(CONTRIBUTION_BYTES, must_match);
            if item.is_none_or(|item| item.len() <= room) {
                return short_form(must_match, item, make_once);
            }
            Contribution {
                too_long: true,
                ..Contribution::must_match(must_match)
            }
        }
    };
    encode_contribution(&one)
}

/// Replaces the items by one, which is what `make` returns.
fn make_of_all(
    rank: usize,
    merged: &mut Contributions,
    make: impl FnOnce(&Items) -> Result<Vec<u8>>,
) {
    let mut items = std::mem::take(&mut merged.items);
    let cannot = merged.fault.is_some() || merged.mismatch.is_some() || merged.compare_in_pieces;
    if cannot || merged.too_long {
        return;
    }
    items.sort_unstable_by_key(|&(rank, _)| rank);
    match make(&items) {
        Ok(bytes) if bytes.len() <= WRITTEN_BYTES => merged.items.push((rank, bytes)),
        Ok(_) => merged.too_long = true,
        Err(error) => merged.fault = Some((rank, error)),
    }
}

/// The outcome, encoded. Every leader computes the same.
fn outcome(call: Call, mut merged: Contributions) -> Vec<u8> {
    if let Some((_, fault)) = merged.fault {
        return Outcome::failed(fault);
    }
    if let (Some(ours), Some(theirs)) = (&merged.must_match, &merged.mismatch) {
        return Outcome::failed(mismatch(call, ours, theirs));
    }
    let made = merged.items.pop();
    let outcome = made.map_or(
        Outcome::TooLong {
            compare_in_pieces: merged.compare_in_pieces,
        },
        |(_, bytes)| Outcome::Written(bytes),
    );
    outcome.encode()
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_contribution_fits_whatever_it_is_made_of() {
        for matched in [0, 1, MATCHED, MATCHED + 1, 5000] {
            for item in [0, 1, 400, MATCHED, 1020, 1024, 5000] {
                let (must_match, item) = (vec![1; matched], vec![2; item]);
                let bytes = contribution(&must_match, Ok(Some(&item)), false);
                assert!(bytes.len() <= CONTRIBUTION_BYTES);
                let mut merged = Contributions::default();
                merged.add_encoded(3, &bytes);
                assert_eq!(merged.compare_in_pieces, matched > MATCHED);
                if !merged.compare_in_pieces {
                    let fits = 3 + matched + item.len() <= CONTRIBUTION_BYTES;
                    assert_eq!(merged.items, if fits { vec![(3, item)] } else { vec![] });
                    assert_eq!(merged.too_long, !fits);
                    assert_eq!(merged.must_match, Some((3, must_match)));
                }
            }
        }
        let mut merged = Contributions::default();
        merged.add_encoded(3, &contribution(&[1], Ok(None), false));
        assert!(merged.items.is_empty() && !merged.too_long);
    }
}
