//! One value has no rows.

use pshmem::{Comm, Result, Shared};

fn main() -> Result<()> {
    let (sum, _) = Shared::<f64>::concat(&Comm::solo(), &1.0)?;
    println!("{}", sum.view());
    Ok(())
}
