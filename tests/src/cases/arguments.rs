//! Invalid arguments: the same error on every rank, data unchanged, and a `Comm` that still works.

use ndarray::{Array2, Array3, array as matrix};
use pshmem::{Comm, Error, Shared};

use super::support::assert_rejected;
use crate::collective::{check_usable, one_to_eight};
use crate::report::Outcome;
use crate::values::assert_slice_eq;

/// A root that is no rank of the `Comm`.
pub(crate) fn root_out_of_range(comm: &Comm) -> Outcome {
    let mut list = one_to_eight(comm)?;
    let size = comm.size();
    for root in [size, size + 1, usize::MAX] {
        assert_rejected!(
            comm,
            list,
            Error::NoSuchRank { .. },
            list.set(root, 0, Some(&[9]))
        );
        assert_rejected!(
            comm,
            list,
            Error::NoSuchRank { .. },
            list.set_with(root, 0, || vec![9])
        );
        assert_rejected!(
            comm,
            list,
            Error::NoSuchRank { .. },
            list.update(root, |mut w| w[0] = 9)
        );
        assert_rejected!(
            comm,
            list,
            Error::NoSuchRank { .. },
            list.try_update(root, |_| Err::<(), _>("never called"))
        );
        let made = Shared::<[u64]>::from_root(comm, root, || vec![9]);
        assert_rejected!(comm, list, Error::NoSuchRank { .. }, made);
        let made =
            Shared::<[u64]>::try_from_root(comm, root, || Err::<Vec<u64>, _>("never called"));
        assert_rejected!(comm, list, Error::NoSuchRank { .. }, made);
    }
    check_usable(comm)
}

/// A block that is out of bounds at the offset of the root.
pub(crate) fn block_out_of_bounds(comm: &Comm) -> Outcome {
    let mut list = one_to_eight(comm)?;
    let mut grid = Shared::<Array2<u8>>::from_root(comm, 0, || matrix![[1, 2, 3], [4, 5, 6]])?;
    for root in 0..comm.size() {
        let mine = comm.rank() == root;
        for (offset, len) in [
            (8, 1),
            (7, 2),
            (0, 9),
            (9, 0),
            (usize::MAX, 1),
            (usize::MAX, 0),
            (usize::MAX - 1, 2),
        ] {
            let block = vec![9; len];
            let data = mine.then_some(&block[..]);
            assert_rejected!(comm, list, Error::OutOfBounds { rank, .. } if rank == root, list.set(root, offset, data));
            // The other ranks pass valid arguments.
            let (offset, data) = if mine {
                (offset, &block[..])
            } else {
                (0, &[9][..])
            };
            assert_rejected!(
                comm,
                list,
                Error::OutOfBounds { .. },
                list.set(root, offset, Some(data))
            );
            assert_rejected!(
                comm,
                list,
                Error::OutOfBounds { .. },
                list.set_with(root, offset, || block.clone())
            );
        }
        for offset in [[2, 0], [0, 3], [1, 2], [usize::MAX, 0], [0, usize::MAX]] {
            let block = matrix![[7, 8]];
            assert_rejected!(
                comm,
                grid,
                Error::OutOfBounds { .. },
                grid.set(root, offset, mine.then(|| block.view()))
            );
        }
        let tall = Array2::zeros([3, 1]);
        assert_rejected!(
            comm,
            grid,
            Error::OutOfBounds { .. },
            grid.set(root, [0, 0], mine.then(|| tall.view()))
        );
        // A block without elements must be in bounds, too.
        let none = Array2::zeros([0, 4]);
        assert_rejected!(
            comm,
            grid,
            Error::OutOfBounds { .. },
            grid.set(root, [0, 0], mine.then(|| none.view()))
        );
    }
    check_usable(comm)
}

/// `None` on the root is an error, whatever the other ranks pass.
pub(crate) fn root_without_data(comm: &Comm) -> Outcome {
    let mut list = one_to_eight(comm)?;
    for root in 0..comm.size() {
        assert_rejected!(comm, list, Error::NoData { root: at, .. } if at == root, list.set(root, 0, None));
        let data = (comm.rank() != root).then_some(&[9][..]);
        assert_rejected!(comm, list, Error::NoData { .. }, list.set(root, 0, data));
    }
    check_usable(comm)
}

/// `assign` where no rank passes data.
pub(crate) fn assign_without_data(comm: &Comm) -> Outcome {
    let mut list = one_to_eight(comm)?;
    assert_rejected!(comm, list, Error::Holders { ref ranks } if ranks.is_empty(), list.assign(0, None));
    assert_rejected!(
        comm,
        list,
        Error::Holders { .. },
        list.assign(usize::MAX, None)
    );
    check_usable(comm)
}

/// `assign` where two ranks, or all, pass data.
pub(crate) fn assign_by_several_ranks(comm: &Comm) -> Outcome {
    let mut list = one_to_eight(comm)?;
    for second in 1..comm.size() {
        for first in 0..second {
            let data = [first, second].contains(&comm.rank()).then_some(&[9][..]);
            let call = list.assign(0, data);
            assert_rejected!(comm, list, Error::Holders { ref ranks } if *ranks == [first, second], call);
        }
    }
    if comm.size() > 1 {
        assert_rejected!(comm, list, Error::Holders { ref ranks } if *ranks == [0, 1], list.assign(0, Some(&[9])));
    }
    check_usable(comm)
}

/// `assign` of a block that is out of bounds.
pub(crate) fn assigned_block_out_of_bounds(comm: &Comm) -> Outcome {
    let mut list = one_to_eight(comm)?;
    for holder in 0..comm.size() {
        let data = (comm.rank() == holder).then_some(&[9, 9][..]);
        assert_rejected!(comm, list, Error::OutOfBounds { rank, .. } if rank == holder, list.assign(7, data));
    }
    check_usable(comm)
}

/// Extents whose product overflows, also where one of them is zero or the element has size zero.
pub(crate) fn overflowing_sizes(comm: &Comm) -> Outcome {
    const LARGE: usize = isize::MAX as usize;
    let list = one_to_eight(comm)?;
    macro_rules! too_large {
        ($layout:ty, $($dims:expr),+) => {
            $(
                let expected = Shared::<$layout>::bytes_for(&$dims).err();
                let made = Shared::<$layout>::new(comm, $dims);
                assert_eq!(made.as_ref().err(), expected.as_ref());
                assert_rejected!(comm, list, Error::TooLarge { .. }, made);
            )+
        };
    }
    too_large!([u8], LARGE, LARGE + 1, usize::MAX);
    too_large!([u16], LARGE / 2 + 1, usize::MAX / 2 + 1);
    too_large!([()], LARGE + 1, usize::MAX);
    too_large!(
        Array2<f64>,
        [usize::MAX, usize::MAX],
        [1 << 31, 1 << 31],
        [usize::MAX, 0],
        [0, LARGE],
        [LARGE / 8 + 1, 0]
    );
    too_large!(Array3<u8>, [1 << 40, 0, 1 << 40], [0, 1 << 32, 1 << 31]);
    too_large!(Array2<()>, [1 << 40, 1 << 40]);
    let root = comm.size() - 1;
    let made = Shared::<[()]>::from_root(comm, root, || vec![(); usize::MAX]);
    assert_rejected!(comm, list, Error::TooLarge { .. }, made);
    check_usable(comm)
}

/// More memory than any node has: rejected before any memory is allocated.
pub(crate) fn insufficient_memory(comm: &Comm) -> Outcome {
    let list = one_to_eight(comm)?;
    for bytes in [1 << 45, 1 << 60, isize::MAX as usize - (1 << 20)] {
        assert_rejected!(comm, list, Error::NoRoom { needed, .. } if needed >= bytes, Shared::<[u8]>::new(comm, bytes));
    }
    let made = Shared::<Array2<f64>>::new(comm, [1 << 30, 1 << 15]);
    assert_rejected!(comm, list, Error::NoRoom { .. }, made);
    check_usable(comm)
}

/// Invalid calls of several kinds, alternating with valid ones on the same object.
pub(crate) fn valid_and_invalid_calls_alternate(comm: &Comm) -> Outcome {
    let mut list = one_to_eight(comm)?;
    let mut model: Vec<u64> = (1..=8).collect();
    for round in 0..40 {
        let root = round % comm.size();
        let error = match round % 5 {
            0 => list.set(root, 8, Some(&[1])).err(),
            1 => list.set(root, 0, None).err(),
            2 => list.assign(0, None).err(),
            3 => list.update(comm.size() + round, |_| ()).err(),
            _ => list.try_update(root, |_| Err::<(), _>(round)).err(),
        };
        assert!(error.is_some(), "round {round}");
        model[round % 8] = round as u64;
        list.set(
            root,
            round % 8,
            (comm.rank() == root).then_some(&[round as u64]),
        )?;
        assert_slice_eq(list.view(), &model);
    }
    check_usable(comm)
}
