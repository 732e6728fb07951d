//! Nor may its array be swapped for that of another object.

use pshmem::{Comm, Result, Shared};

fn main() -> Result<()> {
    let mut table = Shared::<ndarray::Array1<f64>>::new(&Comm::solo(), [10])?;
    let mut other = Shared::<ndarray::Array1<f64>>::new(&Comm::solo(), [10])?;
    table.update(0, |mut a| other.update(0, |mut b| std::mem::swap(&mut *a, &mut *b)).unwrap())?;
    Ok(())
}
