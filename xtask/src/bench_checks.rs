//! What the checks cost: a `set` of 64 B at each level, and with the comparison of calls compiled out.

use crate::bench_table::Table;
use crate::{cargo, steps};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// Repetitions in turn, so that whatever else the machine does meets all columns.
const TURNS: usize = 7;

/// The row that is measured, as the bench program names it; `$` is the end of the name.
const ROW: &str = "set 64 B$";

const LIMIT: Duration = Duration::from_secs(60);

/// Two ranks as threads: the checks are the same on every transport.
pub(crate) fn table(
    measure: impl Fn(Command, &str, Duration) -> Result<String, String>,
) -> Result<Table, String> {
    let compared = build(&cargo::target(), None, &measure)?;
    let target = cargo::target_of("uncompared");
    let uncompared = build(&target, Some("--cfg pshmem_uncompared"), &measure)?;
    let columns = [
        ("pshmem", &compared, "1"),
        ("level 0", &compared, "0"),
        ("level 2", &compared, "2"),
        ("not compared, level 0", &uncompared, "0"),
    ];
    let mut table = Table::default();
    for _ in 0..TURNS {
        for (column, program, level) in columns {
            let mut command = Command::new(program);
            command.arg(ROW).env("PSHMEM_LOCAL", "2");
            command.env("PSHMEM_CHECK", level);
            table.read(&renamed(&measure(command, "bench checks", LIMIT)?, column));
        }
    }
    Ok(table)
}

fn build(
    target: &Path,
    flags: Option<&str>,
    measure: &impl Fn(Command, &str, Duration) -> Result<String, String>,
) -> Result<PathBuf, String> {
    let mut command = cargo::cargo(target);
    command.args(["build", "--release", "-p", "pshmem-tests", "--bin", "bench"]);
    if let Some(flags) = flags {
        command.env("RUSTFLAGS", flags);
    }
    measure(command, "bench build", steps::CARGO_LIMIT)?;
    Ok(target.join("release").join("bench"))
}

/// The library's own lines, under another column.
fn renamed(output: &str, column: &str) -> String {
    let own = output.lines().filter(|line| line.contains("\tpshmem\t"));
    own.map(|line| line.replace("\tpshmem\t", &format!("\t{column}\t")) + "\n")
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_librarys_lines_count() {
        let output = "set 64 B\tpshmem\t1e-7\ts\nset 64 B\tmemcpy\t5e-9\ts\n";
        assert_eq!(renamed(output, "level 0"), "set 64 B\tlevel 0\t1e-7\ts\n");
    }
}
