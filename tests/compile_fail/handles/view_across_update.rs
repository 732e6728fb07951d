//! A view must not be used after a write: the writer may be another rank.

use pshmem::{Comm, Result, Shared};

fn main() -> Result<()> {
    let mut table = Shared::<[f64]>::new(&Comm::solo(), 10)?;
    let first = &table.view()[0];
    table.update(0, |mut w| w[0] = 1.0)?;
    println!("{first}");
    Ok(())
}
