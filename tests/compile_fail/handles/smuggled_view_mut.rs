//! The view that an update writes through must not leave the closure.

use pshmem::{Comm, Result, Shared};

fn main() -> Result<()> {
    let mut table = Shared::<[f64]>::new(&Comm::solo(), 10)?;
    let mut kept = None;
    table.update(0, |w| kept = Some(w))?;
    println!("{}", kept.is_some());
    Ok(())
}
