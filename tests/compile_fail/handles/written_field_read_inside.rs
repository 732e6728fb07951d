//! The field whose parts are written must not be read by those who write them: other ranks write it, too.

use pshmem::{Comm, Result, Shared};

fn main() -> Result<()> {
    let mut table = Shared::<[f64]>::new(&Comm::solo(), 10)?;
    let mut field = table.fields();
    field.update_parts(|rows, part| part[0] = field.view()[rows.end])?;
    Ok(())
}
