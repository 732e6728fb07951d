//! `XSBench`: the look-ups of cross sections that a Monte Carlo code for neutron transport spends its time with.
//!
//! The tables are large, random places of them are read, and nobody writes them after the start. The original program gives each
//! process a copy. Here, each node holds them once, as one derived struct, and all ranks build them together.
//!
//! ```text
//! PSHMEM_LOCAL=2 cargo run --release --example xsbench small 2000000        two ranks as threads, 2,000,000 look-ups
//! mpirun -n 2 target/release/examples/xsbench large event                   after `cargo build --release --features mpi --example xsbench`
//! xsbench small history hash
//! ```
//!
//! Words in any order: `small` (68 nuclides, the default) or `large` (355); `event` (independent look-ups, the default) or `history`
//! (each particle's look-ups depend on the ones before); `unionized` (one grid of all energies with an index, the default), `hash`
//! (bins of energies with an index) or `nuclide` (a binary search for each nuclide); and the number of look-ups, or of particles.
//!
//! The program follows the description in J. R. Tramm et al., "`XSBench` - The development and verification of a performance
//! abstraction for Monte Carlo reactor analysis" (PHYSOR 2014), and version 20 of the original. With its default numbers of look-ups
//! it has the same checksums, which it compares.
//!
//! `tables` builds the tables · `lookup` reads them · `materials` what a reactor consists of · `random` numbers · `options` words
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "numbers of nuclides, points and look-ups are far below 2^32, and energies are positive"
)]

#[path = "xsbench/lookup.rs"]
mod lookup;
#[path = "xsbench/materials.rs"]
mod materials;
#[path = "xsbench/options.rs"]
mod options;
#[path = "xsbench/random.rs"]
mod random;
#[path = "xsbench/tables.rs"]
mod tables;

use lookup::Lookup;
use materials::Materials;
use options::{Mode, Options};
use pshmem::{Comm, Op, Shared};
use std::error::Error;
use std::ops::Range;
use std::process::ExitCode;
use std::time::Instant;

fn main() -> ExitCode {
    pshmem::run(|comm| -> Result<(), Box<dyn Error>> {
        let options = Options::parse(std::env::args().skip(1))?;
        run(comm, &options)
    })
}

fn run(comm: &Comm, options: &Options) -> Result<(), Box<dyn Error>> {
    let start = Instant::now();
    let tables = tables::build(comm, options)?;
    let built = start.elapsed().as_secs_f64();

    let materials = Materials::new(options.size);
    let view = tables.view();
    let lookup = Lookup::new(&view, &materials, options.grid);
    let mine = share(options.count(), comm.rank(), comm.size());
    comm.barrier()?;
    let start = Instant::now();
    let sum = match options.mode {
        Mode::Event => mine.map(|index| lookup.event(index)).sum::<u64>(),
        Mode::History => mine.map(|index| lookup.history(index)).sum(),
    };
    // The sum of all ranks, and the time of the slowest.
    let mut sums = Shared::<[u64]>::new(comm, 1)?;
    sums.reduce_into(Op::sum(), &[sum])?;
    let seconds = start.elapsed().as_secs_f64();

    let memory = comm.memory()?;
    if comm.rank() == 0 {
        let checksum = sums.view()[0] % 999_983;
        let rate = options.lookups() as f64 / seconds;
        println!("{} ranks, {options}", comm.size());
        println!(
            "tables: {:.1} MiB on each node, built in {built:.2} s",
            mib(memory.nodes[0].objects)
        );
        println!(
            "{} look-ups in {seconds:.2} s: {rate:.0} per second",
            options.lookups()
        );
        match options.expected() {
            None => println!("checksum: {checksum}"),
            Some(expected) if expected == checksum => {
                println!("checksum: {checksum}, as it must be");
            }
            Some(expected) => return Err(format!("checksum {checksum}, not {expected}").into()),
        }
    }
    Ok(())
}

/// This rank's part of `count` look-ups or particles.
fn share(count: u64, rank: usize, size: usize) -> Range<u64> {
    let bound = |rank: usize| count * rank as u64 / size as u64;
    bound(rank)..bound(rank + 1)
}

fn mib(bytes: usize) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
