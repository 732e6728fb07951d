//! Not even where it is not shared between threads.

use pshmem::{Comm, Result, Shared};

fn main() -> Result<()> {
    let table = Shared::<[std::cell::Cell<u64>]>::new(&Comm::solo(), 10)?;
    println!("{}", table.view().len());
    Ok(())
}
