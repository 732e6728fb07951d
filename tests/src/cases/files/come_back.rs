//! What was saved comes back; files of other orders are converted.

use std::fs;

use ndarray::{Array1, Array2, Array3};
use pshmem::{Comm, Error, Reading, Shared};

use super::{Line, Model, Pair, PairDims, check_model, directory, model, npy, numbers, on_root};
use crate::collective::{check_usable, same_error};
use crate::report::Outcome;

/// Arrays, slices and values of any length come back, also large ones, of which all ranks have pieces.
pub(crate) fn arrays_come_back(comm: &Comm) -> Outcome {
    let folder = directory(comm)?;
    let path = folder.path().join("x.npy");
    for len in [
        0,
        1,
        comm.size() + 1,
        (4 << 20) / 8 * comm.size().min(2) + 3,
    ] {
        let list = Shared::<[f64]>::from_root(comm, 0, || numbers(len, len))?;
        list.save(&path)?;
        for reading in [Reading::Once, Reading::PerNode] {
            let again = Shared::<Vec<f64>>::load_by(comm, &path, reading)?;
            assert!(again.view() == list.view(), "{len} {reading:?}");
        }
        let mut into = Shared::<[f64]>::new(comm, len)?;
        into.read_from(&path)?;
        assert!(into.view() == list.view(), "{len}");
    }
    let count = Shared::<u64>::from_root(comm, comm.size() - 1, || 42)?;
    count.save(&path)?;
    assert_eq!(*Shared::<u64>::load(comm, &path)?.view(), 42);
    let places = Shared::<[[f32; 3]]>::from_root(comm, 0, || vec![[1.0, 2.0, 3.0]; 50])?;
    places.save(&path)?;
    let again = Shared::<Array2<f32>>::load(comm, &path)?;
    assert_eq!(again.dims(), [50, 3], "fixed arrays are further axes");
    assert_eq!(
        Shared::<[[f32; 3]]>::load(comm, &path)?.view(),
        places.view()
    );
    check_usable(comm)
}

/// What a user has moved aside is not put back, replaced or removed.
pub(crate) fn backups_stay(comm: &Comm) -> Outcome {
    let folder = directory(comm)?;
    let list = Shared::<[u8]>::new(comm, 3)?;
    let pair = Shared::<Pair>::new(comm, PairDims { n: 3 })?;
    let (file, inner) = (folder.path().join("x.npy"), folder.path().join("pair"));
    let backups = ["x.npy.old", "pair.old"].map(|name| folder.path().join(name));
    list.save(&file)?;
    pair.save(&inner)?;
    on_root(comm, || {
        fs::rename(&file, &backups[0]).unwrap();
        fs::rename(&inner, &backups[1]).unwrap();
    })?;
    same_error(comm, Shared::<[u8]>::load(comm, &file))?;
    same_error(comm, Shared::<Pair>::load(comm, &inner))?;
    for _ in 0..2 {
        list.save(&file)?;
        pair.save(&inner)?;
    }
    for path in backups.iter().chain([&file, &inner]) {
        assert!(path.exists(), "{}", path.display());
    }
    check_usable(comm)
}

/// A struct with nested fields, columns, records, `bool` and `char` comes back, also into an object that exists.
pub(crate) fn structs_come_back(comm: &Comm) -> Outcome {
    let folder = directory(comm)?;
    let path = folder.path().join("model");
    let saved = Shared::from_root(comm, 0, model)?;
    saved.save(&path)?;
    saved.save(&path)?; // takes the place of the first
    for file in [
        "density.npy",
        "opacity/table.npy",
        "particles/place.npy",
        "schema.json",
    ] {
        assert!(path.join(file).is_file(), "{file}");
    }
    let names = fs::read_dir(folder.path())?.count();
    assert_eq!(names, 1, "nothing else is left");
    check_model(&Shared::<Model>::load(comm, &path)?);
    check_model(&Shared::<Model>::load_by(comm, &path, Reading::PerNode)?);
    let mut loaded = Shared::<Model>::load_verified(comm, &path, Reading::Once)?;
    loaded.update(0, |mut w| {
        w.density.fill(0.0);
        w.is_star.fill(true);
        w.opacity.name[0] = 'x';
        *w.step = 0;
    })?;
    loaded.read_from(&path)?;
    check_model(&loaded);
    // A folder that another program made needs no schema.
    on_root(comm, || fs::remove_file(path.join("schema.json")).unwrap())?;
    check_model(&Shared::<Model>::load(comm, &path)?);
    check_usable(comm)
}

/// Fields are saved and read alone; the others stay as they are.
pub(crate) fn fields_alone(comm: &Comm) -> Outcome {
    let folder = directory(comm)?;
    let path = folder.path().join("one.npy");
    let mut pair = Shared::<Pair>::new(comm, PairDims { n: 9 })?;
    let mut fields = pair.fields();
    fields.one.fill(3.5)?;
    fields.two.fill(7)?;
    fields.one.save(&path)?;
    fields.one.fill(0.0)?;
    let two = fields.two.view();
    fields.one.read_from(&path)?;
    assert_eq!(two[[8, 1]], 7);
    assert_eq!(fields.one.view(), Array1::from_elem(9, 3.5));
    let whole = folder.path().join("pair");
    pair.save(&whole)?;
    let again = Shared::<Pair>::load(comm, &whole)?;
    assert_eq!(again.dims(), PairDims { n: 9 });
    // Extents that do not belong together.
    on_root(comm, || {
        fs::remove_file(whole.join("schema.json")).unwrap();
        fs::write(whole.join("one.npy"), npy("'<f8'", false, "(1,)", &[0; 8])).unwrap();
    })?;
    let error = same_error(comm, Shared::<Pair>::load(comm, &whole))?;
    assert!(matches!(error, Error::Shape { .. }), "{error}");
    check_usable(comm)
}

/// Big-endian numbers, and arrays in Fortran order, are converted.
pub(crate) fn other_orders_are_converted(comm: &Comm) -> Outcome {
    let folder = directory(comm)?;
    let path = folder.path().join("x.npy");
    // Three axes, of which the last is cut; then the same with an element of two.
    let shape = [5_usize, 4, 6];
    let value = |i: usize, j: usize, k: usize| (i * 100 + j * 10 + k) as u32;
    let mut data = Vec::new();
    for k in 0..6 {
        for j in 0..4 {
            for i in 0..5 {
                data.extend(value(i, j, k).to_be_bytes());
            }
        }
    }
    on_root(comm, || {
        fs::write(&path, npy("'>u4'", true, "(5, 4, 6)", &data)).unwrap();
    })?;
    for reading in [Reading::Once, Reading::PerNode] {
        let cube = Shared::<Array3<u32>>::load_by(comm, &path, reading)?;
        assert_eq!(cube.dims(), shape);
        for ((i, j, k), &found) in cube.view().indexed_iter() {
            assert_eq!(found, value(i, j, k), "{reading:?} {i} {j} {k}");
        }
        let inner = Shared::<Array2<[u32; 6]>>::load_by(comm, &path, reading)?;
        assert_eq!(inner.view()[[4, 3]][5], value(4, 3, 5));
        assert_eq!(
            inner.view()[[1, 2]],
            std::array::from_fn(|k| value(1, 2, k))
        );
    }
    let record = "[('frequency', '>f8'), ('levels', '<u4', (2,))]";
    let data = [&1.5_f64.to_be_bytes()[..], &[1, 0, 0, 0, 2, 0, 0, 0]].concat();
    on_root(comm, || {
        fs::write(&path, npy(record, false, "(1,)", &data)).unwrap();
    })?;
    let lines = Shared::<[Line]>::load(comm, &path)?;
    let expected = Line {
        frequency: 1.5,
        levels: [1, 2],
    };
    assert_eq!(lines.view(), [expected]);
    check_usable(comm)
}
