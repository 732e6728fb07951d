//! Divides rows among ranks: one range for each rank, every row in exactly one of them. Pure arithmetic.

use std::ops::Range;

/// Bound `part` of `parts` equal shares of `total`: share i is from bound i to bound i + 1. Shares differ by at most one.
pub(crate) fn bound(total: usize, part: usize, parts: usize) -> usize {
    (total as u128 * part as u128 / parts as u128) as usize
}

/// Share `part` of `parts` equal shares of `range`.
pub(crate) fn share(range: &Range<usize>, part: usize, parts: usize) -> Range<usize> {
    let at = |part| range.start + bound(range.len(), part, parts);
    at(part)..at(part + 1)
}

/// A weight from 0 to 1 as an integer, because sums of these are exact. Twice the sum of 2^40 weights, times 2^30 ranks, fits.
#[allow(clippy::cast_sign_loss, reason = "no weight is negative")]
fn integer(weight: f64) -> u128 {
    (weight * 2.0_f64.powi(52)) as u128
}

/// The rows of every rank.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Partition {
    rows: Vec<Range<usize>>,
}

impl Partition {
    /// Equal shares, with those of one node adjacent. `nodes` lists the ranks of each node.
    pub(crate) fn balanced(rows: usize, nodes: &[Vec<usize>]) -> Self {
        let size = nodes.iter().map(Vec::len).sum();
        let mut of_rank = vec![0..0; size];
        for (part, &rank) in nodes.iter().flatten().enumerate() {
            of_rank[rank] = share(&(0..rows), part, size);
        }
        Partition { rows: of_rank }
    }

    /// `counts[r]` rows for rank r, in the order of ranks. `Err` has the sum of the counts if it is not `rows`.
    pub(crate) fn by_counts(counts: &[usize], rows: usize) -> Result<Self, usize> {
        let sum = counts
            .iter()
            .fold(0, |sum: usize, &count| sum.saturating_add(count));
        if sum != rows {
            return Err(sum);
        }
        let mut end = 0;
        let next = |&count: &usize| {
            let start = end;
            end += count;
            start..end
        };
        Ok(Partition {
            rows: counts.iter().map(next).collect(),
        })
    }

    /// Parts in the order of ranks, whose weights have about equal sums: each sum is less than the largest weight away from
    /// an equal share. The weights are finite and not negative; those below 2^-52 of the largest count as zero. Equal shares if all
    /// are zero.
    pub(crate) fn by_weights(weights: &[f64], ranks: usize) -> Self {
        let largest = weights.iter().copied().fold(0.0, f64::max);
        if largest == 0.0 {
            let shares = (0..ranks).map(|rank| share(&(0..weights.len()), rank, ranks));
            return Partition {
                rows: shares.collect(),
            };
        }
        let weights = weights.iter().map(|weight| integer(weight / largest));
        let total: u128 = weights.clone().sum();
        let mut rows: Vec<Range<usize>> = Vec::with_capacity(ranks);
        let (mut start, mut before) = (0, 0);
        for (row, weight) in weights.clone().enumerate() {
            // A row belongs to the part in whose share its middle is.
            let middle = (2 * before + weight) * ranks as u128 / (2 * total);
            while middle > rows.len() as u128 && rows.len() + 1 < ranks {
                rows.push(start..row);
                start = row;
            }
            before += weight;
        }
        rows.push(start..weights.len());
        rows.resize(ranks, weights.len()..weights.len());
        Partition { rows }
    }

    /// The number of rows of each rank.
    pub(crate) fn counts(&self) -> Vec<usize> {
        self.rows.iter().map(Range::len).collect()
    }

    pub(crate) fn of(&self, rank: usize) -> Range<usize> {
        self.rows[rank].clone()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn shares_are_whole_and_equal() {
        for total in [0, 1, 5, 7, 64, usize::MAX] {
            for parts in 1..9 {
                let lens: Vec<usize> = (0..parts)
                    .map(|part| share(&(0..total), part, parts).len())
                    .collect();
                assert_eq!(bound(total, 0, parts), 0);
                assert_eq!(bound(total, parts, parts), total);
                let (least, most) = (lens.iter().min().unwrap(), lens.iter().max().unwrap());
                assert!(most - least <= 1, "{total} in {parts}: {lens:?}");
            }
        }
    }

    #[test]
    fn parts_of_a_node_are_neighbours() {
        let partition = Partition::balanced(10, &[vec![0, 2], vec![1, 3, 4]]);
        let parts: Vec<_> = [0, 2, 1, 3, 4].map(|rank| partition.of(rank)).into();
        assert_eq!(parts, [0..2, 2..4, 4..6, 6..8, 8..10]);
    }

    #[test]
    fn weights_decide_where_parts_end() {
        let counts = |weights: &[f64], ranks| Partition::by_weights(weights, ranks).counts();
        assert_eq!(counts(&[1.0; 10], 3), [3, 4, 3]);
        assert_eq!(counts(&[0.0; 10], 3), [3, 3, 4]);
        assert_eq!(counts(&[1.0, 1.0, 1.0, 1.0, 8.0], 2), [4, 1]);
        assert_eq!(counts(&[8.0, 1.0, 1.0, 1.0, 1.0], 2), [1, 4]);
        assert_eq!(counts(&[0.0, 0.0, 5.0, 0.0], 3), [2, 1, 1]);
        assert_eq!(counts(&[1e308; 8], 4), [2; 4], "the sum is infinite");
        assert_eq!(counts(&[f64::MIN_POSITIVE / 8.0; 8], 4), [2; 4]);
        assert_eq!(counts(&[-0.0, 2.0], 1), [2]);
        assert_eq!(counts(&[], 3), [0; 3]);
    }

    proptest! {
        #[test]
        fn sums_of_weights_are_about_equal(weights in proptest::collection::vec(0_u32..100, 0..50), ranks in 1_u32..9) {
            let floats: Vec<f64> = weights.iter().map(|&weight| f64::from(weight)).collect();
            let partition = Partition::by_weights(&floats, ranks as usize);
            let mut end = 0;
            let largest = floats.iter().copied().fold(0.0, f64::max);
            let equal = floats.iter().sum::<f64>() / f64::from(ranks);
            for rank in 0..ranks as usize {
                let rows = partition.of(rank);
                prop_assert_eq!(rows.start, end);
                end = rows.end;
                let sum: f64 = floats[rows].iter().sum();
                prop_assert!((sum - equal).abs() <= largest + 1e-6, "{:?}", partition);
            }
            prop_assert_eq!(end, floats.len());
        }
    }

    #[test]
    fn counts_must_cover_all_rows() {
        let partition = Partition::by_counts(&[2, 0, 3], 5).unwrap();
        assert_eq!(partition.rows, [0..2, 2..2, 2..5]);
        assert_eq!(Partition::by_counts(&[2, 2], 5), Err(4));
        assert_eq!(
            Partition::by_counts(&[usize::MAX, 2], 1),
            Err(usize::MAX),
            "no wrapping"
        );
    }
}
