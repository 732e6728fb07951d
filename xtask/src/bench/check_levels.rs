//! What the checks cost: a `set` of 64 B at each level of `PSHMEM_CHECK`.

use super::table::Table;
use crate::cargo;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

/// Repetitions in turn, of which the best counts: where cores are virtual, their places change from one run to the next, and
/// with them the time that a cache line takes, by more than any check.
const TURNS: usize = 11;

/// The row that is measured, as the bench program names it; `$` is the end of the name.
const ROW: &str = "set 64 B$";

const LIMIT: Duration = Duration::from_secs(60);

/// Two ranks as threads: the checks are the same on every transport.
pub(crate) fn table(
    measure: impl Fn(Command, &str, Duration) -> Result<String, String>,
) -> Result<Table, String> {
    let program = build(&measure)?;
    let columns = [("pshmem", "1"), ("level 0", "0"), ("level 2", "2")];
    let mut best = [f64::INFINITY; 3];
    for _ in 0..TURNS {
        for ((_, level), best) in columns.iter().zip(&mut best) {
            let mut command = Command::new(&program);
            command.arg(ROW).env("PSHMEM_LOCAL", "2");
            command.env("PSHMEM_CHECK", level);
            let output = measure(command, "bench checks", LIMIT)?;
            let seconds = own_seconds(&output).ok_or("the bench printed no line of its own")?;
            *best = best.min(seconds);
        }
    }
    let mut table = Table::default();
    for ((column, _), best) in columns.iter().zip(best) {
        let row = ROW.trim_end_matches('$');
        table.read(&format!("{row}\t{column}\t{best}\ts\n"));
    }
    Ok(table)
}

fn build(
    measure: &impl Fn(Command, &str, Duration) -> Result<String, String>,
) -> Result<PathBuf, String> {
    let mut command = cargo::cargo();
    command.args(["build", "--release", "-p", "pshmem-tests", "--bin", "bench"]);
    measure(command, "bench build", cargo::LIMIT)?;
    Ok(cargo::target().join("release").join("bench"))
}

/// The library's own result.
fn own_seconds(output: &str) -> Option<f64> {
    let own = output.lines().find(|line| line.contains("\tpshmem\t"))?;
    own.split('\t').nth(2)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_librarys_line_counts() {
        let output = "set 64 B\tmemcpy\t5e-9\ts\nset 64 B\tpshmem\t1e-7\ts\n";
        assert_eq!(own_seconds(output), Some(1e-7));
        assert_eq!(own_seconds("nothing"), None);
    }
}
