//! A field must not be written while a view of it is used.

use pshmem::{Comm, Result, Shared};

fn main() -> Result<()> {
    let mut table = Shared::<[f64]>::new(&Comm::solo(), 10)?;
    let mut field = table.fields();
    let view = field.view();
    field.update(0, |mut w| w[0] = 1.0)?;
    println!("{}", view[0]);
    Ok(())
}
