//! A struct shared once per node, in as few lines as it takes.
//!
//! ```text
//! PSHMEM_LOCAL=2+2 cargo run --example typed
//! ```

use ndarray::Array2;
use pshmem::{Comm, Result, Shared, SharedLayout};

/// An ordinary struct: the same type in private memory and in node memory.
#[derive(SharedLayout)]
struct Sky {
    map: Array2<f64>,
    beam: Vec<f64>,
    frequency: f64,
}

fn main() -> std::process::ExitCode {
    pshmem::run(|comm: &Comm| -> Result<()> {
        // One rank has the value; every node gets one copy, in one piece of memory.
        let mut sky = Shared::from_root(comm, 0, || Sky {
            map: Array2::zeros([180, 360]),
            beam: vec![0.25, 0.5, 0.25],
            frequency: 143.0,
        })?;

        // The last rank changes two fields in place; only these travel to the other nodes.
        sky.update(comm.size() - 1, |mut w| {
            w.map[[90, 0]] = 1.0;
            *w.frequency = 150.0;
        })?;

        // Every rank reads plain references.
        let view = sky.view();
        let sum = view.map.sum() + view.beam.iter().sum::<f64>();
        println!("rank {}: {} GHz, sum {sum}", comm.rank(), view.frequency);

        comm.barrier()?;
        if comm.rank() == 0 {
            print!("{}", sky.schema());
        }
        Ok(())
    })
}
