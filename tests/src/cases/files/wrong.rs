//! Files, folders and places with mistakes: the same error on all ranks, and nothing has changed.

use std::fs;
use std::path::Path;

use ndarray::Array2;
use pshmem::{Comm, Error, Reading, Shared};

use super::{Pair, PairDims, check_texts, directory, npy, on_root};
use crate::collective::{check_usable, same_error};
use crate::report::Outcome;

/// Bytes that are no values are an error before anybody sees them, wherever they are in the file.
pub(crate) fn values_are_checked(comm: &Comm) -> Outcome {
    let folder = directory(comm)?;
    let path = folder.path().join("x.npy");
    // Two pieces where there are few ranks.
    let lens = [3, (4 << 20) + 1];
    let lens = if comm.size() <= 3 {
        &lens[..]
    } else {
        &lens[..1]
    };
    for &len in lens {
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
    // Rank 0 alone reads them, so a few do where many ranks wait.
    let step = if comm.size() <= 3 { 1 } else { 5 };
    for (contents, text) in wrong_files().into_iter().step_by(step) {
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
    // A pipe, on which nobody waits.
    let pipe = folder.path().join("pipe");
    on_root(comm, || {
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
    })?;
    let from_pipe = same_error(comm, Shared::<[f64]>::load(comm, &pipe))?;
    check_texts(&from_pipe, &["regular file"]);
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
    // The same bytes in another order have no checksums.
    on_root(comm, || {
        let bytes = fs::read(&two).unwrap();
        let text = "'fortran_order': False";
        let at = bytes
            .windows(text.len())
            .position(|part| part == text.as_bytes());
        let at = at.unwrap();
        let bytes = [
            &bytes[..at],
            b"'fortran_order': True ",
            &bytes[at + text.len()..],
        ]
        .concat();
        fs::write(&two, bytes).unwrap();
    })?;
    let fortran = Shared::<Pair>::load_verified(comm, &path, Reading::Once);
    check_texts(&same_error(comm, fortran)?, &["two.npy", "Fortran"]);
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
