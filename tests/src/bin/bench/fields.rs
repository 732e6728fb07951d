//! A struct of 20 fields: its view, reading one of its fields, and its creation.

use crate::timing::{Bench, Column, OURS, VEC};
use pshmem::{Result, Shared, SharedLayout};
use std::hint::black_box;

/// Elements of the field that is read.
const LEN: usize = 1 << 20;
/// Views that are measured at once: a single one is too fast for the clock.
const VIEWS: usize = 1000;

/// 10 containers and 10 values.
#[derive(SharedLayout)]
struct Twenty {
    a0: Vec<f64>,
    a1: Vec<f64>,
    a2: Vec<f64>,
    a3: Vec<f64>,
    a4: Vec<f64>,
    a5: Vec<f64>,
    a6: Vec<f64>,
    a7: Vec<f64>,
    a8: Vec<f64>,
    a9: Vec<f64>,
    v0: f64,
    v1: f64,
    v2: f64,
    v3: f64,
    v4: f64,
    v5: [f64; 3],
    v6: u64,
    v7: u64,
    v8: i32,
    v9: bool,
}

fn dims(a0: usize, others: usize) -> TwentyDims {
    TwentyDims {
        a0,
        a1: others,
        a2: others,
        a3: others,
        a4: others,
        a5: others,
        a6: others,
        a7: others,
        a8: others,
        a9: others,
    }
}

pub(crate) fn rows(bench: &Bench<'_>) -> Result<()> {
    view(bench)?;
    read(bench)?;
    create(bench)
}

fn view(bench: &Bench<'_>) -> Result<()> {
    let row = "1000 views of a struct of 20 fields";
    if !bench.settings.selects(row) {
        return Ok(());
    }
    let shared = Shared::<Twenty>::new(bench.comm, dims(8, 8))?;
    let columns = vec![Column::new(OURS, || {
        for _ in 0..VIEWS {
            black_box(black_box(&shared).view());
        }
        Ok(())
    })];
    bench.time(row, columns)
}

fn read(bench: &Bench<'_>) -> Result<()> {
    let row = "read 8 MiB of a struct's field: sum";
    if !bench.settings.selects(row) {
        return Ok(());
    }
    let root = bench.is_root();
    let mut shared = Shared::<Twenty>::new(bench.comm, dims(LEN, 8))?;
    shared.update(0, |mut w| w.a0.fill(1.0))?;
    let private = vec![1.0; LEN];
    let columns = vec![
        Column::new(OURS, || {
            if root {
                black_box(sum(black_box(&shared).view().a0));
            }
            Ok(())
        }),
        Column::new(VEC, || {
            if root {
                black_box(sum(black_box(&private)));
            }
            Ok(())
        }),
    ];
    bench.time(row, columns)
}

fn sum(values: &[f64]) -> f64 {
    values.iter().sum()
}

/// Compared with one array of as many bytes.
fn create(bench: &Bench<'_>) -> Result<()> {
    let row = "create and drop a struct of 20 fields";
    if !bench.settings.selects(row) {
        return Ok(());
    }
    let bytes = Shared::<Twenty>::bytes_for(&dims(8, 8))?;
    let columns = vec![
        Column::new(OURS, || {
            Shared::<Twenty>::new(bench.comm, dims(8, 8)).map(drop)
        }),
        Column::new("an array", || {
            Shared::<[u8]>::new(bench.comm, bytes).map(drop)
        }),
    ];
    bench.time(row, columns)
}
