//! Nor may it be the closure's result.

use pshmem::{Comm, Result, Shared};

fn main() -> Result<()> {
    let mut table = Shared::<[f64]>::new(&Comm::solo(), 10)?;
    let kept = table.update(0, |w| w)?;
    println!("{}", kept.is_some());
    Ok(())
}
