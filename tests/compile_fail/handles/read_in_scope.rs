//! Threads read through a view that was made before them, not through the handle of a field.

use pshmem::{Comm, Result, Shared, SharedLayout};

#[derive(SharedLayout)]
struct Gas {
    density: Vec<f64>,
    step: u64,
}

fn main() -> Result<()> {
    let mut gas = Shared::<Gas>::new(&Comm::solo(), GasDims { density: 10 })?;
    let fields = gas.fields();
    std::thread::scope(|scope| {
        scope.spawn(|| fields.density.view().len());
    });
    Ok(())
}
