//! Files of composites: they come back, also with spare room; what contradicts itself is refused, and leaves an empty composite.

use std::fs;
use std::path::Path;

use pshmem::{Comm, Error, Map, Ragged, RaggedDims, Reading, Shared, SharedLayout, Strings, Text};

use crate::collective::{check_usable, same_error};
use crate::report::{Failure, Outcome};
use crate::temp_dir::TempDir;

#[derive(SharedLayout)]
struct Survey {
    tracks: Ragged<[f32; 2]>,
    step: u64,
    names: Strings,
    title: Text,
}

fn survey() -> Survey {
    Survey {
        tracks: Ragged::from_rows([&[[1.0, 2.0]][..], &[], &[[3.0, 4.0], [5.0, 6.0]]]),
        step: 7,
        names: vec!["Genève", "", "Zürich"].into(),
        title: "Überblick".into(),
    }
}

fn check(shared: &Shared<Survey>) {
    let (view, expected) = (shared.view(), survey());
    assert_eq!(view.tracks, expected.tracks);
    assert_eq!(
        (view.names, view.title),
        (expected.names.view(), &*expected.title)
    );
    assert_eq!(*view.step, 7);
}

/// A directory that exists, on all ranks.
fn directory(comm: &Comm) -> Result<TempDir, Failure> {
    let folder = TempDir::shared(comm)?;
    on_root(comm, || fs::create_dir(folder.path()).unwrap())?;
    Ok(folder)
}

fn on_root(comm: &Comm, work: impl FnOnce()) -> pshmem::Result<()> {
    comm.barrier()?;
    if comm.rank() == 0 {
        work();
    }
    comm.barrier()
}

/// Saved and loaded; from an object with spare room, and into one.
pub(crate) fn composites_come_back(comm: &Comm) -> Outcome {
    let folder = directory(comm)?;
    let path = folder.path().join("survey");
    Shared::<Survey>::from_root(comm, 0, survey)?.save(&path)?;
    for file in [
        "tracks/offsets.npy",
        "tracks/items.npy",
        "names/bytes.npy",
        "title.npy",
    ] {
        assert!(path.join(file).is_file(), "{file}");
    }
    assert!(!path.join("tracks/used.npy").exists());
    check(&Shared::<Survey>::load(comm, &path)?);
    check(&Shared::<Survey>::load_by(comm, &path, Reading::PerNode)?);
    check(&Shared::<Survey>::load_verified(
        comm,
        &path,
        Reading::Once,
    )?);
    let dims = SurveyDims {
        tracks: RaggedDims {
            rows: 10,
            items: 11,
        },
        names: RaggedDims {
            rows: 3,
            items: 100,
        },
        title: 30,
    };
    let mut large = Shared::<Survey>::new(comm, dims)?;
    large.try_update(0, |mut w| {
        for _ in 0..10 {
            w.tracks.push(&[[9.0; 2]])?;
        }
        w.title.set("a longer title than the other")
    })?;
    large.read_from(&path)?;
    check(&large);
    large.save(&path)?;
    check(&Shared::<Survey>::load(comm, &path)?);
    large.try_update(comm.size() - 1, |mut w| w.tracks.push(&[[7.0; 2]; 8]))?;
    assert_eq!(large.view().tracks.len(), 4);
    let mut small = Shared::<Survey>::new(comm, SurveyDims { title: 5, ..dims })?;
    let error = same_error(comm, small.read_from(&path))?;
    assert!(error.to_string().contains("room for 5"), "{error}");
    let title = folder.path().join("title.npy");
    Shared::<Text>::from_root(comm, 0, || "one file".into())?.save(&title)?;
    assert_eq!(Shared::<Text>::load(comm, &title)?.view(), "one file");
    assert_eq!(Shared::<[u8]>::load(comm, &title)?.view(), b"one file");
    check_usable(comm)
}

/// Overwrites bytes at the end of a file.
fn damage(path: &Path, from_end: usize, bytes: &[u8]) {
    let mut all = fs::read(path).unwrap();
    let at = all.len() - from_end;
    all[at..at + bytes.len()].copy_from_slice(bytes);
    fs::write(path, all).unwrap();
}

/// Offsets that fall or end elsewhere, bytes that are no text.
pub(crate) fn damaged_composites(comm: &Comm) -> Outcome {
    let folder = directory(comm)?;
    let path = folder.path().join("survey");
    let saved = Shared::<Survey>::from_root(comm, 0, survey)?;
    let huge = u64::MAX.to_le_bytes();
    let cases: [(&str, usize, &[u8], &str); 9] = [
        ("tracks/offsets.npy", 8, &[4], "field `tracks`"),
        ("tracks/offsets.npy", 8, &[2], "field `tracks`"),
        ("tracks/offsets.npy", 8, &huge, "field `tracks`"),
        ("tracks/offsets.npy", 24, &[3], "row 1 goes from offset 3"),
        ("tracks/offsets.npy", 32, &[1], "the first offset is 1"),
        // "Genève" has a character of two bytes.
        ("names/offsets.npy", 24, &[4], "string 0 is not valid UTF-8"),
        ("names/bytes.npy", 1, &[0xff], "string 2 is not valid UTF-8"),
        ("names/bytes.npy", 7, &[0xc3], "not valid UTF-8"),
        ("title.npy", 10, &[0x80], "field `title`"),
    ];
    saved.save(&path)?;
    for (number, (file, from_end, bytes, text)) in cases.into_iter().enumerate() {
        let file = path.join(file);
        let good = fs::read(&file)?;
        on_root(comm, || damage(&file, from_end, bytes))?;
        let reading = [Reading::Once, Reading::PerNode][number % 2];
        let error = same_error(comm, Shared::<Survey>::load_by(comm, &path, reading))?;
        assert!(matches!(&error, Error::File { .. }), "{error:?}");
        assert!(
            error.to_string().contains(text),
            "{}: {error}",
            file.display()
        );
        if number % 3 == 0 {
            let mut into = Shared::<Survey>::from_root(comm, 0, survey)?;
            same_error(comm, into.read_from(&path))?;
            let view = into.view();
            assert!(view.tracks.is_empty() && view.names.is_empty() && view.title.is_empty());
            into.try_update(0, |mut w| w.names.push("usable"))?;
            assert_eq!(&into.view().names[0], "usable");
        }
        on_root(comm, || fs::write(&file, &good).unwrap())?;
    }
    check(&Shared::<Survey>::load(comm, &path)?);
    check_usable(comm)
}

/// What headers tell is found before anything changes.
pub(crate) fn headers_of_composites_disagree(comm: &Comm) -> Outcome {
    let folder = directory(comm)?;
    let path = folder.path().join("survey");
    let mut shared = Shared::<Survey>::from_root(comm, 0, survey)?;
    shared.save(&path)?;
    on_root(comm, || fs::remove_file(path.join("schema.json")).unwrap())?;
    check(&Shared::<Survey>::load(comm, &path)?);
    Shared::<[u64]>::new(comm, 0)?.save(path.join("tracks/offsets.npy"))?;
    let error = same_error(comm, shared.read_from(&path))?;
    assert!(error.to_string().contains("there is no offset"), "{error}");
    check(&shared);
    same_error(comm, Shared::<Survey>::load(comm, &path))?;
    let path = folder.path().join("map");
    let made = || [(1, 2), (3, 4)].into_iter().collect::<Map<u8, u32>>();
    let mut map = Shared::<Map<u8, u32>>::from_root(comm, 0, made)?;
    map.save(&path)?;
    on_root(comm, || fs::remove_file(path.join("schema.json")).unwrap())?;
    Shared::<[u32]>::new(comm, 1)?.save(path.join("values.npy"))?;
    let error = same_error(comm, map.read_from(&path))?;
    assert!(
        error.to_string().contains("2 keys, but 1 values"),
        "{error}"
    );
    assert_eq!(map.view().get(&3), Some(&4));
    same_error(comm, Shared::<Map<u8, u32>>::load(comm, &path))?;
    check_usable(comm)
}
