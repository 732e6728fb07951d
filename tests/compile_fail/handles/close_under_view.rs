//! An object must not be closed while a view of it is used.

use pshmem::{Comm, Result, Shared};

fn main() -> Result<()> {
    let table = Shared::<[f64]>::new(&Comm::solo(), 10)?;
    let view = table.view();
    table.close()?;
    println!("{}", view[0]);
    Ok(())
}
