//! Runs of the suite's cases: what is listed in `tests/src/cases/list.rs` has to have run.

#[path = "../../../tests/src/cases/list.rs"]
#[macro_use]
mod list;

use super::{commands, simulated_nodes};
use crate::cargo;
use crate::report::{Row, Verdict};
use crate::tally::{Count, Tally, program_line};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// The environment variable with the file to which the suite adds its results.
pub(crate) const FILE: &str = "PSHMEM_TEST_RESULTS";

macro_rules! names {
    ($($module:ident { $($case:ident),* $(,)? })*) => {
        &[$($(concat!(stringify!($module), "::", stringify!($case)),)*)*]
    };
}

/// Which of the lists.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Cases {
    Usual,
    /// Those that need gigabytes of memory.
    Large,
}

impl Cases {
    const USUAL: &[&str] = for_each_case!(names);
    const LARGE: &[&str] = for_each_large_case!(names);

    /// The listed cases whose names contain one of the filters, or all where there is none.
    pub(crate) fn listed(self, filters: &[&str]) -> Vec<&'static str> {
        let list = match self {
            Cases::Usual => Self::USUAL,
            Cases::Large => Self::LARGE,
        };
        let is_selected =
            |name: &&&str| filters.is_empty() || filters.iter().any(|filter| name.contains(filter));
        list.iter().filter(is_selected).copied().collect()
    }
}

/// The file of results of a row.
pub(crate) fn file(row: &Row) -> PathBuf {
    cargo::log_of(&row.title()).with_extension("results")
}

/// The same, after the removal of what an earlier run has left.
pub(crate) fn new_file(row: &Row) -> PathBuf {
    let file = file(row);
    let _ = std::fs::remove_file(&file);
    file
}

/// What the file says. A file that is not there is empty: nothing has run.
pub(crate) fn read(file: &Path) -> Result<Tally, String> {
    Tally::of_results(&std::fs::read_to_string(file).unwrap_or_default())
}

/// Runs the program `suite`. It passes if all its worlds passed, each listed case has a result for each of them, and nothing is
/// left behind.
pub(crate) fn run(
    row: Row,
    mut command: Command,
    limit: Duration,
    verbose: bool,
    listed: &[&str],
) -> Row {
    let file = new_file(&row);
    command.env(FILE, &file);
    let row = commands::clean(row, command, limit, verbose, |output| {
        check(output, &read(&file)?, listed)
    });
    with_tally(row, &file)
}

/// The same on simulated nodes, each of which has a `/dev/shm` of its own.
pub(crate) fn run_on_nodes(
    row: Row,
    command: Command,
    limit: Duration,
    verbose: bool,
    listed: &[&str],
) -> Row {
    let file = new_file(&row);
    let row = commands::checked(row, command, limit, verbose, |output| {
        check(output, &read(&file)?, listed)?;
        simulated_nodes::nothing_left(output)
    });
    with_tally(row, &file)
}

/// The row with the cases in its file of results.
pub(super) fn with_tally(mut row: Row, file: &Path) -> Row {
    match read(file) {
        Ok(tally) => row.tally = Some(tally),
        Err(why) => row.verdict = Verdict::Failed(why),
    }
    row
}

/// What the program printed, and what its results have to be.
pub(crate) fn check(output: &str, results: &Tally, listed: &[&str]) -> Result<(), String> {
    let Count { passed, failed, .. } = results.worlds();
    match output.lines().rev().find_map(program_line) {
        None => Err("no line `N passed, N failed`".into()),
        Some((_, 1..)) => Err("cases failed".into()),
        Some(printed) if printed != (passed, failed) => Err(format!(
            "it counts {printed:?} passed and failed, its results {:?}",
            (passed, failed)
        )),
        Some(_) => results.has_all(listed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suite_must_have_run_all_that_is_listed() {
        let listed = ["a::one", "a::two"];
        let both = Tally::of_results("a::one\t2\tpassed\na::two\t2\tpassed\n").unwrap();
        let one = Tally::of_results("a::one\t2\tpassed\n").unwrap();
        assert_eq!(check("x\n2 passed, 0 failed\n", &both, &listed), Ok(()));
        let why = |output, results| check(output, results, &listed).unwrap_err();
        assert!(why("started\n", &both).contains("no line"));
        assert!(why("1 passed, 1 failed\n", &both).contains("cases failed"));
        assert!(why("3 passed, 0 failed\n", &both).contains("its results"));
        // A suite that has lost a case, and says so in good faith.
        assert!(why("1 passed, 0 failed\n", &one).contains("1 of 2 listed cases"));
        assert!(why("0 passed, 0 failed\n", &Tally::default()).contains("2 of 2"));
    }

    #[test]
    fn filters_select_from_the_list() {
        let all = Cases::Usual.listed(&[]);
        let some = Cases::Usual.listed(&["locks", "batch"]);
        assert!(!some.is_empty() && some.len() < all.len());
        assert!(
            some.iter()
                .all(|name| name.contains("locks") || name.contains("batch"))
        );
        assert!(Cases::Usual.listed(&["no such case"]).is_empty());
        let large = Cases::Large.listed(&[]);
        assert!(!large.is_empty() && large.iter().all(|name| !all.contains(name)));
    }
}
