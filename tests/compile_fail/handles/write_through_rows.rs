//! Offsets cannot be written, so they stay consistent.

use pshmem::{Comm, RaggedDims, Result, Shared, Strings};

fn main() -> Result<()> {
    let dims = RaggedDims { rows: 10, items: 100 };
    let names = Shared::<Strings>::new(&Comm::solo(), dims)?;
    names.view().offsets()[0] = 1;
    Ok(())
}
