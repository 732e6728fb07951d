//! An object must not be written inside its own update.

use pshmem::{Comm, Result, Shared};

fn main() -> Result<()> {
    let mut table = Shared::<[f64]>::new(&Comm::solo(), 10)?;
    table.update(0, |mut w| {
        w[0] = 1.0;
        table.update(0, |mut v| v[0] = 2.0)
    })?;
    Ok(())
}
