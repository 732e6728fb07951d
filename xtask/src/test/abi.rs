//! Feature `mpi-abi`: one program, built without any MPI library, under each library that has the standard ABI.

use super::cases_of_suite::{self, Cases};
use super::commands::cargo_row;
use super::schedule::{Done, Lane, Load, Step};
use super::{Context, bad_library, suites};
use crate::cargo;
use crate::mpi::Mpi;
use crate::report::Row;
use std::path::PathBuf;
use std::process::Command;

/// The libraries of `setup::libraries` that have the ABI.
const LIBRARIES: [&str; 2] = ["mpich5", "impi"];

/// The folder of the program.
const FOLDER: &str = "abi";

/// Builds the program; what runs it follows. None where no library has the ABI.
pub(super) fn step<'a>(context: &'a Context, libraries: &[Mpi]) -> Option<Step<'a>> {
    let mut libraries = libraries.to_vec();
    libraries.retain(|mpi| LIBRARIES.contains(&mpi.name));
    if libraries.is_empty() {
        return None;
    }
    let build = move || {
        let row = build();
        let runs = libraries
            .iter()
            .flat_map(|mpi| steps(context, mpi, &libraries));
        Done {
            next: if row.passed() {
                runs.collect()
            } else {
                Vec::new()
            },
            rows: vec![row],
            ..Done::default()
        }
    };
    Some(Step::with_next(Load::CORE, build).in_lane(Lane::Cargo))
}

fn cargo_abi() -> Command {
    let mut command = cargo::cargo();
    command
        .env("CARGO_TARGET_DIR", cargo::target_of(FOLDER))
        .env("CARGO_BUILD_BUILD_DIR", cargo::target());
    command
}

fn build() -> Row {
    let mut command = cargo_abi();
    command.args([
        "build",
        "-p",
        "pshmem-tests",
        "--features",
        "mpi-abi,pshmem/sprs",
        "--bin",
        "suite",
        "-p",
        "pshmem",
        "--example",
        "quickstart",
    ]);
    cargo_row(Row::under("build", "mpi-abi", "-"), command)
}

fn steps<'a>(context: &'a Context, mpi: &Mpi, libraries: &[Mpi]) -> Vec<Step<'a>> {
    let (of_suite, of_tests) = (mpi.clone(), mpi.clone());
    let mut steps = vec![suites::step(mpi, 2, move || suite(context, &of_suite))];
    if context.options.filter.is_none() {
        let (mpi, libraries) = (mpi.clone(), libraries.to_vec());
        let bad = move || Done {
            rows: bad_library::rows(&mpi, &libraries, &program("examples/quickstart")),
            ..Done::default()
        };
        steps.push(Step::with_next(Load::cores(2), bad).in_lane(Lane::Mpich));
        steps.push(Step::new(Load::CORE, move || unit_tests(&of_tests)).in_lane(Lane::Cargo));
    }
    steps
}

/// A program of this build.
fn program(name: &str) -> PathBuf {
    cargo::target_of(FOLDER).join(cargo::DEV).join(name)
}

/// Unit tests that need the library's header, and one process under its launcher.
fn unit_tests(mpi: &Mpi) -> Row {
    let launcher = format!("{:?}", [mpi.launcher.as_str(), "-n", "1"]);
    let mut command = cargo_abi();
    command
        .args([
            "--config",
            &format!("target.'cfg(all())'.runner={launcher}"),
        ])
        .args([
            "test",
            "-p",
            "pshmem",
            "--lib",
            "--features",
            "mpi-abi,sprs",
        ])
        .args(["--", "--ignored", "--test-threads", "1", "transport::mpi"])
        .envs(mpi.variables())
        .env("PSHMEM_TEST_ABI_HEADER", mpi.folder().join("include"));
    cargo_row(Row::under("unit tests, mpi-abi", mpi.name, "1"), command)
}

fn suite(context: &Context, mpi: &Mpi) -> Row {
    let mut command = mpi.launch(2, &program("suite"));
    command.args(&context.options.filter);
    let row = Row::under("suite, mpi-abi", mpi.name, "2");
    let listed = context.listed(Cases::Usual);
    cases_of_suite::run(
        row,
        command,
        suites::LIMIT,
        context.options.verbose,
        &listed,
    )
}
