//! Rows of different lengths have no equal parts, which ranks could write at the same time.

use pshmem::{Comm, Ragged, RaggedDims, Result, Shared, Strings};

fn main() -> Result<()> {
    let dims = RaggedDims { rows: 10, items: 100 };
    let mut tracks = Shared::<Ragged<f64>>::new(&Comm::solo(), dims)?;
    tracks.update_parts(|_, _| ())?;
    tracks.fields().items.fill(1.0)?;
    let names = Shared::<Strings>::new(&Comm::solo(), dims)?;
    names.fields().update(0, |mut w| w.row_mut(0).make_ascii_uppercase())?;
    Ok(())
}
