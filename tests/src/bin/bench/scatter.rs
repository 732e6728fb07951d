//! Hits of all ranks to one shared map, compared with a private map on each rank and `accumulate`.

use crate::nodes::in_two;
use crate::settings::size_name;
use crate::timing::{Bench, Column, OURS};
use pshmem::{Comm, Op, Result, Shared};
use std::hint::black_box;

/// The maps are a quarter of the large objects, because every rank has a private one.
const SHARE: usize = 4;

/// The name of the other column.
pub(crate) const PRIVATE: &str = "private map";

/// Hits of each rank: their number as a part of the elements, and where they go.
struct Pattern {
    name: &'static str,
    /// Elements for each hit.
    every: usize,
    at: fn(usize, usize) -> usize,
}

const PATTERNS: [Pattern; 3] = [
    Pattern {
        name: "sparse",
        every: 100,
        at: spread,
    },
    Pattern {
        name: "dense",
        every: 1,
        at: spread,
    },
    Pattern {
        name: "dense, in order",
        every: 1,
        at: |hit, _| hit,
    },
];

/// A pseudo-random element for each hit.
fn spread(hit: usize, elements: usize) -> usize {
    let mut x = (hit as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x ^= x >> 32;
    x = x.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    ((u128::from(x) * elements as u128) >> 64) as usize
}

pub(crate) fn rows(bench: &Bench<'_>) -> Result<()> {
    let name = format!("scatter {}", size_name(bytes(bench)));
    add(bench, bench.comm, &name)?;
    if bench.comm.size() > 1 && bench.comm.node().count == 1 {
        let comm = in_two(bench.comm)?;
        let nodes = comm.node().count;
        add(bench, &comm, &format!("{name} over {nodes} nodes"))?;
    }
    Ok(())
}

/// Bytes of a map.
pub(crate) fn bytes(bench: &Bench<'_>) -> usize {
    bench.settings.large / SHARE
}

fn add(bench: &Bench<'_>, comm: &Comm, row: &str) -> Result<()> {
    for pattern in PATTERNS {
        for order in ["", ", reproducible"] {
            let row = format!("{row}, {}{order}", pattern.name);
            if !bench.settings.selects(&row) {
                continue;
            }
            let op = || {
                if order.is_empty() {
                    Op::sum()
                } else {
                    Op::sum().reproducible()
                }
            };
            let elements = bytes(bench) / 8;
            let hits =
                || (0..elements / pattern.every).map(|hit| (pattern.at)(black_box(hit), elements));
            let mut map = Shared::<[f64]>::new(comm, elements)?;
            let mut other = Shared::<[f64]>::new(comm, elements)?;
            let mut private = vec![0.0; elements];
            let columns = vec![
                Column::new(OURS, || {
                    map.scatter(op(), |add| hits().for_each(|at| add(at, 1.5)))
                }),
                Column::new(PRIVATE, || {
                    private.fill(0.0);
                    hits().for_each(|at| private[at] += 1.5);
                    other.accumulate(op(), &private)
                }),
            ];
            bench.time(&row, columns)?;
        }
    }
    Ok(())
}
