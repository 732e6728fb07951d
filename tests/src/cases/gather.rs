//! `gather` and `gather_in_order`: every rank writes a block of its own.

use ndarray::{Array2, Array3, Axis, Dim, s};
use pshmem::{Comm, Error, Shared, SharedLayout};

use super::closures::alive;
use crate::check::{array, assert_equal, assert_same, number, odd_ranks, one_to_eight, works};
use crate::report::Outcome;

/// Blocks of any length in any order, some of them empty, with gaps: what is between them stays.
pub fn blocks_of_slices(comm: &Comm) -> Outcome {
    let size = comm.size();
    for seed in 0..6 {
        // Where the block of each rank goes: rank r has place (r + seed) % size.
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
        assert_equal(list.view(), &model);
        list.gather(starts[p], &mine[..])?;
        assert_equal(list.view(), &model);
    }
    // Nobody has anything.
    let mut list = one_to_eight(comm)?;
    list.gather(8, &[])?;
    alive(comm, &mut list, &[1, 2, 3, 4, 5, 6, 7, 8])
}

/// Blocks beside and below each other, whose memory is in any order.
pub fn blocks_of_arrays(comm: &Comm) -> Outcome {
    let size = comm.size();
    // Columns of a table: many runs for each rank.
    for (seed, rows, width) in [(1, 5, 2), (2, 300, 70), (3, 1, 1), (4, 3, 0), (5, 0, 3)] {
        let expected = array(seed, Dim([rows, width * size]));
        let mine = expected.slice(s![.., comm.rank() * width..(comm.rank() + 1) * width]);
        let mut table = Shared::<Array2<u64>>::new(comm, [rows, width * size])?;
        table.gather([0, comm.rank() * width], &mine)?;
        assert_same(table.view(), expected.view());
        // As an owned array, and one that lies the other way round.
        table.fill(0)?;
        table.gather([0, comm.rank() * width], &mine.to_owned())?;
        assert_same(table.view(), expected.view());
        table.fill(0)?;
        let turned = mine.t().as_standard_layout().into_owned();
        table.gather([0, comm.rank() * width], &turned.t())?;
        assert_same(table.view(), expected.view());
    }
    // Planes of a cube from the last to the first.
    let expected = array(6, Dim([size, 4, 6]));
    let mut cube = Shared::<Array3<u64>>::new(comm, [size, 4, 6])?;
    let at = size - 1 - comm.rank();
    cube.gather([at, 0, 0], &expected.slice(s![at..=at, .., ..]))?;
    assert_same(cube.view(), expected.view());
    works(comm)
}

/// Several pieces of a transfer, direct and packed.
pub fn large_blocks(comm: &Comm) -> Outcome {
    let size = comm.size();
    let width = 900;
    let expected = array(7, Dim([120, width * size]));
    let mine = expected.slice(s![.., comm.rank() * width..(comm.rank() + 1) * width]);
    let mut table = Shared::<Array2<u64>>::new(comm, [120, width * size])?;
    table.gather([0, comm.rank() * width], &mine)?;
    assert_same(table.view(), expected.view());
    // Much from the last rank, little from the others.
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
    works(comm)
}

#[derive(SharedLayout)]
struct Table {
    #[shared(align = 128)]
    keys: Vec<u32>,
    rows: Array2<u64>,
    after: [u8; 64],
}

/// Blocks one behind the other, on fields of a struct: each rank has its range, and neighbours stay as they are.
pub fn in_order(comm: &Comm) -> Outcome {
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
    assert_equal(view.keys, &model);
    assert_same(view.rows, expected.view());
    assert_eq!(view.after, &[7; 64]);
    // All of an array's rows from one rank, none from the others.
    let mut list = one_to_eight(comm)?;
    for rank in 0..size {
        let mine = vec![rank as u64; if comm.rank() == rank { 8 } else { 0 }];
        let rows = list.gather_in_order(&mine)?;
        assert_eq!(rows.len(), mine.len());
        alive(comm, &mut list, &[rank as u64; 8])?;
    }
    works(comm)
}

/// Blocks that overlap, or leave the array, in each rank in turn.
pub fn wrong_blocks(comm: &Comm) -> Outcome {
    let size = comm.size();
    let mut list = Shared::<[u64]>::from_root(comm, 0, || vec![1; 3 * size])?;
    let mut grid = Shared::<Array2<u8>>::new(comm, [4, 2 * size])?;
    let rank = comm.rank();
    for odd in 0..size {
        let mine = rank == odd;
        for at in [3 * size - 1, 3 * size + 1, usize::MAX] {
            let call = list.gather(if mine { at } else { 3 * rank }, &[9, 9]);
            refused!(comm, list, Error::OutOfBounds { rank, .. } if rank == odd, call);
        }
        let (at, tall) = (2 * rank, if mine { 5 } else { 4 });
        let call = grid.gather([0, at], &Array2::ones([tall, 2]));
        refused!(comm, grid, Error::OutOfBounds { rank, .. } if rank == odd, call);
        let call = grid.gather([usize::from(mine), at], &Array2::ones([4, 2]));
        refused!(comm, grid, Error::OutOfBounds { rank, .. } if rank == odd, call);
    }
    for odd in odd_ranks(comm) {
        let mine = rank == odd;
        // One too long for its place meets the one behind it, or the end.
        let call = list.gather(3 * rank, &vec![9; if mine { 4 } else { 3 }]);
        if odd + 1 < size {
            refused!(comm, list, Error::Overlap { first, second, .. } if (first, second) == (odd, odd + 1), call);
        } else {
            refused!(comm, list, Error::OutOfBounds { rank, .. } if rank == odd, call);
        }
        let before = (odd + size - 1) % size;
        let at = if mine { before } else { rank };
        let call = grid.gather([1, 2 * at], &Array2::ones([2, 2]));
        let (low, high) = (odd.min(before), odd.max(before));
        refused!(comm, grid, Error::Overlap { first, second, .. } if (first, second) == (low, high), call);
    }
    works(comm)
}

/// More rows than there is room for, and rows of other extents.
pub fn wrong_stacks(comm: &Comm) -> Outcome {
    let mut grid = Shared::<Array2<u8>>::new(comm, [2 * comm.size(), 3])?;
    for odd in 0..comm.size() {
        let mine = comm.rank() == odd;
        let block = Array2::ones([if mine { 3 } else { 2 }, 3]);
        refused!(
            comm,
            grid,
            Error::OutOfBounds { .. },
            grid.gather_in_order(&block)
        );
        for width in [0, 2, 4] {
            let block = Array2::ones([2, if mine { width } else { 3 }]);
            refused!(comm, grid, Error::Extents { rank, .. } if rank == odd, grid.gather_in_order(&block));
        }
    }
    // What fits, and less than that.
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
    works(comm)
}
