//! Threads read through a view that was made before them, not through the handle.

use pshmem::{Comm, Result, Shared};
use rayon::prelude::*;

fn main() -> Result<()> {
    let table = Shared::<[f64]>::new(&Comm::solo(), 10)?;
    let sum: f64 = (0..10).into_par_iter().map(|i| table.view()[i]).sum();
    println!("{sum}");
    Ok(())
}
