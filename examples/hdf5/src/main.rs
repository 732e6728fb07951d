//! Loads a dataset of an HDF5 file once per node, and prints its extents and its sum.
//!
//! ```text
//! PSHMEM_LOCAL=2+1 cargo run --release --manifest-path examples/hdf5/Cargo.toml -- FILE DATASET
//! ```
#![allow(
    clippy::cast_lossless,
    clippy::cast_precision_loss,
    reason = "the sum of any numbers is shown as `f64`"
)]

use ndarray::{Array1, Array2, Array3, Array4};
use pshmem::{Comm, Result, Shared};
use pshmem_example_hdf5::Numbers;
use std::process::ExitCode;

/// The types of elements that this program knows, as HDF5 and numpy name them.
const DTYPES: [&str; 6] = ["float32", "float64", "int32", "int64", "uint8", "uint16"];

/// Loads arrays of one type, with one to four axes. The extents and the sum.
macro_rules! load {
    ($comm:expr, $file:expr, $dataset:expr, $axes:expr, $item:ty) => {
        load!($comm, $file, $dataset, $axes, $item, 1 Array1, 2 Array2, 3 Array3, 4 Array4)
    };
    ($comm:expr, $file:expr, $dataset:expr, $axes:expr, $item:ty, $($number:literal $array:ident),*) => {
        match $axes {
            $($number => {
                let open = || Numbers::open($file, $dataset);
                let table = Shared::<$array<$item>>::load_with($comm, open)?;
                let view = table.view();
                (view.shape().to_vec(), view.iter().map(|&number| number as f64).sum::<f64>())
            })*
            _ => unreachable!("rank 0 has looked"),
        }
    };
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [file, dataset] = &arguments[..] else {
        eprintln!("usage: pshmem-example-hdf5 FILE DATASET");
        return ExitCode::from(2);
    };
    pshmem::run(|comm: &Comm| show(comm, file, dataset))
}

fn show(comm: &Comm, file: &str, dataset: &str) -> Result<()> {
    // All ranks have to call `load_with` for one type. So rank 0 looks, and all learn what it has found.
    let found = Shared::<[usize]>::try_from_root(comm, 0, || look(file, dataset))?;
    let (dtype, axes) = (DTYPES[found.view()[0]], found.view()[1]);
    let (extents, sum) = match dtype {
        "float32" => load!(comm, file, dataset, axes, f32),
        "float64" => load!(comm, file, dataset, axes, f64),
        "int32" => load!(comm, file, dataset, axes, i32),
        "int64" => load!(comm, file, dataset, axes, i64),
        "uint8" => load!(comm, file, dataset, axes, u8),
        _ => load!(comm, file, dataset, axes, u16),
    };
    if comm.rank() == 0 {
        println!("{dataset}: {dtype}, extents {extents:?}, sum {sum}");
    }
    Ok(())
}

/// The number of the type in the list, and that of axes.
fn look(file: &str, dataset: &str) -> Result<Vec<usize>, String> {
    let numbers = Numbers::open(file, dataset)?;
    let (dtype, axes) = (numbers.dtype()?, numbers.shape()?.len());
    let number = DTYPES.iter().position(|known| *known == dtype);
    match number {
        Some(number) if (1..=4).contains(&axes) => Ok(vec![number, axes]),
        _ => Err(format!(
            "`{dataset}` of {file} holds {dtype} along {axes} axes, but this program knows {} along one to four",
            DTYPES.join(", ")
        )),
    }
}
