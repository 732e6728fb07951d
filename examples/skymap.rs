//! A map of the sky from a long scan, in two ways. With `scatter`, all ranks add their samples to one map that each node holds
//! once. With `reduce_into`, each rank bins its samples into a private map, and the maps of all ranks are summed into the shared
//! one. The first takes no private map; the second is the way for ranks that have one already.
//!
//! ```text
//! cargo run --release --example skymap                           one rank
//! PSHMEM_LOCAL=3+2 cargo run --release --example skymap          five ranks on two nodes, as threads
//! mpirun -n 4 target/release/examples/skymap 10000000            after `cargo build --release --features mpi --example skymap`
//! ```
//!
//! The argument is the number of samples. The result does not depend on the number of ranks, nor on the way: samples are whole
//! numbers, so their sums are exact in any order.
#![allow(
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "counts and pixels are positive and far below 2^52"
)]

use ndarray::{Array2, Zip};
use pshmem::{Comm, Op, Shared, SharedLayout};
use std::error::Error;
use std::time::Instant;

/// Rows and columns of the map.
const SHAPE: [usize; 2] = [256, 512];

/// Samples that a rank takes at a time.
const CHUNK: usize = 10_000;

/// The sum over all ranks.
#[derive(SharedLayout)]
struct Sky {
    hits: Array2<u32>,
    signal: Array2<f64>,
    mean: Array2<f64>,
}

fn main() -> std::process::ExitCode {
    pshmem::run(skymap)
}

/// What each rank does.
fn skymap(comm: &Comm) -> Result<(), Box<dyn Error>> {
    let argument = std::env::args().nth(1);
    let samples: usize = argument.map_or(Ok(1_000_000), |samples| samples.parse())?;
    let dims = SkyDims {
        hits: SHAPE,
        signal: SHAPE,
        mean: SHAPE,
    };
    let mut sky = Shared::<Sky>::new(comm, dims)?;

    // One way: all ranks add to the maps of their node. A rank takes a part of the scan when it has done the one before.
    let start = Instant::now();
    let scan = comm.counter(samples)?;
    let mut f = sky.fields();
    f.hits.try_scatter(Op::sum(), |add| {
        while let Some(part) = scan.next(CHUNK)? {
            part.for_each(|sample| add(pointing(sample), 1));
        }
        Ok::<(), pshmem::Error>(())
    })?;
    scan.reset()?;
    f.signal.try_scatter(Op::sum(), |add| {
        while let Some(part) = scan.next(CHUNK)? {
            for sample in part {
                let pixel = pointing(sample);
                add(pixel, measured(sample, pixel));
            }
        }
        Ok::<(), pshmem::Error>(())
    })?;
    let by_scatter = start.elapsed();

    // The other way: this rank's share of the scan in private maps, and the sum of those of all ranks.
    let start = Instant::now();
    let bound = |rank: usize| samples * rank / comm.size();
    let mut hits = Array2::<u32>::zeros(SHAPE);
    let mut signal = Array2::<f64>::zeros(SHAPE);
    for sample in bound(comm.rank())..bound(comm.rank() + 1) {
        let pixel = pointing(sample);
        hits[pixel] += 1;
        signal[pixel] += measured(sample, pixel);
    }
    let mut reduced_hits = Shared::<Array2<u32>>::new(comm, SHAPE)?;
    let mut reduced_signal = Shared::<Array2<f64>>::new(comm, SHAPE)?;
    reduced_hits.reduce_into(Op::sum(), &hits)?;
    reduced_signal.reduce_into(Op::sum(), &signal)?;
    let by_reduction = start.elapsed();
    if reduced_hits.view() != f.hits.view() || reduced_signal.view() != f.signal.view() {
        return Err("the two ways give different maps".into());
    }

    // Every rank computes the means of its own rows.
    f.mean.update_parts(|rows, mut mean| {
        let rows = ndarray::s![rows, ..];
        let (hits, signal) = (f.hits.view(), f.signal.view());
        Zip::from(&mut mean)
            .and(&hits.slice(rows))
            .and(&signal.slice(rows))
            .for_each(|mean, &hits, &signal| *mean = signal / f64::from(hits.max(1)));
    })?;

    let view = sky.view();
    let seen: usize = view.hits.iter().map(|&hits| hits as usize).sum();
    if seen != samples {
        return Err(format!("the map shows {seen} of {samples} samples").into());
    }
    let node = comm.node();
    if comm.rank() == 0 {
        let covered = view.hits.iter().filter(|&&hits| hits > 0).count();
        let total: f64 = view.signal.sum();
        let brightest = view.mean.iter().copied().fold(0.0, f64::max);
        println!(
            "skymap: {samples} samples in {covered} pixels, {total} steps in all, brightest mean {brightest:.6}"
        );
        println!(
            "by scatter: {by_scatter:.1?}, and no private map; by private maps and reduce_into: {by_reduction:.1?}"
        );
    }
    if node.rank == 0 {
        let mib = |bytes: usize| bytes as f64 / 1_048_576.0;
        println!(
            "node {}: {:.1} MiB for the maps of the whole sky; private copies on {} ranks would take {:.1} MiB",
            node.index,
            mib(sky.bytes()),
            node.size,
            mib(sky.bytes() * node.size)
        );
    }
    Ok(())
}

/// The pixel that the telescope points to: it sweeps along rings whose axis turns slowly.
fn pointing(sample: usize) -> [usize; 2] {
    const PER_RING: usize = 997;
    let along = (sample % PER_RING) as f64 / PER_RING as f64 * std::f64::consts::TAU;
    let turned = sample as f64 / 250_000.0;
    let (row, column) = (0.5 + 0.49 * along.cos(), along.sin() * 0.25 + turned);
    [
        (row * SHAPE[0] as f64) as usize,
        (column.rem_euclid(1.0) * SHAPE[1] as f64) as usize % SHAPE[1],
    ]
}

/// The signal there, with noise: a whole number.
fn measured(sample: usize, [row, column]: [usize; 2]) -> f64 {
    let galaxy = if row.abs_diff(SHAPE[0] / 2) < 12 {
        40.0
    } else {
        5.0
    };
    let source = if (row / 20 + column / 30).is_multiple_of(7) {
        25.0
    } else {
        0.0
    };
    let mut noise = (sample as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    noise ^= noise >> 29;
    galaxy + source + (noise.wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 61) as f64
}
