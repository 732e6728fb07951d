//! The heat equation on a plate. All ranks compute, each its own rows, in place in node memory.
//!
//! ```text
//! cargo run --release --example heat                             one rank
//! PSHMEM_LOCAL=2+2 cargo run --release --example heat            four ranks on two nodes, as threads
//! mpirun -n 4 target/release/examples/heat 1000 heat.png         after `cargo build --release --features mpi --example heat`
//! ```
//!
//! The first argument is the number of steps. Of the others, one that ends in `.png` is the picture to write, and another is a folder
//! for checkpoints: the program continues from the newest one there, also on another number of ranks and nodes. The result has the
//! same bits as on one rank: rank 0 repeats the computation alone and compares.
#![allow(
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::needless_pass_by_value,
    reason = "counts and pixels are positive and far below 2^52; views are passed like references, as ndarray does"
)]

use ndarray::{Array2, ArrayView2, ArrayViewMut2};
use pshmem::{Checkpoints, Comm, Shared, SharedLayout};
use std::error::Error;
use std::fs::File;
use std::io::BufWriter;
use std::ops::Range;
use std::path::Path;

/// Rows and columns of the plate.
const SHAPE: [usize; 2] = [180, 320];

/// Steps between two checkpoints.
const INTERVAL: usize = 50;

/// Two states of the plate. One is read while the other is written.
#[derive(SharedLayout)]
#[shared(dims(ny, nx))]
struct Plate {
    #[shared(shape = [ny, nx])]
    now: Array2<f64>,
    #[shared(shape = [ny, nx])]
    next: Array2<f64>,
}

fn main() -> std::process::ExitCode {
    pshmem::run(heat)
}

/// What each rank does.
fn heat(comm: &Comm) -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let steps: usize = args.next().map_or(Ok(400), |steps| steps.parse())?;
    let (pictures, folders): (Vec<_>, Vec<_>) =
        args.partition(|name| Path::new(name).extension() == Some("png".as_ref()));
    let folder = folders.first();
    let checkpoints = folder
        .map(|folder| Checkpoints::new(comm, folder, 2))
        .transpose()?;
    let (mut plate, done) = begin(comm, checkpoints.as_ref())?;
    for now in done..steps {
        let mut f = plate.fields();
        // Every rank may read all of `now`, and writes its own rows of `next`.
        f.next
            .update_parts(|rows, out| step(f.now.view(), rows, out))?;
        f.now.swap_data(&mut f.next)?;
        if let Some(checkpoints) = &checkpoints
            && (now + 1).is_multiple_of(INTERVAL)
        {
            checkpoints.save(&plate, now as u64 + 1)?;
        }
    }

    if comm.rank() == 0 {
        let found = plate.view().now;
        let (ny, nx) = found.dim();
        let mean = found.sum() / found.len() as f64;
        println!(
            "heat: {steps} steps on {ny} x {nx}, mean temperature {mean:.6}, hottest {:.6}",
            found.iter().copied().fold(0.0, f64::max)
        );
        let is_same = |(a, b): (&f64, &f64)| a.to_bits() == b.to_bits();
        if !found.iter().zip(&alone(steps)).all(is_same) {
            return Err("another result than on one rank".into());
        }
        println!("the same bits as on one rank, with {} ranks", comm.size());
        if let Some(file) = pictures.first() {
            draw(file, found)?;
            println!("picture: {file}");
        }
    }
    Ok(())
}

/// The newest checkpoint, or a plate to start with, and the steps that have been done.
fn begin(
    comm: &Comm,
    checkpoints: Option<&Checkpoints>,
) -> Result<(Shared<Plate>, usize), Box<dyn Error>> {
    if let Some(checkpoints) = checkpoints
        && let Some(step) = checkpoints.latest()?
    {
        let plate = checkpoints.load(step)?;
        if comm.rank() == 0 {
            println!("heat: continues after step {step}");
        }
        return Ok((plate, step as usize));
    }
    let [ny, nx] = SHAPE;
    let mut plate = Shared::<Plate>::new(comm, PlateDims { ny, nx })?;
    plate
        .fields()
        .now
        .update_parts(|rows, out| start(rows, out))?;
    Ok((plate, 0))
}

/// A cold plate with three hot spots.
fn start(rows: Range<usize>, mut out: ArrayViewMut2<f64>) {
    const SPOTS: [(f64, f64, f64); 3] = [
        (60.0, 80.0, 25.0),
        (120.0, 200.0, 40.0),
        (40.0, 260.0, 15.0),
    ];
    for ((i, j), cell) in out.indexed_iter_mut() {
        let (y, x) = ((rows.start + i) as f64, j as f64);
        let is_hot = |&(cy, cx, r): &(f64, f64, f64)| (y - cy).powi(2) + (x - cx).powi(2) < r * r;
        *cell = if SPOTS.iter().any(is_hot) { 1.0 } else { 0.0 };
    }
}

/// One time step for the rows `rows`. Each cell exchanges heat with its four neighbours; nothing flows over the edge.
fn step(now: ArrayView2<f64>, rows: Range<usize>, mut out: ArrayViewMut2<f64>) {
    let (ny, nx) = now.dim();
    for ((i, j), cell) in out.indexed_iter_mut() {
        let i = rows.start + i;
        let (up, down) = (i.saturating_sub(1), (i + 1).min(ny - 1));
        let (left, right) = (j.saturating_sub(1), (j + 1).min(nx - 1));
        let around = now[[up, j]] + now[[down, j]] + now[[i, left]] + now[[i, right]];
        *cell = now[[i, j]] + 0.2 * (around - 4.0 * now[[i, j]]);
    }
}

/// The same computation on one rank, in private memory.
fn alone(steps: usize) -> Array2<f64> {
    let mut now = Array2::zeros(SHAPE);
    start(0..SHAPE[0], now.view_mut());
    let mut next = now.clone();
    for _ in 0..steps {
        step(now.view(), 0..SHAPE[0], next.view_mut());
        std::mem::swap(&mut now, &mut next);
    }
    now
}

/// Writes a picture: cold is black, then red and yellow, hot is white.
fn draw(file: &str, plate: ArrayView2<f64>) -> Result<(), Box<dyn Error>> {
    let (height, width) = plate.dim();
    let channel = |heat: f64, from: f64| ((heat - from) * 3.0).clamp(0.0, 1.0) * 255.0;
    let pixels = plate
        .iter()
        .flat_map(|&heat| [0.0, 1.0 / 3.0, 2.0 / 3.0].map(|from| channel(heat, from) as u8));
    let mut encoder = png::Encoder::new(
        BufWriter::new(File::create(file)?),
        width as u32,
        height as u32,
    );
    encoder.set_color(png::ColorType::Rgb);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&pixels.collect::<Vec<u8>>())?;
    writer.finish()?;
    Ok(())
}
