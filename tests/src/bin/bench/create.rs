//! What comes and goes: objects, `Comm`s, and the plain barrier.

use crate::race::{Bench, Contender, OURS, RAW};
use crate::settings::size_name;
use pshmem::{Result, Shared};

pub(crate) fn rows(bench: &Bench<'_>) -> Result<()> {
    for bytes in [64, 8 << 10, 16 << 20] {
        create(bench, bytes)?;
    }
    create_and_fill(bench, 16 << 20)?;
    split(bench)?;
    barrier(bench)
}

/// Raw MPI hands out memory that nobody has touched, and that is not zeroed everywhere; ours is populated.
fn create(bench: &Bench<'_>, bytes: usize) -> Result<()> {
    let row = format!("create and drop {}", size_name(bytes));
    if !bench.settings.wants(&row) {
        return Ok(());
    }
    let mut contenders = vec![Contender::new(OURS, || {
        Shared::<[u8]>::new(bench.comm, bytes).map(drop)
    })];
    if let Some(raw) = bench.raw_on_node() {
        contenders.push(Contender::new(RAW, || {
            drop(raw.window(if bench.is_root() { bytes } else { 0 }));
            Ok(())
        }));
    }
    bench.race(&row, contenders)
}

/// Every rank writes its share. Raw MPI: and waits until the others have, too.
fn create_and_fill(bench: &Bench<'_>, bytes: usize) -> Result<()> {
    let row = format!("create, fill and drop {}", size_name(bytes));
    if !bench.settings.wants(&row) {
        return Ok(());
    }
    let mut contenders = vec![Contender::new(OURS, || {
        Shared::<[u8]>::new(bench.comm, bytes)?.fill(1)
    })];
    if let Some(raw) = bench.raw_on_node() {
        contenders.push(Contender::new(RAW, || {
            let mut window = raw.window(bytes / bench.comm.size());
            window.mine().fill(1);
            raw.barrier();
            Ok(())
        }));
    }
    bench.race(&row, contenders)
}

fn split(bench: &Bench<'_>) -> Result<()> {
    let row = "split and drop";
    if !bench.settings.wants(row) {
        return Ok(());
    }
    let mut contenders = vec![Contender::new(OURS, || {
        bench.comm.split(Some(0), bench.comm.rank()).map(drop)
    })];
    if let Some(raw) = &bench.raw {
        contenders.push(Contender::new(RAW, || {
            raw.split();
            Ok(())
        }));
    }
    bench.race(row, contenders)
}

fn barrier(bench: &Bench<'_>) -> Result<()> {
    let row = "barrier";
    if !bench.settings.wants(row) {
        return Ok(());
    }
    let mut contenders = vec![Contender::new(OURS, || bench.comm.barrier())];
    if let Some(raw) = &bench.raw {
        contenders.push(Contender::new(RAW, || {
            raw.barrier();
            Ok(())
        }));
    }
    bench.race(row, contenders)
}
