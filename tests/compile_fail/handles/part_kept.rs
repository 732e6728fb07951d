//! A part must not leave the closure that writes it.

use pshmem::{Comm, Result, Shared};

fn main() -> Result<()> {
    let mut table = Shared::<[f64]>::new(&Comm::solo(), 10)?;
    let mut kept = None;
    table.update_parts(|_, part| kept = Some(part))?;
    println!("{}", kept.is_some());
    Ok(())
}
