//! Values that ranks pass each other, compared with a barrier and the MPI call: a program with MPI alone needs the barrier to know that
//! all ranks make the same call. Large arrays are compared with the MPI call alone.

use crate::nodes::in_two;
use crate::raw::Raw;
use crate::settings::size_name;
use crate::timing::{Bench, Column, OURS, RAW};
use pshmem::{Comm, Op, Result};
use std::hint::black_box;

/// The array of `all_reduce_into` is a sixteenth of the large objects.
const SHARE: usize = 16;

pub(crate) fn rows(bench: &Bench<'_>) -> Result<()> {
    on_nodes(bench, bench.comm, "")?;
    if bench.comm.size() > 1 && bench.comm.node().count == 1 {
        let comm = in_two(bench.comm)?;
        on_nodes(bench, &comm, &format!(" over {} nodes", comm.node().count))?;
    }
    Ok(())
}

fn on_nodes(bench: &Bench<'_>, comm: &Comm, nodes: &str) -> Result<()> {
    numbers(bench, comm, nodes)?;
    arrays(bench, comm, nodes)?;
    encoded(bench, comm, nodes)
}

/// One number of each rank.
fn numbers(bench: &Bench<'_>, comm: &Comm, nodes: &str) -> Result<()> {
    let (mine, size) = (comm.rank() as f64, comm.size());
    let row = |name: &str| format!("{name} 8 B{nodes}");
    if !nodes.is_empty() {
        let row = format!("barrier{nodes}");
        pair(bench, &row, || comm.barrier(), Raw::barrier)?;
    }
    pair(
        bench,
        &row("all_reduce"),
        || comm.all_reduce(Op::sum(), mine).map(drop),
        |raw| {
            raw.barrier();
            raw.sum(&[mine], &mut [0.0]);
        },
    )?;
    pair(
        bench,
        &row("exclusive_scan"),
        || comm.exclusive_scan(Op::sum(), mine).map(drop),
        |raw| {
            raw.barrier();
            raw.exclusive_sum(mine);
        },
    )?;
    pair(
        bench,
        &row("broadcast"),
        || comm.broadcast(0, || mine).map(drop),
        |raw| {
            raw.barrier();
            raw.broadcast(0, &mut [0; 8]);
        },
    )?;
    let mut all = vec![0; 8 * size];
    pair(
        bench,
        &row("all_gather"),
        || comm.all_gather(mine).map(drop),
        |raw| {
            raw.barrier();
            raw.all_gather(&mine.to_ne_bytes(), &mut all);
        },
    )
}

/// An array of each rank is added to those of all others.
fn arrays(bench: &Bench<'_>, comm: &Comm, nodes: &str) -> Result<()> {
    for bytes in [8 << 10, bench.settings.large / SHARE] {
        let row = format!("all_reduce_into {}{nodes}", size_name(bytes));
        let mut ours = vec![0.0_f64; bytes / 8];
        let (mine, mut sum) = (ours.clone(), ours.clone());
        pair(
            bench,
            &row,
            || comm.all_reduce_into(Op::sum(), &mut ours),
            |raw| raw.sum(&mine, &mut sum),
        )?;
    }
    Ok(())
}

/// A value of many bytes, which is encoded and decoded. Raw MPI sends the bytes as they are.
fn encoded(bench: &Bench<'_>, comm: &Comm, nodes: &str) -> Result<()> {
    let bytes = bench.settings.large / SHARE;
    let row = format!("{}{nodes}", size_name(bytes));
    let [broadcast, all_gather] = ["broadcast", "all_gather"].map(|name| format!("{name} {row}"));
    if ![&broadcast, &all_gather]
        .iter()
        .any(|row| bench.settings.selects(row))
    {
        return Ok(());
    }
    let value = vec![1.5_f64; bytes / 8];
    let mut copy = vec![0; bytes];
    pair(
        bench,
        &broadcast,
        || {
            comm.broadcast(0, || value.clone())
                .map(|value| drop(black_box(value)))
        },
        |raw| raw.broadcast(0, &mut copy),
    )?;
    let mut all = vec![0; bytes * comm.size()];
    pair(
        bench,
        &all_gather,
        || {
            comm.all_gather(value.clone())
                .map(|all| drop(black_box(all)))
        },
        |raw| raw.all_gather(&copy, &mut all),
    )
}

/// A row with our call and that of raw MPI.
fn pair(
    bench: &Bench<'_>,
    row: &str,
    mut ours: impl FnMut() -> Result<()>,
    mut theirs: impl FnMut(&Raw),
) -> Result<()> {
    if !bench.settings.selects(row) {
        return Ok(());
    }
    let mut columns = vec![Column::new(OURS, &mut ours)];
    if let Some(raw) = &bench.raw {
        columns.push(Column::new(RAW, || {
            theirs(raw);
            Ok(())
        }));
    }
    bench.time(row, columns)
}
