//! What holds a pointer is no element: it means nothing in another process.

use pshmem::{Comm, Result, Shared};

fn main() -> Result<()> {
    let table = Shared::<[String]>::new(&Comm::solo(), 10)?;
    println!("{}", table.view().len());
    Ok(())
}
