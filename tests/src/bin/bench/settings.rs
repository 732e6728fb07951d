//! Options from the environment and the command line: sizes, repetitions, rows.

use std::time::Duration;

/// The options, which are the same on all ranks.
#[derive(Debug)]
pub(crate) struct Settings {
    /// Bytes of the large objects.
    pub(crate) large: usize,
    /// The time for each column of a row.
    pub(crate) budget: Duration,
    /// The smallest number of repetitions of a column, whatever time they take.
    pub(crate) min_repetitions: usize,
    /// The largest number of repetitions of a column.
    pub(crate) max_repetitions: usize,
    /// The quantile of the repetitions that is printed.
    pub(crate) quantile: f64,
    /// Parts of the names of the selected rows, with `$` for the end of a name. If empty, all rows are selected.
    filters: Vec<String>,
}

impl Settings {
    pub(crate) fn from_environment() -> Self {
        let quick = std::env::var("PSHMEM_BENCH_QUICK").is_ok_and(|value| value != "0");
        Settings {
            large: number("PSHMEM_BENCH_MIB", 256) << 20,
            budget: Duration::from_millis(if quick { 100 } else { 800 }),
            min_repetitions: if quick { 3 } else { 7 },
            max_repetitions: if quick { 51 } else { 401 },
            quantile: number("PSHMEM_BENCH_QUANTILE", 0.5_f64).clamp(0.0, 1.0),
            filters: std::env::args().skip(1).collect(),
        }
    }

    pub(crate) fn selects(&self, row: &str) -> bool {
        let name = format!("{row}$");
        self.filters.is_empty() || self.filters.iter().any(|part| name.contains(part.as_str()))
    }
}

fn number<T: std::str::FromStr>(name: &str, default: T) -> T {
    match std::env::var(name) {
        Ok(text) => text
            .parse()
            .unwrap_or_else(|_| panic!("{name}={text} is not a valid number")),
        Err(_) => default,
    }
}

/// `8 KiB`
pub(crate) fn size_name(bytes: usize) -> String {
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..1_048_576 => format!("{} KiB", bytes >> 10),
        _ => format!("{} MiB", bytes >> 20),
    }
}
