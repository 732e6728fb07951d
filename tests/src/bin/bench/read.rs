//! Reads on rank 0, through a view and from private memory, by the same code.

use crate::settings::size_name;
use crate::timing::{Bench, Column, OURS, VEC};
use pshmem::{Result, Shared};
use std::hint::black_box;

const BYTES: usize = 64 << 20;

pub(crate) fn rows(bench: &Bench<'_>) -> Result<()> {
    // The simple way, in which each addition waits for the one before.
    row(bench, "sum", |values| values.iter().sum())?;
    // At the speed of memory.
    row(bench, "sum in 8 lanes", |values| {
        let mut lanes = [0.0; 8];
        for chunk in values.as_chunks::<8>().0 {
            for (lane, value) in lanes.iter_mut().zip(chunk) {
                *lane += value;
            }
        }
        lanes.iter().sum()
    })?;
    // Dominated by misses of caches and of the page table.
    row(bench, "sum 1 in 521, scattered", |values| {
        const STEP: usize = 521 * 4099;
        let mut at = 0;
        let mut sum = 0.0;
        for _ in 0..values.len() / 521 {
            sum += values[at];
            at = (at + STEP) % values.len();
        }
        sum
    })
}

fn row(bench: &Bench<'_>, what: &str, sum: impl Fn(&[f64]) -> f64) -> Result<()> {
    let row = format!("read {}: {what}", size_name(BYTES));
    if !bench.settings.selects(&row) {
        return Ok(());
    }
    let root = bench.is_root();
    let ours = Shared::<[f64]>::from_root(bench.comm, 0, || numbers().collect())?;
    let private: Vec<f64> = if root {
        numbers().collect()
    } else {
        Vec::new()
    };
    let columns = vec![
        Column::new(OURS, || {
            if root {
                black_box(sum(black_box(&ours).view()));
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
    bench.time(&row, columns)
}

fn numbers() -> impl Iterator<Item = f64> {
    (0..BYTES / size_of::<f64>()).map(|i| i as f64 * 0.5)
}
