//! An object must not be read through its handle inside its own update.

use pshmem::{Comm, Result, Shared};

fn main() -> Result<()> {
    let mut table = Shared::<[f64]>::new(&Comm::solo(), 10)?;
    table.update(0, |mut w| w[0] = table.view()[1])?;
    Ok(())
}
