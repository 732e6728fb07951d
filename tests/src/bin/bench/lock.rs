//! Locks: free ones, ones that all ranks want, and the same over two nodes.

use crate::nodes::in_two;
use crate::race::{Bench, Contender, OURS, RAW};
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

/// One rank takes and gives back what nobody else wants.
fn free(bench: &Bench<'_>) -> Result<()> {
    let row = "lock and unlock, free";
    if !bench.settings.wants(row) {
        return Ok(());
    }
    let root = bench.is_root();
    let mut lock = Lock::new(bench.comm)?;
    let window = bench.raw_on_node().map(|raw| raw.window(8));
    let mut contenders = vec![Contender::new(OURS, || {
        if root {
            drop(lock.lock().map_err(Error::from)?);
        }
        Ok(())
    })];
    if let Some(window) = &window {
        contenders.push(Contender::new(RAW, || {
            if root {
                window.lock_and_unlock();
            }
            Ok(())
        }));
    }
    bench.race(row, contenders)
}

/// All ranks take it again and again; the time is that of one turn of one rank, in which every other has one too.
fn contended(bench: &Bench<'_>, comm: &Comm, row: &str) -> Result<()> {
    if !bench.settings.wants(row) {
        return Ok(());
    }
    let mut lock = Lock::new(comm)?;
    // Debian's Open MPI has no windows over real nodes.
    let window = match (bench.raw_on_node(), &bench.raw) {
        (Some(raw), _) => Some(raw.window(8)),
        (None, Some(raw)) => raw.window_over_nodes(),
        (None, None) => None,
    };
    let mut contenders = vec![Contender::new(OURS, || {
        drop(lock.lock().map_err(Error::from)?);
        Ok(())
    })];
    if let Some(window) = &window {
        contenders.push(Contender::new(RAW, || {
            window.lock_and_unlock();
            Ok(())
        }));
    }
    bench.race(row, contenders)
}

/// Every rank adds to a number.
fn value(bench: &Bench<'_>) -> Result<()> {
    let row = "add to a Mutex";
    if !bench.settings.wants(row) {
        return Ok(());
    }
    let mut count = Mutex::<u64>::new(bench.comm, 0)?;
    let contenders = vec![Contender::new(OURS, || {
        *count.lock().map_err(Error::from)? += 1;
        Ok(())
    })];
    bench.race(row, contenders)
}
