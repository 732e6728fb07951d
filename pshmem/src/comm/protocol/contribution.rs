//! What each rank adds to a round that decides something, and how the contributions of many ranks are merged.

use crate::error::Error;
use serde::{Deserialize, Serialize};

/// What one rank adds. Its encoding fits into the rank's block of the control block; the texts of a fault are shortened for that.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Contribution {
    /// Why this rank cannot do its part. All ranks get the error.
    pub(crate) fault: Option<Error>,
    /// Bytes that must be the same on all ranks that pass any.
    pub(crate) must_match: Option<Vec<u8>>,
    /// What must match is too long for a contribution, and is compared piece by piece afterwards.
    pub(crate) compare_in_pieces: bool,
    /// Whether this rank has the data that one rank must have.
    pub(crate) has_data: bool,
    /// Whether this rank's node must map another chunk before it can allocate.
    pub(crate) needs_chunk: bool,
    /// An item that all ranks get.
    pub(crate) item: Option<Vec<u8>>,
    /// A number. All ranks get the largest.
    pub(crate) maximum: Option<u64>,
}

impl Contribution {
    /// Fails the call on all ranks if there is a fault.
    pub(crate) fn fault(fault: Option<Error>) -> Self {
        Contribution {
            fault,
            ..Contribution::default()
        }
    }

    pub(crate) fn must_match(bytes: &[u8]) -> Self {
        Contribution {
            must_match: Some(bytes.to_vec()),
            ..Contribution::default()
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        *self == Contribution::default()
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        postcard::to_allocvec(self).expect("contributions are plain data and always encode")
    }
}

/// The merged contributions of many ranks. The order and the grouping of merges do not matter, because the lowest rank wins.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Contributions {
    /// The fault of the lowest rank that has one.
    pub(crate) fault: Option<(usize, Error)>,
    /// What the lowest rank passed to be the same on all.
    pub(crate) must_match: Option<(usize, Vec<u8>)>,
    /// What the lowest rank passed that differs from it.
    pub(crate) mismatch: Option<(usize, Vec<u8>)>,
    pub(crate) compare_in_pieces: bool,
    /// The lowest two ranks that have data: one is right, and two are enough to name.
    pub(crate) ranks_with_data: Vec<usize>,
    pub(crate) needs_chunk: bool,
    pub(crate) items: Vec<(usize, Vec<u8>)>,
    pub(crate) maximum: Option<u64>,
}

impl Contributions {
    pub(crate) fn is_empty(&self) -> bool {
        *self == Contributions::default()
    }

    /// Merges in the contribution of one rank.
    pub(crate) fn add(&mut self, rank: usize, one: Contribution) {
        self.merge(Contributions {
            fault: one.fault.map(|fault| (rank, fault)),
            must_match: one.must_match.map(|bytes| (rank, bytes)),
            mismatch: None,
            compare_in_pieces: one.compare_in_pieces,
            ranks_with_data: if one.has_data { vec![rank] } else { Vec::new() },
            needs_chunk: one.needs_chunk,
            items: one.item.into_iter().map(|item| (rank, item)).collect(),
            maximum: one.maximum,
        });
    }

    /// Merges in the contributions of other ranks.
    pub(crate) fn merge(&mut self, other: Contributions) {
        self.fault = lower(self.fault.take(), other.fault);
        let (first, second) = in_order(self.must_match.take(), other.must_match);
        // The lowest rank that differs: the other group's lowest if that differs, or one that a group has found in itself.
        let mut mismatch = lower(self.mismatch.take(), other.mismatch);
        if let (Some(first), Some(second)) = (&first, second)
            && first.1 != second.1
        {
            mismatch = lower(mismatch, Some(second));
        }
        self.must_match = first;
        self.mismatch = mismatch;
        self.compare_in_pieces |= other.compare_in_pieces;
        self.ranks_with_data.extend(other.ranks_with_data);
        self.ranks_with_data.sort_unstable();
        self.ranks_with_data.truncate(2);
        self.needs_chunk |= other.needs_chunk;
        self.items.extend(other.items);
        self.maximum = self.maximum.max(other.maximum);
    }
}

/// Something, and the rank that passed it.
type From<T> = Option<(usize, T)>;

fn lower<T>(a: From<T>, b: From<T>) -> From<T> {
    in_order(a, b).0
}

/// Both, the one of the lower rank first.
fn in_order<T>(a: From<T>, b: From<T>) -> (From<T>, From<T>) {
    match (a, b) {
        (Some(a), Some(b)) if b.0 < a.0 => (Some(b), Some(a)),
        (None, b) => (b, None),
        both => both,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(bytes: &[u8]) -> Contribution {
        Contribution::must_match(bytes)
    }

    #[test]
    fn the_lowest_rank_wins_in_any_grouping() {
        let all = [same(b"a"), same(b"a"), same(b"b"), same(b"c")];
        for split in 0..=4 {
            let mut left = Contributions::default();
            let mut right = Contributions::default();
            for (rank, one) in all.iter().enumerate() {
                if rank < split {
                    left.add(rank, one.clone());
                } else {
                    right.add(rank, one.clone());
                }
            }
            for (mut one, other) in [(left.clone(), right.clone()), (right, left)] {
                one.merge(other);
                assert_eq!(one.must_match, Some((0, b"a".to_vec())), "split {split}");
                assert_eq!(
                    one.mismatch.as_ref().map(|(rank, _)| *rank),
                    Some(2),
                    "split {split}"
                );
            }
        }
    }

    #[test]
    fn two_ranks_with_data_are_enough_to_name() {
        let mut merged = Contributions::default();
        for rank in [5, 1, 3] {
            merged.add(
                rank,
                Contribution {
                    has_data: true,
                    ..Contribution::default()
                },
            );
        }
        assert_eq!(merged.ranks_with_data, [1, 3]);
    }
}
