//! A row must not outlive the call of the closure that gets it, or there could be two references to it.

use ndarray::{Array2, Axis};
use pshmem::{Comm, Result, Shared};

fn main() -> Result<()> {
    let mut list = Shared::<[f64]>::new(&Comm::solo(), 10)?;
    let mut rows = Vec::new();
    list.update_rows(|_| 0, |_, row| rows.push(row))?;
    let mut table = Shared::<Array2<f64>>::new(&Comm::solo(), [4, 3])?;
    let mut kept = None;
    table.update_rows(|_| 0, |_, row| kept = Some(row))?;
    let column = table.update_parts_along(Axis(1), |_, part| part)?;
    table.update_rows(|_| 0, |i, mut row| row[0] = table.view()[[i, 1]])?;
    println!("{} {} {}", rows.len(), kept.is_some(), column.len());
    Ok(())
}
