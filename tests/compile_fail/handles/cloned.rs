//! Two handles to one object could write under each other's views.

use pshmem::{Comm, Result, Shared};

fn main() -> Result<()> {
    let table = Shared::<[f64]>::new(&Comm::solo(), 10)?;
    let other = table.clone();
    println!("{}", other.view().len());
    Ok(())
}
