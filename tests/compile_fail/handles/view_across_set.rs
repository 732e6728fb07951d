//! A view must not be used after `set`.

use pshmem::{Comm, Result, Shared};

fn main() -> Result<()> {
    let mut table = Shared::<ndarray::Array2<f64>>::new(&Comm::solo(), [3, 5])?;
    let row = table.view().row(1).len();
    let view = table.view();
    table.set(0, [0, 0], None)?;
    println!("{} {row}", view[[0, 0]]);
    Ok(())
}
