//! Sources of other formats, and ranks that load with different types.

use std::fs::{self, File};
use std::ops::Range;
use std::os::unix::fs::FileExt;

use ndarray::{Array1, Array2, ArrayViewMut2};
use pshmem::{Comm, Error, Shared, Source};

use super::{Model, Pair, PairDims, check_texts, directory, on_root};
use crate::collective::{check_usable, same_error};
use crate::report::{Outcome, does_not_apply};
use crate::values::number;

struct Sequence {
    extents: Vec<usize>,
    fails_at: Option<usize>,
}

impl Source<u32> for Sequence {
    type Error = String;

    fn extents(&mut self) -> Result<Vec<usize>, String> {
        Ok(self.extents.clone())
    }

    fn read(&mut self, rows: Range<usize>, into: &mut [u32]) -> Result<(), String> {
        if self.fails_at.is_some_and(|row| rows.contains(&row)) {
            return Err("no such row".to_owned());
        }
        let per_row: usize = self.extents[1..].iter().product();
        assert_eq!(into.len(), rows.len() * per_row);
        for (place, i) in into.iter_mut().zip(rows.start * per_row..) {
            *place = i as u32;
        }
        Ok(())
    }
}

/// A source of another format fills slices and arrays; its errors are the same on all ranks.
pub(crate) fn sources(comm: &Comm) -> Outcome {
    let open = |extents: &[usize], fails_at| {
        let extents = extents.to_vec();
        move || Ok::<_, String>(Sequence { extents, fails_at })
    };
    for rows in [0, 1, comm.size(), 1000] {
        let grid = Shared::<Array2<u32>>::load_with(comm, open(&[rows, 3], None))?;
        let expected = Array2::from_shape_fn((rows, 3), |(i, j)| (i * 3 + j) as u32);
        assert_eq!(grid.view(), expected);
        let list = Shared::<[u32]>::load_with(comm, open(&[rows], None))?;
        assert_eq!(list.view(), (0..rows as u32).collect::<Vec<_>>());
    }
    let axes = same_error(comm, Shared::<[u32]>::load_with(comm, open(&[2, 3], None)))?;
    check_texts(&axes, &["[2, 3]"]);
    let row = same_error(
        comm,
        Shared::<[u32]>::load_with(comm, open(&[100], Some(70))),
    )?;
    check_texts(&row, &["no such row"]);
    let closed = || Err::<Sequence, _>("no such file");
    let missing = same_error(comm, Shared::<[u32]>::load_with(comm, closed))?;
    let message = "no such file".to_owned();
    assert_eq!(missing, Error::Closure { rank: 0, message });
    check_usable(comm)
}

/// A file is read straight into node memory, by one rank, by one of each node, or by all; a file that is too short is the same error
/// on all ranks.
pub(crate) fn numbers_without_a_header(comm: &Comm) -> Outcome {
    const ROW: usize = 3;
    let folder = directory(comm)?;
    let path = folder.path().join("table.bin");
    // More than one piece of a transfer.
    for rows in [0, 7, 500_000] {
        let expected = Array2::from_shape_fn((rows, ROW), |(i, j)| number(7, i * ROW + j));
        let bytes: &[u8] = bytemuck::cast_slice(expected.as_slice().ok_or("in standard order")?);
        on_root(comm, || fs::write(&path, bytes).unwrap())?;
        let new = || Shared::<Array2<u64>>::new(comm, [rows, ROW]);
        let read = |mut view: ArrayViewMut2<'_, u64>, first: usize| {
            let numbers = view.as_slice_mut().expect("in standard order");
            let start = (first * ROW * size_of::<u64>()) as u64;
            File::open(&path)?.read_exact_at(bytemuck::cast_slice_mut(numbers), start)
        };
        for root in 0..comm.size() {
            let mut table = new()?;
            table.try_update(root, |mut w| read(w.view_mut(), 0))?;
            assert_eq!(table.view(), expected);
        }
        let mut table = new()?;
        table.try_update_per_node(|mut w| read(w.view_mut(), 0))?;
        assert_eq!(table.view(), expected);
        let mut table = new()?;
        table.try_update_parts(|rows, mut part| read(part.view_mut(), rows.start))?;
        assert_eq!(table.view(), expected);
        let mut table = Shared::<Array2<u64>>::new(comm, [rows + 1, ROW])?;
        let short = table.try_update(comm.size() - 1, |mut w| read(w.view_mut(), 0));
        let error = same_error(comm, short)?;
        assert!(matches!(error, Error::Closure { rank, .. } if rank == comm.size() - 1));
        let short = table.try_update_parts(|rows, mut part| read(part.view_mut(), rows.start));
        let error = same_error(comm, short)?;
        assert!(matches!(error, Error::Closure { .. }), "{error}");
    }
    check_usable(comm)
}

/// Ranks with different types get the same error, whether or not these have the same files.
pub(crate) fn types_differ(comm: &Comm) -> Outcome {
    if comm.size() == 1 {
        return does_not_apply("it needs two ranks");
    }
    let folder = directory(comm)?;
    let (path, file) = (folder.path().join("pair"), folder.path().join("x.npy"));
    let mut pair = Shared::<Pair>::new(comm, PairDims { n: 2 })?;
    pair.save(&path)?;
    pair.fields().one.save(&file)?;
    let is_last = comm.rank() == comm.size() - 1;
    let errors = [
        if is_last {
            Shared::<Model>::load(comm, &path).err()
        } else {
            Shared::<Pair>::load(comm, &path).err()
        },
        if is_last {
            Shared::<[f64]>::load(comm, &file).err()
        } else {
            Shared::<Array1<f64>>::load(comm, &file).err()
        },
        if is_last {
            Shared::<Array2<f64>>::load(comm, &file).err()
        } else {
            Shared::<Vec<f64>>::load(comm, &file).err()
        },
    ];
    for error in errors {
        let error = same_error::<()>(comm, Err(error.expect("the types differ")))?;
        assert!(matches!(error, Error::Mismatch { .. }), "{error}");
    }
    let extents = |rows: usize| {
        move || {
            Ok::<_, String>(Sequence {
                extents: vec![rows; 2],
                fails_at: None,
            })
        }
    };
    let error = if is_last {
        Shared::<[u32]>::load_with(comm, extents(3)).err()
    } else {
        Shared::<Array2<u32>>::load_with(comm, extents(3)).err()
    };
    same_error::<()>(comm, Err(error.expect("the types differ")))?;
    check_usable(comm)
}
