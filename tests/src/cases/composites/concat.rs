//! Rows that all ranks bring.

use ndarray::{Array2, Axis, s};
use pshmem::{Columns, Comm, Error, Ragged, Shared, SharedColumns, Strings};

use crate::collective::{check_same_text, check_usable, outliers, same_error};
use crate::report::Outcome;
use crate::values::number;

#[derive(Clone, Copy, Debug, PartialEq, SharedColumns)]
pub(super) struct Hit {
    pixel: u32,
    value: f64,
    flag: bool,
}

/// The number of rows of a rank: none on some, and on two of them very different ones.
pub(super) fn count(rank: usize) -> usize {
    [3, 0, 1, 40][rank % 4]
}

/// What the ranks before have, and what all have.
pub(super) fn before(comm: &Comm, count: fn(usize) -> usize) -> (usize, usize) {
    let counts: Vec<usize> = (0..comm.size()).map(count).collect();
    (counts[..comm.rank()].iter().sum(), counts.iter().sum())
}

pub(super) fn hit(rank: usize, i: usize) -> Hit {
    Hit {
        pixel: number(rank, i) as u32,
        value: f64::from(i as u32) + 0.5,
        flag: i.is_multiple_of(3),
    }
}

/// Slices, arrays (contiguous or not), columns.
pub(crate) fn stacked_arrays(comm: &Comm) -> Outcome {
    let (rank, mine) = (comm.rank(), count(comm.rank()));
    let (start, total) = before(comm, count);
    let block: Vec<u64> = (0..mine).map(|i| number(rank, i)).collect();
    let (list, rows) = Shared::<[u64]>::concat(comm, &block)?;
    assert_eq!(
        (rows.clone(), list.view().len()),
        (start..start + mine, total)
    );
    assert_eq!(list.view()[rows], block);
    check_same_text(comm, &format!("{:?}", list.view()))?;

    // Every second column of a larger array, which is not contiguous.
    let large = Array2::from_shape_fn(
        (mine, 6),
        |(i, j)| f32::from(number(rank, i * 6 + j) as u16),
    );
    let view = large.slice(s![.., ..;2]);
    let (table, rows) = Shared::<Array2<f32>>::concat(comm, &view)?;
    assert_eq!(table.view().shape(), [total, 3]);
    let part = table.view();
    assert_eq!(part.slice_axis(Axis(0), rows.into()), view);
    check_same_text(comm, &format!("{:?}", table.view()))?;

    let hits: Vec<Hit> = (0..mine).map(|i| hit(rank, i)).collect();
    let (columns, rows) = Shared::<Columns<Hit>>::concat(comm, &hits)?;
    assert_eq!(columns.view().len(), total);
    for (i, row) in rows.enumerate() {
        assert_eq!(columns.view().get(row), hit(rank, i));
    }
    check_same_text(comm, &format!("{:?}", columns.view().pixel))?;
    let (none, rows) = Shared::<Vec<()>>::concat(comm, &vec![(); mine])?;
    assert_eq!((none.view().len(), rows.len()), (total, mine));
    Ok(())
}

/// Rows of different lengths and strings, in the order of ranks.
pub(crate) fn stacked_rows(comm: &Comm) -> Outcome {
    let rows_of = |rank: usize| {
        let row = move |i: usize| vec![number(rank, i) as u16; (i + rank) % 3];
        (0..count(rank)).map(row).collect::<Vec<_>>()
    };
    let model: Vec<Vec<u16>> = (0..comm.size()).flat_map(rows_of).collect();
    let mine = Ragged::from(rows_of(comm.rank()));
    let (all, rows) = Shared::<Ragged<u16>>::concat(comm, &mine)?;
    assert_eq!(all.view(), Ragged::from(model));
    let view = all.view();
    assert!(rows.map(|row| view.row(row)).eq(mine.rows()));

    let texts_of = |rank: usize| (0..count(rank)).map(move |i| "ü".repeat((i + rank) % 3));
    let mine: Strings = texts_of(comm.rank()).collect();
    let (all, _) = Shared::<Strings>::concat(comm, &mine)?;
    let model: Strings = (0..comm.size()).flat_map(texts_of).collect();
    assert_eq!(all.view(), model);
    // No rank has rows.
    let (none, rows) = Shared::<Strings>::concat(comm, &Strings::new())?;
    assert_eq!((none.view().len(), rows), (0, 0..0));
    check_usable(comm)
}

/// Many bytes, so that they travel in pieces.
pub(crate) fn stacked_large_rows(comm: &Comm) -> Outcome {
    let len = (1 << 20) / comm.size() + comm.rank();
    let mine: Ragged<u64> = [vec![comm.rank() as u64; len], vec![7; 3]]
        .into_iter()
        .collect();
    let (all, rows) = Shared::<Ragged<u64>>::concat(comm, &mine)?;
    assert_eq!(&all.view()[rows.start], &mine[0]);
    let last = all.view().row(2 * comm.size() - 2);
    assert!(last.iter().all(|&x| x == comm.size() as u64 - 1));
    assert_eq!(all.view().len(), 2 * comm.size());
    Ok(())
}

/// Rows of other extents and other types are the same error on all ranks.
pub(crate) fn unequal_rows(comm: &Comm) -> Outcome {
    for outlier in outliers(comm) {
        let width = 2 + usize::from(comm.rank() == outlier);
        let error = same_error(
            comm,
            Shared::<Array2<u8>>::concat(comm, &Array2::zeros((1, width))),
        )?;
        assert!(matches!(&error, Error::Mismatch { .. }), "{error:?}");
        let error = if comm.rank() == outlier {
            same_error(comm, Shared::<[u8]>::concat(comm, &[1]))?
        } else {
            same_error(comm, Shared::<[u16]>::concat(comm, &[1]))?
        };
        assert!(matches!(&error, Error::Mismatch { .. }), "{error:?}");
    }
    check_usable(comm)
}
