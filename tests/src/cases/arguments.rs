//! Bad arguments: the same `Err` on every rank, nothing changed, and the `Comm` as good as before.

use ndarray::{Array2, Array3, array as matrix};
use pshmem::{Comm, Error, Shared};

use crate::check::{assert_equal, one_to_eight, works};
use crate::report::Outcome;

/// A root that is no rank, the same on all ranks.
pub fn root_out_of_range(comm: &Comm) -> Outcome {
    let mut list = one_to_eight(comm)?;
    let size = comm.size();
    for root in [size, size + 1, usize::MAX] {
        refused!(
            comm,
            list,
            Error::NoSuchRank { .. },
            list.set(root, 0, Some(&[9]))
        );
        refused!(
            comm,
            list,
            Error::NoSuchRank { .. },
            list.set_with(root, 0, || vec![9])
        );
        refused!(
            comm,
            list,
            Error::NoSuchRank { .. },
            list.update(root, |mut w| w[0] = 9)
        );
        refused!(
            comm,
            list,
            Error::NoSuchRank { .. },
            list.try_update(root, |_| Err::<(), _>("never called"))
        );
        let made = Shared::<[u64]>::from_root(comm, root, || vec![9]);
        refused!(comm, list, Error::NoSuchRank { .. }, made);
        let made =
            Shared::<[u64]>::try_from_root(comm, root, || Err::<Vec<u64>, _>("never called"));
        refused!(comm, list, Error::NoSuchRank { .. }, made);
    }
    works(comm)
}

/// A block that does not fit at the root's offset.
pub fn block_past_the_edge(comm: &Comm) -> Outcome {
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
            refused!(comm, list, Error::OutOfBounds { rank, .. } if rank == root, list.set(root, offset, data));
            // Others pass what would fit.
            let (offset, data) = if mine {
                (offset, &block[..])
            } else {
                (0, &[9][..])
            };
            refused!(
                comm,
                list,
                Error::OutOfBounds { .. },
                list.set(root, offset, Some(data))
            );
            refused!(
                comm,
                list,
                Error::OutOfBounds { .. },
                list.set_with(root, offset, || block.clone())
            );
        }
        for offset in [[2, 0], [0, 3], [1, 2], [usize::MAX, 0], [0, usize::MAX]] {
            let block = matrix![[7, 8]];
            refused!(
                comm,
                grid,
                Error::OutOfBounds { .. },
                grid.set(root, offset, mine.then(|| block.view()))
            );
        }
        let tall = Array2::zeros([3, 1]);
        refused!(
            comm,
            grid,
            Error::OutOfBounds { .. },
            grid.set(root, [0, 0], mine.then(|| tall.view()))
        );
        // A block without elements must fit, too.
        let none = Array2::zeros([0, 4]);
        refused!(
            comm,
            grid,
            Error::OutOfBounds { .. },
            grid.set(root, [0, 0], mine.then(|| none.view()))
        );
    }
    works(comm)
}

/// `None` on the root; what others pass does not help.
pub fn no_data_on_the_root(comm: &Comm) -> Outcome {
    let mut list = one_to_eight(comm)?;
    for root in 0..comm.size() {
        refused!(comm, list, Error::NoData { root: at, .. } if at == root, list.set(root, 0, None));
        let data = (comm.rank() != root).then_some(&[9][..]);
        refused!(comm, list, Error::NoData { .. }, list.set(root, 0, data));
    }
    works(comm)
}

/// `assign` where nobody holds data.
pub fn no_holder(comm: &Comm) -> Outcome {
    let mut list = one_to_eight(comm)?;
    refused!(comm, list, Error::Holders { ref ranks } if ranks.is_empty(), list.assign(0, None));
    refused!(
        comm,
        list,
        Error::Holders { .. },
        list.assign(usize::MAX, None)
    );
    works(comm)
}

/// `assign` where two ranks, or all, hold data.
pub fn two_holders(comm: &Comm) -> Outcome {
    let mut list = one_to_eight(comm)?;
    for second in 1..comm.size() {
        for first in 0..second {
            let data = [first, second].contains(&comm.rank()).then_some(&[9][..]);
            let call = list.assign(0, data);
            refused!(comm, list, Error::Holders { ref ranks } if *ranks == [first, second], call);
        }
    }
    if comm.size() > 1 {
        refused!(comm, list, Error::Holders { ref ranks } if *ranks == [0, 1], list.assign(0, Some(&[9])));
    }
    works(comm)
}

/// `assign` where the one holder's block does not fit.
pub fn assigned_block_past_the_edge(comm: &Comm) -> Outcome {
    let mut list = one_to_eight(comm)?;
    for holder in 0..comm.size() {
        let data = (comm.rank() == holder).then_some(&[9, 9][..]);
        refused!(comm, list, Error::OutOfBounds { rank, .. } if rank == holder, list.assign(7, data));
    }
    works(comm)
}

/// Extents whose bytes do not fit an address space, also where one of them is zero or the element has no size.
pub fn sizes_that_overflow(comm: &Comm) -> Outcome {
    const LARGE: usize = isize::MAX as usize;
    let list = one_to_eight(comm)?;
    macro_rules! too_large {
        ($layout:ty, $($dims:expr),+) => {
            $(refused!(comm, list, Error::TooLarge { .. }, Shared::<$layout>::new(comm, $dims));)+
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
    refused!(comm, list, Error::TooLarge { .. }, made);
    works(comm)
}

/// More than any node has: refused before any memory is taken.
pub fn no_room(comm: &Comm) -> Outcome {
    let list = one_to_eight(comm)?;
    for bytes in [1 << 45, 1 << 60, isize::MAX as usize - (1 << 20)] {
        refused!(comm, list, Error::NoRoom { needed, .. } if needed >= bytes, Shared::<[u8]>::new(comm, bytes));
    }
    let made = Shared::<Array2<f64>>::new(comm, [1 << 30, 1 << 15]);
    refused!(comm, list, Error::NoRoom { .. }, made);
    works(comm)
}

/// Bad calls of all kinds, with good ones between them, on the same object.
pub fn one_after_the_other(comm: &Comm) -> Outcome {
    let mut list = one_to_eight(comm)?;
    let mut model: Vec<u64> = (1..=8).collect();
    for round in 0..40 {
        let root = round % comm.size();
        let bad = match round % 5 {
            0 => list.set(root, 8, Some(&[1])).err(),
            1 => list.set(root, 0, None).err(),
            2 => list.assign(0, None).err(),
            3 => list.update(comm.size() + round, |_| ()).err(),
            _ => list.try_update(root, |_| Err::<(), _>(round)).err(),
        };
        assert!(bad.is_some(), "round {round}");
        model[round % 8] = round as u64;
        list.set(
            root,
            round % 8,
            (comm.rank() == root).then_some(&[round as u64]),
        )?;
        assert_equal(list.view(), &model);
    }
    works(comm)
}
