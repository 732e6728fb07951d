//! The tests that `cargo test` runs, each test program as a step of its own.
//!
//! `cargo test` runs one test program after another. Many of them wait most of the time, so here cargo only builds them.

use super::cases_of_suite::{self, Cases};
use super::commands::{announce, cargo_output, cargo_row};
use super::schedule::{Lane, Load, Step};
use super::{Context, checks, suites};
use crate::mpi::Mpi;
use crate::report::{Row, Verdict};
use crate::tally::Tally;
use crate::{cargo, process};
use serde_json::Value;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// The time limit of one test program.
const LIMIT: Duration = Duration::from_secs(900);

/// A test program, as cargo has built it.
#[derive(Clone, Debug, PartialEq)]
struct Program {
    /// The folder of its crate and its target, as in `tests api`.
    name: String,
    executable: PathBuf,
    /// The folder of its crate, in which cargo would run it.
    folder: PathBuf,
    /// What the MPI library that it is linked with needs, and what its tests that start themselves under a launcher need.
    environment: Vec<(OsString, OsString)>,
}

/// Builds all tests, and the programs and examples, with feature `mpi` if there is a library.
pub(crate) fn build<'a>(context: &'a Context, mpi: Option<&Mpi>) -> (Row, Vec<Step<'a>>) {
    let mut command = cargo(mpi);
    // Not `cargo test --no-run`, which leaves out the examples that have tests themselves.
    command
        .arg("build")
        .args(checks::selection(mpi))
        .args(checks::TARGETS);
    command.args(["--message-format", "json-render-diagnostics"]);
    let library = mpi.map_or("-", |mpi| mpi.name);
    let (mut row, output) = cargo_output(Row::under("build", library, "-"), command);
    let mut steps = Vec::new();
    if row.passed() {
        let mut programs = programs(&output);
        let launcher = mpi.map(|mpi| mpi.launch(2, Path::new("PROGRAM")));
        for program in &mut programs {
            program.environment = launcher.iter().flat_map(under).collect();
        }
        row = all_are_built(row, &programs);
        let threads = programs.iter().find(|program| program.name == THREADS);
        if let (Some(program), false) = (threads, context.listed(Cases::Large).is_empty()) {
            let program = program.clone();
            steps.push(Step::new(Load::cores(2), move || {
                program.run_large(context)
            }));
        }
        let run = |program: Program| Step::new(Load::CORE, move || program.run(context));
        steps.extend(programs.into_iter().map(run));
        let mpi = mpi.cloned();
        steps.push(
            Step::new(Load::CORE, move || doctests(context, mpi.as_ref())).in_lane(Lane::Cargo),
        );
    }
    (row, steps)
}

fn cargo(mpi: Option<&Mpi>) -> Command {
    mpi.map_or_else(cargo::cargo, cargo::cargo_mpi)
}

/// The examples in the documentation.
fn doctests(context: &Context, mpi: Option<&Mpi>) -> Row {
    let mut command = cargo(mpi);
    command
        .arg("test")
        .args(checks::selection(mpi))
        .arg("--doc");
    command.args(&context.options.filter);
    cargo_row(Row::new("tests, documentation"), command)
}

impl Program {
    /// From a line of cargo's JSON output.
    fn from_message(line: &str) -> Option<Self> {
        let message: Value = serde_json::from_str(line).ok()?;
        if message["reason"] != "compiler-artifact" || message["profile"]["test"] != true {
            return None;
        }
        let folder = Path::new(message["manifest_path"].as_str()?).parent()?;
        let package = folder.file_name()?.to_str()?;
        let target = &message["target"];
        let name = match target["kind"][0].as_str()? {
            "test" | "example" => target["name"].as_str()?,
            _ => "unit",
        };
        Some(Self {
            name: format!("{package} {name}"),
            executable: message["executable"].as_str()?.into(),
            folder: folder.to_owned(),
            environment: Vec::new(),
        })
    }

    fn run(&self, context: &Context) -> Row {
        let mut command = self.command();
        command.args(&context.options.filter);
        let row = Row::new(&format!("tests, {}", self.name));
        if self.name == THREADS {
            // Ranks wait for each other most of the time, so several cases share a core.
            let cores = std::thread::available_parallelism().map_or(1, usize::from);
            command.args(["--test-threads", &(3 * cores).to_string()]);
            if !context.options.proof {
                command.env(LEAVE_OUT, ALSO_UNDER_MPI);
            }
            run_cases(context, row, command, Cases::Usual)
        } else {
            run(context, row, command)
        }
    }

    /// The cases that need gigabytes of memory, which the usual run ignores.
    fn run_large(&self, context: &Context) -> Row {
        let row = Row::new("tests, large cases");
        if let Err(why) = suites::large_cases_permitted() {
            return row.skipped(why);
        }
        let mut command = self.command();
        command.args(["--ignored", "large::"]);
        run_cases(context, row, command, Cases::Large)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.executable);
        // What cargo would set, as far as the tests use it.
        command
            .current_dir(&self.folder)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .env("CARGO_MANIFEST_DIR", &self.folder)
            .env("CARGO_TARGET_DIR", cargo::target());
        command
    }
}

/// The program that runs the cases of the suite with ranks as threads.
const THREADS: &str = "tests threads";

/// Clusters that the usual run leaves out, because the suite runs on them under MPI. The report names them, and `--proof` has them
/// all.
const ALSO_UNDER_MPI: &str = "2+2;2+2 cyclic";
/// As `shapes::LEFT_OUT` of the tests.
const LEAVE_OUT: &str = "PSHMEM_TEST_LEAVE_OUT";

/// Runs a test program.
fn run(context: &Context, row: Row, command: Command) -> Row {
    announce(&row, LIMIT, &command);
    let log = cargo::log_of(&row.title());
    let outcome = process::run(command, LIMIT, &log, false);
    let row = row.finished(&outcome, |_| Ok(()));
    if context.options.verbose || !row.passed() {
        println!("{}", outcome.output.trim_end());
    }
    row
}

/// Runs the program with the cases of the suite. It passes if each listed case has run on each shape.
fn run_cases(context: &Context, row: Row, mut command: Command, cases: Cases) -> Row {
    let file = cases_of_suite::new_file(&row);
    command.env(cases_of_suite::FILE, &file);
    let row = run(context, row, command);
    match cases_of_suite::read(&file) {
        Ok(named) => counted(row, &named, &context.listed(cases)),
        Err(why) => Row {
            verdict: Verdict::Failed(why),
            ..row
        },
    }
}

/// The row of a test program, some of whose tests are cases of the suite that are counted by name.
fn counted(mut row: Row, named: &Tally, listed: &[&str]) -> Row {
    if let (true, Err(why)) = (row.passed(), named.has_all(listed)) {
        row.verdict = Verdict::Failed(why);
    }
    row.tally = Some(row.tally.unwrap_or_default().named(named));
    row
}

/// The variables of a launcher, and `MPIEXEC` with its words but for the program.
fn under(launcher: &Command) -> Vec<(OsString, OsString)> {
    let words: Vec<&OsStr> = std::iter::once(launcher.get_program())
        .chain(launcher.get_args())
        .collect();
    let words = words[..words.len() - 1].join(OsStr::new(" "));
    let variables = launcher.get_envs();
    variables
        .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())))
        .chain([("MPIEXEC".into(), words)])
        .collect()
}

/// The row of the build, which fails if a test program of the workspace is not among those built: its tests would be missing without
/// a word.
fn all_are_built(row: Row, programs: &[Program]) -> Row {
    let lacks = |name: &&&str| programs.iter().all(|program| program.name != **name);
    match PROGRAMS.iter().find(lacks) {
        None => row,
        Some(name) => Row {
            verdict: Verdict::Failed(format!("cargo has built no test program `{name}`")),
            ..row
        },
    }
}

/// All test programs of the workspace.
const PROGRAMS: [&str; 22] = [
    "pshmem unit",
    "pshmem earth",
    "pshmem testing",
    "pshmem-batch unit",
    "pshmem-batch program",
    "pshmem-derive unit",
    "pshmem-format unit",
    "pshmem-format fuzz_headers",
    "pshmem-format numpy",
    "pshmem-format properties",
    "pshmem-inspect unit",
    "pshmem-inspect program",
    "pshmem-inspect saved",
    "compile_fail compile_fail",
    "only_pshmem unit",
    "tests unit",
    "tests api",
    "tests numpy",
    "tests processes",
    "tests small",
    THREADS,
    "xtask unit",
];

/// The test programs among cargo's messages.
fn programs(output: &str) -> Vec<Program> {
    output.lines().filter_map(Program::from_message).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_learn_how_ranks_are_started() {
        let mut launcher = Command::new("mpirun");
        launcher.args(["-n", "2", "PROGRAM"]).env("A", "1");
        let expected = [("A", "1"), ("MPIEXEC", "mpirun -n 2")];
        assert_eq!(
            under(&launcher),
            expected.map(|(name, value)| (name.into(), value.into()))
        );
    }

    #[test]
    fn a_test_program_that_is_not_built_fails_the_build() {
        let program = |name: &&str| Program {
            name: (*name).to_owned(),
            executable: PathBuf::new(),
            folder: PathBuf::new(),
            environment: Vec::new(),
        };
        let mut all: Vec<Program> = PROGRAMS.iter().map(program).collect();
        assert!(all_are_built(Row::new("build"), &all).passed());
        all.retain(|program| program.name != THREADS);
        let row = all_are_built(Row::new("build"), &all);
        let why = "cargo has built no test program `tests threads`";
        assert_eq!(row.verdict, Verdict::Failed(why.into()));
    }

    #[test]
    fn the_program_with_the_cases_must_run_all_of_them() {
        let row = || Row {
            tally: Tally::of_libtest("test result: ok. 3 passed; 0 failed; 0 ignored"),
            ..Row::new("x")
        };
        let named =
            Tally::of_results("a\t2\tpassed\na\t1+1\tpassed\nb\t2\tpassed\nb\t1+1\tpassed\n");
        let named = named.unwrap();
        let good = counted(row(), &named, &["a", "b"]);
        assert!(good.passed());
        // Two cases on two worlds, and one other test.
        let tally = good.tally.unwrap();
        assert_eq!((tally.cases().passed, tally.worlds().passed), (3, 5));
        assert!(!counted(row(), &named, &["a", "b", "c"]).passed());
        assert!(!counted(row(), &Tally::default(), &["a"]).passed());
    }

    #[test]
    fn test_programs_are_found_among_the_messages() {
        let message = |kind: &str, name: &str, test: bool| {
            serde_json::json!({
                "reason": "compiler-artifact",
                "manifest_path": "/w/tests/Cargo.toml",
                "target": { "kind": [kind], "name": name },
                "profile": { "test": test },
                "executable": format!("/w/target/{name}-1"),
            })
            .to_string()
        };
        let lines = [
            "   Compiling x",
            &message("lib", "x", true),
            &message("test", "api", true),
            &message("bin", "tool", false),
            r#"{"reason":"build-finished","success":true}"#,
        ];
        let program = |name: &str, executable: &str| Program {
            name: name.into(),
            executable: executable.into(),
            folder: "/w/tests".into(),
            environment: Vec::new(),
        };
        assert_eq!(
            programs(&lines.join("\n")),
            [
                program("tests unit", "/w/target/x-1"),
                program("tests api", "/w/target/api-1")
            ]
        );
    }
}
