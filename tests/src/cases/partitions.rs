//! Parts other than equal shares of the rows: rows of about equal weight, parts along any axis, rows of any owner.
#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "small numbers, or any numbers at all"
)]

use ndarray::{
    Array1, Array2, Array3, Array4, ArrayD, ArrayViewMut1, ArrayViewMut2, Axis, Dim, Slice,
};
use pshmem::{Comm, Error, Shared};

use super::support::{
    assert_panic_error, assert_rejected, call_with_panic, check_values, deliberate_panic,
};
use crate::collective::{check_same_text, check_usable, one_to_eight, outliers, same_error};
use crate::report::Outcome;
use crate::values::{array, assert_array_eq, assert_slice_eq, number};

/// The first rank, one in the middle, and the last one.
fn some_ranks(comm: &Comm) -> Vec<usize> {
    let size = comm.size();
    let mut ranks = vec![0, size / 2, size - 1];
    ranks.dedup();
    ranks
}

/// The same, of those that can take the part of the one that differs from all others.
fn some_outliers(comm: &Comm) -> Vec<usize> {
    let mut ranks = some_ranks(comm);
    ranks.retain(|rank| outliers(comm).contains(rank));
    ranks
}

/// Parts cover all rows in the order of ranks, on any nodes, and no part has more than an equal share and the largest weight.
pub(crate) fn weights(comm: &Comm) -> Outcome {
    let size = comm.size();
    for (seed, len) in [0, 1, size, 5 * size + 2, 300].into_iter().enumerate() {
        let weights: Vec<f64> = (0..len)
            .map(|row| (number(seed, row) % 1000) as f64 / 7.0)
            .collect();
        let (sum, largest) = weights
            .iter()
            .fold((0.0, 0.0), |(sum, largest), &w| (sum + w, w.max(largest)));
        let mut list = Shared::<[u64]>::new(comm, len)?;
        let rows = list.update_parts_weighted(&weights, |rows, part| {
            assert_eq!(rows.len(), part.len());
            for (i, element) in rows.clone().zip(part) {
                *element = number(seed, i);
            }
            rows
        })?;
        let expected: Vec<u64> = (0..len).map(|i| number(seed, i)).collect();
        assert_slice_eq(list.view(), &expected);
        let mine: f64 = weights[rows.clone()].iter().sum();
        assert!((mine - sum / size as f64).abs() <= largest + 1e-6);
        let mut ends = Shared::<[usize]>::new(comm, 2 * size)?;
        ends.gather(2 * comm.rank(), &[rows.start, rows.end])?;
        let bounds = ends.view();
        assert_eq!((bounds[0], bounds[2 * size - 1]), (0, len));
        assert!((1..size).all(|rank| bounds[2 * rank] == bounds[2 * rank - 1]));

        let mut grid = Shared::<Array2<u64>>::new(comm, [len, 3])?;
        let expected = array(seed, Dim([len, 3]));
        let same = grid.try_update_parts_weighted(&weights, |rows, mut part| {
            part.assign(&expected.slice(ndarray::s![rows.clone(), ..]));
            Ok::<_, String>(rows)
        })?;
        assert_eq!(rows, same);
        assert_array_eq(grid.view(), expected.view());
    }
    // Without weight, rows are dealt in equal numbers.
    let mut list = Shared::<[u8]>::new(comm, 4 * size)?;
    let rows = list
        .fields()
        .update_parts_weighted(&vec![0.0; 4 * size], |rows, _| rows)?;
    assert_eq!(rows, 4 * comm.rank()..4 * comm.rank() + 4);
    check_usable(comm)
}

/// Weights that are none, too many or too few, on all ranks or on one; and weights that differ between ranks.
pub(crate) fn invalid_weights(comm: &Comm) -> Outcome {
    let mut list = one_to_eight(comm)?;
    let valid = [1.0; 8];
    let with = |row: usize, weight: f64| {
        let mut weights = valid;
        weights[row] = weight;
        weights
    };
    let long = vec![0.5; 10_000];
    let [negative, infinite] = [with(7, -1e-300), with(0, f64::INFINITY)];
    let [nan, below] = [with(3, f64::NAN), with(3, f64::NEG_INFINITY)];
    for (weights, what) in [
        (&[][..], "0 weights"),
        (&valid[1..], "7 weights"),
        (&long, "10000 weights"),
        (&negative, "for row 7"),
        (&infinite, "inf for row 0"),
        (&nan, "NaN for row 3"),
        (&below, "-inf for row 3"),
    ] {
        let call = list.update_parts_weighted(weights, |_, _| panic!("no closure runs"));
        let call: Result<(), Error> = call;
        assert_rejected!(comm, list, Error::Weights { rank: 0, what: ref text, .. } if text.contains(what), call);
        for outlier in some_outliers(comm) {
            let weights = if comm.rank() == outlier {
                weights
            } else {
                &valid
            };
            let call = list.update_parts_weighted(weights, |_, part| part.fill(9));
            assert_rejected!(comm, list, Error::Weights { rank, .. } if rank == outlier, call);
        }
    }
    // Also if they give the same parts, in the last bit of one weight.
    for other in [with(5, 1.0_f64.next_up()), with(2, 100.0)] {
        for outlier in some_outliers(comm) {
            let weights = if comm.rank() == outlier { other } else { valid };
            let call = list.update_parts_weighted(&weights, |_, part| part.fill(9));
            let shows_parts = |text: &str| text.contains("which give parts of [");
            assert_rejected!(comm, list, Error::Mismatch { ref ours, ref theirs, .. } if shows_parts(ours) && shows_parts(theirs), call);
        }
    }
    check_usable(comm)
}

/// Writes the part of this rank along each axis in turn, and compares.
macro_rules! along_each_axis {
    ($comm:ident, $layout:ty, $n:literal, $shape:expr) => {
        for axis in 0..$n {
            let expected = array(10 + axis, Dim($shape));
            let mut grid = Shared::<$layout>::new($comm, $shape)?;
            let range = grid.update_parts_along(Axis(axis), |range, mut part| {
                let mut shape: [usize; $n] = $shape;
                shape[axis] = range.len();
                assert_eq!(part.shape(), shape);
                let slice = Slice::from(range.clone());
                part.assign(&expected.slice_axis(Axis(axis), slice));
                range
            })?;
            assert_array_eq(grid.view(), expected.view());
            let (size, extent) = ($comm.size(), $shape[axis]);
            assert!([extent / size, extent.div_ceil(size)].contains(&range.len()));
        }
    };
}

/// Arrays of any number of dimensions are divided along any axis.
pub(crate) fn along_each_axis(comm: &Comm) -> Outcome {
    along_each_axis!(comm, Array1<u64>, 1, [13]);
    along_each_axis!(comm, Array2<u64>, 2, [7, 5]);
    along_each_axis!(comm, Array2<u64>, 2, [1, 300]);
    along_each_axis!(comm, Array2<u64>, 2, [300, 1]);
    along_each_axis!(comm, Array2<u64>, 2, [0, 4]);
    along_each_axis!(comm, Array2<u64>, 2, [4, 0]);
    along_each_axis!(comm, Array3<u64>, 3, [3, 11, 4]);
    along_each_axis!(comm, Array3<u64>, 3, [2, 0, 40]);
    along_each_axis!(comm, Array4<u64>, 4, [3, 4, 9, 2]);
    let mut list = Shared::<[u64]>::new(comm, 20)?;
    list.update_parts_along(Axis(0), |range, part: &mut [u64]| {
        part.fill(range.len() as u64);
    })?;
    let is_written = list.view().iter().all(|&len| len > 0);
    assert!(is_written, "a slice has one axis");
    check_usable(comm)
}

/// Two phases that divide different axes, each of which reads what the other one wrote; parts that take several messages.
pub(crate) fn phases_along_two_axes(comm: &Comm) -> Outcome {
    let shape = [24, 1000];
    let mut model = array(1, Dim(shape)).mapv(|value| value >> 8);
    let mut grid = Shared::<Array2<u64>>::from_root(comm, 0, || model.clone())?;
    for _ in 0..3 {
        grid.fields().update_parts_along(Axis(1), |_, mut part| {
            for mut column in part.columns_mut() {
                running_sums(&mut column);
            }
        })?;
        grid.update_parts_along(Axis(0), |_, mut part| {
            for mut row in part.rows_mut() {
                running_sums(&mut row);
            }
        })?;
        model
            .columns_mut()
            .into_iter()
            .for_each(|mut column| running_sums(&mut column));
        model
            .rows_mut()
            .into_iter()
            .for_each(|mut row| running_sums(&mut row));
        assert_array_eq(grid.view(), model.view());
    }
    // Long runs, which are sent from where they are, and short ones, in more pieces than are in flight.
    for shape in [[6, 5, 40_000], [70, 60, 160]] {
        let mut cube = Shared::<Array3<u16>>::new(comm, shape)?;
        let value = |index: [usize; 3]| (index[0] * 7 + index[1] * 11 + index[2] * 13) as u16;
        cube.update_parts_along(Axis(1), |range, mut part| {
            for ((i, j, k), element) in part.indexed_iter_mut() {
                *element = value([i, range.start + j, k]);
            }
        })?;
        let wrong = cube
            .view()
            .indexed_iter()
            .find(|&((i, j, k), &found)| found != value([i, j, k]))
            .map(|(index, _)| index);
        assert_eq!(wrong, None);
    }
    check_usable(comm)
}

fn running_sums(line: &mut ArrayViewMut1<'_, u64>) {
    let mut sum = 0_u64;
    for element in line.iter_mut() {
        sum = sum.wrapping_add(*element);
        *element = sum;
    }
}

/// An axis that is not there, on all ranks or on one; axes that differ.
pub(crate) fn invalid_axes(comm: &Comm) -> Outcome {
    let mut grid = Shared::<Array2<u64>>::from_root(comm, 0, || array(1, Dim([4, 3])))?;
    for axis in [2, 5, usize::MAX] {
        let call = grid.update_parts_along(Axis(axis), |_, _| panic!("no closure runs"));
        let call: Result<(), Error> = call;
        assert_rejected!(comm, grid, Error::NoSuchAxis { rank: 0, axis: found, axes: 2, .. } if found == axis, call);
        for outlier in some_outliers(comm) {
            let axis = if comm.rank() == outlier { axis } else { 1 };
            let call = grid.update_parts_along(Axis(axis), |_, mut part| part.fill(9));
            assert_rejected!(comm, grid, Error::NoSuchAxis { rank, .. } if rank == outlier, call);
        }
    }
    for outlier in some_outliers(comm) {
        let axis = Axis(usize::from(comm.rank() == outlier));
        let call = grid.update_parts_along(axis, |_, mut part| part.fill(9));
        assert_rejected!(comm, grid, Error::Mismatch { ref ours, .. } if ours.starts_with("axis "), call);
    }
    let mut list = one_to_eight(comm)?;
    let call = list.try_update_parts_along(Axis(1), |_, part| {
        part.fill(9);
        Ok::<(), String>(())
    });
    assert_rejected!(comm, list, Error::NoSuchAxis { axes: 1, .. }, call);
    check_usable(comm)
}

/// Which rank owns a row.
type Owner = fn(usize, usize) -> usize;

/// Rows in turn, in blocks, in reverse, at random, and all of them on one rank.
const OWNERS: [Owner; 6] = [
    |row, size| row % size,
    |row, size| row / 3 % size,
    |row, size| size - 1 - row % size,
    |row, size| number(3, row) as usize % size,
    |_, size| size / 2,
    |row, size| (row * row / 50) % size,
];

/// Rows of any owner are written, each by its owner, in rising order.
pub(crate) fn rows_of_any_owner(comm: &Comm) -> Outcome {
    let (rank, size) = (comm.rank(), comm.size());
    for (seed, owner) in OWNERS.into_iter().enumerate() {
        for len in [0, 1, size, 97] {
            let model: Vec<u64> = (0..len)
                .map(|row| number(seed, row) ^ owner(row, size) as u64)
                .collect();
            let mine: Vec<usize> = (0..len).filter(|&row| owner(row, size) == rank).collect();
            let mut list = Shared::<[u64]>::new(comm, len)?;
            let mut visited = Vec::new();
            list.update_rows(
                |row| owner(row, size),
                |row, out: &mut u64| {
                    *out = number(seed, row) ^ rank as u64;
                    visited.push(row);
                },
            )?;
            assert_eq!(visited, mine, "all rows of the rank, in rising order");
            assert_slice_eq(list.view(), &model);

            let mut line = Shared::<Array1<u64>>::new(comm, [len])?;
            line.fields().update_rows(
                |row| owner(row, size),
                |row, out: &mut u64| *out = model[row],
            )?;
            assert_slice_eq(line.view().as_slice().unwrap(), &model);

            let expected = array(seed, Dim([len, 4, 3]));
            let mut cube = Shared::<Array3<u64>>::new(comm, [len, 4, 3])?;
            cube.try_update_rows(
                |row| owner(row, size),
                |row, mut out: ArrayViewMut2<'_, u64>| {
                    assert_eq!(out.dim(), (4, 3));
                    out.assign(&expected.index_axis(Axis(0), row));
                    Ok::<(), String>(())
                },
            )?;
            assert_array_eq(cube.view(), expected.view());
        }
    }
    // Rows without elements, and elements without bytes.
    let mut flat = Shared::<Array2<u64>>::new(comm, [9, 0])?;
    let mut count = 0;
    flat.update_rows(
        |row| row % size,
        |_, out| {
            assert!(out.is_empty());
            count += 1;
        },
    )?;
    assert_eq!(count, (0..9).filter(|row| row % size == rank).count());
    let mut nothing = Shared::<Vec<()>>::new(comm, 9)?;
    nothing.update_rows(|row| row % size, |_, (): &mut ()| ())?;
    check_usable(comm)
}

/// Maps that take several rounds to compare; long rows; rows that take several messages.
pub(crate) fn many_rows(comm: &Comm) -> Outcome {
    let size = comm.size();
    let len = 30_000;
    for (seed, owner) in OWNERS.into_iter().enumerate() {
        let mut list = Shared::<[u16]>::new(comm, len)?;
        list.update_rows(
            |row| owner(row, size),
            |row, out| *out = (row * 3 + owner(row, size) + seed) as u16,
        )?;
        let wrong =
            (0..len).find(|&row| list.view()[row] != (row * 3 + owner(row, size) + seed) as u16);
        assert_eq!(wrong, None);
    }
    for shape in [[9, 100_000], [3000, 70]] {
        let mut grid = Shared::<Array2<u32>>::new(comm, shape)?;
        grid.update_rows(
            |row| OWNERS[3](row, size),
            |row, mut out: ArrayViewMut1<'_, u32>| {
                for (column, element) in out.iter_mut().enumerate() {
                    *element = (row * 1_000_003 + column) as u32;
                }
            },
        )?;
        let is_wrong = |&((row, column), &found): &((usize, usize), &u32)| {
            found != (row * 1_000_003 + column) as u32
        };
        let wrong = grid.view().indexed_iter().find(is_wrong).map(|(at, _)| at);
        assert_eq!(wrong, None);
    }
    check_usable(comm)
}

/// Owners that are no ranks, on all ranks or on one; owners that differ, also when they take several rounds to compare.
pub(crate) fn invalid_owners(comm: &Comm) -> Outcome {
    let size = comm.size();
    let mut list = one_to_eight(comm)?;
    for owner in [size, usize::MAX] {
        let wrong = |row| if row == 5 { owner } else { 0 };
        let call = list.update_rows(wrong, |_, _| panic!("no closure runs"));
        assert_rejected!(comm, list, Error::NoSuchOwner { rank: 0, row: 5, owner: found, .. } if found == owner, call);
        for outlier in some_outliers(comm) {
            let is_outlier = comm.rank() == outlier;
            let owner = |row| if is_outlier { wrong(row) } else { 0 };
            let call = list.update_rows(owner, |_, out| *out = 9);
            assert_rejected!(comm, list, Error::NoSuchOwner { rank, row: 5, .. } if rank == outlier, call);
        }
    }
    let mut long = Shared::<[u64]>::from_root(comm, 0, || (0..5000).collect())?;
    for outlier in some_outliers(comm) {
        let differs_at = |at: usize| {
            let is_outlier = comm.rank() == outlier;
            move |row: usize| (row + usize::from(is_outlier && row == at)) % size
        };
        let call = list.update_rows(differs_at(6), |_, out| *out = 9);
        assert_rejected!(comm, list, Error::Mismatch { ref ours, ref theirs, .. } if ours.contains("row 6") && theirs.contains("row 6"), call);
        let call = long.update_rows(differs_at(4321), |_, out| *out = 9);
        assert_rejected!(comm, long, Error::Mismatch { ref ours, ref theirs, .. } if ours.contains("row 4321") && theirs.contains("row 4321"), call);
    }
    check_usable(comm)
}

/// Owners that panic, and closures that fail or panic after some rows, on each rank.
pub(crate) fn failures_of_partitions(comm: &Comm) -> Outcome {
    let (rank, size) = (comm.rank(), comm.size());
    for failing in some_ranks(comm) {
        let mut list = one_to_eight(comm)?;
        let error = call_with_panic(comm, failing, || {
            let owner = |row| {
                if rank == failing && row == 4 {
                    deliberate_panic()
                }
                row % size
            };
            list.update_rows(owner, |_, _| panic!("no closure runs"))
        })?;
        assert_panic_error(error, failing);
        check_values(comm, &mut list, &[1, 2, 3, 4, 5, 6, 7, 8])?;

        // All rows are of the failing rank, which writes two of them.
        let result = list.try_update_rows(
            |_| failing,
            |row, out| {
                *out = 50 + row as u64;
                if row == 1 { Err("no more") } else { Ok(()) }
            },
        );
        let message = "no more".to_owned();
        let expected = Error::Closure {
            rank: failing,
            message,
        };
        assert_eq!(same_error(comm, result)?, expected);
        check_values(comm, &mut list, &[50, 51, 3, 4, 5, 6, 7, 8])?;
        let error = call_with_panic(comm, failing, || {
            list.update_rows(
                |_| failing,
                |row, out| {
                    *out = 70 + row as u64;
                    if row == 2 {
                        deliberate_panic()
                    }
                },
            )
        })?;
        assert_panic_error(error, failing);
        check_values(comm, &mut list, &[70, 71, 72, 4, 5, 6, 7, 8])?;

        let mut grid = Shared::<Array2<u64>>::new(comm, [3, 2 * size])?;
        let error = call_with_panic(comm, failing, || {
            grid.update_parts_along(Axis(1), |range, mut part| {
                part.fill(range.start as u64 + 1);
                if rank == failing {
                    deliberate_panic()
                }
            })
        })?;
        assert_panic_error(error, failing);
        assert!(grid.view().iter().all(|&value| value > 0));
        check_same_text(comm, &format!("{:?}", grid.view()))?;
        let result = grid.try_update_parts_weighted(&[3.0, 0.0, 1.0], |rows, mut part| {
            part.fill(100 + rows.start as u64);
            if rank == failing {
                Err("fails")
            } else {
                Ok(())
            }
        });
        assert!(
            matches!(same_error(comm, result)?, Error::Closure { rank, .. } if rank == failing)
        );
        assert!(grid.view().iter().all(|&value| value >= 100));
        check_same_text(comm, &format!("{:?}", grid.view()))?;
    }
    check_usable(comm)
}

/// Collective calls in owners and closures are rejected, and the outer call succeeds.
pub(crate) fn nested_in_partitions(comm: &Comm) -> Outcome {
    let size = comm.size();
    let mut list = one_to_eight(comm)?;
    let mut other = one_to_eight(comm)?;
    let is_nested = |result: Result<(), Error>| {
        assert_eq!(
            matches!(result, Err(Error::Nested { .. })),
            size > 1,
            "{result:?}"
        );
    };
    list.update_rows(
        |row| {
            is_nested(other.update_rows(|row| row % size, |_, out| *out = 1));
            row % size
        },
        |row, out| *out = row as u64,
    )?;
    check_values(comm, &mut list, &[0, 1, 2, 3, 4, 5, 6, 7])?;
    list.update_parts_along(Axis(0), |range, part| {
        is_nested(other.update_parts_along(Axis(0), |_, part| part.fill(1)));
        is_nested(other.update_parts_weighted(&[1.0; 8], |_, part| part.fill(1)));
        for (element, i) in part.iter_mut().zip(range) {
            *element = 10 + i as u64;
        }
    })?;
    check_values(comm, &mut list, &[10, 11, 12, 13, 14, 15, 16, 17])?;
    let expected = if size > 1 {
        [1, 2, 3, 4, 5, 6, 7, 8]
    } else {
        [1; 8]
    };
    check_values(comm, &mut other, &expected)
}

/// The columns of each rank, whatever the nodes, are a copy that `ndarray` makes with the same strides.
pub(crate) fn strided_views_work(comm: &Comm) -> Outcome {
    let shape = [4, 6, 5];
    let mut cube = Shared::<Array3<u64>>::from_root(comm, 0, || array(2, Dim(shape)))?;
    let before: ArrayD<u64> = cube.view().to_owned().into_dyn();
    for axis in 0..3 {
        cube.update_parts_along(Axis(axis), |range, mut part| {
            let slice = Slice::from(range);
            let expected = before.slice_axis(Axis(axis), slice);
            assert_array_eq(part.view().into_dyn(), expected);
            // Every way to come to elements leads to those of the part only.
            part.swap_axes(0, 2);
            part.invert_axis(Axis(1));
            for mut lane in part.lanes_mut(Axis(0)) {
                for element in &mut lane {
                    *element = element.wrapping_add(1);
                }
                if let Some(line) = lane.as_slice_mut() {
                    for element in line {
                        *element = element.wrapping_sub(1);
                    }
                } else {
                    lane.map_inplace(|element| *element = element.wrapping_sub(1));
                }
            }
            for mut chunk in part.axis_chunks_iter_mut(Axis(2), 2) {
                chunk.map_inplace(|element| *element ^= 1);
                chunk.map_inplace(|element| *element ^= 1);
            }
        })?;
        assert_array_eq(cube.view().into_dyn(), before.view());
    }
    check_usable(comm)
}
