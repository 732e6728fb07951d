//! `cargo xtask tsan` and `cargo xtask miri`: the thread transport under tools that see what a test alone cannot.
//!
//! `ThreadSanitizer` reports accesses that nothing orders. The standard library is built with it, too: its channels, locks and
//! joined threads would otherwise order nothing in its eyes, and would have to be suppressed. Miri interprets, which is
//! thousands of times slower, and reports every use of memory that Rust does not allow.

use crate::nightly::{Nightly, Part};
use crate::report::{Report, Row};
use crate::{cargo, steps, suites};
use std::process::Command;
use std::time::Duration;

/// How much of it to run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Extent {
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
    Miri,
}

/// The command.
pub(crate) fn command(tool: Tool) -> Result<(), String> {
    let nightly = tool.find()?;
    println!("{} with {}", tool.name(), nightly.version);
    let mut report = Report::default();
    for row in tool.rows(&nightly, Extent::Full) {
        report.push(row);
    }
    print!("{}", report.text());
    report.verdict()
}

/// The tool in its short form, or a row that says why not.
pub(crate) fn short(tool: Tool, report: &mut Report) {
    match tool.find() {
        Ok(nightly) => {
            for row in tool.rows(&nightly, Extent::Short) {
                report.push(row);
            }
        }
        Err(why) => {
            let why = why.lines().next().unwrap_or_default();
            let hint = format!("{why}; `cargo xtask {}` says how to get it", tool.word());
            report.push(Row::new(tool.name()).skipped(hint));
        }
    }
}

impl Tool {
    fn name(self) -> &'static str {
        match self {
            Tool::Tsan => "ThreadSanitizer",
            Tool::Miri => "Miri",
        }
    }

    /// The name of the command.
    fn word(self) -> &'static str {
        match self {
            Tool::Tsan => "tsan",
            Tool::Miri => "miri",
        }
    }

    fn find(self) -> Result<Nightly, String> {
        let parts: &[Part] = match self {
            Tool::Tsan => &[Part::Source],
            Tool::Miri => &[Part::Miri, Part::Source],
        };
        Nightly::find(parts)
    }

    fn rows(self, nightly: &Nightly, extent: Extent) -> Vec<Row> {
        match self {
            Tool::Tsan => tsan(nightly, extent),
            Tool::Miri => miri(nightly, extent),
        }
    }
}

fn tsan(nightly: &Nightly, extent: Extent) -> Vec<Row> {
    let mut build = nightly.command("cargo");
    build
        .env("CARGO_TARGET_DIR", cargo::target_of("tsan"))
        .env("RUSTFLAGS", "-Zsanitizer=thread")
        .args(["build", "-Zbuild-std", "--target", &nightly.host])
        .args(["--profile", cargo::SUITE, "-p", "pshmem-tests"])
        .args(["--bin", "suite", "--bin", "fuzz"]);
    let build = steps::cargo_row(Row::new("tsan, build"), build);
    if !build.passed() {
        return vec![build];
    }
    let program = |name: &str| {
        let folder = cargo::target_of("tsan").join(&nightly.host);
        let mut command = Command::new(folder.join(cargo::SUITE).join(name));
        // With verbosity 1 it says that it is there; the first report ends the program.
        let options = "verbosity=1 halt_on_error=1 second_deadlock_stack=1";
        command.env("TSAN_OPTIONS", options);
        command
    };
    let (mut suite, mut fuzz) = (program("suite"), program("fuzz"));
    suite.env("PSHMEM_LOCAL", "2+2");
    match extent {
        Extent::Short => {
            suite.arg("write::");
            fuzz.args(["--seconds", "20"]);
        }
        Extent::Full => {
            fuzz.args(["--seconds", "300"]);
        }
    }
    vec![
        build,
        suites::checked(Row::new("tsan, suite"), suite, LIMIT, false, under_tsan),
        suites::checked(Row::new("tsan, fuzz"), fuzz, LIMIT, false, under_tsan),
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
    suites::all_passed(output)
}

/// What is small enough to be interpreted: cases by parts of their names, with the nodes to run them on.
const UNDER_MIRI: &[(&str, &str)] = &[
    ("2", "write::set_from_every_root"),
    ("1+1", "write::update_from_every_root"),
];

fn miri(nightly: &Nightly, extent: Extent) -> Vec<Row> {
    let miri = |words: &[&str]| {
        let mut command = nightly.command("cargo");
        command
            .env("CARGO_TARGET_DIR", cargo::target_of("miri"))
            // The library reads the environment, the clock and /proc.
            .env("MIRIFLAGS", "-Zmiri-disable-isolation")
            .arg("miri")
            .args(words);
        command
    };
    let _ = extent;
    let unit = miri(&["test", "-p", "pshmem", "--lib"]);
    let mut rows = vec![steps::cargo_row(Row::new("miri, unit tests"), unit)];
    for &(nodes, case) in UNDER_MIRI {
        let mut command = miri(&["run", "-p", "pshmem-tests", "--bin", "suite", "--", case]);
        command.env("PSHMEM_LOCAL", nodes);
        let row = Row::new(&format!("miri, {case} on {nodes}"));
        rows.push(suites::checked(
            row,
            command,
            LIMIT,
            false,
            suites::all_passed,
        ));
    }
    rows
}
