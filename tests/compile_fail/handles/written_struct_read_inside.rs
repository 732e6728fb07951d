//! While the parts of a struct are written, none of its fields can be read, and no other parts of it be written.

use pshmem::{Comm, Result, Shared, SharedLayout};

#[derive(SharedLayout)]
#[shared(dims(n), rows = n)]
struct Gas {
    #[shared(shape = [n])]
    mass: Vec<f64>,
    step: u64,
}

fn main() -> Result<()> {
    let mut gas = Shared::<Gas>::new(&Comm::solo(), GasDims { n: 10 })?;
    gas.update_parts(|rows, part| part.mass[0] = gas.view().mass[rows.end])?;
    gas.update_parts(|_, part| part.mass[0] = *gas.view().step as f64)?;
    let mut fields = gas.fields();
    fields.mass.update_parts(|_, first| fields.mass.update_parts(|_, second| first.swap_with_slice(second)))??;
    Ok(())
}
