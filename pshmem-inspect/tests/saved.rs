//! What the library saves is what the program shows.

use ndarray::{Array2, array};
use pshmem::{Comm, Csr, Map, Ragged, Record, Shared, SharedLayout, Strings, Text};
use std::path::Path;
use std::process::Command;

#[derive(Clone, Copy, bytemuck::Zeroable, bytemuck::NoUninit, Record)]
#[repr(C)]
struct Line {
    energy: f64,
    count: u64,
}

#[derive(SharedLayout)]
struct Opacity {
    table: Vec<f32>,
}

#[derive(SharedLayout)]
struct Gas {
    density: Array2<f64>,
    lines: Vec<Line>,
    #[shared(layout)]
    opacity: Opacity,
    flags: [bool; 2],
}

fn inspect(arguments: &[&str], path: &Path) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pshmem-inspect"));
    let output = command.args(arguments).arg(path).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn what_the_library_saves_is_shown_and_verified() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gas");
    let comm = Comm::solo();
    let gas = Shared::<Gas>::from_root(&comm, 0, || Gas {
        density: array![[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]],
        lines: [(0.5, 7), (f64::NAN, 9)]
            .map(|(energy, count)| Line { energy, count })
            .to_vec(),
        // Two pieces.
        opacity: Opacity {
            table: vec![1.5; 1_200_000],
        },
        flags: [true, false],
    });
    gas.unwrap().save(&path).unwrap();
    let text = inspect(&[], &path);
    let rows: Vec<String> = text
        .lines()
        .skip(2)
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(
        rows,
        [
            "density <f8 2 x 3 48 0 5 2.5 0",
            "lines 16 B 2 32",
            "lines.energy <f8 0.5 0.5 0.5 1",
            "lines.count <u8 7 9 8 0",
            "opacity.table <f4 1200000 4800000 1.5 1.5 1.5 0",
            "flags |b1 2 2 0 1 0.5 0",
        ]
    );
    let text = inspect(&["--verify"], &path);
    assert!(
        text.ends_with("All checksums are those of schema.json.\n"),
        "{text}"
    );
    assert!(
        text.lines()
            .any(|line| line.starts_with("opacity.table") && line.ends_with("2          0")),
        "{text}"
    );
}

#[derive(SharedLayout)]
struct Network {
    title: Text,
    names: Strings,
    samples: Ragged<f32>,
    numbers: Map<str, u32>,
    links: Csr<f64>,
}

#[test]
fn tables_are_shown_file_by_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("network");
    let network = Shared::<Network>::from_root(&Comm::solo(), 0, || Network {
        title: "Railways".into(),
        names: vec!["Bern", "Basel"].into(),
        samples: Ragged::from_rows([vec![0.5, 1.5, 2.5], vec![]]),
        numbers: [("BE", 0), ("BS", 1)].into_iter().collect(),
        links: Csr::from_triplets((2, 2), [(0, 1, 55.0), (1, 0, 57.0)]).unwrap(),
    });
    network.unwrap().save(&path).unwrap();
    let text = inspect(&[], &path);
    let rows: Vec<String> = text
        .lines()
        .skip(2)
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(
        rows,
        [
            "title |u1 8 8 82 121 105.5 0",
            "names.offsets <u8 3 24 0 9 4.33333 0",
            "names.bytes |u1 9 9 66 115 97.5556 0",
            "samples.offsets <u8 3 24 0 3 2 0",
            "samples.items <f4 3 12 0.5 2.5 1.5 0",
            "numbers.keys.offsets <u8 3 24 0 4 2 0",
            "numbers.keys.bytes |u1 4 4 66 83 71 0",
            "numbers.values <u4 2 8 0 1 0.5 0",
            "links.indptr <u8 3 24 0 2 1 0",
            "links.indices <u4 2 8 0 1 0.5 0",
            "links.data <f8 2 16 55 57 56 0",
            "links.shape <u8 2 16 2 2 2 0",
        ]
    );
    let verified = inspect(&["--verify"], &path);
    assert!(verified.ends_with("All checksums are those of schema.json.\n"));
}
