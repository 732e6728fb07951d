//! `gather` and `gather_in_order`: every rank writes a block of its own.

use ndarray::{Array2, Array3, Axis, Dim, s};
use pshmem::{Comm, Error, Shared, SharedLayout};

use super::support::{assert_rejected, check_values};
use crate::collective::{check_usable, one_to_eight, outliers};
use crate::report::Outcome;
use crate::values::{array, assert_array_eq, assert_slice_eq, number};

/// Blocks of any length in any order, some of them empty, with gaps between them that stay unchanged.
pub(crate) fn blocks_of_slices(comm: &Comm) -> Outcome {
    let size = comm.size();
    for seed in 0..6 {
        // The position of each rank's block: rank r has position (r + seed) % size.
        let lens: Vec<usize> = (0..size).map(|p| number(seed, p) as usize % 7).collect();
        let gaps: Vec<usize> = (0..size)
            .map(|p| number(seed + 9, p) as usize % 3)
            .collect();
        let starts: Vec<usize> = (0..size)
            .map(|p| (0..p).map(|q| lens[q] + gaps[q]).sum::<usize>() + gaps[p] / 2)
            .collect();
        let total = (0..size).map(|p| lens[p] + gaps[p]).sum::<usize>() + 2;
        let mut list = Shared::<[u64]>::from_root(comm, 0, || vec![1; total])?;
        let mut model = vec![1; total];
        let place = |rank: usize| (rank + seed) % size;
        for rank in 0..size {
            let p = place(rank);
            for i in 0..lens[p] {
                model[starts[p] + i] = number(rank, i);
            }
        }
        let p = place(comm.rank());
        let mine: Vec<u64> = (0..lens[p]).map(|i| number(comm.rank(), i)).collect();
        list.gather(starts[p], &mine)?;
        assert_slice_eq(list.view(), &model);
        list.gather(starts[p], &mine[..])?;
        assert_slice_eq(list.view(), &model);
    }
    // All blocks are empty.
    let mut list = one_to_eight(comm)?;
    list.gather(8, &[])?;
    check_values(comm, &mut list, &[1, 2, 3, 4, 5, 6, 7, 8])
}

/// Blocks of columns and of planes, with any memory order.
pub(crate) fn blocks_of_arrays(comm: &Comm) -> Outcome {
    let size = comm.size();
    // Columns of a table: many contiguous runs for each rank.
    for (seed, rows, width) in [(1, 5, 2), (2, 300, 70), (3, 1, 1), (4, 3, 0), (5, 0, 3)] {
        let expected = array(seed, Dim([rows, width * size]));
        let mine = expected.slice(s![.., comm.rank() * width..(comm.rank() + 1) * width]);
        let mut table = Shared::<Array2<u64>>::new(comm, [rows, width * size])?;
        table.gather([0, comm.rank() * width], &mine)?;
        assert_array_eq(table.view(), expected.view());
        // As an owned array, and as an array in column-major order.
        table.fill(0)?;
        table.gather([0, comm.rank() * width], &mine.to_owned())?;
        assert_array_eq(table.view(), expected.view());
        table.fill(0)?;
        let turned = mine.t().as_standard_layout().into_owned();
        table.gather([0, comm.rank() * width], &turned.t())?;
        assert_array_eq(table.view(), expected.view());
    }
    // Planes of a cube from the last to the first.
    let expected = array(6, Dim([size, 4, 6]));
    let mut cube = Shared::<Array3<u64>>::new(comm, [size, 4, 6])?;
    let at = size - 1 - comm.rank();
    cube.gather([at, 0, 0], &expected.slice(s![at..=at, .., ..]))?;
    assert_array_eq(cube.view(), expected.view());
    check_usable(comm)
}

/// Blocks that are transferred in several pieces, directly and packed.
pub(crate) fn large_blocks(comm: &Comm) -> Outcome {
    let size = comm.size();
    let width = 900;
    let expected = array(7, Dim([120, width * size]));
    let mine = expected.slice(s![.., comm.rank() * width..(comm.rank() + 1) * width]);
    let mut table = Shared::<Array2<u64>>::new(comm, [120, width * size])?;
    table.gather([0, comm.rank() * width], &mine)?;
    assert_array_eq(table.view(), expected.view());
    // A large block from the last rank, small ones from the others.
    let len_of = |rank: usize| if rank + 1 == size { 9 << 20 } else { 1000 };
    let mine = vec![comm.rank() as u8; len_of(comm.rank())];
    let mut bytes = Shared::<[u8]>::new(comm, (size - 1) * 1000 + len_of(size - 1))?;
    assert_eq!(bytes.gather_in_order(&mine)?.len(), mine.len());
    let mut rest = bytes.view();
    for rank in 0..size {
        let (block, others) = rest.split_at(len_of(rank));
        assert!(block.iter().all(|&byte| byte == rank as u8));
        rest = others;
    }
    check_usable(comm)
}

#[derive(SharedLayout)]
struct Table {
    #[shared(align = 128)]
    keys: Vec<u32>,
    rows: Array2<u64>,
    after: [u8; 64],
}

/// `gather_in_order` on fields of a struct: each rank gets its range, and other fields stay unchanged.
pub(crate) fn blocks_in_rank_order(comm: &Comm) -> Outcome {
    let size = comm.size();
    let len_of = |rank: usize| (rank * 5 + 2) % 7;
    let total: usize = (0..size).map(len_of).sum();
    let dims = TableDims {
        keys: total + 3,
        rows: [total, 3],
    };
    let mut table = Shared::<Table>::new(comm, dims)?;
    let mut fields = table.fields();
    fields.after.update(0, |mut w| *w = [7; 64])?;
    let start: usize = (0..comm.rank()).map(len_of).sum();
    let mine = start..start + len_of(comm.rank());
    let keys: Vec<u32> = mine.clone().map(|key| key as u32 + 1).collect();
    assert_eq!(fields.keys.gather_in_order(&keys)?, mine);
    let expected = array(8, Dim([total, 3]));
    let rows = expected.slice(s![mine.clone(), ..]);
    assert_eq!(fields.rows.gather_in_order(&rows)?, mine);
    let view = table.view();
    let mut model: Vec<u32> = (1..=total as u32).collect();
    model.extend([0, 0, 0]);
    assert_slice_eq(view.keys, &model);
    assert_array_eq(view.rows, expected.view());
    assert_eq!(view.after, &[7; 64]);
    // All rows from one rank, none from the others.
    let mut list = one_to_eight(comm)?;
    for rank in 0..size {
        let mine = vec![rank as u64; if comm.rank() == rank { 8 } else { 0 }];
        let rows = list.gather_in_order(&mine)?;
        assert_eq!(rows.len(), mine.len());
        check_values(comm, &mut list, &[rank as u64; 8])?;
    }
    check_usable(comm)
}

/// Blocks that overlap or are out of bounds, on each rank in turn.
pub(crate) fn invalid_blocks(comm: &Comm) -> Outcome {
    let size = comm.size();
    let mut list = Shared::<[u64]>::from_root(comm, 0, || vec![1; 3 * size])?;
    let mut grid = Shared::<Array2<u8>>::new(comm, [4, 2 * size])?;
    let rank = comm.rank();
    for outlier in 0..size {
        let mine = rank == outlier;
        for at in [3 * size - 1, 3 * size + 1, usize::MAX] {
            let call = list.gather(if mine { at } else { 3 * rank }, &[9, 9]);
            assert_rejected!(comm, list, Error::OutOfBounds { rank, .. } if rank == outlier, call);
        }
        let (at, tall) = (2 * rank, if mine { 5 } else { 4 });
        let call = grid.gather([0, at], &Array2::ones([tall, 2]));
        assert_rejected!(comm, grid, Error::OutOfBounds { rank, .. } if rank == outlier, call);
        let call = grid.gather([usize::from(mine), at], &Array2::ones([4, 2]));
        assert_rejected!(comm, grid, Error::OutOfBounds { rank, .. } if rank == outlier, call);
    }
    for outlier in outliers(comm) {
        let mine = rank == outlier;
        // A block that is too long overlaps the next one, or is out of bounds.
        let call = list.gather(3 * rank, &vec![9; if mine { 4 } else { 3 }]);
        if outlier + 1 < size {
            assert_rejected!(comm, list, Error::Overlap { first, second, .. } if (first, second) == (outlier, outlier + 1), call);
        } else {
            assert_rejected!(comm, list, Error::OutOfBounds { rank, .. } if rank == outlier, call);
        }
        let before = (outlier + size - 1) % size;
        let at = if mine { before } else { rank };
        let call = grid.gather([1, 2 * at], &Array2::ones([2, 2]));
        let (low, high) = (outlier.min(before), outlier.max(before));
        assert_rejected!(comm, grid, Error::Overlap { first, second, .. } if (first, second) == (low, high), call);
    }
    check_usable(comm)
}

/// `gather_in_order` of more rows than the array has, and of rows of other extents.
pub(crate) fn invalid_blocks_in_rank_order(comm: &Comm) -> Outcome {
    let mut grid = Shared::<Array2<u8>>::new(comm, [2 * comm.size(), 3])?;
    for outlier in 0..comm.size() {
        let mine = comm.rank() == outlier;
        let block = Array2::ones([if mine { 3 } else { 2 }, 3]);
        assert_rejected!(
            comm,
            grid,
            Error::OutOfBounds { .. },
            grid.gather_in_order(&block)
        );
        for width in [0, 2, 4] {
            let block = Array2::ones([2, if mine { width } else { 3 }]);
            assert_rejected!(comm, grid, Error::Extents { rank, .. } if rank == outlier, grid.gather_in_order(&block));
        }
    }
    // As many rows as the array has, and fewer.
    assert_eq!(grid.gather_in_order(&Array2::ones([2, 3]))?.len(), 2);
    assert!(grid.view().iter().all(|&one| one == 1));
    let two = Array2::from_elem([1, 3], 2);
    assert_eq!(grid.gather_in_order(&two)?, comm.rank()..comm.rank() + 1);
    for (row, line) in grid.view().axis_iter(Axis(0)).enumerate() {
        assert!(
            line.iter()
                .all(|&x| x == if row < comm.size() { 2 } else { 1 })
        );
    }
    check_usable(comm)
}
