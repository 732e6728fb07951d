//! Writing over two nodes: the world itself when it has several, else its ranks cut in half.

use crate::race::{Bench, Contender, OURS, RAW};
use crate::raw::{Leaders, Raw};
use crate::settings::size_name;
use crate::write::on_root;
use pshmem::{Comm, Result, Shared};

pub(crate) fn rows(bench: &Bench<'_>) -> Result<()> {
    if bench.comm.size() == 1 {
        return Ok(());
    }
    let comm = in_two(bench.comm)?;
    replicate(bench, &comm)?;
    for bytes in [64, bench.settings.large] {
        set(bench, &comm, bytes)?;
    }
    Ok(())
}

/// A `Comm` of the same ranks on at least two nodes.
pub(crate) fn in_two(comm: &Comm) -> Result<Comm> {
    if comm.node().count > 1 {
        return Ok(comm.clone());
    }
    comm.with_ranks_per_node(comm.size().div_ceil(2))
}

/// The root changes one element of a field, which makes the whole field travel. Raw MPI: `MPI_Bcast` between one rank of
/// each node, the others idle.
fn replicate(bench: &Bench<'_>, comm: &Comm) -> Result<()> {
    let bytes = bench.settings.large;
    let row = format!(
        "replicate {} over {} nodes",
        size_name(bytes),
        comm.node().count
    );
    if !bench.settings.wants(&row) {
        return Ok(());
    }
    let mut shared = Shared::<[u64]>::new(comm, bytes / 8)?;
    let mut raw = bench.raw.as_ref().map(|raw| Twins::new(raw, comm, bytes));
    let mut contenders = vec![Contender::new(OURS, || {
        shared.update(0, |mut w| w[0] += 1).map(|_| ())
    })];
    if let Some(raw) = &mut raw {
        contenders.push(Contender::new(RAW, || {
            raw.broadcast();
            Ok(())
        }));
    }
    bench.race(&row, contenders)
}

/// The root's block is copied into its node's memory and sent. Raw MPI: readers have finished, the root copies,
/// `MPI_Bcast` between one rank of each node, and where nodes have more ranks, their readers may go on.
fn set(bench: &Bench<'_>, comm: &Comm, bytes: usize) -> Result<()> {
    let row = format!("set {} over {} nodes", size_name(bytes), comm.node().count);
    if !bench.settings.wants(&row) {
        return Ok(());
    }
    let root = bench.is_root();
    let data = on_root(bench, 1_u64, bytes / 8);
    let mut shared = Shared::<[u64]>::new(comm, bytes / 8)?;
    let mut twins = bench.raw.as_ref().map(|raw| Twins::new(raw, comm, bytes));
    let mut contenders = vec![Contender::new(OURS, || {
        shared.set(0, 0, root.then_some(&data[..]))
    })];
    if let (Some(raw), Some(twins)) = (&bench.raw, &mut twins) {
        contenders.push(Contender::new(RAW, || {
            raw.barrier();
            if root {
                twins.copy.copy_from_slice(&data);
            }
            twins.broadcast();
            if comm.size() > comm.node().count {
                raw.barrier();
            }
            Ok(())
        }));
    }
    bench.race(&row, contenders)
}

/// One copy of the data on each node, kept equal by MPI alone.
struct Twins {
    leaders: Leaders,
    copy: Vec<u64>,
}

impl Twins {
    fn new(raw: &Raw, comm: &Comm, bytes: usize) -> Self {
        let leads = comm.node().rank == 0;
        Twins {
            leaders: raw.leaders(leads),
            // Every page is touched: not zeroes that the system only promises.
            copy: vec![1; if leads { bytes / 8 } else { 0 }],
        }
    }

    fn broadcast(&mut self) {
        self.leaders.broadcast(&mut self.copy);
    }
}
