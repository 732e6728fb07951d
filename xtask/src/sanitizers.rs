//! `cargo xtask tsan` and `cargo xtask miri`: tests with ranks as threads under tools that detect what a test alone does not.
//!
//! `ThreadSanitizer` reports accesses that are not ordered by any synchronization. The standard library is compiled with it, too:
//! otherwise it would not know that channels, locks and joined threads synchronize. Miri interprets the program, which is
//! thousands of times slower, and reports undefined behaviour.

use crate::cargo;
use crate::report::{Report, Row};
use crate::setup::toolchains::{Component, Nightly};
use crate::tally::program_line;
use crate::test::cases_of_suite::{self, Cases};
use crate::test::commands::{cargo_row, checked};
use std::process::Command;
use std::time::Duration;

/// How much of it to run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Scope {
    /// As one of many checks.
    Short,
    Full,
}

/// The hard limit of one run.
const LIMIT: Duration = Duration::from_secs(1800);

/// A nightly tool.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Tool {
    Tsan,
    Miri {
        /// How often it runs one test with different schedules.
        seeds: u32,
    },
}

/// How many schedules Miri runs if nobody says how many.
pub(crate) const SEEDS: u32 = 16;

/// The command.
pub(crate) fn command(tool: Tool) -> Result<(), String> {
    let nightly = tool.find()?;
    println!("{} with {}", tool.name(), nightly.version);
    let mut report = Report::new(false);
    for row in tool.rows(&nightly, Scope::Full) {
        report.push(row);
    }
    print!("{}", report.text());
    report.verdict()
}

impl Tool {
    /// The tool in its short form, or a row that says why not.
    pub(crate) fn short(self) -> Vec<Row> {
        match self.find() {
            Ok(nightly) => self.rows(&nightly, Scope::Short),
            Err(why) => {
                let why = why.lines().next().unwrap_or_default();
                let hint = format!("{why}; `cargo xtask {}` says how to get it", self.command());
                vec![Row::new(self.name()).skipped(hint)]
            }
        }
    }

    fn name(self) -> &'static str {
        match self {
            Tool::Tsan => "ThreadSanitizer",
            Tool::Miri { .. } => "Miri",
        }
    }

    /// The name of the command.
    fn command(self) -> &'static str {
        match self {
            Tool::Tsan => "tsan",
            Tool::Miri { .. } => "miri",
        }
    }

    fn find(self) -> Result<Nightly, String> {
        let components: &[Component] = match self {
            Tool::Tsan => &[Component::Source],
            Tool::Miri { .. } => &[Component::Miri, Component::Source],
        };
        Nightly::find(components)
    }

    fn rows(self, nightly: &Nightly, scope: Scope) -> Vec<Row> {
        match self {
            Tool::Tsan => tsan(nightly, scope),
            Tool::Miri { seeds } => miri(nightly, scope, seeds),
        }
    }
}

fn tsan(nightly: &Nightly, scope: Scope) -> Vec<Row> {
    let mut build = nightly.command("cargo");
    build
        .env("CARGO_TARGET_DIR", cargo::target_of("tsan"))
        .env("RUSTFLAGS", "-Zsanitizer=thread")
        .args(["build", "-Zbuild-std", "--target", &nightly.host])
        .args(["--profile", cargo::CHECKED, "-p", "pshmem-tests"])
        .args(["--bin", "suite", "--bin", "fuzz"]);
    let build = cargo_row(Row::new("tsan, build"), build);
    if !build.passed() {
        return vec![build];
    }
    let program = |name: &str| {
        let folder = cargo::target_of("tsan").join(&nightly.host);
        let mut command = Command::new(folder.join(cargo::CHECKED).join(name));
        // With verbosity 1 it says that it is there; the first report ends the program.
        let options = "verbosity=1 halt_on_error=1 second_deadlock_stack=1";
        command.env("TSAN_OPTIONS", options);
        command
    };
    let (mut suite, mut fuzz) = (program("suite"), program("fuzz"));
    suite.env("PSHMEM_LOCAL", "2+2");
    let (names, seconds): (&[&str], _) = match scope {
        Scope::Short => (&["write::"], "20"),
        Scope::Full => (&[], "300"),
    };
    suite.args(names);
    fuzz.args(["--seconds", seconds]);
    let row = Row::new("tsan, suite");
    let file = cases_of_suite::new_file(&row);
    suite.env(cases_of_suite::FILE, &file);
    let ran = |output: &str| {
        under_tsan(output)?;
        let listed = Cases::Usual.listed(names);
        cases_of_suite::check(output, &cases_of_suite::read(&file)?, &listed)
    };
    vec![
        build,
        checked(row, suite, LIMIT, false, ran),
        checked(Row::new("tsan, fuzz"), fuzz, LIMIT, false, under_tsan),
    ]
}

/// The program was built with the tool, came to its end, and nothing was reported.
fn under_tsan(output: &str) -> Result<(), String> {
    if !output.contains("Running under ThreadSanitizer") {
        return Err("not built with ThreadSanitizer".into());
    }
    if output.contains("WARNING: ThreadSanitizer") {
        return Err("a report of ThreadSanitizer".into());
    }
    match output.lines().rev().find_map(program_line) {
        Some((_, 0)) => Ok(()),
        Some(_) => Err("cases failed".into()),
        None => Err("no line `N passed, N failed`".into()),
    }
}

/// Tests among the small ones that need only seconds.
const SHORT: [&str; 2] = ["quickstart", "calls_mix"];

/// A test of three ranks that are threads, on two nodes: they split a `Comm`, wait for each other and send messages.
const OF_THREE_RANKS: &str = "who_waits_on_a_comm_of_one_node";

fn miri(nightly: &Nightly, scope: Scope, seeds: u32) -> Vec<Row> {
    // The library reads the environment and the clock.
    const FLAGS: &str = "-Zmiri-disable-isolation";
    let miri = |name: &str, flags: &str, arguments: &[&str]| {
        let mut command = nightly.command("cargo");
        command
            .env("CARGO_TARGET_DIR", cargo::target_of("miri"))
            .env("MIRIFLAGS", flags)
            // The clock goes on as usual while the interpreter takes its time.
            .env("PSHMEM_TEST_LIMIT", "900")
            // Of the cases of a property; usually there are 256.
            .env("PROPTEST_CASES", "8")
            .args(["miri", "test"])
            .args(arguments);
        checked(Row::new(name), command, LIMIT, false, tests_ran)
    };
    let small = ["-p", "pshmem-tests", "--test", "small"];
    let unit = ["-p", "pshmem", "--lib"];
    match scope {
        Scope::Short => {
            let arguments = [&small[..], &["--"], &SHORT].concat();
            vec![miri("miri, two cases", FLAGS, &arguments)]
        }
        Scope::Full => {
            let many = format!("{FLAGS} -Zmiri-many-seeds=0..{seeds}");
            let arguments = [&unit[..], &["--", OF_THREE_RANKS]].concat();
            vec![
                miri("miri, unit tests", FLAGS, &unit),
                miri("miri, small cases", FLAGS, &small),
                miri("miri, many schedules", &many, &arguments),
            ]
        }
    }
}

/// Exit code 0 alone would not tell that a filter had left nothing to run.
fn tests_ran(output: &str) -> Result<(), String> {
    let ran = |line: &str| line.starts_with("test ") && line.ends_with(" ok");
    if output.lines().any(ran) {
        Ok(())
    } else {
        Err("no test ran".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_without_the_sanitizer_does_not_pass() {
        let banner = "==7==Running under ThreadSanitizer v3 (pid 7)\n";
        let good = "3 passed, 0 failed\n";
        assert!(under_tsan(good).unwrap_err().contains("not built"));
        assert_eq!(under_tsan(&format!("{banner}{good}")), Ok(()));
        let report = format!("{banner}WARNING: ThreadSanitizer: data race (pid=7)\n{good}");
        assert!(under_tsan(&report).unwrap_err().contains("a report"));
        assert!(under_tsan(banner).is_err());
    }

    #[test]
    fn at_least_one_test_must_have_run() {
        assert_eq!(tests_ran("running 1 test\ntest x ... ok\n"), Ok(()));
        assert!(tests_ran("running 0 tests\ntest result: ok. 0 passed\n").is_err());
    }
}
