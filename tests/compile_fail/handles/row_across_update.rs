//! A row of a table must not be used after a write, which may have moved the rows.

use pshmem::{Comm, Ragged, RaggedDims, Result, Shared};

fn main() -> Result<()> {
    let dims = RaggedDims { rows: 10, items: 100 };
    let mut tracks = Shared::<Ragged<f64>>::new(&Comm::solo(), dims)?;
    let first = tracks.view().get(0);
    tracks.update(0, |mut w| w.clear())?;
    println!("{first:?}");
    Ok(())
}
