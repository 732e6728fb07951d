//! A row that is written must not be used while rows are added or removed.

use pshmem::{Comm, Ragged, RaggedDims, Result, Shared};

fn main() -> Result<()> {
    let dims = RaggedDims { rows: 10, items: 100 };
    let mut tracks = Shared::<Ragged<f64>>::new(&Comm::solo(), dims)?;
    tracks.update(0, |mut w| {
        let first = w.row_mut(0);
        w.clear();
        first[0] = 1.0;
    })?;
    Ok(())
}
