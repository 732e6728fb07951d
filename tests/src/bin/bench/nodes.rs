//! Writes over two nodes: the world itself if it has several nodes, and else its ranks divided into two.

use crate::raw::{Leaders, Raw};
use crate::settings::size_name;
use crate::timing::{Bench, Column, OURS, RAW};
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

/// The root changes one element of a field, and the whole field is transferred. Raw MPI: `MPI_Bcast` between one rank of each
/// node, while the others are idle.
fn replicate(bench: &Bench<'_>, comm: &Comm) -> Result<()> {
    let bytes = bench.settings.large;
    let row = format!(
        "replicate {} over {} nodes",
        size_name(bytes),
        comm.node().count
    );
    if !bench.settings.selects(&row) {
        return Ok(());
    }
    let mut shared = Shared::<[u64]>::new(comm, bytes / 8)?;
    let mut raw = bench
        .raw
        .as_ref()
        .map(|raw| NodeCopy::new(raw, comm, bytes));
    let mut columns = vec![Column::new(OURS, || {
        shared.update(0, |mut w| w[0] += 1).map(|_| ())
    })];
    if let Some(raw) = &mut raw {
        columns.push(Column::new(RAW, || {
            raw.broadcast();
            Ok(())
        }));
    }
    bench.time(&row, columns)
}

/// The block of the root is copied into the memory of its node and transferred. Raw MPI: a barrier, the root copies, `MPI_Bcast`
/// between one rank of each node, and a barrier where nodes have several ranks.
fn set(bench: &Bench<'_>, comm: &Comm, bytes: usize) -> Result<()> {
    let row = format!("set {} over {} nodes", size_name(bytes), comm.node().count);
    if !bench.settings.selects(&row) {
        return Ok(());
    }
    let root = bench.is_root();
    let data = on_root(bench, 1_u64, bytes / 8);
    let mut shared = Shared::<[u64]>::new(comm, bytes / 8)?;
    let mut node_copy = bench
        .raw
        .as_ref()
        .map(|raw| NodeCopy::new(raw, comm, bytes));
    let mut columns = vec![Column::new(OURS, || {
        shared.set(0, 0, root.then_some(&data[..]))
    })];
    if let (Some(raw), Some(node_copy)) = (&bench.raw, &mut node_copy) {
        columns.push(Column::new(RAW, || {
            raw.barrier();
            if root {
                node_copy.copy.copy_from_slice(&data);
            }
            node_copy.broadcast();
            if comm.size() > comm.node().count {
                raw.barrier();
            }
            Ok(())
        }));
    }
    bench.time(&row, columns)
}

/// A copy of the data on each node, written by MPI.
struct NodeCopy {
    leaders: Leaders,
    copy: Vec<u64>,
}

impl NodeCopy {
    fn new(raw: &Raw, comm: &Comm, bytes: usize) -> Self {
        let is_leader = comm.node().rank == 0;
        NodeCopy {
            leaders: raw.leaders(is_leader),
            // Not zero, so that the pages are mapped.
            copy: vec![1; if is_leader { bytes / 8 } else { 0 }],
        }
    }

    fn broadcast(&mut self) {
        self.leaders.broadcast(&mut self.copy);
    }
}
