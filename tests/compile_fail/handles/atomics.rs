//! What can change under a shared reference is no element.

use pshmem::{Comm, Result, Shared};

fn main() -> Result<()> {
    let table = Shared::<[std::sync::atomic::AtomicU64]>::new(&Comm::solo(), 10)?;
    println!("{}", table.view().len());
    Ok(())
}
