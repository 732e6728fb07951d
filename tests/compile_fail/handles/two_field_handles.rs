//! There is one set of field handles at a time.

use pshmem::{Comm, Result, Shared};

fn main() -> Result<()> {
    let mut table = Shared::<[f64]>::new(&Comm::solo(), 10)?;
    let field = table.fields();
    let mut other = table.fields();
    other.fill(1.0)?;
    println!("{:?}", field.view());
    Ok(())
}
