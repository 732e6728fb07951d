//! Which rank reads or writes which pieces of the files. Pure arithmetic.

use std::ops::Range;

/// The pieces of all leaves of an object, numbered from 0 in the order of the leaves.
#[derive(Debug)]
pub(super) struct Pieces {
    /// For each leaf, the number of its first piece; then the number of pieces.
    starts: Vec<usize>,
}

impl Pieces {
    /// `counts` has the number of pieces of each leaf.
    pub(super) fn new(counts: impl IntoIterator<Item = usize>) -> Self {
        let mut starts = vec![0];
        let mut end = 0;
        for count in counts {
            end += count;
            starts.push(end);
        }
        Pieces { starts }
    }

    /// The number of a leaf's first piece.
    pub(super) fn first_of(&self, leaf: usize) -> usize {
        self.starts[leaf]
    }

    /// The pieces of one of `shares` equal shares: leaves, each with some of its pieces, counted from its first one.
    pub(super) fn share(&self, index: usize, shares: usize) -> Vec<(usize, Range<usize>)> {
        let leaves = self.starts.len() - 1;
        let total = self.starts[leaves];
        let share = index * total / shares..(index + 1) * total / shares;
        let first = self.starts.partition_point(|&start| start <= share.start) - 1;
        let pieces = |leaf: usize| {
            let (start, end) = (self.starts[leaf], self.starts[leaf + 1]);
            let (from, to) = (share.start.max(start), share.end.min(end));
            (from < to).then(|| (leaf, from - start..to - start))
        };
        let touched = (first..leaves).take_while(|&leaf| self.starts[leaf] < share.end);
        touched.filter_map(pieces).collect()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_piece_is_in_one_share_and_shares_are_equal(
            counts in proptest::collection::vec(0_usize..9, 0..6),
            shares in 1_usize..9,
        ) {
            let pieces = Pieces::new(counts.iter().copied());
            let mut all = Vec::new();
            let mut sizes = Vec::new();
            for index in 0..shares {
                let share = pieces.share(index, shares);
                sizes.push(share.iter().map(|(_, range)| range.len()).sum::<usize>());
                all.extend(share.into_iter().flat_map(|(leaf, range)| range.map(move |piece| (leaf, piece))));
            }
            let expected: Vec<_> = counts
                .iter()
                .enumerate()
                .flat_map(|(leaf, &count)| (0..count).map(move |piece| (leaf, piece)))
                .collect();
            prop_assert_eq!(all, expected);
            let spread = sizes.iter().max().unwrap() - sizes.iter().min().unwrap();
            prop_assert!(spread <= 1, "{:?}", sizes);
        }
    }
}
