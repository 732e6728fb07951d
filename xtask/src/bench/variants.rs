//! What settings cost or save: the same rows with different environments.

use super::table::Table;
use std::process::Command;
use std::time::Duration;

/// One comparison. The first variant is the default.
pub(super) struct Comparison {
    pub(super) title: &'static str,
    /// The rows that are measured, as the bench program names them; `$` is the end of a name.
    rows: &'static [&'static str],
    /// Names of columns, and variables.
    variants: &'static [(&'static str, &'static [(&'static str, &'static str)])],
    /// Repetitions in turn, of which the best counts: where cores are virtual, their places change from one run to the next, and
    /// with them the time that a cache line takes.
    turns: usize,
}

/// The checks of calls.
pub(super) const CHECKS: Comparison = Comparison {
    title: "What the checks cost",
    rows: &["set 64 B$"],
    variants: &[
        ("pshmem", &[("PSHMEM_CHECK", "1")]),
        ("level 0", &[("PSHMEM_CHECK", "0")]),
        ("level 2", &[("PSHMEM_CHECK", "2")]),
    ],
    turns: 11,
};

/// Where node memory comes from, and its pages.
pub(super) const MEMORY: Comparison = Comparison {
    title: "Sources of node memory",
    rows: &["create and drop", "random reads"],
    variants: &[
        ("pshmem", &[]),
        ("small pages", &[("PSHMEM_HUGE_PAGES", "never")]),
        ("window", &[("PSHMEM_MEMORY", "window")]),
    ],
    turns: 1,
};

const LIMIT: Duration = Duration::from_secs(300);

impl Comparison {
    /// `launch` starts the bench.
    pub(super) fn table(
        &self,
        launch: impl Fn() -> Command,
        measure: impl Fn(Command, &str, Duration) -> Result<String, String>,
    ) -> Result<Table, String> {
        // By row and variant, in the order in which they came.
        let mut best: Vec<(String, usize, f64)> = Vec::new();
        for _ in 0..self.turns {
            for (variant, (_, variables)) in self.variants.iter().enumerate() {
                let mut command = launch();
                command.args(self.rows).envs(variables.iter().copied());
                let output = measure(command, "bench variants", LIMIT)?;
                let before = best.len();
                for (row, seconds) in own_seconds(&output) {
                    let known = best
                        .iter_mut()
                        .find(|(name, of, _)| *name == row && *of == variant);
                    match known {
                        Some((_, _, best)) => *best = best.min(seconds),
                        None => best.push((row.to_owned(), variant, seconds)),
                    }
                }
                if before == 0 && best.is_empty() {
                    return Err("the bench printed no line of its own".into());
                }
            }
        }
        let mut table = Table::default();
        for (row, variant, seconds) in &best {
            let column = self.variants[*variant].0;
            table.read(&format!("{row}\t{column}\t{seconds}\ts\n"));
        }
        Ok(table)
    }
}

/// The library's own results: rows and seconds.
fn own_seconds(output: &str) -> impl Iterator<Item = (&str, f64)> {
    output.lines().filter_map(|line| {
        let mut cells = line.split('\t');
        let row = cells.next()?;
        let is_own = cells.next()? == "pshmem";
        let seconds = cells.next()?.parse().ok()?;
        (is_own && cells.next()? == "s").then_some((row, seconds))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_librarys_lines_count() {
        let output =
            "set 64 B\tmemcpy\t5e-9\ts\nset 64 B\tpshmem\t1e-7\ts\npeak\tpshmem\t5\tB\nnothing\n";
        let own: Vec<_> = own_seconds(output).collect();
        assert_eq!(own, [("set 64 B", 1e-7)]);
    }
}
