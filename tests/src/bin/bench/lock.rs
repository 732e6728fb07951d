//! Locks: without contention, with contention between all ranks, and over two nodes.

use crate::nodes::in_two;
use crate::timing::{Bench, Column, OURS, RAW};
use pshmem::{Comm, Error, Lock, Mutex, Result};

pub(crate) fn rows(bench: &Bench<'_>) -> Result<()> {
    free(bench)?;
    contended(bench, bench.comm, "lock and unlock")?;
    if bench.comm.size() > 1 {
        let comm = in_two(bench.comm)?;
        contended(bench, &comm, "lock and unlock over 2 nodes")?;
    }
    value(bench)
}

/// One rank acquires and releases a lock without contention.
fn free(bench: &Bench<'_>) -> Result<()> {
    let row = "lock and unlock, free";
    if !bench.settings.selects(row) {
        return Ok(());
    }
    let root = bench.is_root();
    let mut lock = Lock::new(bench.comm)?;
    let window = bench.raw_on_node().map(|raw| raw.window(8));
    let mut columns = vec![Column::new(OURS, || {
        if root {
            drop(lock.lock().map_err(Error::from)?);
        }
        Ok(())
    })];
    if let Some(window) = &window {
        columns.push(Column::new(RAW, || {
            if root {
                window.lock_and_unlock();
            }
            Ok(())
        }));
    }
    bench.time(row, columns)
}

/// All ranks acquire the lock again and again. The time is that of one acquisition by every rank.
fn contended(bench: &Bench<'_>, comm: &Comm, row: &str) -> Result<()> {
    if !bench.settings.selects(row) {
        return Ok(());
    }
    let mut lock = Lock::new(comm)?;
    // Open MPI of Debian has no windows over separate nodes.
    let window = match (bench.raw_on_node(), &bench.raw) {
        (Some(raw), _) => Some(raw.window(8)),
        (None, Some(raw)) => raw.window_over_nodes(),
        (None, None) => None,
    };
    let mut columns = vec![Column::new(OURS, || {
        drop(lock.lock().map_err(Error::from)?);
        Ok(())
    })];
    if let Some(window) = &window {
        columns.push(Column::new(RAW, || {
            window.lock_and_unlock();
            Ok(())
        }));
    }
    bench.time(row, columns)
}

/// Every rank adds to the value of a `Mutex`.
fn value(bench: &Bench<'_>) -> Result<()> {
    let row = "add to a Mutex";
    if !bench.settings.selects(row) {
        return Ok(());
    }
    let mut count = Mutex::<u64>::new(bench.comm, 0)?;
    let columns = vec![Column::new(OURS, || {
        *count.lock().map_err(Error::from)? += 1;
        Ok(())
    })];
    bench.time(row, columns)
}
