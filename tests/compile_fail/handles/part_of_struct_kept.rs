//! A part of a struct must not leave the closure that writes it, not even one of its fields.

use pshmem::{Comm, Result, Shared, SharedLayout};

#[derive(SharedLayout)]
#[shared(dims(n), rows = n)]
struct Gas {
    #[shared(shape = [n])]
    mass: Vec<f64>,
    #[shared(shape = [n])]
    charge: Vec<f64>,
}

fn main() -> Result<()> {
    let mut gas = Shared::<Gas>::new(&Comm::solo(), GasDims { n: 10 })?;
    let mut kept = None;
    gas.update_parts(|_, part| kept = Some(part.mass))?;
    let charge = gas.update_parts(|_, part| part.charge)?;
    println!("{} {}", kept.is_some(), charge.len());
    Ok(())
}
