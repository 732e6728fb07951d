//! What a reduction writes must not be what a rank contributes.

use pshmem::{Comm, Op, Result, Shared};

fn main() -> Result<()> {
    let mut table = Shared::<[f64]>::new(&Comm::solo(), 10)?;
    table.reduce_into(Op::sum(), table.view())?;
    Ok(())
}
