//! Parallel writes: every rank copies its part from private memory.

use crate::nodes::in_two;
use crate::settings::size_name;
use crate::timing::{ALL_COPY, Bench, Column, MEMCPY, OURS, RAW};
use pshmem::{Comm, Result, Shared};
use std::hint::black_box;

pub(crate) fn rows(bench: &Bench<'_>) -> Result<()> {
    on_a_node(bench)?;
    if bench.comm.size() > 1 {
        let comm = in_two(bench.comm)?;
        over_nodes(bench, &comm, bench.settings.large)?;
        by_leaders(bench, &comm, bench.settings.large)?;
    }
    Ok(())
}

/// Compared with one rank that copies everything, and with all ranks copying into private memory.
fn on_a_node(bench: &Bench<'_>) -> Result<()> {
    let bytes = bench.settings.large;
    let row = format!("update_parts {}", size_name(bytes));
    if !bench.settings.selects(&row) {
        return Ok(());
    }
    let len = bytes / 8 / bench.comm.size();
    let whole = len * bench.comm.size();
    let mine = vec![1_u64; len];
    let mut shared = Shared::<[u64]>::new(bench.comm, whole)?;
    let data = vec![1_u64; if bench.is_root() { whole } else { 0 }];
    let mut copy = data.clone();
    let mut own = mine.clone();
    let columns = vec![
        Column::new(OURS, || {
            shared.update_parts(|_, part| part.copy_from_slice(black_box(&mine)))
        }),
        Column::new(MEMCPY, || {
            black_box(&mut copy[..]).copy_from_slice(black_box(&data));
            Ok(())
        }),
        Column::new(ALL_COPY, || {
            black_box(&mut own[..]).copy_from_slice(black_box(&mine));
            Ok(())
        }),
    ];
    bench.time(&row, columns)
}

/// Raw MPI: `MPI_Allgatherv` between one rank of each node, while the others are idle.
fn over_nodes(bench: &Bench<'_>, comm: &Comm, bytes: usize) -> Result<()> {
    let nodes = comm.node().count;
    let row = format!("update_parts {} over {nodes} nodes", size_name(bytes));
    if !bench.settings.selects(&row) {
        return Ok(());
    }
    let len = bytes / 8 / comm.size();
    let whole = len * comm.size();
    let mine = vec![1_u64; len];
    let mut shared = Shared::<[u64]>::new(comm, whole)?;
    let is_leader = comm.node().rank == 0;
    // Each node contributes in proportion to its number of ranks.
    let mut sizes = Shared::<[usize]>::new(comm, nodes)?;
    for node in 0..nodes {
        let found = is_leader && comm.node().index == node;
        sizes.assign(node, found.then_some(&[comm.node().size * len][..]))?;
    }
    let counts = sizes.to_owned();
    let of_node = vec![1_u64; if is_leader { comm.node().size * len } else { 0 }];
    let mut copy = vec![1_u64; if is_leader { whole } else { 0 }];
    let leaders = bench.raw.as_ref().map(|raw| raw.leaders(is_leader));
    let mut columns = vec![Column::new(OURS, || {
        shared.update_parts(|_, part| part.copy_from_slice(&mine))
    })];
    if let Some(leaders) = &leaders {
        columns.push(Column::new(RAW, || {
            leaders.gather(&of_node, &counts, &mut copy);
            Ok(())
        }));
    }
    bench.time(&row, columns)
}

/// The same bytes, written and transferred by one rank of each node only.
fn by_leaders(bench: &Bench<'_>, comm: &Comm, bytes: usize) -> Result<()> {
    let nodes = comm.node().count;
    let row = format!(
        "update_parts {} over {nodes} nodes, by leaders",
        size_name(bytes)
    );
    if comm.size() == nodes || !bench.settings.selects(&row) {
        return Ok(());
    }
    let whole = bytes / 8;
    let mut leaders = Shared::<[u8]>::new(comm, comm.size())?;
    leaders.gather(comm.rank(), &[u8::from(comm.node().rank == 0)])?;
    let of_leader = whole / nodes;
    let mut counts: Vec<usize> = leaders
        .view()
        .iter()
        .map(|&is_leader| if is_leader == 1 { of_leader } else { 0 })
        .collect();
    counts[0] += whole - of_leader * nodes;
    let mine = vec![1_u64; counts[comm.rank()]];
    let mut shared = Shared::<[u64]>::new(comm, whole)?;
    let columns = vec![Column::new(OURS, || {
        shared.update_parts_by(&counts, |_, part| part.copy_from_slice(&mine))
    })];
    bench.time(&row, columns)
}
