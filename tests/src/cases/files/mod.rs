//! Objects in files: what was saved comes back, on any ranks, and files with mistakes are the same error on all ranks.
//!
//! - `come_back` save and load · `wrong` files, folders and places with mistakes · `sources` other formats, ranks with different types
//! - `checkpoints` saves of many steps
#![allow(
    clippy::cast_precision_loss,
    clippy::float_cmp,
    reason = "whole numbers far below 2^23; what comes back has the same bits"
)]

mod checkpoints;
mod come_back;
mod sources;
mod wrong;

pub(super) use checkpoints::*;
pub(super) use come_back::*;
pub(super) use sources::*;
pub(super) use wrong::*;

use std::fs;

use ndarray::{Array1, Array2, Array3};
use pshmem::{Columns, Comm, Error, Record, Shared, SharedColumns, SharedLayout};

use crate::report::Failure;
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
fn directory(comm: &Comm) -> Result<TempDir, Failure> {
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
