//! numpy and scipy open what is saved, and what they have written is loaded. `files.py` is the other side.
//!
//! `PSHMEM_TEST_PYTHON` names an interpreter with both.
#![allow(
    clippy::cast_possible_wrap,
    clippy::float_cmp,
    reason = "small whole numbers; what numpy has written has the same bits"
)]

use std::path::{Path, PathBuf};
use std::process::Command;

use bytemuck::{Pod, Zeroable};
use ndarray::{Array2, Array3};
use num_complex::Complex64;
use pshmem::local::Cluster;
use pshmem::{
    Columns, Comm, Csr, Map, Ragged, Record, Result, Shared, SharedColumns, SharedLayout, Strings,
    Text,
};
use pshmem_tests::temp_dir::TempDir;

#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable, Record)]
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
struct Inner {
    name: [char; 3],
    count: u64,
}

#[derive(SharedLayout)]
struct Model {
    map: Array2<f32>,
    waves: Vec<Complex64>,
    lines: Vec<Line>,
    is_star: Vec<bool>,
    particles: Columns<Particle>,
    #[shared(layout)]
    inner: Inner,
    links: Csr<f64>,
    tracks: Ragged<f32>,
    names: Strings,
    title: Text,
    numbers: Map<u32, f64>,
}

fn model() -> Model {
    Model {
        map: Array2::from_shape_fn((4, 6), |(i, j)| {
            f32::from(u8::try_from(10 * i + j).unwrap())
        }),
        waves: vec![Complex64::new(1.0, -2.0); 5],
        lines: (0..3)
            .map(|i| Line {
                frequency: f64::from(i) + 0.5,
                levels: [i, 2 * i],
            })
            .collect(),
        is_star: vec![true, false, true],
        particles: vec![
            Particle {
                place: [1.0, 2.0, 3.0],
                charge: -1
            };
            7
        ]
        .into(),
        inner: Inner {
            name: ['a', 'ß', '𝄞'],
            count: 42,
        },
        links: links(),
        tracks: Ragged::from_rows([vec![1.0, 2.0], vec![], vec![3.0]]),
        names: vec!["Genève", "x"].into(),
        title: "𝄞".into(),
        numbers: [(7, 0.5), (3, 1.5)].into_iter().collect(),
    }
}

fn links() -> Csr<f64> {
    Csr::from_triplets((3, 4), [(2, 3, -1.0), (0, 1, 1.5), (2, 0, 2.5)]).unwrap()
}

/// Runs `files.py`, which must succeed.
fn python(task: &str, folder: &Path) {
    let python = std::env::var_os("PSHMEM_TEST_PYTHON");
    let python = python.expect("PSHMEM_TEST_PYTHON is an interpreter with numpy");
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/numpy/files.py");
    let output = Command::new(python)
        .arg(script)
        .arg(task)
        .arg(folder)
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
}

#[test]
#[ignore = "needs numpy: cargo xtask test"]
fn numpy_opens_what_is_saved() {
    let folder = TempDir::new().unwrap();
    Cluster::new(&[2, 1]).run_ok(|comm| {
        let path = folder.path().join("model");
        Shared::from_root(comm, 0, model)?.save(path)
    });
    python("open", folder.path());
}

#[test]
#[ignore = "needs numpy: cargo xtask test"]
fn what_numpy_has_written_is_loaded() {
    let folder = TempDir::new().unwrap();
    python("write", folder.path());
    let load = |comm: &Comm| -> Result<()> {
        let at = |name: &str| folder.path().join(format!("{name}.npy"));
        let expected = Array3::from_shape_fn((4, 5, 6), |(i, j, k)| (100 * i + 10 * j + k) as i64);
        for name in [
            "c",
            "fortran",
            "big",
            "fortran_big",
            "version_2",
            "version_3",
        ] {
            let cube = Shared::<Array3<i64>>::load(comm, at(name))?;
            assert_eq!(cube.view(), expected, "{name}");
        }
        let lines = Shared::<[Line]>::load(comm, at("lines"))?;
        assert_eq!(lines.view(), model().lines);
        let waves = Shared::<[Complex64]>::load(comm, at("waves"))?;
        assert_eq!(waves.view(), [Complex64::new(0.5, -0.25); 9]);
        assert_eq!(*Shared::<f32>::load(comm, at("scalar"))?.view(), 2.5);
        assert_eq!(
            Shared::<Array2<u8>>::load(comm, at("empty"))?.dims(),
            [0, 3]
        );
        assert_eq!(
            Shared::<[bool]>::load(comm, at("bools"))?.view(),
            [true, false]
        );
        let matrix = Shared::<Csr<f64>>::load(comm, folder.path().join("matrix"))?;
        assert_eq!(matrix.to_owned(), links());
        Ok(())
    };
    Cluster::new(&[2, 1]).run_ok(load);
    Cluster::new(&[1]).run_ok(load);
}

#[test]
#[ignore = "needs numpy: cargo xtask test"]
fn python_in_the_guide_compiles() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    python("compile", &crates.join("pshmem/src/guide"));
}
