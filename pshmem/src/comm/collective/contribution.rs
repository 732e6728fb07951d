//! What ranks add to their arrival when a call decides something together, and how it is merged on the way.

use crate::error::Error;
use serde::{Deserialize, Serialize};

/// One rank's contribution. Its encoding fits into a local_rank's note; long texts in errors are clipped before.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Contribution {
    /// This rank cannot do its part.
    pub(crate) fault: Option<Error>,
    /// Bytes that must be equal on all ranks.
    pub(crate) same: Option<Vec<u8>>,
    /// What must be equal is too long for a note and will be compared piece by piece.
    pub(crate) long: bool,
    /// This rank holds the data.
    pub(crate) holds: bool,
    /// The node needs more memory before the call can end.
    pub(crate) grow: bool,
    /// A row of a table that all ranks get.
    pub(crate) row: Option<Vec<u8>>,
    /// A number of which all ranks get the largest.
    pub(crate) id: Option<u64>,
}

impl Contribution {
    pub(crate) fn is_empty(&self) -> bool {
        *self == Contribution::default()
    }
}

/// The contributions of many ranks. Merging gives the same result in any grouping, because the lowest rank wins.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Contributions {
    /// The fault of the lowest rank that has one.
    pub(crate) fault: Option<(usize, Error)>,
    /// The bytes of the lowest rank, and those of the lowest rank that differs from it.
    pub(crate) same: Option<(usize, Vec<u8>)>,
    pub(crate) differs: Option<(usize, Vec<u8>)>,
    pub(crate) long: bool,
    /// The lowest two ranks that hold data.
    pub(crate) holders: Vec<usize>,
    pub(crate) grow: bool,
    pub(crate) rows: Vec<(usize, Vec<u8>)>,
    pub(crate) id: Option<u64>,
}

impl Contributions {
    pub(crate) fn is_empty(&self) -> bool {
        *self == Contributions::default()
    }

    /// Adds the note of one rank.
    pub(crate) fn add(&mut self, rank: usize, note: Contribution) {
        self.merge(Contributions {
            fault: note.fault.map(|fault| (rank, fault)),
            same: note.same.map(|bytes| (rank, bytes)),
            differs: None,
            long: note.long,
            holders: if note.holds { vec![rank] } else { Vec::new() },
            grow: note.grow,
            rows: note.row.into_iter().map(|row| (rank, row)).collect(),
            id: note.id,
        });
    }

    /// Adds the notes of other ranks.
    pub(crate) fn merge(&mut self, other: Contributions) {
        self.fault = lower(self.fault.take(), other.fault);
        let (first, second) = in_order(self.same.take(), other.same);
        // Whoever differs from the lowest rank: the other group's lowest if it does, else those that a group found itself.
        let mut differs = lower(self.differs.take(), other.differs);
        if let (Some(first), Some(second)) = (&first, second)
            && first.1 != second.1
        {
            differs = lower(differs, Some(second));
        }
        self.same = first;
        self.differs = differs;
        self.holders.extend(other.holders);
        self.holders.sort_unstable();
        self.holders.truncate(2);
        self.long |= other.long;
        self.grow |= other.grow;
        self.rows.extend(other.rows);
        self.id = self.id.max(other.id);
    }
}

/// Something that a rank contributed.
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
        Contribution {
            same: Some(bytes.to_vec()),
            ..Contribution::default()
        }
    }

    #[test]
    fn the_lowest_rank_wins_in_any_grouping() {
        let notes = [same(b"a"), same(b"a"), same(b"b"), same(b"c")];
        for split in 0..=4 {
            let mut left = Contributions::default();
            let mut right = Contributions::default();
            for (rank, note) in notes.iter().enumerate() {
                if rank < split {
                    left.add(rank, note.clone());
                } else {
                    right.add(rank, note.clone());
                }
            }
            for (mut one, other) in [(left.clone(), right.clone()), (right, left)] {
                one.merge(other);
                assert_eq!(one.same, Some((0, b"a".to_vec())), "split {split}");
                assert_eq!(
                    one.differs.as_ref().map(|(rank, _)| *rank),
                    Some(2),
                    "split {split}"
                );
            }
        }
    }

    #[test]
    fn two_holders_are_enough_to_name() {
        let mut notes = Contributions::default();
        for rank in [5, 1, 3] {
            notes.add(
                rank,
                Contribution {
                    holds: true,
                    ..Contribution::default()
                },
            );
        }
        assert_eq!(notes.holders, [1, 3]);
    }
}
