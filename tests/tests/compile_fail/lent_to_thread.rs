//! A handle is not even lent to another thread; a view may be.

use pshmem::{Comm, Result, Shared};

fn main() -> Result<()> {
    let table = Shared::<[f64]>::new(&Comm::solo(), 10)?;
    std::thread::scope(|scope| {
        scope.spawn(|| table.view().len());
    });
    Ok(())
}
