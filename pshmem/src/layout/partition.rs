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

    pub(crate) fn of(&self, rank: usize) -> Range<usize> {
        self.rows[rank].clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
