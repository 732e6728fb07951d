//! Which rank owns each row, run-length coded; and the rows of each rank, as few regular runs as they are. Pure arithmetic.

use crate::layout::region::Region;

/// Which rank owns each row.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct OwnerMap {
    /// The owner and the length of each run of rows with one owner, as `postcard` encodes them one after the other: a map with short
    /// runs, as of rows that are dealt to the ranks in turn, takes two bytes for each row.
    runs: Vec<u8>,
}

/// An owner that is no rank.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NoOwner {
    pub(crate) row: usize,
    pub(crate) owner: usize,
}

impl OwnerMap {
    /// The map of `rows` rows to one of `size` ranks each. `owner` is asked for each row, in rising order.
    pub(crate) fn new(
        rows: usize,
        size: usize,
        mut owner: impl FnMut(usize) -> usize,
    ) -> Result<Self, NoOwner> {
        let mut map = OwnerMap::default();
        let mut run = (0, 0);
        for row in 0..rows {
            let owner = owner(row);
            if owner >= size {
                return Err(NoOwner { row, owner });
            }
            if owner == run.0 {
                run.1 += 1;
            } else {
                map.add(run);
                run = (owner, 1);
            }
        }
        map.add(run);
        Ok(map)
    }

    fn add(&mut self, (owner, len): (usize, usize)) {
        if len > 0 {
            let runs = std::mem::take(&mut self.runs);
            self.runs = postcard::to_extend(&(owner, len), runs).expect("numbers always encode");
        }
    }

    /// The map as bytes, to compare it with that of another rank.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.runs
    }

    /// The rows of each rank, in rising order.
    pub(crate) fn rows_of_ranks(&self, size: usize) -> Vec<OwnedRows> {
        let mut all = vec![OwnedRows::default(); size];
        let mut row = 0;
        for (owner, len) in Runs(&self.runs) {
            all[owner].add(row, len);
            row += len;
        }
        all
    }
}

/// The runs in the bytes of a map, up to the first that is none.
struct Runs<'a>(&'a [u8]);

impl Iterator for Runs<'_> {
    type Item = (usize, usize);

    fn next(&mut self) -> Option<(usize, usize)> {
        let (run, rest) = postcard::take_from_bytes(self.0).ok()?;
        self.0 = rest;
        Some(run)
    }
}

/// The first row that two maps of equally many rows give to different owners, and its two owners.
pub(crate) fn difference(ours: &[u8], theirs: &[u8]) -> Option<(usize, usize, usize)> {
    let (mut ours, mut theirs) = (Runs(ours), Runs(theirs));
    let (mut our, mut their) = (ours.next()?, theirs.next()?);
    let mut row = 0;
    loop {
        if our.0 != their.0 {
            return Some((row, our.0, their.0));
        }
        let len = our.1.min(their.1);
        (row, our.1, their.1) = (row + len, our.1 - len, their.1 - len);
        if our.1 == 0 {
            our = ours.next()?;
        }
        if their.1 == 0 {
            their = theirs.next()?;
        }
    }
}

/// Equal runs of rows at equal distances.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct RowRuns {
    start: usize,
    len: usize,
    count: usize,
    /// From one start to the next.
    distance: usize,
}

/// The rows of one rank. Rows that are dealt to the ranks in turn take as little memory as one range.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct OwnedRows {
    runs: Vec<RowRuns>,
}

impl OwnedRows {
    /// Adds a run behind the last one, which it does not touch.
    fn add(&mut self, start: usize, len: usize) {
        if let Some(last) = self.runs.last_mut()
            && last.len == len
        {
            let distance = start - (last.start + (last.count - 1) * last.distance);
            if last.count == 1 || last.distance == distance {
                last.count += 1;
                last.distance = distance;
                return;
            }
        }
        self.runs.push(RowRuns {
            start,
            len,
            count: 1,
            distance: 0,
        });
    }

    /// The rows, one by one, in rising order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = usize> {
        self.runs.iter().flat_map(|runs| {
            let starts = (0..runs.count).map(|i| runs.start + i * runs.distance);
            starts.flat_map(|start| start..start + runs.len)
        })
    }

    /// The bytes of the rows, where row 0 begins at `start` and each row has `per_row` bytes.
    pub(crate) fn regions(&self, start: usize, per_row: usize) -> Vec<Region> {
        if per_row == 0 {
            return Vec::new();
        }
        let region = |runs: &RowRuns| {
            let mut region = Region::run(start + runs.start * per_row, runs.len * per_row);
            if runs.count > 1 {
                region.loops.push((runs.count, runs.distance * per_row));
            }
            region
        };
        self.runs.iter().map(region).collect()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn map(owners: &[usize]) -> OwnerMap {
        OwnerMap::new(owners.len(), 9, |row| owners[row]).unwrap()
    }

    #[test]
    fn maps_are_as_short_as_their_runs() {
        assert!(map(&[]).as_bytes().is_empty());
        assert_eq!(map(&[0; 100]).as_bytes(), [0, 100]);
        assert_eq!(map(&[3, 3, 0, 3]).as_bytes(), [3, 2, 0, 1, 3, 1]);
        let cyclic = OwnerMap::new(9000, 9, |row| row % 9).unwrap();
        for (rank, rows) in cyclic.rows_of_ranks(9).iter().enumerate() {
            assert_eq!(rows.runs.len(), 1);
            assert_eq!(rows.regions(64, 4).len(), 1);
            assert!(rows.iter().eq((rank..9000).step_by(9)));
        }
    }

    #[test]
    fn owners_that_are_no_ranks_are_found() {
        let asked = std::cell::Cell::new(0);
        let owner = |row| {
            asked.set(row);
            row / 2
        };
        assert_eq!(
            OwnerMap::new(10, 3, owner),
            Err(NoOwner { row: 6, owner: 3 })
        );
        assert_eq!(asked.get(), 6);
        assert!(OwnerMap::new(0, 0, |_| panic!("there is no row")).is_ok());
    }

    #[test]
    fn rows_of_no_bytes_have_no_region() {
        assert_eq!(map(&[0, 1]).rows_of_ranks(2)[1].regions(8, 0), []);
    }

    proptest! {
        #[test]
        fn every_row_is_in_the_region_of_its_owner(owners in proptest::collection::vec(0_usize..4, 0..60), per_row in 1_usize..4) {
            let all = map(&owners).rows_of_ranks(4);
            for (rank, rows) in all.iter().enumerate() {
                let expected: Vec<usize> = (0..owners.len()).filter(|&row| owners[row] == rank).collect();
                prop_assert_eq!(rows.iter().collect::<Vec<_>>(), expected.clone());
                let regions = rows.regions(100, per_row);
                let found: Vec<usize> = regions
                    .iter()
                    .flat_map(|region| region.runs(0).flat_map(|start| start..start + region.run).collect::<Vec<_>>())
                    .collect();
                let bytes = expected.iter().flat_map(|row| 100 + row * per_row..100 + (row + 1) * per_row);
                prop_assert!(found.into_iter().eq(bytes));
            }
        }

        #[test]
        fn the_first_difference_is_found(
            owners in proptest::collection::vec(0_usize..3, 1..30),
            others in proptest::collection::vec(0_usize..3, 30..31),
        ) {
            let others = &others[..owners.len()];
            let expected = (0..owners.len()).find(|&row| owners[row] != others[row]);
            let expected = expected.map(|row| (row, owners[row], others[row]));
            prop_assert_eq!(difference(map(&owners).as_bytes(), map(others).as_bytes()), expected);
        }
    }
}
