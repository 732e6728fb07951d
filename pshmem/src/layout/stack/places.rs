//! Where the rows of each rank go in what is stacked. Pure arithmetic.

use crate::layout::placer::Leaf;
use crate::layout::region::Region;
use std::ops::Range;

/// What places need to know of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct PartKind {
    pub(crate) form: Form,
    /// Number of extents.
    pub(crate) axes: usize,
    /// All ranks bring the same.
    pub(crate) is_common: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Form {
    Elements,
    /// One more than there are rows. Extents behind the first are no extents of the leaf.
    Offsets,
    Derived,
}

/// The places of all ranks' rows.
#[derive(Debug)]
pub(crate) struct Places {
    kinds: Vec<PartKind>,
    /// Of each rank: the extents of all parts, one after the other.
    extents: Vec<Vec<usize>>,
    /// Of each part: where its extents begin in such a list.
    at: Vec<usize>,
    /// Of each rank: of each part, the rows of all ranks before.
    starts: Vec<Vec<usize>>,
    /// Of each part: the rows of all ranks.
    totals: Vec<usize>,
}

/// Why rows cannot be stacked.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum PlacesError {
    /// The rows of this part have other extents on this rank than on rank 0.
    Differ {
        part: usize,
        rank: usize,
        /// The extents on rank 0.
        first: Vec<usize>,
        /// Those on this rank.
        found: Vec<usize>,
    },
    /// There are more rows than a `usize` can count.
    TooMany { part: usize },
}

impl Places {
    /// `extents` has a list for each rank.
    pub(crate) fn new(kinds: Vec<PartKind>, extents: Vec<Vec<usize>>) -> Result<Self, PlacesError> {
        let mut at = Vec::with_capacity(kinds.len());
        let mut next = 0;
        for kind in &kinds {
            at.push(next);
            next += kind.axes;
        }
        let mut places = Places {
            totals: vec![0; kinds.len()],
            starts: Vec::with_capacity(extents.len()),
            kinds,
            extents,
            at,
        };
        for rank in 0..places.extents.len() {
            places.starts.push(places.totals.clone());
            for part in 0..places.kinds.len() {
                places.add(part, rank)?;
            }
        }
        Ok(places)
    }

    fn add(&mut self, part: usize, rank: usize) -> Result<(), PlacesError> {
        let kind = self.kinds[part];
        let (ours, first) = (self.extents_of(part, rank), self.extents_of(part, 0));
        // The extents of a row, or of a common part.
        let from = usize::from(!kind.is_common).min(kind.axes);
        if ours[from..] != first[from..] {
            return Err(PlacesError::Differ {
                part,
                rank,
                first: first.to_vec(),
                found: ours.to_vec(),
            });
        }
        let rows = ours.first().copied().unwrap_or(0);
        let total = &mut self.totals[part];
        if kind.is_common {
            *total = rows;
        } else {
            *total = total
                .checked_add(rows)
                .ok_or(PlacesError::TooMany { part })?;
        }
        Ok(())
    }

    /// The extents that a rank brings of a part.
    pub(crate) fn extents_of(&self, part: usize, rank: usize) -> &[usize] {
        &self.extents[rank][self.at[part]..][..self.kinds[part].axes]
    }

    /// The extents of each part but the derived ones.
    pub(crate) fn shapes(&self) -> Vec<Vec<usize>> {
        let parts = (0..self.kinds.len()).filter(|&part| self.kinds[part].form != Form::Derived);
        let shape = |part: usize| {
            let mut shape = self.extents_of(part, 0).to_vec();
            if let Some(rows) = shape.first_mut() {
                *rows = self.totals[part];
            }
            shape
        };
        parts.map(shape).collect()
    }

    /// Whether leaves of these extents have exactly the room for what all ranks bring.
    pub(crate) fn fill<'a>(&self, leaves: impl Iterator<Item = &'a [usize]>) -> bool {
        let mut shapes = self.shapes().into_iter();
        let expected = self.kinds.iter().map(|kind| match kind.form {
            Form::Derived => None,
            Form::Elements => shapes.next(),
            Form::Offsets => shapes.next().map(|shape| vec![shape[0] + 1]),
        });
        let expected: Vec<_> = expected.collect();
        let leaves: Vec<_> = leaves.collect();
        leaves.len() == expected.len()
            && leaves
                .iter()
                .zip(&expected)
                .all(|(leaf, expected)| expected.as_ref().is_none_or(|expected| leaf == expected))
    }

    /// The elements in use of each leaf, along its first axis.
    pub(crate) fn used(&self) -> Vec<usize> {
        let used = |(kind, &total): (&PartKind, &usize)| match kind.form {
            Form::Elements => total,
            Form::Offsets => total + 1,
            Form::Derived => 0,
        };
        self.kinds.iter().zip(&self.totals).map(used).collect()
    }

    /// The rows before those of a rank; none before common ones.
    pub(crate) fn start(&self, part: usize, rank: usize) -> usize {
        if self.kinds[part].is_common {
            return 0;
        }
        self.starts[rank][part]
    }

    /// The bytes of a leaf that are those of a rank's rows.
    pub(crate) fn region(&self, leaf: &Leaf, part: usize, rank: usize) -> Region {
        let extents = self.extents_of(part, rank);
        let inner: usize = extents.iter().skip(1).product();
        let (row, start) = (inner * leaf.element, self.start(part, rank));
        let rows = extents.first().copied();
        match self.kinds[part].form {
            Form::Elements => Region::run(leaf.offset + start * row, rows.unwrap_or(1) * row),
            // The first offset, before which there are no rows, is 0 and no rank's.
            Form::Offsets => Region::run(
                leaf.offset + (start + 1) * leaf.element,
                rows.unwrap_or(0) * leaf.element,
            ),
            Form::Derived => Region::run(leaf.offset, 0),
        }
    }

    /// What a rank sends to other nodes: the bytes of each leaf, but those of common parts, which every node has.
    pub(crate) fn regions(&self, leaves: &[Leaf], rank: usize) -> Vec<Region> {
        let parts = (0..self.kinds.len()).filter(|&part| !self.kinds[part].is_common);
        let regions = parts.map(|part| self.region(&leaves[part], part, rank));
        regions.filter(|region| region.bytes() > 0).collect()
    }

    /// The rows of a rank: those of the first part that has some.
    pub(crate) fn rows(&self, rank: usize) -> Range<usize> {
        let is_rows = |part: &usize| {
            let kind = self.kinds[*part];
            !kind.is_common && kind.form != Form::Derived && kind.axes > 0
        };
        let Some(part) = (0..self.kinds.len()).find(is_rows) else {
            return 0..0;
        };
        let start = self.start(part, rank);
        start..start + self.extents_of(part, rank)[0]
    }

    /// The rows of all ranks.
    pub(crate) fn total_rows(&self) -> usize {
        self.rows(self.extents.len() - 1).end
    }

    /// The rank that has brought a row.
    pub(crate) fn rank_of_row(&self, row: usize) -> usize {
        let ranks: Vec<usize> = (0..self.extents.len()).collect();
        ranks.partition_point(|&rank| self.rows(rank).end <= row)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::any::TypeId;

    const ROWS: PartKind = PartKind {
        form: Form::Elements,
        axes: 1,
        is_common: false,
    };
    const PAIRS: PartKind = PartKind {
        form: Form::Elements,
        axes: 2,
        is_common: false,
    };
    const OFFSETS: PartKind = PartKind {
        form: Form::Offsets,
        axes: 1,
        is_common: false,
    };
    const DERIVED: PartKind = PartKind {
        form: Form::Derived,
        axes: 0,
        is_common: false,
    };
    const COMMON: PartKind = PartKind {
        form: Form::Elements,
        axes: 1,
        is_common: true,
    };

    fn leaf(offset: usize, element: usize) -> Leaf {
        Leaf {
            index: 0,
            offset,
            bytes: 0,
            element,
            type_id: TypeId::of::<()>(),
        }
    }

    #[test]
    fn rows_follow_those_of_the_ranks_before() {
        let kinds = vec![DERIVED, OFFSETS, ROWS, PAIRS, COMMON];
        let extents = vec![
            vec![2, 5, 1, 3, 7],
            vec![0, 0, 0, 3, 7],
            vec![1, 4, 2, 3, 7],
        ];
        let places = Places::new(kinds, extents).unwrap();
        assert_eq!(places.shapes(), [vec![3], vec![9], vec![3, 3], vec![7]]);
        assert_eq!(places.used(), [0, 4, 9, 3, 7]);
        assert_eq!((places.rows(2), places.total_rows()), (2..3, 3));
        assert_eq!([0, 1, 2].map(|row| places.rank_of_row(row)), [0, 0, 2]);
        assert_eq!(
            places.region(&leaf(64, 8), 1, 2),
            Region::run(64 + 3 * 8, 8)
        );
        assert_eq!(
            places.region(&leaf(128, 2), 2, 2),
            Region::run(128 + 5 * 2, 8)
        );
        assert_eq!(places.region(&leaf(0, 1), 3, 2), Region::run(3, 6));
        assert_eq!(places.region(&leaf(0, 1), 4, 2), Region::run(0, 7));
        let leaves = [
            leaf(0, 8),
            leaf(64, 8),
            leaf(128, 2),
            leaf(256, 1),
            leaf(320, 1),
        ];
        assert_eq!(places.regions(&leaves, 1), []);
        assert_eq!(places.regions(&leaves, 2).len(), 3);
    }

    #[test]
    fn other_rows_and_other_common_parts_are_found() {
        let differ = |part, rank, first: &[usize], found: &[usize]| PlacesError::Differ {
            part,
            rank,
            first: first.to_vec(),
            found: found.to_vec(),
        };
        let places = Places::new(vec![PAIRS], vec![vec![1, 3], vec![0, 3], vec![0, 4]]);
        assert_eq!(places.unwrap_err(), differ(0, 2, &[1, 3], &[0, 4]));
        let places = Places::new(vec![ROWS, COMMON], vec![vec![1, 3], vec![2, 4]]);
        assert_eq!(places.unwrap_err(), differ(1, 1, &[3], &[4]));
        let places = Places::new(vec![ROWS], vec![vec![usize::MAX], vec![1]]);
        assert_eq!(places.unwrap_err(), PlacesError::TooMany { part: 0 });
    }

    proptest! {
        #[test]
        fn regions_of_all_ranks_cover_the_rows(counts in proptest::collection::vec(0_usize..5, 1..9), inner in 0_usize..4) {
            let extents = counts.iter().map(|&rows| vec![rows, inner]).collect();
            let places = Places::new(vec![PAIRS], extents).unwrap();
            let total: usize = counts.iter().sum();
            prop_assert_eq!(places.shapes(), vec![vec![total, inner]]);
            let mut end = 64;
            for rank in 0..counts.len() {
                let region = places.region(&leaf(64, 2), 0, rank);
                prop_assert_eq!(region.start, end);
                end += region.bytes();
            }
            prop_assert_eq!(end, 64 + total * inner * 2);
        }
    }
}
