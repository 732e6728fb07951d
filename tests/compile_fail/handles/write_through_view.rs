//! What readers get is read-only.

use pshmem::{Comm, Result, Shared};

fn main() -> Result<()> {
    let table = Shared::<[f64]>::new(&Comm::solo(), 10)?;
    table.view()[0] = 1.0;
    Ok(())
}
