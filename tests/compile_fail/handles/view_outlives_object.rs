//! A view must not outlive its handle: the memory goes with it.

use pshmem::{Comm, Result, Shared};

fn main() -> Result<()> {
    let table = Shared::<[f64]>::new(&Comm::solo(), 10)?;
    let view = table.view();
    drop(table);
    println!("{}", view[0]);
    Ok(())
}
