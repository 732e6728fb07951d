//! One MPI call of one rank fails or comes late: the program `injected` beneath `tests/injector/injector.c`, under one MPI library.
//!
//! Each run has to end in time, with the same error on every rank that returns, or with the end of the job and a report that names
//! the MPI function, or with right values. A first run for each layout and rank prints the calls of that rank. `cargo xtask inject`
//! then takes each of them, or as many as there is time for; `cargo xtask test` takes one call of each MPI function.

mod check;
mod list;

use super::commands::cargo_row;
use super::schedule::{Done, Lane, Load, Step};
use super::{checks, suites};
use crate::args::Inject;
use crate::cargo;
use crate::mpi::{self, Mpi};
use crate::process::{self, Outcome};
use crate::report::{Report, Row, Verdict};
use crate::tally::{Count, Tally};
use check::Kind;
use list::{Case, Layout};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// The hard limit of a run. A rank whose window is refused waits up to 30 s for the others.
const LIMIT: Duration = Duration::from_secs(60);
/// What all runs of the sample may take together. Where the machine is slow, some of its cases are left out.
const SAMPLE_LIMIT: Duration = Duration::from_secs(90);

/// Which calls are chosen.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Choice {
    /// One of each MPI function.
    Sample,
    /// All, in an order that the seed chooses. With a limit, as many as it leaves time for under each library.
    All { seed: u64, limit: Option<Duration> },
}

/// `cargo xtask inject`.
pub(crate) fn command(options: &Inject) -> Result<(), String> {
    let mut libraries = Mpi::find_all();
    libraries.retain(|mpi| options.only.as_ref().is_none_or(|name| mpi.is(name)));
    let choice = Choice::All {
        seed: options.seed.unwrap_or(0),
        limit: options.seconds.map(Duration::from_secs),
    };
    if libraries.is_empty() {
        return Err("there is no such MPI library; `cargo xtask setup` installs it".into());
    }
    let mut report = Report::new(true);
    for mpi in &libraries {
        let mut build = cargo::cargo_mpi(mpi);
        build.arg("build").args(checks::selection(Some(mpi)));
        build.args(["--bin", PROGRAM]);
        if report.push(cargo_row(Row::under("build", mpi.name, "-"), build)) {
            for row in rows(mpi, choice) {
                report.push(row);
            }
        }
    }
    print!("{}", report.text());
    report.verdict()
}

/// The sample under one library, with a row for each layout.
pub(super) fn step<'a>(mpi: &Mpi) -> Step<'a> {
    let of = mpi.clone();
    let work = move || Done {
        rows: rows(&of, Choice::Sample),
        ..Done::default()
    };
    match mpi.kind {
        mpi::Kind::Mpich => Step::with_next(Load::cores(2), work).in_lane(Lane::Mpich),
        _ => Step::with_next(Load::CORE, work),
    }
}

fn rows(mpi: &Mpi, choice: Choice) -> Vec<Row> {
    let injector = match compile(mpi) {
        Ok(injector) => injector,
        Err(why) => return vec![Row::under("injected", mpi.name, "-").failed(why)],
    };
    let layouts = list::layouts(mpi);
    let ranks: usize = layouts.iter().map(|layout| layout.count).sum();
    let start = Instant::now();
    let mut seen = Vec::new();
    let mut row = |(index, layout): (usize, &&'static Layout)| {
        // What a layout leaves of its part is for the next ones.
        let parts = (index + 1) as u32;
        let deadline = start + SAMPLE_LIMIT * parts / layouts.len() as u32;
        let step = format!("injected, {}", layout.name);
        let row = Row::under(&step, mpi.name, layout.ranks());
        println!("== {} (at most {} s each)", row.title(), LIMIT.as_secs());
        let runs = Runs {
            mpi,
            injector: &injector,
            layout,
        };
        match choice {
            Choice::Sample => runs.sample(row, &mut seen, deadline),
            Choice::All { seed, limit } => runs.all(row, seed, limit.map(|all| all / ranks as u32)),
        }
    };
    layouts.iter().enumerate().map(&mut row).collect()
}

/// Compiles the injector with the library's compiler.
pub(super) fn compile(mpi: &Mpi) -> Result<PathBuf, String> {
    let object = cargo::target_of(mpi.name).join("injector.so");
    let mut command = Command::new(&mpi.mpicc);
    command
        .envs(mpi.variables())
        .args([
            "-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-pthread", "-o",
        ])
        .arg(&object)
        .arg(cargo::root().join(SOURCE));
    let log = cargo::log_of(&format!("injector {}", mpi.name));
    let outcome = process::run(command, Duration::from_secs(60), &log, false);
    match outcome.end.check() {
        Ok(()) => Ok(object),
        Err(why) => Err(format!("{SOURCE}: {why}\n{}", outcome.output)),
    }
}

const PROGRAM: &str = "injected";
const SOURCE: &str = "tests/injector/injector.c";

/// Runs of the program on one layout.
struct Runs<'a> {
    mpi: &'a Mpi,
    injector: &'a Path,
    layout: &'static Layout,
}

impl Runs<'_> {
    /// Each call of each rank, in each way; for each rank as many as the limit leaves time for.
    fn all(&self, row: Row, seed: u64, limit: Option<Duration>) -> Row {
        let cases = |calls: &[String], rank| list::scattered(list::all(calls, rank), seed);
        self.each(row, cases, || limit.map(|limit| Instant::now() + limit))
    }

    /// One call of each function that is not in `seen`, in different ways.
    fn sample(&self, row: Row, seen: &mut Vec<String>, deadline: Instant) -> Row {
        let ranks = self.layout.count;
        let cases = |calls: &[String], rank| list::sample(calls, rank, ranks, seen);
        self.each(row, cases, || Some(deadline))
    }

    fn each(
        &self,
        mut row: Row,
        mut cases: impl FnMut(&[String], usize) -> Vec<Case>,
        deadline_of_rank: impl Fn() -> Option<Instant>,
    ) -> Row {
        let (mut passed, mut left_out, mut failures) = (0, 0, Vec::new());
        for rank in 0..self.layout.count {
            let deadline = deadline_of_rank();
            let counting = Case {
                rank,
                call: 0,
                kind: Kind::Count,
            };
            let counted = self.run(&counting);
            row.seconds += counted.seconds;
            let calls = match check::calls(&counted, self.layout.count) {
                Ok(calls) => calls,
                Err(why) => {
                    failures.push(self.explain(&counting, &counted, &why));
                    continue;
                }
            };
            for case in cases(&calls, rank) {
                if deadline.is_some_and(|deadline| Instant::now() > deadline) {
                    left_out += 1;
                    continue;
                }
                let outcome = self.run(&case);
                row.seconds += outcome.seconds;
                match check::check(&outcome, self.layout.count, case.kind) {
                    Ok(()) => passed += 1,
                    Err(why) => failures.push(self.explain(&case, &outcome, &why)),
                }
            }
        }
        let worlds = Count::new(passed, failures.len() as u64, left_out);
        let mut tally = Tally::case(&row.step, worlds);
        if left_out > 0 {
            tally.leave_out(format!(
                "{left_out} calls, because the time for them was over"
            ));
        }
        row.tally = Some(tally);
        if !failures.is_empty() {
            row.verdict = Verdict::Failed(failures.join("; "));
        }
        row
    }

    /// The program's ranks get the injector, the launcher does not.
    fn command(&self, case: &Case) -> Command {
        let mut command = self.mpi.launch(self.layout.count, Path::new("env"));
        command
            .arg(format!("LD_PRELOAD={}", self.injector.display()))
            .args(case.variables())
            .args(self.layout.variables)
            .arg(suites::program(self.mpi, PROGRAM));
        command
            .current_dir(cargo::root())
            .env("RUST_BACKTRACE", "0")
            .env("PSHMEM_HANG_REPORT", "20")
            .env_remove("PSHMEM_HANG_ABORT");
        command
    }

    fn run(&self, case: &Case) -> Outcome {
        let log = cargo::log_of(&format!("injected {}", self.mpi.name));
        process::run(self.command(case), LIMIT, &log, false)
    }

    /// Prints what a failed run printed, and how to repeat it. Returns its name with the reason.
    fn explain(&self, case: &Case, outcome: &Outcome, why: &str) -> String {
        let text = format!("{case}: {why}");
        println!("{}", outcome.output.trim_end());
        println!(
            "-- FAILED: {text}\n   {}",
            process::command_line(&self.command(case))
        );
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn read(file: &Path) -> String {
        std::fs::read_to_string(file).unwrap()
    }

    /// Names between `before` and `after`.
    fn names<'a>(text: &'a str, before: &str, after: char) -> BTreeSet<&'a str> {
        text.split(before)
            .skip(1)
            .filter_map(|rest| {
                let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_')?;
                rest[end..].starts_with(after).then_some(&rest[..end])
            })
            .collect()
    }

    #[test]
    fn the_injector_has_every_function_that_the_library_calls() {
        let list = cargo::root().join("pshmem/src/transport/mpi/api/functions.rs");
        let source = read(&list);
        let injector = read(&cargo::root().join(SOURCE));
        let mut defined = names(&injector, "\nCALL(", ',');
        defined.extend(names(&injector, "\nPOLL(", ','));
        // They end the job, or describe an error that another function has returned.
        defined.extend(["Abort", "Error_class", "Error_string"]);
        // No rank can be told before MPI has started, or after it has ended.
        defined.extend(["Init_thread", "Initialized", "Finalize"]);
        // For messages only.
        defined.insert("Get_library_version");
        let called = names(&source, " = MPI_", '(');
        assert!(called.len() > 30, "{called:?}");
        assert_eq!(called, defined);
    }
}
