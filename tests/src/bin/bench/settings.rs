//! What is asked for: sizes, repetitions, rows.

use std::time::Duration;

/// From the environment and the command line; the same on all ranks.
#[derive(Debug)]
pub(crate) struct Settings {
    /// Bytes of the large objects.
    pub(crate) large: usize,
    /// Time for each column of a row.
    pub(crate) budget: Duration,
    /// Repetitions of a column, whatever they cost, and at most.
    pub(crate) least: usize,
    pub(crate) most: usize,
    /// Which of the sorted repetitions counts.
    pub(crate) quantile: f64,
    /// Parts of the names of the rows wanted, a `$` for the end of a name; none for all rows.
    words: Vec<String>,
}

impl Settings {
    pub(crate) fn from_environment() -> Self {
        let quick = std::env::var("PSHMEM_BENCH_QUICK").is_ok_and(|value| value != "0");
        Settings {
            large: number("PSHMEM_BENCH_MIB", 256) << 20,
            budget: Duration::from_millis(if quick { 100 } else { 800 }),
            least: if quick { 3 } else { 7 },
            most: if quick { 51 } else { 401 },
            quantile: number("PSHMEM_BENCH_QUANTILE", 0.5_f64).clamp(0.0, 1.0),
            words: std::env::args().skip(1).collect(),
        }
    }

    pub(crate) fn wants(&self, row: &str) -> bool {
        let name = format!("{row}$");
        self.words.is_empty() || self.words.iter().any(|word| name.contains(word.as_str()))
    }
}

fn number<T: std::str::FromStr>(name: &str, usual: T) -> T {
    match std::env::var(name) {
        Ok(text) => text
            .parse()
            .unwrap_or_else(|_| panic!("{name}={text} is not a number that can be used here")),
        Err(_) => usual,
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
