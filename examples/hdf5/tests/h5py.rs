//! Files that h5py wrote, loaded on ranks that are threads.
//!
//! The interpreter is the one that `PSHMEM_TEST_PYTHON` names, or `python3`. `cargo xtask formats` makes one that has h5py.

use bytemuck::AnyBitPattern;
use hdf5_metno::H5Type;
use ndarray::{Array1, Array2, Array3, Array4};
use pshmem::local::Cluster;
use pshmem::{Error, Result, Shared};
use pshmem_example_hdf5::Numbers;
use std::fmt::Debug;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// One node of one rank; several nodes; more ranks than rows of some datasets.
const SHAPES: [&[usize]; 3] = [&[1], &[2, 1], &[6, 3]];

/// The files that `write.py` writes.
struct Files(TempDir);

impl Files {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let python = std::env::var_os("PSHMEM_TEST_PYTHON").unwrap_or_else(|| "python3".into());
        let mut write = Command::new(python);
        write.arg("tests/write.py").arg(folder.path());
        let status = write.status().expect("an interpreter");
        assert!(
            status.success(),
            "h5py is needed: `cargo xtask formats` installs it"
        );
        Files(folder)
    }

    fn good(&self) -> PathBuf {
        self.0.path().join("good.h5")
    }

    /// The message that all ranks get.
    fn message<T>(&self, file: &str, dataset: &str) -> String
    where
        T: H5Type + AnyBitPattern + pshmem::Record,
    {
        let path = self.0.path().join(file);
        let results = Cluster::new(&[2, 1]).run(|comm| -> Result<()> {
            let open = || Numbers::open(&path, dataset);
            let failed = Shared::<Array2<T>>::load_with(comm, open).map(drop);
            // The ranks can go on.
            comm.barrier()?;
            failed
        });
        let first = results[0].as_ref().unwrap_err();
        assert!(matches!(first, Error::Closure { .. }), "{first}");
        for other in &results {
            assert_eq!(other.as_ref().unwrap_err(), first);
        }
        first.to_string()
    }
}

/// Compares a number with the one at this index in `write.py`.
fn check<T>(dataset: &str, index: usize, found: &T)
where
    T: TryFrom<u8> + PartialEq + Debug,
{
    let number = u8::try_from(index * 7 % 101).unwrap();
    let expected = T::try_from(number).ok().expect("101 fits into every type");
    assert_eq!(*found, expected, "{dataset} at {index}");
}

/// Loads a dataset on all shapes, and compares all numbers on all ranks.
macro_rules! compare {
    ($path:expr, $dataset:expr, $array:ty, $extents:expr) => {
        for shape in SHAPES {
            Cluster::new(shape).run_ok(|comm| {
                let open = || Numbers::open($path, $dataset);
                let table = Shared::<$array>::load_with(comm, open)?;
                let view = table.view();
                assert_eq!(view.shape(), $extents, "{}", $dataset);
                for (index, found) in view.iter().enumerate() {
                    check($dataset, index, found);
                }
                Ok::<_, Error>(())
            });
        }
    };
}

/// With one to four axes.
macro_rules! compare_axes {
    ($path:expr, $($dtype:literal $item:ty),*) => {
        $(
            compare!($path, concat!($dtype, "/1"), Array1<$item>, [1000]);
            compare!($path, concat!($dtype, "/2"), Array2<$item>, [37, 5]);
            compare!($path, concat!($dtype, "/3"), Array3<$item>, [7, 4, 3]);
            compare!($path, concat!($dtype, "/4"), Array4<$item>, [5, 1, 2, 3]);
        )*
    };
}

#[test]
fn numbers_of_each_type_along_one_to_four_axes() {
    let files = Files::new();
    let path: &Path = &files.good();
    compare_axes!(path, "f4" f32, "f8" f64, "i1" i8, "i2" i16, "i4" i32, "i8" i64);
    compare_axes!(path, "u1" u8, "u2" u16, "u4" u32, "u8" u64);
    // As a slice.
    Cluster::new(&[2]).run_ok(|comm| {
        let slice = Shared::<[u16]>::load_with(comm, || Numbers::open(path, "u2/1"))?;
        check("u2/1", 999, &slice.view()[999]);
        Ok::<_, Error>(())
    });
}

#[test]
fn big_endian_and_packed_datasets_and_empty_ones() {
    let files = Files::new();
    let path: &Path = &files.good();
    compare!(path, "big-endian", Array2<f64>, [37, 5]);
    compare!(path, "packed", Array2<f32>, [500, 40]);
    compare!(path, "no rows", Array2<f64>, [0, 3]);
    compare!(path, "no columns", Array2<f64>, [3, 0]);
}

#[test]
fn what_is_wrong_is_said_on_all_ranks() {
    let files = Files::new();
    let cases = [
        (
            files.message::<f64>("none.h5", "x"),
            "none.h5: No such file",
        ),
        (files.message::<f64>("other.h5", "x"), "other.h5: "),
        (files.message::<f64>("good.h5", "f8/9"), "`f8/9` of "),
        (files.message::<f64>("good.h5", "none"), "the file has `"),
        (
            files.message::<f32>("good.h5", "f8/2"),
            "holds float64, not float32",
        ),
        (
            files.message::<i32>("good.h5", "u4/2"),
            "holds uint32, not int32",
        ),
        (
            files.message::<u8>("good.h5", "bool"),
            "holds bool, not uint8",
        ),
        (files.message::<f64>("good.h5", "half"), "its type"),
        (files.message::<f64>("good.h5", "text"), "not float64"),
        (files.message::<f64>("good.h5", "f8/3"), "extents [7, 4, 3]"),
        (files.message::<f64>("good.h5", "scalar"), "extents []"),
    ];
    for (message, part) in cases {
        assert!(message.contains(part), "no `{part}` in: {message}");
    }
}
