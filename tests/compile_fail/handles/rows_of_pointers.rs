//! Items of rows are elements, as those of slices are.

use pshmem::{Comm, Ragged, RaggedDims, Result, Shared};

fn main() -> Result<()> {
    let dims = RaggedDims { rows: 10, items: 100 };
    let names = Shared::<Ragged<String>>::new(&Comm::solo(), dims)?;
    println!("{}", names.view().len());
    Ok(())
}
