//! `collect` of sparse matrices: triplets of all ranks, those of one place summed.
//!
//! All triplets are in node memory for a while, those of each rank sorted. Each rank makes some rows of the matrix of them, and these
//! rows are stacked.

use crate::comm::Comm;
use crate::comm::closure::ClosureRunner;
use crate::comm::protocol::call::{Call, Kind, Step};
use crate::comm::protocol::contribution::Contribution;
use crate::comm::rank_state::RankState;
use crate::error::{Error, Result};
use crate::layout::composite::Composite;
use crate::layout::composite::csr::triplets::{self, Triplet};
use crate::layout::partition::bound;
use crate::layout::{Csr, CsrDims, CsrError, Element};
use crate::shared::Shared;
use crate::shared::concat::Stacked;
use std::ops::{Add, Range};
use std::panic::Location;

impl<T: Element + Add<Output = T>> Shared<Csr<T>> {
    /// Makes a matrix of triplets (row, column, value) that all ranks bring, in any order.
    ///
    /// Values of one place are added in the order of ranks, and on a rank in the order in which they are given. So the result is, bit
    /// for bit, that of [`Csr::from_triplets`] of the triplets of all ranks.
    ///
    /// ```
    /// use pshmem::{Csr, Shared, local::Cluster};
    ///
    /// let matrices = Cluster::new(&[2, 1]).run_ok(|comm| {
    ///     let rank = comm.rank();
    ///     let mine = [(rank, rank, 2.0), (0, 2, 1.0)];
    ///     let matrix = Shared::<Csr<f64>>::collect(comm, (3, 3), mine)?;
    ///     Ok::<_, pshmem::Error>(matrix.to_owned())
    /// });
    /// assert_eq!(matrices[0].row(0), (&[0, 2][..], &[2.0, 3.0][..]));
    /// assert_eq!(matrices[0].row(2), (&[2][..], &[2.0][..]));
    /// ```
    ///
    /// # Collective
    /// All ranks of `comm` call it, with the same type and shape. The rounds of four calls of [`concat`](Shared::concat), and two
    /// more. Over N nodes, each triplet is sent to each other node once, and the matrix, too. During the call, each node holds all
    /// triplets beside the matrix, and each rank holds its share of the rows a second time.
    ///
    /// # Errors
    /// [`Error::Triplet`] if a rank passes one outside of the matrix, [`Error::TooManyColumns`], [`Error::TooLarge`],
    /// [`Error::NoRoom`], [`Error::Mismatch`] when ranks pass different types or shapes, and [`Error::Closure`] on the other ranks when
    /// an addition panics. No object exists then. The errors of [`Comm::barrier`].
    ///
    /// # Panics
    /// On the ranks where an addition panics.
    #[track_caller]
    pub fn collect(
        comm: &Comm,
        shape: (usize, usize),
        triplets: impl IntoIterator<Item = (usize, usize, T)>,
    ) -> Result<Self> {
        // Here, where no rank waits yet: the iterator is a user's.
        let mine = triplets::sorted(shape, triplets);
        let core = &comm.core;
        let _call = core.enter(Kind::Collect.name(), Location::caller())?;
        let call = Call::new(Kind::Collect);
        // Taken before anything can fail, as for maps: a rank that collects one of these must number later objects alike.
        let number = core.memory.next_object();
        let mine = agree_on_triplets(core, call, shape, mine)?;
        let found = Found::stack(comm, call, number, mine)?;
        let mut closure = ClosureRunner::new(core.group.topology.rank);
        let rows = closure.run(|| Ok(found.rows_of_rank(core, shape)));
        let fault = rows.as_ref().err().cloned();
        let agreed = core.agree(call.step(Step::Complete), Contribution::fault(fault));
        // All ranks are done with them.
        drop(found);
        let made = agreed.and(rows).and_then(|rows| {
            let number = core.memory.next_object();
            Self::stack(comm, call, number, &rows)
        });
        closure.finish(made).map(|(matrix, _)| matrix)
    }
}

/// All ranks have the same type and shape, and triplets inside, or all get the same error.
fn agree_on_triplets<T: Element>(
    core: &RankState,
    call: Call,
    (rows, cols): (usize, usize),
    mine: Result<Vec<Triplet<T>>, CsrError>,
) -> Result<Vec<Triplet<T>>> {
    // What is wrong with the shape is an error of all ranks.
    let dims = CsrDims { rows, cols, nnz: 0 };
    let mine = Csr::<T>::part_dims(&dims).and_then(|_| {
        mine.map_err(|error| Error::Triplet {
            rank: core.group.topology.rank,
            what: error.to_string(),
        })
    });
    let what = format!(
        "{} of {rows} rows and {cols} columns",
        std::any::type_name::<Csr<T>>()
    );
    let mut fault = mine.as_ref().err().cloned();
    if fault.is_none() && core.group.topology.is_leader() {
        // Before ranks make the offsets of their rows in private memory, which ends the process when there is too little.
        fault = core.check_room((rows + 1) * size_of::<u64>()).err();
    }
    core.agree_on(
        call.step(Step::Type),
        what.as_bytes(),
        Contribution::fault(fault),
    )?;
    mine
}

/// The triplets of all ranks in node memory: in the order of ranks, those of each rank sorted.
struct Found<T: Element> {
    rows: Shared<[u64]>,
    cols: Shared<[u32]>,
    values: Shared<[T]>,
    /// The triplets of each rank.
    runs: Vec<Range<usize>>,
}

impl<T: Element> Found<T> {
    fn stack(comm: &Comm, call: Call, number: u64, mine: Vec<Triplet<T>>) -> Result<Self> {
        let core = &comm.core;
        let mut rows = Vec::with_capacity(mine.len());
        let mut cols = Vec::with_capacity(mine.len());
        let mut values = Vec::with_capacity(mine.len());
        for (row, col, value) in mine {
            rows.push(row as u64);
            cols.push(col);
            values.push(value);
        }
        let stacked = Stacked::<[u64]>::new(comm, call, number, &rows)?;
        let ranks = 0..core.group.topology.size();
        let runs = ranks.map(|rank| stacked.places.rows(rank)).collect();
        let (rows, _) = stacked.finish(Ok(()))?;
        let (cols, _) = Shared::<[u32]>::stack(comm, call, core.memory.next_object(), &cols)?;
        let (values, _) = Shared::<[T]>::stack(comm, call, core.memory.next_object(), &values)?;
        Ok(Found {
            rows,
            cols,
            values,
            runs,
        })
    }
}

impl<T: Element + Add<Output = T>> Found<T> {
    /// The rows of the matrix that this rank makes, as a matrix of their own.
    fn rows_of_rank(&self, core: &RankState, (rows, cols): (usize, usize)) -> Csr<T> {
        let (all_rows, all_cols, values) = (self.rows.view(), self.cols.view(), self.values.view());
        let runs: Vec<&[u64]> = self.runs.iter().map(|run| &all_rows[run.clone()]).collect();
        let (rank, ranks) = (core.group.topology.rank, core.group.topology.size());
        let mine = first_row(rows, &runs, rank, ranks)..first_row(rows, &runs, rank + 1, ranks);
        // In the order of ranks, which a stable sort keeps.
        let triplets = self.runs.iter().zip(&runs).flat_map(|(run, rows)| {
            let at = |row: usize| run.start + rows.partition_point(|&found| found < row as u64);
            let triplet = |at: usize| {
                let row = all_rows[at] as usize - mine.start;
                (row, all_cols[at] as usize, values[at])
            };
            (at(mine.start)..at(mine.end)).map(triplet)
        });
        triplets::build((mine.len(), cols), triplets, T::add)
            .expect("each rank has checked its triplets")
    }
}

/// The first row of share `part` of `parts`, which have about as many rows and triplets, counted together. `runs` has the rows of each
/// rank's triplets, sorted. The share behind the last one begins behind the last row.
fn first_row(rows: usize, runs: &[&[u64]], part: usize, parts: usize) -> usize {
    let before = |row: usize| -> usize {
        let of_run = |run: &&[u64]| run.partition_point(|&found| found < row as u64);
        row + runs.iter().map(of_run).sum::<usize>()
    };
    let target = bound(before(rows), part, parts);
    // The first row before which there is as much.
    let (mut low, mut high) = (0, rows);
    while low < high {
        let middle = low.midpoint(high);
        if before(middle) < target {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::Map;
    use crate::local::Cluster;
    use bytemuck::{Pod, Zeroable};
    use proptest::collection::vec;
    use proptest::prelude::*;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    /// Additions whose order matters.
    const VALUES: [f64; 5] = [1.0, 1e16, -1e16, 0.1, -0.0];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(12))]

        #[test]
        #[cfg_attr(miri, ignore = "many ranks")]
        fn the_same_bits_as_from_all_triplets(
            (rows, cols) in (1_usize..8, 1_usize..4),
            places in vec((any::<usize>(), any::<usize>(), 0..VALUES.len(), any::<usize>()), 0..60),
            nodes in prop_oneof![Just(vec![1]), Just(vec![3]), Just(vec![2, 1]), Just(vec![1, 1, 2])],
        ) {
            let size: usize = nodes.iter().sum();
            let mut of_ranks = vec![Vec::new(); size];
            for (row, col, value, rank) in places {
                of_ranks[rank % size].push((row % rows, col % cols, VALUES[value]));
            }
            let expected = Csr::from_triplets((rows, cols), of_ranks.concat()).unwrap();
            let bits = |matrix: &Csr<f64>| matrix.values().iter().map(|value| value.to_bits()).collect::<Vec<_>>();
            for cluster in [Cluster::new(&nodes), Cluster::new(&nodes).cyclic()] {
                let made = cluster.run_ok(|comm| -> Result<Csr<f64>> {
                    let mine = of_ranks[comm.rank()].clone();
                    Ok(Shared::<Csr<f64>>::collect(comm, (rows, cols), mine)?.to_owned())
                });
                for matrix in &made {
                    prop_assert_eq!(matrix, &expected);
                    prop_assert_eq!(bits(matrix), bits(&expected));
                }
            }
        }

        #[test]
        fn shares_are_about_equal(
            rows in 0_usize..40,
            found in vec(vec(0_u64..40, 0..30), 1..5),
            parts in 1_usize..6,
        ) {
            let mut found = found;
            for run in &mut found {
                run.retain(|&row| row < rows as u64);
                run.sort_unstable();
            }
            let runs: Vec<&[u64]> = found.iter().map(|run| &run[..]).collect();
            let bounds: Vec<usize> = (0..=parts).map(|part| first_row(rows, &runs, part, parts)).collect();
            prop_assert_eq!((bounds[0], bounds[parts]), (0, rows));
            prop_assert!(bounds.is_sorted());
            let weight = |row: usize| 1 + found.concat().iter().filter(|&&found| found == row as u64).count();
            let total: usize = (0..rows).map(weight).sum();
            let largest = (0..rows).map(weight).max().unwrap_or(0);
            for pair in bounds.windows(2) {
                let share: usize = (pair[0]..pair[1]).map(weight).sum();
                prop_assert!(share <= total.div_ceil(parts) + largest, "{:?}", bounds);
            }
        }
    }

    #[test]
    fn a_triplet_outside_is_the_same_error_on_all_ranks() {
        let errors = Cluster::new(&[2, 1]).run(|comm| {
            let col = if comm.rank() > 0 { 2 + comm.rank() } else { 0 };
            let made = Shared::<Csr<i32>>::collect(comm, (2, 3), [(0, 0, 1), (1, col, 1)]);
            let error = made.map(|_| ()).unwrap_err();
            let made = Shared::<Csr<i32>>::collect(comm, (2, 3), [(1, 1, 5)]).unwrap();
            assert_eq!(made.view().get(1, 1), Some(&15));
            error
        });
        for error in errors {
            assert_eq!(
                error.to_string(),
                "rank 1 passed triplets that are not all inside of the matrix: triplet 1 (counted from 0) is for row 1 and \
                 column 3, but the matrix has 2 rows and 3 columns"
            );
        }
    }

    #[test]
    fn shapes_are_compared() {
        let errors = Cluster::new(&[1, 1]).run(|comm| {
            let none = [(0, 0, 1); 0];
            let differs = Shared::<Csr<i32>>::collect(comm, (2, 3 + comm.rank()), none);
            let too_wide = Shared::<Csr<i32>>::collect(comm, (2, usize::MAX), none);
            let empty = Shared::<Csr<i32>>::collect(comm, (0, 0), none).unwrap();
            assert_eq!((empty.view().rows(), empty.view().nnz()), (0, 0));
            (
                differs.map(|_| ()).unwrap_err(),
                too_wide.map(|_| ()).unwrap_err(),
            )
        });
        for (differs, too_wide) in errors {
            assert!(matches!(differs, Error::Mismatch { .. }), "{differs}");
            let text = differs.to_string();
            assert!(
                text.contains("2 rows and 3 columns") && text.contains("2 rows and 4 columns"),
                "{text}"
            );
            assert_eq!(too_wide, Error::TooManyColumns { cols: usize::MAX });
        }
    }

    #[test]
    fn more_rows_than_there_is_memory_are_an_error() {
        let errors = Cluster::new(&[2, 1]).run(|comm| {
            let none = [(0, 0, 1); 0];
            let made = Shared::<Csr<i32>>::collect(comm, (1 << 50, 3), none);
            comm.barrier().unwrap();
            made.map(|_| ()).unwrap_err()
        });
        for error in &errors {
            assert!(matches!(error, Error::NoRoom { .. }), "{error}");
            assert_eq!(error, &errors[0]);
        }
    }

    #[test]
    fn ranks_that_collect_other_things_number_later_objects_alike() {
        let outcomes = Cluster::new(&[2, 1]).run(|comm| {
            let error = if comm.rank() == 0 {
                Shared::<Map<u64, u64>>::collect(comm, [(1, 1)]).map(|_| ())
            } else {
                Shared::<Csr<i32>>::collect(comm, (1, 1), [(0, 0, 1)]).map(|_| ())
            };
            assert!(matches!(error, Err(Error::Mismatch { .. })), "{error:?}");
            let mut later = Shared::<[u8]>::new(comm, 1).unwrap();
            later.update(0, |mut w| w[0] = 1).map(|_| later.view()[0])
        });
        assert_eq!(outcomes, [Ok(1), Ok(1), Ok(1)]);
    }

    /// A number whose sum must not be 13.
    #[derive(Debug, Clone, Copy, PartialEq, Pod, Zeroable)]
    #[repr(transparent)]
    struct Superstitious(u32);

    impl Add for Superstitious {
        type Output = Self;
        fn add(self, other: Self) -> Self {
            assert_ne!(self.0 + other.0, 13, "13");
            Superstitious(self.0 + other.0)
        }
    }

    #[test]
    fn an_addition_that_panics_is_an_error_on_the_other_ranks() {
        let outcomes = Cluster::new(&[2, 1]).run(|comm| {
            let collect = |values: [u32; 3]| {
                let mine = [
                    (comm.rank(), 0, Superstitious(1)),
                    (4, 1, Superstitious(values[comm.rank()])),
                ];
                Shared::<Csr<Superstitious>>::collect(comm, (5, 2), mine)
            };
            let failed = catch_unwind(AssertUnwindSafe(|| collect([5, 6, 2]).map(|_| ())));
            let after = collect([5, 6, 3]).unwrap();
            assert_eq!(after.view().get(4, 1), Some(&Superstitious(14)));
            failed.ok()
        });
        let panicked = outcomes
            .iter()
            .position(Option::is_none)
            .expect("one rank has added");
        for outcome in outcomes.into_iter().flatten() {
            let error = outcome.unwrap_err();
            assert!(
                matches!(error, Error::Closure { rank, .. } if rank == panicked),
                "{error}"
            );
        }
    }

    #[test]
    fn matrices_are_stacked() {
        let made = Cluster::new(&[2, 1]).run(|comm| {
            let rank = comm.rank();
            let triplets = (0..rank).map(|row| (row, row, rank));
            let mine = Csr::from_triplets((rank, 3), triplets).unwrap();
            let (matrix, rows) = Shared::<Csr<usize>>::concat(comm, &mine).unwrap();
            let wider = Csr::from_triplets((1, 3 + rank), [(0, 0, 1)]).unwrap();
            let error = Shared::<Csr<usize>>::concat(comm, &wider)
                .map(|_| ())
                .unwrap_err();
            assert!(matches!(error, Error::Mismatch { .. }), "{error}");
            (matrix.to_owned(), rows)
        });
        let expected = Csr::from_triplets((3, 3), [(0, 0, 1), (1, 0, 2), (2, 1, 2)]).unwrap();
        let rows = [0..0, 0..1, 1..3];
        assert_eq!(made, rows.map(|rows| (expected.clone(), rows)));
    }
}
