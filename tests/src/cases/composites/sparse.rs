//! Sparse matrices, beside sums in a `BTreeMap`.

use std::collections::BTreeMap;

use pshmem::{Comm, Csr, CsrDims, Error, Shared};

use crate::collective::{check_same_text, check_usable, outliers, same_error};
use crate::report::Outcome;
use crate::values::number;

const SHAPE: (usize, usize) = (9, 6);

/// Triplets of a rank, some of them for one place.
fn triplets(rank: usize) -> Vec<(usize, usize, u64)> {
    let triplet = |i: usize| {
        let x = number(rank, i) as usize;
        (x % SHAPE.0, x / 16 % SHAPE.1, number(i, rank) >> 16)
    };
    (0..[20, 0, 3][rank % 3]).map(triplet).collect()
}

type Model = BTreeMap<(usize, usize), u64>;

fn model(triplets: impl IntoIterator<Item = (usize, usize, u64)>) -> Model {
    let mut sums = Model::new();
    for (row, col, value) in triplets {
        *sums.entry((row, col)).or_default() += value;
    }
    sums
}

fn check(comm: &Comm, shared: &Shared<Csr<u64>>, model: &Model) -> Outcome {
    let view = shared.view();
    assert_eq!(
        (view.rows(), view.cols(), view.nnz()),
        (SHAPE.0, SHAPE.1, model.len())
    );
    let entries = view.iter().map(|(row, col, &value)| ((row, col), value));
    assert!(
        entries.eq(model.iter().map(|(&place, &value)| (place, value))),
        "{view:?} {model:?}"
    );
    for row in 0..SHAPE.0 {
        let (cols, values) = view.row(row);
        for (&col, value) in cols.iter().zip(values) {
            assert_eq!(model.get(&(row, col as usize)), Some(value));
        }
    }
    assert_eq!(view.get(0, 0), model.get(&(0, 0)));
    assert_eq!(view.indptr().last(), Some(&(model.len() as u64)));
    check_same_text(comm, &format!("{view:?}"))
}

/// One rank has the matrix; values change in place, the structure as a whole.
pub(crate) fn sparse_matrices(comm: &Comm) -> Outcome {
    let root = comm.size() - 1;
    let mut sums = model(triplets(0));
    let mut shared = Shared::<Csr<u64>>::from_root(comm, root, || {
        Csr::from_triplets(SHAPE, triplets(0)).unwrap()
    })?;
    check(comm, &shared, &sums)?;
    shared.update(0, |mut w| w.values_mut().iter_mut().for_each(|x| *x += 1))?;
    for sum in sums.values_mut() {
        *sum += 1;
    }
    check(comm, &shared, &sums)?;
    let dims = CsrDims {
        rows: SHAPE.0,
        cols: SHAPE.1,
        nnz: sums.len() + 2,
    };
    let mut other = Shared::<Csr<u64>>::new(comm, dims)?;
    check(comm, &other, &Model::new())?;
    let owned = shared.to_owned();
    other.try_update(root, |mut w| w.assign(&owned))?;
    check(comm, &other, &sums)?;
    let small = Csr::from_triplets(SHAPE, [(3, 3, 7), (3, 3, 1)]).unwrap();
    other.try_update(0, |mut w| w.assign(&small))?;
    check(comm, &other, &model([(3, 3, 8)]))?;
    other.copy_from(&Shared::<Csr<u64>>::new(comm, dims)?)?;
    check(comm, &other, &Model::new())?;
    let wide = Csr::from_triplets((SHAPE.0, SHAPE.1 + 1), [(0, 0, 1)]).unwrap();
    same_error(comm, other.try_update(root, |mut w| w.assign(&wide)))?;
    let error = same_error(
        comm,
        Shared::<Csr<u8>>::new(
            comm,
            CsrDims {
                cols: 1 << 33,
                ..dims
            },
        ),
    )?;
    assert!(matches!(error, Error::TooManyColumns { .. }), "{error:?}");
    check(comm, &other, &Model::new())
}

/// Triplets of all ranks are summed, and rows of all ranks are stacked.
pub(crate) fn collected_matrices(comm: &Comm) -> Outcome {
    let all = (0..comm.size()).flat_map(triplets);
    let collected = Shared::<Csr<u64>>::collect(comm, SHAPE, triplets(comm.rank()))?;
    check(comm, &collected, &model(all))?;
    let none = Shared::<Csr<u64>>::collect(comm, SHAPE, [])?;
    check(comm, &none, &Model::new())?;
    let rows = |rank: usize| Csr::from_triplets((2, 4), [(0, rank % 4, rank as u32)]).unwrap();
    let (stacked, mine) = Shared::<Csr<u32>>::concat(comm, &rows(comm.rank()))?;
    assert_eq!(mine, 2 * comm.rank()..2 * comm.rank() + 2);
    assert_eq!(stacked.view().rows(), 2 * comm.size());
    let last = comm.size() - 1;
    assert_eq!(
        stacked.view().row(2 * last),
        (&[last as u32 % 4][..], &[last as u32][..])
    );
    for outlier in outliers(comm) {
        let is_outlier = usize::from(comm.rank() == outlier);
        let outside = [(SHAPE.0 - 1 + is_outlier, 0, 1)];
        let error = same_error(comm, Shared::<Csr<u64>>::collect(comm, SHAPE, outside))?;
        assert!(
            matches!(error, Error::Triplet { rank, .. } if rank == outlier),
            "{error:?}"
        );
        let shape = (SHAPE.0, SHAPE.1 + is_outlier);
        let error = same_error(comm, Shared::<Csr<u64>>::collect(comm, shape, []))?;
        assert!(matches!(error, Error::Mismatch { .. }), "{error:?}");
    }
    check_usable(comm)
}
