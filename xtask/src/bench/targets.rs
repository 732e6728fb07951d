//! Ratios that rows are to reach, and whether they do. Why some cannot be reached stands in `BENCHMARKS.md`.

use super::table::Table;

/// How many times as long as this library another contender is to take, at least.
struct Target {
    row: &'static str,
    contender: &'static str,
    ratio: f64,
}

const RAW: &str = "raw MPI";

const fn against_raw(row: &'static str, ratio: f64) -> Target {
    Target {
        row,
        contender: RAW,
        ratio,
    }
}

const fn target(row: &'static str, contender: &'static str, ratio: f64) -> Target {
    Target {
        row,
        contender,
        ratio,
    }
}

const TARGETS: [Target; 24] = [
    against_raw("set 64 B", 1.0),
    against_raw("lock and unlock", 1.0),
    against_raw("lock and unlock over 2 nodes", 1.0),
    against_raw("set 64 B over 2 nodes", 1.0),
    against_raw("replicate 256 MiB over 2 nodes", 1.0),
    against_raw("set 256 MiB over 2 nodes", 1.0),
    against_raw("update_parts 256 MiB over 2 nodes", 1.0),
    target("set 256 MiB", "python", 1.0),
    target(
        "create and drop a struct of 20 fields",
        "an array",
        1.0 / 1.2,
    ),
    against_raw("all_reduce 8 B", 1.0),
    against_raw("exclusive_scan 8 B", 1.0),
    against_raw("broadcast 8 B", 1.0),
    against_raw("all_gather 8 B", 1.0),
    against_raw("all_reduce 8 B over 2 nodes", 1.0 / 1.2),
    against_raw("exclusive_scan 8 B over 2 nodes", 1.0 / 1.2),
    against_raw("broadcast 8 B over 2 nodes", 1.0 / 1.2),
    against_raw("all_gather 8 B over 2 nodes", 1.0 / 1.2),
    against_raw("all_reduce_into 16 MiB", 0.9),
    against_raw("all_reduce_into 16 MiB over 2 nodes", 0.9),
    target("scatter 64 MiB, sparse", "private map", 3.0),
    target("scatter 64 MiB over 2 nodes, sparse", "private map", 3.0),
    target("scatter 64 MiB, dense", "private map", 0.7),
    target("scatter 64 MiB over 2 nodes, dense", "private map", 0.7),
    target("1000 random reads in 2048 MiB", "Vec", 0.98),
];

/// What a row is to reach and whether it does, as in `raw MPI 1.00x: no`. `None` without a target, or if it was not measured.
pub(super) fn text(table: &Table, row: &str) -> Option<String> {
    let Target {
        contender, ratio, ..
    } = TARGETS.iter().find(|target| target.row == row)?;
    let found = table.ratio(row, contender)?;
    let reaches = if found >= *ratio { "yes" } else { "no" };
    Some(format!("{contender} {ratio:.2}x: {reaches}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_say_whether_they_reach_their_targets() {
        let mut table = Table::default();
        table.read("set 64 B\tpshmem\t2e-7\ts\nset 64 B\traw MPI\t2e-7\ts\n");
        table.read("lock and unlock\tpshmem\t2e-7\ts\nlock and unlock\traw MPI\t1e-7\ts\n");
        table.read("split\tpshmem\t2e-7\ts\nset 256 MiB\tpshmem\t2e-7\ts\n");
        let text = |row| text(&table, row);
        assert_eq!(text("set 64 B"), Some("raw MPI 1.00x: yes".into()));
        assert_eq!(text("lock and unlock"), Some("raw MPI 1.00x: no".into()));
        assert_eq!((text("split"), text("set 256 MiB")), (None, None));
        let markdown = table.markdown();
        assert!(markdown.contains("| target "), "{markdown}");
    }
}
