//! Nor may the closure return it.

use pshmem::{Comm, Result, Shared};

fn main() -> Result<()> {
    let mut table = Shared::<ndarray::Array1<f64>>::new(&Comm::solo(), [10])?;
    let part = table.update_parts(|_, part| part)?;
    println!("{}", part.len());
    Ok(())
}
