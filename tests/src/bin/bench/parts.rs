//! Writing in parallel: every rank copies its part from private memory.

use crate::nodes::in_two;
use crate::race::{ALL_COPY, Bench, Contender, MEMCPY, OURS, RAW};
use crate::settings::size_name;
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

/// Beside one rank that copies everything, and beside what the machine can do when all ranks copy.
fn on_a_node(bench: &Bench<'_>) -> Result<()> {
    let bytes = bench.settings.large;
    let row = format!("update_parts {}", size_name(bytes));
    if !bench.settings.wants(&row) {
        return Ok(());
    }
    let len = bytes / 8 / bench.comm.size();
    let whole = len * bench.comm.size();
    let mine = vec![1_u64; len];
    let mut shared = Shared::<[u64]>::new(bench.comm, whole)?;
    let data = vec![1_u64; if bench.is_root() { whole } else { 0 }];
    let mut copy = data.clone();
    let mut own = mine.clone();
    let contenders = vec![
        Contender::new(OURS, || {
            shared.update_parts(|_, part| part.copy_from_slice(black_box(&mine)))
        }),
        Contender::new(MEMCPY, || {
            black_box(&mut copy[..]).copy_from_slice(black_box(&data));
            Ok(())
        }),
        Contender::new(ALL_COPY, || {
            black_box(&mut own[..]).copy_from_slice(black_box(&mine));
            Ok(())
        }),
    ];
    bench.race(&row, contenders)
}

/// Raw MPI: `MPI_Allgatherv` between one rank of each node, the others idle.
fn over_nodes(bench: &Bench<'_>, comm: &Comm, bytes: usize) -> Result<()> {
    let nodes = comm.node().count;
    let row = format!("update_parts {} over {nodes} nodes", size_name(bytes));
    if !bench.settings.wants(&row) {
        return Ok(());
    }
    let len = bytes / 8 / comm.size();
    let whole = len * comm.size();
    let mine = vec![1_u64; len];
    let mut shared = Shared::<[u64]>::new(comm, whole)?;
    let leads = comm.node().rank == 0;
    // As many numbers for each node as it has ranks.
    let mut sizes = Shared::<[usize]>::new(comm, nodes)?;
    for node in 0..nodes {
        let found = leads && comm.node().index == node;
        sizes.assign(node, found.then_some(&[comm.node().size * len][..]))?;
    }
    let counts = sizes.to_owned();
    let of_node = vec![1_u64; if leads { comm.node().size * len } else { 0 }];
    let mut copy = vec![1_u64; if leads { whole } else { 0 }];
    let leaders = bench.raw.as_ref().map(|raw| raw.leaders(leads));
    let mut contenders = vec![Contender::new(OURS, || {
        shared.update_parts(|_, part| part.copy_from_slice(&mine))
    })];
    if let Some(leaders) = &leaders {
        contenders.push(Contender::new(RAW, || {
            leaders.gather(&of_node, &counts, &mut copy);
            Ok(())
        }));
    }
    bench.race(&row, contenders)
}

/// The same bytes, written and moved by one rank of each node: what several lanes are worth.
fn by_leaders(bench: &Bench<'_>, comm: &Comm, bytes: usize) -> Result<()> {
    let nodes = comm.node().count;
    let row = format!(
        "update_parts {} over {nodes} nodes, by leaders",
        size_name(bytes)
    );
    if comm.size() == nodes || !bench.settings.wants(&row) {
        return Ok(());
    }
    let whole = bytes / 8;
    let mut leads = Shared::<[u8]>::new(comm, comm.size())?;
    leads.gather(comm.rank(), &[u8::from(comm.node().rank == 0)])?;
    let of_leader = whole / nodes;
    let mut counts: Vec<usize> = leads
        .view()
        .iter()
        .map(|&leads| if leads == 1 { of_leader } else { 0 })
        .collect();
    counts[0] += whole - of_leader * nodes;
    let mine = vec![1_u64; counts[comm.rank()]];
    let mut shared = Shared::<[u64]>::new(comm, whole)?;
    let contenders = vec![Contender::new(OURS, || {
        shared.update_parts_by(&counts, |_, part| part.copy_from_slice(&mine))
    })];
    bench.race(&row, contenders)
}
