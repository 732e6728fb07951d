//! A struct that each node holds once.
//!
//! ```text
//! PSHMEM_LOCAL=2+2 cargo run --example typed
//! ```

use ndarray::Array2;
use pshmem::{Comm, Result, Shared, SharedLayout};

/// An ordinary struct. The same type is used in private memory and in node memory.
#[derive(SharedLayout)]
struct Sky {
    map: Array2<f64>,
    beam: Vec<f64>,
    frequency: f64,
}

fn main() -> std::process::ExitCode {
    pshmem::run(|comm: &Comm| -> Result<()> {
        // Rank 0 makes the value. Every node gets one copy, in one allocation.
        let mut sky = Shared::from_root(comm, 0, || Sky {
            map: Array2::zeros([180, 360]),
            beam: vec![0.25, 0.5, 0.25],
            frequency: 143.0,
        })?;

        // The last rank changes two fields in place. Only these two are sent to the other nodes.
        sky.update(comm.size() - 1, |mut w| {
            w.map[[90, 0]] = 1.0;
            *w.frequency = 150.0;
        })?;

        // Every rank reads through plain references.
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
