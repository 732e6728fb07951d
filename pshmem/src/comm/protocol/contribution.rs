//! What each rank adds to a round that decides something, and how the contributions of many ranks are merged.

use crate::comm::protocol::byte_fields;
use crate::error::Error;
use serde::{Deserialize, Serialize};

/// First byte of an encoded contribution: what follows is the encoding of the whole struct, or of its most frequent form.
const WHOLE: u8 = 0;
/// Length of `must_match` in two bytes, `must_match`.
const SHORT: u8 = 1;
/// The same, and the item.
const WITH_ITEM: u8 = 2;
/// Added to either: `make_once` is set.
const ONCE: u8 = 4;
/// Bytes of a short form in front of `must_match`.
const SHORT_HEAD: usize = 3;

/// Bytes of items that a node passes on to another one. Enough for a number from each of several thousand ranks.
const PASSED_ON: usize = 64 << 10;

/// What one rank adds. Its encoding fits into the rank's block of the control block; the texts of a fault are shortened for that.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each says something else")]
pub(crate) struct Contribution {
    /// Why this rank cannot do its part. All ranks get the error.
    pub(crate) fault: Option<Error>,
    /// Bytes that must be the same on all ranks that pass any.
    #[serde(with = "serde_bytes")]
    pub(crate) must_match: Option<Vec<u8>>,
    /// What must match is too long for a contribution, and is compared piece by piece afterwards.
    pub(crate) compare_in_pieces: bool,
    /// Whether this rank has the data that one rank must have.
    pub(crate) has_data: bool,
    /// Whether this rank's node must map another chunk before it can allocate.
    pub(crate) needs_chunk: bool,
    /// An item that all ranks get.
    #[serde(with = "serde_bytes")]
    pub(crate) item: Option<Vec<u8>>,
    /// What is made of all items is made on one rank, because two ranks might make different things of them.
    pub(crate) make_once: bool,
    /// This rank has an item that does not fit into a contribution.
    pub(crate) too_long: bool,
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

    /// Bytes that are left for an item in an encoding of `limit` bytes with this `must_match`.
    pub(crate) fn room_for_item(limit: usize, must_match: &[u8]) -> usize {
        limit.saturating_sub(SHORT_HEAD + must_match.len())
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        if let Some(must_match) = &self.must_match
            && must_match.len() <= u16::MAX.into()
            && self.has_short_form()
        {
            return short_form(must_match, self.item.as_deref(), self.make_once);
        }
        postcard::to_extend(self, vec![WHOLE])
            .expect("contributions are plain data and always encode")
    }

    /// Whether nothing is set but `must_match`, the item and `make_once`.
    fn has_short_form(&self) -> bool {
        let Contribution {
            fault,
            must_match: _,
            compare_in_pieces,
            has_data,
            needs_chunk,
            item: _,
            make_once: _,
            too_long,
            maximum,
        } = self;
        let flags = compare_in_pieces | has_data | needs_chunk | too_long;
        !flags && fault.is_none() && maximum.is_none()
    }
}

/// The encoding of a contribution of only these.
pub(crate) fn short_form(must_match: &[u8], item: Option<&[u8]>, make_once: bool) -> Vec<u8> {
    let len = u16::try_from(must_match.len()).expect("what must match fits into a contribution");
    let form = item.map_or(SHORT, |_| WITH_ITEM) | if make_once { ONCE } else { 0 };
    let [low, high] = len.to_le_bytes();
    [&[form, low, high], must_match, item.unwrap_or_default()].concat()
}

/// The merged contributions of many ranks. The order and the grouping of merges do not matter, because the lowest rank wins.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each says something else")]
pub(crate) struct Contributions {
    /// The fault of the lowest rank that has one.
    pub(crate) fault: Option<(usize, Error)>,
    /// What the lowest rank passed to be the same on all.
    #[serde(with = "byte_fields::of_one_rank")]
    pub(crate) must_match: Option<(usize, Vec<u8>)>,
    /// What the lowest rank passed that differs from it.
    #[serde(with = "byte_fields::of_one_rank")]
    pub(crate) mismatch: Option<(usize, Vec<u8>)>,
    pub(crate) compare_in_pieces: bool,
    /// The lowest two ranks that have data: one is right, and two are enough to name.
    pub(crate) ranks_with_data: Vec<usize>,
    pub(crate) needs_chunk: bool,
    #[serde(with = "byte_fields::of_ranks")]
    pub(crate) items: Vec<(usize, Vec<u8>)>,
    pub(crate) make_once: bool,
    /// An item is too long, or all of them together are. Then `items` is not complete.
    pub(crate) too_long: bool,
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
            make_once: one.make_once,
            too_long: one.too_long,
            maximum: one.maximum,
        });
    }

    /// The same for a contribution that this executable has encoded.
    pub(crate) fn add_encoded(&mut self, rank: usize, bytes: &[u8]) {
        let (form, rest) = match bytes {
            [] => return,
            [WHOLE, whole @ ..] => {
                let one = postcard::from_bytes(whole).expect("a whole contribution");
                return self.add(rank, one);
            }
            [form, low, high, rest @ ..] => {
                let len = u16::from_le_bytes([*low, *high]);
                (*form, rest.split_at(len.into()))
            }
            _ => unreachable!("a short form has a length"),
        };
        let (must_match, item) = rest;
        let is_same = |(first, bytes): &(usize, Vec<u8>)| *first < rank && bytes == must_match;
        if !self.must_match.as_ref().is_some_and(is_same) {
            self.add(rank, Contribution::must_match(must_match));
        }
        if form & WITH_ITEM != 0 {
            self.items.push((rank, item.to_vec()));
        }
        self.make_once |= form & ONCE != 0;
    }

    /// Drops the items if they are too many for a message to another node.
    pub(crate) fn limit_items(&mut self) {
        let bytes = self.items.iter().map(|(_, item)| item.len());
        self.too_long |= bytes.sum::<usize>() > PASSED_ON;
        if self.too_long {
            self.items.clear();
        }
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
        self.make_once |= other.make_once;
        self.too_long |= other.too_long;
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
    fn encoded_contributions_are_added_as_they_are() {
        let with_item = |must_match: &[u8], item: &[u8]| Contribution {
            item: Some(item.to_vec()),
            ..same(must_match)
        };
        let all = [
            same(b"a"),
            with_item(b"a", b"first"),
            with_item(b"", b""),
            Contribution::default(),
            with_item(&[b'a'; 300], &[7; 300]),
            Contribution {
                make_once: true,
                ..with_item(b"a", b"once")
            },
            Contribution {
                has_data: true,
                ..with_item(b"a", b"whole")
            },
            Contribution {
                too_long: true,
                ..same(b"b")
            },
        ];
        let (mut plain, mut encoded) = (Contributions::default(), Contributions::default());
        for (rank, one) in all.into_iter().enumerate().rev() {
            encoded.add_encoded(rank, &one.encode());
            plain.add(rank, one);
            encoded.items.sort_unstable();
            plain.items.sort_unstable();
            assert_eq!(encoded, plain);
        }
        assert!(plain.items.len() == 5 && plain.make_once);
        assert_eq!(plain.mismatch, Some((2, Vec::new())));
    }

    #[test]
    fn merged_contributions_come_back_from_a_message() {
        let mut merged = Contributions::default();
        for (rank, bytes) in [(2, &b"a"[..]), (0, b""), (7, &[255; 300])] {
            let item = Some(bytes.to_vec());
            merged.add(
                rank,
                Contribution {
                    item,
                    ..same(bytes)
                },
            );
        }
        assert!(merged.must_match.is_some() && merged.mismatch.is_some());
        for sent in [merged, Contributions::default()] {
            let bytes = postcard::to_allocvec(&sent).unwrap();
            assert_eq!(postcard::from_bytes::<Contributions>(&bytes).unwrap(), sent);
        }
    }

    #[test]
    fn an_item_of_the_given_room_fits() {
        for (must_match, limit) in [(&b""[..], 10), (b"abc", 10), (b"abc", 4)] {
            let room = Contribution::room_for_item(limit, must_match);
            let one = Contribution {
                item: Some(vec![1; room]),
                ..same(must_match)
            };
            assert!(one.encode().len() <= limit.max(SHORT_HEAD + must_match.len()));
        }
        assert_eq!(Contribution::room_for_item(10, b"abc"), 4);
    }

    #[test]
    fn items_that_another_node_cannot_take_are_dropped() {
        let mut merged = Contributions::default();
        for rank in 0..2 {
            merged.limit_items();
            assert_eq!((merged.items.len(), merged.too_long), (rank, false));
            merged.items.push((rank, vec![0; PASSED_ON / 2 + rank]));
        }
        merged.limit_items();
        assert!(merged.items.is_empty() && merged.too_long);
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
