//! The derive on a larger struct: named extents, a nested struct, and records stored as columns.
//!
//! ```text
//! PSHMEM_LOCAL=2+1 cargo run --example gas
//! ```

use bytemuck::{Pod, Zeroable};
use ndarray::{Array2, Array3};
use pshmem::{Columns, Comm, Result, Shared, SharedColumns, SharedLayout};

/// Ghost cells on each side.
const HALO: usize = 2;

/// A nested struct.
#[derive(SharedLayout)]
struct Opacity {
    kappa: Vec<f64>,
    reference: f64,
}

/// One test particle. `Columns<Particle>` stores one array for each of its fields.
#[derive(Clone, Copy, Pod, Zeroable, SharedColumns)]
#[repr(C)]
struct Particle {
    x: f64,
    y: f64,
    mass: f64,
}

/// The extents are named once in `dims`. Each container states its shape in terms of them.
#[derive(SharedLayout)]
#[shared(dims(nx, ny, particles))]
struct Gas {
    #[shared(shape = [nx, ny])]
    density: Array2<f64>,
    #[shared(shape = [nx + 2 * HALO, ny + 2 * HALO, 2])]
    flux: Array3<f64>,
    #[shared(dims = OpacityDims { kappa: ny })]
    opacity: Opacity,
    #[shared(shape = [particles])]
    tracers: Columns<Particle>,
    step: u64,
}

fn main() -> std::process::ExitCode {
    pshmem::run(|comm: &Comm| -> Result<()> {
        let dims = GasDims {
            nx: 64,
            ny: 32,
            particles: 1000,
        };
        let mut gas = Shared::<Gas>::new(comm, dims)?;

        // Each node computes the particles: that is cheaper than to send them.
        gas.fields().tracers.update_per_node(|mut tracers| {
            for (i, x) in (0..tracers.len()).zip((0..).map(|i| f64::from(i) / 1000.0)) {
                tracers.set(
                    i,
                    Particle {
                        x,
                        y: 1.0 - x,
                        mass: 2.0,
                    },
                );
            }
        })?;

        // The handles of fields are disjoint: one field can be read while another is written.
        let mut fields = gas.fields();
        fields.density.fill(1.5)?;
        let density = fields.density.view();
        fields
            .step
            .update(0, |mut step| *step = density.len() as u64)?;

        let view = gas.view();
        if comm.rank() == comm.size() - 1 {
            let mass: f64 = view.tracers.mass.iter().sum();
            let last = view.tracers.get(999);
            println!(
                "rank {}: tracer mass {mass}, last at ({}, {})",
                comm.rank(),
                last.x,
                last.y
            );
            println!(
                "{} cells, opacity of {} bands",
                view.step,
                view.opacity.kappa.len()
            );
            print!("{}", gas.schema());
        }
        Ok(())
    })
}
