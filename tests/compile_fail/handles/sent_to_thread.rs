//! A handle stays on the thread of its rank.

use pshmem::{Comm, Result, Shared};

fn main() -> Result<()> {
    let table = Shared::<[f64]>::new(&Comm::solo(), 10)?;
    std::thread::spawn(move || table.view().len()).join().unwrap();
    Ok(())
}
