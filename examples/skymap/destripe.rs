//! The solver: offsets of all detectors, such that samples of the same pixel agree.
//!
//! The unknowns are the offsets `a`. With `F a` for the samples that consist of offsets, and `Z` for what is left of samples after the
//! mean of their pixels is subtracted, they are the solution of `F^T Z F a = F^T Z y`. Each rank has the offsets of its own timelines.
//! One product takes one map of all samples, to which all ranks add, and two sums over all ranks.

use crate::scan::{BASELINES, PIXELS, Timeline, baseline};
use pshmem::{Comm, Op, Result, Shared, SharedLayout};

/// The residual of the offsets, relative to that of none, at which they are good enough.
const PRECISION: f64 = 1e-6;
const MOST_ITERATIONS: usize = 200;

/// All maps, once per node. Pixels without samples are NaN in the last two.
#[derive(SharedLayout)]
#[shared(dims(pixels))]
pub(crate) struct Sky {
    /// Samples.
    #[shared(shape = [pixels])]
    pub(crate) hits: Vec<u32>,
    /// The sum of their weights.
    #[shared(shape = [pixels])]
    pub(crate) weight: Vec<f64>,
    /// Means of samples, in the present iteration.
    #[shared(shape = [pixels])]
    means: Vec<f64>,
    /// The means of the samples as they were measured.
    #[shared(shape = [pixels])]
    pub(crate) binned: Vec<f64>,
    /// The means of the samples without their offsets.
    #[shared(shape = [pixels])]
    pub(crate) map: Vec<f64>,
}

/// The maps, and the number of iterations.
pub(crate) fn solve(comm: &Comm, timelines: &[Timeline]) -> Result<(Shared<Sky>, usize)> {
    let mut sky = Shared::<Sky>::new(comm, SkyDims { pixels: PIXELS })?;
    let mut f = sky.fields();
    f.hits.scatter(Op::sum(), |add| {
        for timeline in timelines {
            let pixels = timeline.pixels.iter();
            pixels.for_each(|&pixel| add(pixel as usize, 1));
        }
    })?;
    f.weight.scatter(Op::sum(), |add| {
        for timeline in timelines {
            let pixels = timeline.pixels.iter();
            pixels.for_each(|&pixel| add(pixel as usize, timeline.weight));
        }
    })?;
    let measured = |timeline: usize, sample: usize| timelines[timeline].samples[sample];
    average(&mut sky, timelines, measured)?;
    let mut f = sky.fields();
    f.binned
        .update_parts(|pixels, part| part.copy_from_slice(&f.means.view()[pixels]))?;

    let right_side = left_of(&sky, timelines, measured);
    let (offsets, iterations) = conjugate_gradients(comm, &mut sky, timelines, right_side)?;
    average(&mut sky, timelines, |timeline, sample| {
        measured(timeline, sample) - offsets[baseline(timeline, sample)]
    })?;
    let mut f = sky.fields();
    f.map
        .update_parts(|pixels, part| part.copy_from_slice(&f.means.view()[pixels]))?;
    Ok((sky, iterations))
}

/// The offsets of this rank's timelines, and the number of iterations.
fn conjugate_gradients(
    comm: &Comm,
    sky: &mut Shared<Sky>,
    timelines: &[Timeline],
    right_side: Vec<f64>,
) -> Result<(Vec<f64>, usize)> {
    let mut offsets = vec![0.0; right_side.len()];
    let mut residual = right_side;
    let mut direction = residual.clone();
    let mut squares = dot(comm, &residual, &residual)?;
    let enough = PRECISION * PRECISION * squares;
    for iteration in 0..MOST_ITERATIONS {
        if squares <= enough {
            return Ok((offsets, iteration));
        }
        let along = |timeline: usize, sample: usize| direction[baseline(timeline, sample)];
        average(sky, timelines, along)?;
        let product = left_of(sky, timelines, along);
        let step = squares / dot(comm, &direction, &product)?;
        add_multiple(&mut offsets, step, &direction);
        add_multiple(&mut residual, -step, &product);
        let before = std::mem::replace(&mut squares, dot(comm, &residual, &residual)?);
        for (direction, residual) in direction.iter_mut().zip(&residual) {
            *direction = residual + squares / before * *direction;
        }
    }
    Ok((offsets, MOST_ITERATIONS))
}

/// Sets `means` to the weighted mean of what all ranks have in each pixel. `value` gets a timeline and a sample.
fn average(
    sky: &mut Shared<Sky>,
    timelines: &[Timeline],
    value: impl Fn(usize, usize) -> f64,
) -> Result<()> {
    let mut f = sky.fields();
    f.means.fill(0.0)?;
    f.means.scatter(Op::sum(), |add| {
        for (index, timeline) in timelines.iter().enumerate() {
            for (sample, &pixel) in timeline.pixels.iter().enumerate() {
                add(pixel as usize, timeline.weight * value(index, sample));
            }
        }
    })?;
    f.means.update_parts(|pixels, part| {
        let weights = &f.weight.view()[pixels];
        for (mean, weight) in part.iter_mut().zip(weights) {
            *mean /= weight;
        }
    })
}

/// For each offset of this rank, the weighted sum of what is left of its samples without the means.
fn left_of(
    sky: &Shared<Sky>,
    timelines: &[Timeline],
    value: impl Fn(usize, usize) -> f64,
) -> Vec<f64> {
    let means = sky.view().means;
    let mut sums = vec![0.0; timelines.len() * BASELINES];
    for (index, timeline) in timelines.iter().enumerate() {
        for (sample, &pixel) in timeline.pixels.iter().enumerate() {
            let left = value(index, sample) - means[pixel as usize];
            sums[baseline(index, sample)] += timeline.weight * left;
        }
    }
    sums
}

/// The product of two vectors of which each rank has a part.
fn dot(comm: &Comm, a: &[f64], b: &[f64]) -> Result<f64> {
    comm.all_reduce(Op::sum(), a.iter().zip(b).map(|(a, b)| a * b).sum())
}

fn add_multiple(vector: &mut [f64], factor: f64, other: &[f64]) {
    let pairs = vector.iter_mut().zip(other);
    pairs.for_each(|(a, b)| *a += factor * b);
}
