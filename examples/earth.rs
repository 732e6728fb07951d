//! Estimates how much of the Earth is land, by throwing random points at the globe, and draws a map.
//!
//! ```text
//! cargo run --release --example earth                                    ranks are threads, one per core
//! PSHMEM_LOCAL=2+2 cargo run --release --example earth                   two nodes of two ranks, as threads
//! mpirun -n 4 target/release/examples/earth --total 10000000             after `cargo build --release --features mpi --example earth`
//! earth --bands 36 --dir /scratch/earth                                  as tasks: can be killed and started again
//! ```
//!
//! Every rank reads the coastlines, and every rank's counts are added to one map. Each node holds both once. The answer depends
//! on `--seed` and `--total` only, to the last digit: not on the number of ranks, nor on their nodes. (The coastlines enclose
//! 28.75 % of the globe. Geography books say 29.2 %; they count the ice shelves of Antarctica as land.)
//!
//! The files in `earth/` know nothing of ranks (coastlines, random points, picture, options), except `bands`, which counts the
//! map in tasks.

#[path = "earth/bands.rs"]
mod bands;
#[path = "earth/coast.rs"]
mod coast;
#[path = "earth/map.rs"]
mod map;
#[path = "earth/options.rs"]
mod options;
#[path = "earth/sphere.rs"]
mod sphere;

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use indicatif::{ProgressBar, ProgressStyle};
use ndarray::Array2;
use pshmem::local::Cluster;
use pshmem::{Comm, Shared};

use coast::{Coastlines, CoastlinesView};
use map::{Canvas, Hits};
use options::{HELP, Options};
use sphere::{BLOCK, Points};

/// Set by MPI launchers; the last one by the user.
const HOW_MANY_RANKS: [&str; 7] = [
    "OMPI_COMM_WORLD_RANK",
    "PMI_RANK",
    "PMIX_RANK",
    "MV2_COMM_WORLD_RANK",
    "PALS_RANKID",
    "FLUX_TASK_RANK",
    "PSHMEM_LOCAL",
];

type Failure = Box<dyn Error + Send + Sync>;

fn main() -> ExitCode {
    if HOW_MANY_RANKS
        .iter()
        .any(|name| std::env::var_os(name).is_some())
    {
        return pshmem::run(earth);
    }
    // No number of ranks was given. `run` would take one; use all cores instead.
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let results = Cluster::new(&[cores]).run(earth);
    match results.into_iter().find_map(Result::err) {
        None => ExitCode::SUCCESS,
        Some(error) => {
            eprintln!("earth: {error}");
            ExitCode::FAILURE
        }
    }
}

/// What each rank does.
fn earth(comm: &Comm) -> Result<(), Failure> {
    let i_report = comm.rank() == 0;
    let Some(options) = Options::parse(std::env::args().skip(1))? else {
        if i_report {
            print!("{HELP}");
        }
        return Ok(());
    };
    let canvas = Canvas::new(options.width);
    let coast = read_coast(comm, &options.data)?;
    let mut map = Shared::<Array2<Hits>>::new(comm, canvas.shape())?;

    let start = Instant::now();
    if options.bands > 0 {
        bands::count(comm, coast.view(), canvas, &options)?;
        map.try_update(0, |mut map| bands::add(&options, &mut map.view_mut()))?;
    } else {
        let counts = throw(comm, coast.view(), canvas, &options);
        // One rank after the other adds its counts to the map, in place. The map of every node follows.
        for rank in 0..comm.size() {
            map.update(rank, |mut map| {
                map.zip_mut_with(&counts, |sum, own| *sum += *own);
            })?;
        }
    }
    let seconds = start.elapsed().as_secs_f64();

    // The map is now the same on all nodes.
    let sum = |count: fn(&Hits) -> u32| map.view().iter().map(|hits| u64::from(count(hits))).sum();
    let (thrown, land): (u64, u64) = (sum(|hits| hits.thrown), sum(|hits| hits.land));
    if thrown != options.total {
        return Err(format!("the map shows {thrown} of {} points", options.total).into());
    }
    if i_report {
        println!(
            "{} on {}: {:.1} million points per second",
            plural(comm.size(), "rank"),
            plural(comm.node().count, "node"),
            in_millions(thrown) / seconds
        );
        println!("{}", answer(land, thrown, options.seed));
        report_memory(comm, coast.bytes(), map.bytes());
        map::write_png(&options.map, &canvas.draw(&map.view()))?;
        let [height, width] = canvas.shape();
        println!("map: {} ({width} x {height})", options.map.display());
    }
    Ok(())
}

/// The coastlines, once per node. Rank 0 reads the file; if that fails, every rank gets the error.
fn read_coast(comm: &Comm, file: &Path) -> pshmem::Result<Shared<Coastlines>> {
    Shared::try_from_root(comm, 0, || Coastlines::read(file))
}

/// Throws this rank's share of the points, every `size`-th block, and counts them in private memory: writing to shared memory
/// is a collective call, which is made once, at the end.
fn throw(
    comm: &Comm,
    coast: CoastlinesView<'_>,
    canvas: Canvas,
    options: &Options,
) -> Array2<Hits> {
    let progress = progress_bar(comm, options.total);
    let mut counts = Array2::from_elem(canvas.shape(), Hits::default());
    let blocks = options.total.div_ceil(BLOCK);
    for block in (comm.rank() as u64..blocks).step_by(comm.size()) {
        let end = options.total.min((block + 1) * BLOCK);
        for point in Points::new(options.seed, block).take((end - block * BLOCK) as usize) {
            counts[canvas.pixel(point)] += Hits {
                thrown: 1,
                land: u32::from(coast.is_land(point.lon(), point.lat())),
            };
        }
        progress.set_position(end); // The other ranks are about as far.
    }
    progress.finish_and_clear();
    counts
}

/// A progress bar on rank 0, on a terminal.
fn progress_bar(comm: &Comm, total: u64) -> ProgressBar {
    if comm.rank() != 0 {
        return ProgressBar::hidden();
    }
    let style = "{bar:50.cyan/blue} {percent}% of {human_len} points, {eta} left";
    ProgressBar::new(total)
        .with_style(ProgressStyle::with_template(style).expect("a well-formed template"))
}

/// The answer: the share of land with its standard deviation.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
fn answer(land: u64, thrown: u64, seed: u64) -> String {
    let share = land as f64 / thrown as f64;
    let error = (share * (1. - share) / thrown as f64).sqrt();
    format!("land fraction {share:.5} +- {error:.5} ({land} of {thrown} points, seed {seed})")
}

fn report_memory(comm: &Comm, coast: usize, map: usize) {
    let ranks = comm.node().size;
    let megabytes = |bytes: usize| format!("{:.1} MB", in_millions(bytes as u64));
    println!(
        "memory per node: {}, once (coastlines {}, map {}); a copy per process would be {} x that: {}",
        megabytes(coast + map),
        megabytes(coast),
        megabytes(map),
        ranks,
        megabytes(ranks * (coast + map))
    );
}

fn plural(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

#[expect(clippy::cast_precision_loss, reason = "for people to read")]
fn in_millions(number: u64) -> f64 {
    number as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_is_one_line() {
        assert_eq!(
            answer(574_860, 2_000_000, 1),
            "land fraction 0.28743 +- 0.00032 (574860 of 2000000 points, seed 1)"
        );
    }

    #[test]
    fn the_map_does_not_depend_on_the_ranks() {
        let options = Options::parse(["--total", "30000", "--width", "64"].map(str::to_owned));
        let options = options.unwrap().unwrap();
        let map_of = |nodes: &[usize]| {
            let maps = Cluster::new(nodes).run(|comm| {
                let canvas = Canvas::new(options.width);
                let coast = read_coast(comm, &options.data).unwrap();
                let counts = throw(comm, coast.view(), canvas, &options);
                let mut map = Shared::<Array2<Hits>>::new(comm, canvas.shape()).unwrap();
                for rank in 0..comm.size() {
                    let add = |sum: &mut Hits, own: &Hits| *sum += *own;
                    map.update(rank, |mut map| map.zip_mut_with(&counts, add))
                        .unwrap();
                }
                map.to_owned()
            });
            assert!(maps.iter().all(|map| map == maps[0]));
            maps[0].clone()
        };
        let alone = map_of(&[1]);
        assert_eq!(alone.iter().map(|hits| hits.thrown).sum::<u32>(), 30_000);
        assert_eq!(map_of(&[3]), alone);
        assert_eq!(map_of(&[1, 2]), alone);
    }

    #[test]
    fn a_missing_file_is_the_same_error_on_every_rank() {
        let errors =
            Cluster::new(&[2, 1]).run(|comm| read_coast(comm, Path::new("no/such/file")).err());
        assert!(errors.iter().all(|error| *error == errors[0]));
        let message = errors[0].as_ref().unwrap().to_string();
        assert!(message.contains("no/such/file: "), "{message}");
    }
}
