//! Reading on rank 0, through a view and from private memory, by the same code.

use crate::race::{Bench, Contender, OURS, VEC};
use crate::settings::size_name;
use pshmem::{Result, Shared};
use std::hint::black_box;

const BYTES: usize = 64 << 20;

pub(crate) fn rows(bench: &Bench<'_>) -> Result<()> {
    // As a user writes it, which waits for one addition after the other.
    row(bench, "sum", |values| values.iter().sum())?;
    // As fast as memory comes.
    row(bench, "sum in 8 lanes", |values| {
        let mut lanes = [0.0; 8];
        for chunk in values.as_chunks::<8>().0 {
            for (lane, value) in lanes.iter_mut().zip(chunk) {
                *lane += value;
            }
        }
        lanes.iter().sum()
    })?;
    // What pages cost.
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
    if !bench.settings.wants(&row) {
        return Ok(());
    }
    let root = bench.is_root();
    let ours = Shared::<[f64]>::from_root(bench.comm, 0, || numbers().collect())?;
    let private: Vec<f64> = if root {
        numbers().collect()
    } else {
        Vec::new()
    };
    let contenders = vec![
        Contender::new(OURS, || {
            if root {
                black_box(sum(black_box(&ours).view()));
            }
            Ok(())
        }),
        Contender::new(VEC, || {
            if root {
                black_box(sum(black_box(&private)));
            }
            Ok(())
        }),
    ];
    bench.race(&row, contenders)
}

fn numbers() -> impl Iterator<Item = f64> {
    (0..BYTES / size_of::<f64>()).map(|i| i as f64 * 0.5)
}
