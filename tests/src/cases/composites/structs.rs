//! Rows of structs that all ranks bring.

use ndarray::Array1;
use pshmem::{Columns, Comm, Error, Ragged, Shared, SharedLayout, Text};

use super::concat::{Hit, before, count, hit};
use crate::collective::{check_same_text, check_usable, outliers, same_error};
use crate::report::Outcome;

#[derive(SharedLayout)]
#[shared(dims(n, items, m), rows = n)]
struct Found {
    #[shared(shape = [n, items])]
    tracks: Ragged<f32>,
    #[shared(shape = [n])]
    energy: Array1<f64>,
    #[shared(shape = [n])]
    hits: Columns<Hit>,
    #[shared(shape = [m])]
    edges: Vec<f64>,
    #[shared(dims = 20)]
    title: Text,
    run: u64,
}

/// The rows of a struct; its other fields are common.
pub(crate) fn stacked_structs(comm: &Comm) -> Outcome {
    let found = |rank: usize, run: u64| Found {
        tracks: (0..count(rank))
            .map(|i| vec![f32::from(i as u16); i % 3])
            .collect(),
        energy: Array1::from_shape_fn(count(rank), |i| f64::from(i as u32)),
        hits: (0..count(rank)).map(|i| hit(rank, i)).collect(),
        edges: vec![0.0, 0.5, 1.0],
        title: "twenty letters here.".into(),
        run,
    };
    let (all, rows) = Shared::<Found>::concat(comm, &found(comm.rank(), 5))?;
    let view = all.view();
    assert_eq!(
        (view.tracks.len(), view.energy.len()),
        (before(comm, count).1, all.dims().n)
    );
    for (i, row) in rows.enumerate() {
        assert_eq!(view.tracks[row], vec![f32::from(i as u16); i % 3]);
        assert!((view.energy[row] - f64::from(i as u32)).abs() < 1e-12);
        assert_eq!(view.hits.get(row), hit(comm.rank(), i));
    }
    assert_eq!(
        (view.edges.len(), view.title, *view.run),
        (3, "twenty letters here.", 5)
    );
    check_same_text(comm, &format!("{view:?}"))?;
    for outlier in outliers(comm) {
        let run = 5 + u64::from(comm.rank() == outlier);
        let error = same_error(
            comm,
            Shared::<Found>::concat(comm, &found(comm.rank(), run)),
        )?;
        assert!(matches!(&error, Error::Mismatch { .. }), "{error:?}");
        assert!(error.to_string().contains("`run`"), "{error}");
        let mut wrong = found(comm.rank(), 5);
        if comm.rank() == outlier {
            wrong.energy = Array1::zeros(count(outlier) + 1);
        }
        let error = same_error(comm, Shared::<Found>::concat(comm, &wrong))?;
        assert!(matches!(&error, Error::Shape { .. }), "{error:?}");
    }
    check_usable(comm)
}
