//! A view must not be used after `fill`.

use pshmem::{Comm, Result, Shared};

fn main() -> Result<()> {
    let mut count = Shared::<[u64]>::new(&Comm::solo(), 3)?;
    let view = count.view();
    count.fill(1)?;
    println!("{view:?}");
    Ok(())
}
