//! Maps of the sky from the samples of four detectors whose noise drifts: hits, the mean of all samples, and a map without stripes.
//!
//! ```text
//! cargo run --release --example skymap                           one rank
//! PSHMEM_LOCAL=3+2 cargo run --release --example skymap          five ranks on two nodes, as threads
//! mpirun -n 4 target/release/examples/skymap 360 sky.png         after `cargo build --release --features mpi --example skymap`
//! ```
//!
//! Words in any order: the number of pointing periods (90), and a name that ends in `.png` for a picture of map and hits.
//!
//! Each rank has the samples of some periods of some detectors in its private memory. The maps are one derived struct, once per node,
//! to which all ranks add with `scatter`. The hits are also counted the other way: in a private map of each rank, and `reduce_into`.
//! The drifts are removed by conjugate gradients, with an offset for every 20 seconds of each detector, as described in E. Keihänen
//! et al., "Making cosmic microwave background temperature and polarization maps with MADAM", A&A 510, A57 (2010). Rank 0 repeats it
//! alone and compares.
//!
//! `scan` where detectors look, and what is there · `noise` of a detector · `destripe` the solver · `picture` · `options` words
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "numbers of samples and pixels are positive and far below 2^32"
)]

#[path = "skymap/destripe.rs"]
mod destripe;
#[path = "skymap/noise.rs"]
mod noise;
#[path = "skymap/options.rs"]
mod options;
#[path = "skymap/picture.rs"]
mod picture;
#[path = "skymap/scan.rs"]
mod scan;

use destripe::Sky;
use options::Options;
use pshmem::{Comm, Op, Shared};
use scan::{DETECTORS, PIXELS, Timeline};
use std::error::Error;
use std::ops::Range;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Rank 0 repeats the computation alone up to so many samples.
const REPEATED: usize = 5_000_000;

fn main() -> ExitCode {
    pshmem::run(|comm| -> Result<(), Box<dyn Error>> {
        let options = Options::parse(std::env::args().skip(1))?;
        run(comm, &options)
    })
}

/// What each rank does.
fn run(comm: &Comm, options: &Options) -> Result<(), Box<dyn Error>> {
    let (rank, size) = (comm.rank(), comm.size());
    let count = options.periods * DETECTORS.len();
    let timelines = timelines(options, count * rank / size..count * (rank + 1) / size);
    let start = Instant::now();
    let (sky, iterations) = destripe::solve(comm, &timelines)?;
    let solved = start.elapsed();
    let ways = count_hits(comm, &sky, &timelines)?;

    if rank == 0 {
        let view = sky.view();
        let samples: usize = view.hits.iter().map(|&hits| hits as usize).sum();
        let seen = view.hits.iter().filter(|&&hits| hits > 0).count();
        println!(
            "skymap: {samples} samples of {} detectors, {seen} of {PIXELS} pixels seen",
            DETECTORS.len()
        );
        println!(
            "hits by scatter: {:.1?}, and no private map; by private maps and reduce_into: {:.1?}",
            ways[0], ways[1]
        );
        let white = rms(view.weight.iter().map(|weight| 1.0 / weight.sqrt()));
        println!(
            "noise: binned {:.2} uK, destriped {:.2} uK, white noise alone {white:.2} uK",
            error(view.binned),
            error(view.map)
        );
        println!("destriping: {iterations} iterations in {solved:.1?}");
        if samples <= REPEATED {
            let all = self::timelines(options, 0..count);
            let (alone, _) = destripe::solve(&Comm::solo(), &all)?;
            let difference = largest_difference(view.map, alone.view().map);
            // Both stop when their offsets are good to about a millionth.
            if difference > 0.01 {
                return Err(format!("a serial run differs by {difference} uK").into());
            }
            println!("a serial run differs by {difference:.1e} uK at most");
        }
        if let Some(file) = &options.picture {
            picture::write(file, view.map, view.hits)?;
            println!("picture: {file}");
        }
    }
    if comm.node().rank == 0 {
        let mib = |bytes: usize| bytes as f64 / 1_048_576.0;
        println!(
            "node {}: {:.1} MiB for the maps; private copies on {} ranks would take {:.1} MiB",
            comm.node().index,
            mib(sky.bytes()),
            comm.node().size,
            mib(sky.bytes() * comm.node().size)
        );
    }
    comm.barrier()?;
    Ok(())
}

/// Some of the timelines of all detectors and periods, in the order of periods.
fn timelines(options: &Options, range: Range<usize>) -> Vec<Timeline> {
    let of = |index: usize| {
        let (period, detector) = (index / DETECTORS.len(), index % DETECTORS.len());
        Timeline::new(detector, period, options.periods)
    };
    range.map(of).collect()
}

/// Counts hits in two ways, and compares them. How long each took.
fn count_hits(
    comm: &Comm,
    sky: &Shared<Sky>,
    timelines: &[Timeline],
) -> Result<[Duration; 2], Box<dyn Error>> {
    let pixels = || timelines.iter().flat_map(|timeline| &timeline.pixels);
    let start = Instant::now();
    let mut scattered = Shared::<[u32]>::new(comm, PIXELS)?;
    scattered.scatter(Op::sum(), |add| {
        pixels().for_each(|&pixel| add(pixel as usize, 1));
    })?;
    let by_scatter = start.elapsed();

    let start = Instant::now();
    let mut private = vec![0_u32; PIXELS];
    pixels().for_each(|&pixel| private[pixel as usize] += 1);
    let mut reduced = Shared::<[u32]>::new(comm, PIXELS)?;
    reduced.reduce_into(Op::sum(), &private)?;
    let by_reduction = start.elapsed();
    if reduced.view() != scattered.view() || reduced.view() != sky.view().hits {
        return Err("the two ways give different hits".into());
    }
    Ok([by_scatter, by_reduction])
}

/// The root mean square of what a map differs from the sky, but for a constant, which no scan can see.
fn error(map: &[f64]) -> f64 {
    let seen = || {
        let differs = |(pixel, &found): (usize, &f64)| found - scan::signal(pixel);
        let all = map.iter().enumerate();
        all.filter(|(_, found)| !found.is_nan()).map(differs)
    };
    let mean = seen().sum::<f64>() / seen().count() as f64;
    rms(seen().map(|difference| difference - mean))
}

/// The root mean square of the values that are finite.
fn rms(values: impl Iterator<Item = f64>) -> f64 {
    let finite = values.filter(|value| value.is_finite());
    let (sum, count) = finite.fold((0.0, 0.0), |(sum, count), x| (sum + x * x, count + 1.0));
    (sum / count).sqrt()
}

/// Of two maps, which have the same pixels without samples.
fn largest_difference(one: &[f64], other: &[f64]) -> f64 {
    let pairs = one.iter().zip(other);
    let differs = |(a, b): (&f64, &f64)| match (a.is_nan(), b.is_nan()) {
        (true, true) => 0.0,
        _ => (a - b).abs(),
    };
    // A number that is not comparable is the largest.
    pairs
        .map(differs)
        .fold(0.0, |a, b| if b > a || b.is_nan() { b } else { a })
}
