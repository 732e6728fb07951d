//! Creation and drop of objects and `Comm`s, and the barrier.

use crate::settings::size_name;
use crate::timing::{Bench, Column, OURS, RAW};
use pshmem::{Result, Shared};

pub(crate) fn rows(bench: &Bench<'_>) -> Result<()> {
    for bytes in [64, 8 << 10, 16 << 20] {
        create(bench, bytes)?;
    }
    create_and_fill(bench, 16 << 20)?;
    split(bench)?;
    barrier(bench)
}

/// Raw MPI returns memory whose pages are not mapped yet, and that need not be zeroed; pages of the library are mapped and zeroed.
fn create(bench: &Bench<'_>, bytes: usize) -> Result<()> {
    let row = format!("create and drop {}", size_name(bytes));
    if !bench.settings.selects(&row) {
        return Ok(());
    }
    let mut columns = vec![Column::new(OURS, || {
        Shared::<[u8]>::new(bench.comm, bytes).map(drop)
    })];
    if let Some(raw) = bench.raw_on_node() {
        columns.push(Column::new(RAW, || {
            drop(raw.window(if bench.is_root() { bytes } else { 0 }));
            Ok(())
        }));
    }
    bench.time(&row, columns)
}

/// Every rank writes its share. Raw MPI: then a barrier.
fn create_and_fill(bench: &Bench<'_>, bytes: usize) -> Result<()> {
    let row = format!("create, fill and drop {}", size_name(bytes));
    if !bench.settings.selects(&row) {
        return Ok(());
    }
    let mut columns = vec![Column::new(OURS, || {
        Shared::<[u8]>::new(bench.comm, bytes)?.fill(1)
    })];
    if let Some(raw) = bench.raw_on_node() {
        columns.push(Column::new(RAW, || {
            let mut window = raw.window(bytes / bench.comm.size());
            window.mine().fill(1);
            raw.barrier();
            Ok(())
        }));
    }
    bench.time(&row, columns)
}

fn split(bench: &Bench<'_>) -> Result<()> {
    let row = "split and drop";
    if !bench.settings.selects(row) {
        return Ok(());
    }
    let mut columns = vec![Column::new(OURS, || {
        bench.comm.split(Some(0), bench.comm.rank()).map(drop)
    })];
    if let Some(raw) = &bench.raw {
        columns.push(Column::new(RAW, || {
            raw.split();
            Ok(())
        }));
    }
    bench.time(row, columns)
}

fn barrier(bench: &Bench<'_>) -> Result<()> {
    let row = "barrier";
    if !bench.settings.selects(row) {
        return Ok(());
    }
    let mut columns = vec![Column::new(OURS, || bench.comm.barrier())];
    if let Some(raw) = &bench.raw {
        columns.push(Column::new(RAW, || {
            raw.barrier();
            Ok(())
        }));
    }
    bench.time(row, columns)
}
