//! Sums of private arrays of all ranks: into one array per node, compared with `MPI_Allreduce` into one per rank.

use crate::nodes::in_two;
use crate::settings::size_name;
use crate::timing::{Bench, Column, OURS, RAW};
use pshmem::{Comm, Op, Result, Shared};

/// The arrays are a quarter of the large objects, because every rank has one, and with raw MPI a second one.
const SHARE: usize = 4;

pub(crate) fn rows(bench: &Bench<'_>) -> Result<()> {
    let name = format!("reduce_into {}", size_name(bench.settings.large / SHARE));
    sum(bench, bench.comm, &name)?;
    if bench.comm.size() > 1 && bench.comm.node().count == 1 {
        let comm = in_two(bench.comm)?;
        let nodes = comm.node().count;
        sum(bench, &comm, &format!("{name} over {nodes} nodes"))?;
    }
    Ok(())
}

fn sum(bench: &Bench<'_>, comm: &Comm, row: &str) -> Result<()> {
    let bytes = bench.settings.large / SHARE;
    let wants_memory = bench.settings.selects(&format!("{row}, memory"));
    if wants_memory && bench.raw.is_some() {
        let row = format!("{row}, results on all nodes");
        bench.report(&row, OURS, (bytes * comm.node().count) as f64, "B");
        bench.report(&row, RAW, (bytes * comm.size()) as f64, "B");
    }
    let in_order = format!("{row}, reproducible");
    for (row, is_reproducible) in [(row, false), (&in_order, true)] {
        if !bench.settings.selects(row) {
            continue;
        }
        let mine = vec![1.5_f64; bytes / 8];
        let mut shared = Shared::<[f64]>::new(comm, bytes / 8)?;
        let mut private = bench.raw.as_ref().map(|raw| (raw, vec![1.0; mine.len()]));
        let op = || {
            if is_reproducible {
                Op::sum().reproducible()
            } else {
                Op::sum()
            }
        };
        let mut columns = vec![Column::new(OURS, || shared.reduce_into(op(), &mine))];
        if let Some((raw, private)) = &mut private {
            columns.push(Column::new(RAW, || {
                raw.sum(&mine, private);
                Ok(())
            }));
        }
        bench.time(row, columns)?;
    }
    Ok(())
}
