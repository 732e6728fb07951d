//! Objects in files: what was saved comes back, on any ranks, and files with mistakes are the same error on all ranks.
#![allow(
    clippy::cast_precision_loss,
    clippy::float_cmp,
    reason = "whole numbers far below 2^23; what comes back has the same bits"
)]

use std::fs;
use std::ops::Range;
use std::path::Path;

use ndarray::{Array1, Array2, Array3};
use pshmem::{
    Checkpoints, Columns, Comm, Error, Reading, Record, Shared, SharedColumns, SharedLayout, Source,
};

use crate::collective::{check_usable, same_error};
use crate::report::{Outcome, does_not_apply};
use crate::temp_dir::TempDir;
use crate::values::number;

#[derive(Clone, Copy, Debug, PartialEq, bytemuck::Pod, bytemuck::Zeroable, Record)]
#[repr(C)]
struct Line {
    frequency: f64,
    levels: [u32; 2],
}

#[derive(Clone, Copy, Debug, PartialEq, SharedColumns)]
struct Particle {
    place: [f64; 3],
    charge: i8,
}

#[derive(SharedLayout)]
struct Opacity {
    table: Array2<f32>,
    name: [char; 4],
}

#[derive(SharedLayout)]
struct Model {
    density: Array3<f64>,
    lines: Vec<Line>,
    is_star: Vec<bool>,
    particles: Columns<Particle>,
    #[shared(layout)]
    opacity: Opacity,
    step: u64,
}

#[derive(SharedLayout)]
#[shared(dims(n))]
struct Pair {
    #[shared(shape = [n])]
    one: Array1<f64>,
    #[shared(shape = [n, 2])]
    two: Array2<u16>,
}

/// A directory that exists, on all ranks.
fn directory(comm: &Comm) -> Result<TempDir, crate::report::Failure> {
    let folder = TempDir::shared(comm)?;
    on_root(comm, || fs::create_dir(folder.path()).unwrap())?;
    Ok(folder)
}

/// Rank 0 does something while the others wait.
fn on_root(comm: &Comm, work: impl FnOnce()) -> pshmem::Result<()> {
    comm.barrier()?;
    if comm.rank() == 0 {
        work();
    }
    comm.barrier()
}

/// The error has these texts.
fn check_texts(error: &Error, texts: &[&str]) {
    let text = error.to_string();
    let missing = texts.iter().find(|part| !text.contains(**part));
    assert_eq!(missing, None, "{text}");
}

/// A file as numpy writes it.
fn npy(descr: &str, is_fortran: bool, shape: &str, data: &[u8]) -> Vec<u8> {
    let order = if is_fortran { "True" } else { "False" };
    let mut header = format!("{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}");
    while (10 + header.len() + 1) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let len = u16::try_from(header.len()).unwrap().to_le_bytes();
    [b"\x93NUMPY\x01\x00", &len[..], header.as_bytes(), data].concat()
}

fn numbers(seed: usize, len: usize) -> Vec<f64> {
    (0..len)
        .map(|i| (number(seed, i) % 1_000_003) as f64)
        .collect()
}

fn particle(i: usize) -> Particle {
    Particle {
        place: [i as f64, 0.5, -1.0],
        charge: (i % 5) as i8 - 2,
    }
}

fn model() -> Model {
    Model {
        density: Array3::from_shape_vec((5, 3, 7), numbers(1, 105)).unwrap(),
        lines: (0..11)
            .map(|i| Line {
                frequency: f64::from(i) * 0.5,
                levels: [i, i + 1],
            })
            .collect(),
        is_star: (0..300).map(|i| i % 3 == 0).collect(),
        particles: (0..40).map(particle).collect::<Vec<_>>().into(),
        opacity: Opacity {
            table: Array2::from_shape_fn((4, 9), |(i, j)| (i * 10 + j) as f32),
            name: ['H', 'α', '∞', '𝄞'],
        },
        step: 77,
    }
}

fn check_model(shared: &Shared<Model>) {
    let (view, expected) = (shared.view(), model());
    assert_eq!(view.density, expected.density);
    assert_eq!(view.lines, expected.lines);
    assert_eq!(view.is_star, expected.is_star);
    assert_eq!(view.opacity.table, expected.opacity.table);
    assert_eq!(*view.opacity.name, expected.opacity.name);
    assert_eq!(*view.step, 77);
    for i in 0..40 {
        assert_eq!(view.particles.get(i), particle(i));
    }
}

/// Arrays, slices and values of any length come back, also large ones, of which all ranks have pieces.
pub(crate) fn arrays_come_back(comm: &Comm) -> Outcome {
    let folder = directory(comm)?;
    let path = folder.path().join("x.npy");
    for len in [
        0,
        1,
        comm.size() + 1,
        (4 << 20) / 8 * comm.size().min(3) + 3,
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

/// Bytes that are no values are an error before anybody sees them, wherever they are in the file.
pub(crate) fn values_are_checked(comm: &Comm) -> Outcome {
    let folder = directory(comm)?;
    let path = folder.path().join("x.npy");
    for len in [3, (4 << 20) + 1] {
        for bad in [0, len - 1] {
            let mut data = vec![1; len];
            data[bad] = 2;
            on_root(comm, || {
                fs::write(&path, npy("'|b1'", false, &format!("({len},)"), &data)).unwrap();
            })?;
            let error = same_error(comm, Shared::<[bool]>::load(comm, &path))?;
            check_texts(&error, &[&format!("element {bad} ")]);
            for reading in [Reading::Once, Reading::PerNode] {
                let loaded = Shared::<[bool]>::load_by(comm, &path, reading);
                same_error(comm, loaded)?;
            }
            let mut list = Shared::<[bool]>::new(comm, len)?;
            list.fill(true)?;
            same_error(comm, list.read_from(&path))?;
            assert!(!list.view()[bad], "the piece that failed is zero");
            list.fill(true)?; // the object can still be used
        }
    }
    let surrogate = 0xD800_u32.to_le_bytes();
    on_root(comm, || {
        fs::write(&path, npy("'<u4'", true, "(1, 1)", &surrogate)).unwrap();
    })?;
    let error = same_error(comm, Shared::<Array2<char>>::load(comm, &path))?;
    check_texts(&error, &["char"]);
    check_usable(comm)
}

/// The text that the error of every wrong file has.
fn wrong_files() -> Vec<(Vec<u8>, &'static str)> {
    let good = npy("'<f8'", false, "(2, 3)", &[0; 48]);
    let with = |descr: &str, shape: &str| npy(descr, false, shape, &[0; 48]);
    vec![
        (Vec::new(), ""),
        (good[..5].to_vec(), ""),
        (good[..40].to_vec(), ""),
        (good[..good.len() - 1].to_vec(), "too few"),
        ([&good[..], &[0]].concat(), "too many"),
        (b"\x93NUMPY\x01\x00\xff\xff{}".to_vec(), ""),
        (b"\x93NUMPY\x02\x00\xff\xff\xff\xff{}".to_vec(), ""),
        (b"\x93NUMPY\x09\x00\x40\x00{}".to_vec(), ""),
        (with("'<f4'", "(2, 6)"), "<f4"),
        (with("'<i8'", "(2, 3)"), "<i8"),
        (with("'<U2'", "(2, 3)"), "<U2"),
        (with("'|O'", "(2, 3)"), "|O"),
        (with("'<f8'", "(6,)"), "2 axes"),
        (with("'<f8'", "(1, 2, 3)"), "2 axes"),
        (with("'<f8'", "(-2, -3)"), ""),
        (with("'<f8'", "(9223372036854775808, 1)"), ""),
        (
            with("'<f8'", "(4611686018427387904, 4611686018427387904)"),
            "",
        ),
        (with("'<f8'", "(99999999999999999999999, 1)"), ""),
        (with("'<f8'", "(2, 4)"), "too few"),
    ]
}

/// Files with mistakes are the same error on all ranks, and the `Comm` lives.
pub(crate) fn wrong_files_are_refused(comm: &Comm) -> Outcome {
    let folder = directory(comm)?;
    let path = folder.path().join("x.npy");
    let missing = same_error(comm, Shared::<Array2<f64>>::load(comm, &path))?;
    check_texts(&missing, &["x.npy", "No such file"]);
    for (contents, text) in wrong_files() {
        on_root(comm, || fs::write(&path, &contents).unwrap())?;
        let error = same_error(comm, Shared::<Array2<f64>>::load(comm, &path))?;
        assert!(matches!(error, Error::File { .. }), "{error}");
        check_texts(&error, &["x.npy", text]);
        let mut grid = Shared::<Array2<f64>>::new(comm, [2, 3])?;
        grid.fill(1.0)?;
        same_error(comm, grid.read_from(&path))?;
        assert_eq!(grid.view().sum(), 6.0, "nothing has changed");
    }
    // Other extents than those of the object.
    let small = Shared::<Array2<f64>>::new(comm, [1, 3])?;
    small.save(&path)?;
    let mut grid = Shared::<Array2<f64>>::new(comm, [2, 3])?;
    check_texts(
        &same_error(comm, grid.read_from(&path))?,
        &["[1, 3]", "[2, 3]"],
    );
    // A folder for a file, and a file for a folder.
    let as_array = same_error(comm, Shared::<[f64]>::load(comm, folder.path()))?;
    check_texts(&as_array, &["folder"]);
    let as_struct = same_error(comm, Shared::<Pair>::load(comm, &path))?;
    check_texts(&as_struct, &["folder"]);
    check_usable(comm)
}

/// Folders with missing, additional, changed or damaged files.
pub(crate) fn wrong_folders_are_refused(comm: &Comm) -> Outcome {
    let folder = directory(comm)?;
    let path = folder.path().join("pair");
    let pair = Shared::<Pair>::new(comm, PairDims { n: 300_000 })?;
    let two = path.join("two.npy");
    let mistakes: [(&dyn Fn(), &str); 6] = [
        (&|| fs::remove_file(&two).unwrap(), "two.npy"),
        (&|| edit(&path, "two.npy", "three.npy"), "two.npy"),
        (&|| edit(&path, "\"version\": 1", "\"version\": 99"), "99"),
        (&|| edit(&path, "300000", "300001"), "schema.json"),
        (&|| edit(&path, "{", "["), "schema.json"),
        (
            &|| {
                fs::remove_file(path.join("schema.json")).unwrap();
                fs::write(path.join("more.npy"), "").unwrap();
            },
            "more.npy",
        ),
    ];
    for (make, text) in mistakes {
        on_root(comm, || {
            let _ = fs::remove_dir_all(&path);
        })?;
        pair.save(&path)?;
        on_root(comm, make)?;
        let error = same_error(comm, Shared::<Pair>::load(comm, &path))?;
        check_texts(&error, &[text]);
    }
    on_root(comm, || fs::remove_dir_all(&path).unwrap())?;
    pair.save(&path)?;
    on_root(comm, || {
        let mut bytes = fs::read(&two).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(&two, bytes).unwrap();
    })?;
    Shared::<Pair>::load(comm, &path)?; // the checksums are compared when asked for
    for reading in [Reading::Once, Reading::PerNode] {
        let error = same_error(comm, Shared::<Pair>::load_verified(comm, &path, reading))?;
        check_texts(&error, &["two.npy", "checksum"]);
    }
    check_usable(comm)
}

/// Replaces the first `from` in the schema of a folder.
fn edit(folder: &Path, from: &str, to: &str) {
    let path = folder.join("schema.json");
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{text}");
    fs::write(path, text.replacen(from, to, 1)).unwrap();
}

/// A save that cannot be made changes nothing.
pub(crate) fn wrong_places_are_refused(comm: &Comm) -> Outcome {
    let folder = directory(comm)?;
    let at = |name: &str| folder.path().join(name);
    let list = Shared::<[u8]>::new(comm, 3)?;
    let pair = Shared::<Pair>::new(comm, PairDims { n: 2 })?;
    on_root(comm, || {
        fs::create_dir(at("folder")).unwrap();
        fs::write(at("folder/notes.txt"), "mine").unwrap();
        fs::write(at("file"), "mine").unwrap();
        std::os::unix::fs::symlink(at("file"), at("link")).unwrap();
        std::os::unix::fs::symlink(at("folder"), at("link-to-folder")).unwrap();
    })?;
    let refused = [
        (list.save(at("folder")), "folder"),
        (list.save(at("link")), "symbolic link"),
        (list.save(at("no/such/folder/x.npy")), "No such file"),
        (list.save(at("file/x.npy")), "Not a directory"),
        (pair.save(at("file")), "file"),
        (pair.save(at("folder")), "notes.txt"),
        (pair.save(at("link-to-folder")), "symbolic link"),
    ];
    for (result, text) in refused {
        check_texts(&same_error(comm, result)?, &[text]);
    }
    assert_eq!(fs::read_to_string(at("file"))?, "mine");
    assert_eq!(fs::read_to_string(at("folder/notes.txt"))?, "mine");
    assert_eq!(
        fs::read_dir(folder.path())?.count(),
        4,
        "nothing else is left"
    );
    // A file is replaced by a file, an empty folder by a folder.
    list.save(at("file"))?;
    on_root(comm, || fs::create_dir(at("empty")).unwrap())?;
    pair.save(at("empty"))?;
    if comm.size() > 1 {
        let mine = at(&format!("x{}.npy", comm.rank().min(1)));
        let error = same_error(comm, list.save(&mine))?;
        assert!(matches!(error, Error::Mismatch { .. }), "{error}");
        let error = same_error(comm, Shared::<[u8]>::load(comm, &mine))?;
        assert!(matches!(error, Error::Mismatch { .. }), "{error}");
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

/// The newest checkpoints are kept, and load on other ranks than those that saved them.
pub(crate) fn checkpoints(comm: &Comm) -> Outcome {
    let folder = TempDir::shared(comm)?;
    let checkpoints = Checkpoints::new(comm, folder.path(), 2)?;
    assert_eq!(checkpoints.latest()?, None);
    let mut pair = Shared::<Pair>::new(comm, PairDims { n: 4 })?;
    for step in [3, 5, 40, 1000] {
        pair.fields().one.fill(step as f64)?;
        checkpoints.save(&pair, step)?;
        assert_eq!(checkpoints.latest()?, Some(step));
    }
    comm.barrier()?;
    assert_eq!(fs::read_dir(folder.path())?.count(), 2);
    let again = checkpoints.load::<Pair>(40)?;
    assert_eq!(again.view().one[3], 40.0);
    let solo = Comm::solo();
    let alone = Checkpoints::new(&solo, folder.path(), 2)?;
    assert_eq!(alone.load::<Pair>(1000)?.view().one[0], 1000.0);
    same_error(comm, checkpoints.load::<Pair>(3))?;
    // Back to an older step: what was just saved is kept.
    checkpoints.save(&pair, 41)?;
    comm.barrier()?;
    assert!(checkpoints.load::<Pair>(41).is_ok());
    check_usable(comm)
}
