//! Sizes just below and above internal limits: cache lines, pages, the largest block of the arena (256 KiB), short transfers
//! (64 KiB), staging buffers (256 KiB) and the pieces of a transfer (4 MiB).

use ndarray::{Array2, Array3, Dim, s};
use pshmem::{Comm, Shared};

use crate::report::{Outcome, does_not_apply};
use crate::values::{assert_array_eq, assert_slice_eq, bytes, number};

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

/// Objects and blocks of sizes around the limits.
pub(crate) fn around_internal_limits(comm: &Comm) -> Outcome {
    let near = |limit: usize| [limit - 1, limit, limit + 1];
    let sizes: Vec<usize> = [64, 4096, 64 * KIB, 128 * KIB, 256 * KIB, MIB, 4 * MIB]
        .into_iter()
        .flat_map(near)
        .collect();
    // The arena stores a header beside each block, so its limits are a little lower.
    let below = [
        128 * KIB - 64,
        128 * KIB - 192,
        256 * KIB - 64,
        256 * KIB - 128,
        256 * KIB - 4096,
    ];
    for (round, len) in sizes
        .into_iter()
        .chain(below)
        .chain([1, 5 * MIB])
        .enumerate()
    {
        let root = round % comm.size();
        let mine = comm.rank() == root;
        let mut model = vec![0; len];
        let mut object = Shared::<[u8]>::new(comm, len)?;
        assert_slice_eq(object.view(), &model);
        let (first, middle) = (len / 3, len / 2);
        let block = bytes(round, len - first);
        model[first..].copy_from_slice(&block);
        object.set(root, first, mine.then_some(&block))?;
        assert_slice_eq(object.view(), &model);
        model[middle] ^= 1;
        model[len - 1] ^= 1;
        object.update(root, |mut w| {
            w[middle] ^= 1;
            w[len - 1] ^= 1;
        })?;
        assert_slice_eq(object.view(), &model);
    }
    Ok(())
}

/// Blocks of short contiguous runs that do not fit into one staging buffer.
pub(crate) fn strided_blocks(comm: &Comm) -> Outcome {
    const ROWS: usize = 40_000;
    let mut shared = Shared::<Array2<u8>>::new(comm, [ROWS, 12])?;
    let mut model = Array2::zeros([ROWS, 12]);
    for root in [0, comm.size() - 1] {
        // 312 KiB in runs of 8 B, whose number is no multiple of what fits into a buffer.
        let block = Array2::from_shape_fn([ROWS - 7, 8], |(i, j)| number(root, 8 * i + j) as u8);
        let at = root % 5;
        model.slice_mut(s![3..ROWS - 4, at..at + 8]).assign(&block);
        shared.set(root, [3, at], (comm.rank() == root).then(|| block.view()))?;
        assert_array_eq(shared.view(), model.view());
    }
    Ok(())
}

/// Contiguous runs shorter than, as long as, and longer than a staging buffer and a piece; blocks strided in two axes.
pub(crate) fn runs_of_any_length(comm: &Comm) -> Outcome {
    let last = comm.size() - 1;
    let mine = comm.rank() == last;
    let lengths = [
        1,
        63,
        100 * KIB,
        128 * KIB,
        256 * KIB - 1,
        256 * KIB,
        256 * KIB + 1,
        MIB,
        4 * MIB + 5,
    ];
    for (round, run) in lengths.into_iter().enumerate() {
        let rows = if run > MIB { 2 } else { 5 };
        let mut shared = Shared::<Array2<u8>>::new(comm, [rows, run + 3])?;
        let block = Array2::from_shape_vec([rows, run], bytes(round, rows * run))
            .expect("as many bytes as elements");
        shared.set(last, [0, 1], mine.then(|| block.view()))?;
        assert_array_eq(shared.view().slice_move(s![.., 1..=run]), block.view());
        for column in [0, run + 1, run + 2] {
            assert!(
                shared.view().column(column).iter().all(|&x| x == 0),
                "beside runs of {run} B"
            );
        }
    }
    let mut cube = Shared::<Array3<u32>>::new(comm, [30, 40, 50])?;
    let block = Array3::from_shape_fn([29, 38, 47], |(i, j, k)| number(i, 100 * j + k) as u32);
    cube.assign([1, 1, 2], mine.then(|| block.view()))?;
    let mut model = Array3::zeros(Dim([30, 40, 50]));
    model.slice_mut(s![1.., 1..39, 2..49]).assign(&block);
    assert_array_eq(cube.view(), model.view());
    Ok(())
}

/// More pieces than may be in flight at once, so that every node of the pipeline waits for its neighbours.
pub(crate) fn more_pieces_than_in_flight(comm: &Comm) -> Outcome {
    const LEN: usize = 21 * MIB + 13;
    let mut object = Shared::<[u8]>::new(comm, LEN)?;
    for root in [0, comm.size() - 1] {
        let value = |index: usize| index as u8 ^ root as u8;
        object.update(root, |mut w| {
            w.chunks_mut(4 * KIB)
                .enumerate()
                .for_each(|(index, page)| page.fill(value(index)));
        })?;
        let wrong = object
            .view()
            .chunks(4 * KIB)
            .enumerate()
            .find(|(index, page)| **page != [value(*index); 4 * KIB][..page.len()]);
        assert_eq!(wrong.map(|(index, _)| index), None, "first wrong page");
    }
    Ok(())
}

/// An array with more than 2^31 elements: counts exceed the `int` of MPI. It needs 2 GiB on each node.
pub(crate) fn more_than_2_pow_31_elements(comm: &Comm) -> Outcome {
    const LEN: usize = (1 << 31) + 5;
    if comm.size() > 2 {
        return does_not_apply("worlds of up to two ranks show it");
    }
    let last = comm.size() - 1;
    let mut object = Shared::<[u8]>::new(comm, LEN)?;
    object.set(last, LEN - 3, (comm.rank() == last).then_some(&[1, 2, 3]))?;
    assert_slice_eq(&object.view()[LEN - 4..], &[0, 1, 2, 3]);
    // The whole array is transferred.
    let marks = [0, 1 << 20, (1 << 31) - 1, 1 << 31, LEN - 4];
    object.update(last, |mut w| marks.iter().for_each(|&at| w[at] = 9))?;
    assert!(marks.iter().all(|&at| object.view()[at] == 9));
    // By pages, because looking at each element takes half a minute without optimisation.
    let zeros = vec![0; MIB];
    let written = |page: &&[u8]| **page != zeros[..page.len()];
    let pages = object.view().chunks(MIB).filter(written);
    let count = |page: &[u8]| page.iter().filter(|&&x| x != 0).count();
    assert_eq!(pages.map(count).sum::<usize>(), marks.len() + 3);
    // Short runs whose stride exceeds an `int`.
    drop(object);
    let mut grid = Shared::<Array2<u8>>::new(comm, [2, (1 << 30) + 7])?;
    let block = Array2::from_shape_vec([2, 3], vec![1, 2, 3, 4, 5, 6]).expect("six elements");
    grid.set(
        last,
        [0, (1 << 30) + 4],
        (comm.rank() == last).then(|| block.view()),
    )?;
    assert_array_eq(
        grid.view().slice_move(s![.., (1 << 30) + 4..]),
        block.view(),
    );
    Ok(())
}
