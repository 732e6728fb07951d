//! `cargo xtask test`: all steps. A failure stops nothing but what depends on it; the table at the end shows every step.
//!
//! - `schedule` which steps run side by side · `commands` running one command
//! - `checks` one call of cargo each · `cargo_tests` what `cargo test` runs · `packages`, `licences`, `repository` what is published
//! - `suites` the suite under an MPI library · `abi` one program under several, `bad_library` or under one that is bad · `cases_of_suite` whether all its cases ran
//! - `simulated_nodes` several nodes on this machine · `programs` with one purpose each
//! - `examples`, and `example_output` what they have to print · `python` the Python package
//! - `faults` jobs in which a rank fails, and `leftovers` what runs leave behind · `injector` jobs in which an MPI call fails
//! - `slurm` a batch system, `formats` examples of other formats, each with its own command
//! - `permissions` what the machine allows · `memory_cgroup` a cgroup with little memory

mod abi;
mod bad_library;
mod cargo_tests;
pub(crate) mod cases_of_suite;
mod checks;
pub(crate) mod commands;
mod example_output;
mod examples;
mod faults;
pub(crate) mod formats;
pub(crate) mod injector;
mod leftovers;
mod licences;
mod memory_cgroup;
mod packages;
mod permissions;
mod programs;
mod python;
mod repository;
mod schedule;
mod simulated_nodes;
pub(crate) mod slurm;
mod suites;

use crate::mpi::Mpi;
use crate::report::{Report, Row, Verdict};
use crate::setup::requirements::{Requirement, instructions};
use crate::{args, sanitizers, setup};
use cases_of_suite::Cases;
use example_output::Earth;
use permissions::Permission;
use schedule::{Done, Lane, Load, Step};
use std::sync::Mutex;
use std::time::Instant;

/// What all steps can see.
struct Context {
    options: args::Test,
    /// What the first run of the example `earth` found; all others have to find the same.
    earth: Mutex<Option<Earth>>,
}

/// The command.
pub(crate) fn command(options: args::Test) -> Result<(), String> {
    let mut report = Report::new(options.strict);
    let context = Context {
        options,
        earth: Mutex::default(),
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    schedule::run(first_steps(&context), cores, &mut report);
    print!("{}", report.text());
    report.verdict()
}

impl Context {
    /// The cases of a list that the filter selects.
    fn listed(&self, cases: Cases) -> Vec<&'static str> {
        let filter: Vec<&str> = self.options.filter.iter().map(String::as_str).collect();
        cases.listed(&filter)
    }

    /// Whether all checks are asked for, not only some tests.
    fn is_complete(&self) -> bool {
        self.options.filter.is_none() && self.options.nodes.is_none() && !self.options.mpi_only
    }

    /// Whether the tests that `cargo test` runs are asked for.
    fn has_cargo_tests(&self) -> bool {
        self.options.nodes.is_none() && !self.options.mpi_only
    }
}

/// The steps that depend on no other step.
fn first_steps(context: &Context) -> Vec<Step<'_>> {
    let mut steps = Vec::new();
    if context.options.no_mpi {
        steps.extend(with_libraries(context, &[]));
    } else {
        steps.push(Step::with_next(Load::WAITING, || prepare(context)));
    }
    if context.is_complete() {
        let cargo = |check: fn() -> Row| Step::new(Load::CORE, check).in_lane(Lane::Cargo);
        steps.push(Step::new(Load::WAITING, repository::large_files));
        // First, because it has a build folder of its own: the longest build begins beside it, as soon as the libraries are there.
        steps.push(Step::new(Load::CORE, checks::oldest_rust));
        steps.push(cargo(checks::docs));
        steps.push(cargo(packages::dry_run));
        steps.push(cargo(checks::loom));
        steps.push(Step::new(Load::WAITING, licences::allowed));
        if context.options.proof {
            let miri = sanitizers::Tool::Miri {
                seeds: sanitizers::SEEDS,
            };
            for tool in [sanitizers::Tool::Tsan, miri] {
                steps.push(Step::with_next(Load::CORE, move || Done {
                    rows: tool.short(),
                    ..Done::default()
                }));
            }
        }
    }
    steps
}

/// Installs what is missing. What needs an MPI library, or the components of Rust that may be missing, follows.
fn prepare(context: &Context) -> Done<'_> {
    let options = &context.options;
    let is_wanted = |name: &str| {
        options.only.as_deref().is_none_or(|only| only == name)
            && options
                .libraries
                .as_ref()
                .is_none_or(|names| names.contains(&name))
    };
    // Without iproute2 the runs on simulated nodes are skipped, with a row that says so.
    let mut required = vec![Requirement::LibClang, Requirement::Iproute2];
    if context.has_cargo_tests() {
        required.push(Requirement::RustComponents);
    }
    let apart: Vec<&str> = setup::libraries::names()
        .filter(|name| options.libraries.is_some() && is_wanted(name))
        .collect();
    if !apart.is_empty() {
        required.push(Requirement::Python);
    }
    for (name, library) in [
        ("openmpi", Requirement::OpenMpi),
        ("mpich", Requirement::Mpich),
    ] {
        if is_wanted(name) {
            required.push(library);
        }
    }
    let start = Instant::now();
    let mut missing = setup::prepare(&required, options.verbose);
    missing.retain(|requirement| *requirement != Requirement::Iproute2);
    let mut row = Row {
        seconds: start.elapsed().as_secs_f64(),
        ..Row::new("setup")
    };
    if !missing.is_empty() {
        println!("\n{}", instructions(&missing));
        row.verdict = Verdict::Failed("something is missing; what to type is printed above".into());
    }

    let mut libraries = Mpi::find_all();
    for mpi in libraries.iter().filter(|mpi| mpi.name == "default") {
        println!(
            "Only one MPI library goes by the usual names ({}, {}): used as `default`.",
            mpi.mpicc, mpi.launcher
        );
    }
    libraries.retain(|mpi| options.only.as_deref().is_none_or(|name| mpi.is(name)));
    if let Some(names) = &options.libraries {
        libraries.retain(|mpi| names.iter().any(|name| mpi.is(name)));
    }
    let mut rows = vec![row, private_shm()];
    for name in apart {
        match setup::libraries::library(name) {
            Ok(mpi) => libraries.push(mpi),
            Err(why) => rows.push(Row::under("installation", name, "-").failed(why)),
        }
    }
    if missing.contains(&Requirement::LibClang) {
        libraries.clear();
        let row = Row::new("suites and examples");
        rows.push(row.skipped("feature `mpi` cannot be built without libclang"));
    }
    Done {
        rows,
        next: with_libraries(context, &libraries),
        ..Done::default()
    }
}

/// Whether runs get a `/dev/shm` of their own.
fn private_shm() -> Row {
    let row = Row::new("private /dev/shm");
    match Permission::Mounts.check() {
        Ok(()) => row,
        Err(why) => row.skipped(format!(
            "{why}: what runs leave in /dev/shm is not looked at"
        )),
    }
}

/// The steps that depend on which libraries there are.
fn with_libraries<'a>(context: &'a Context, libraries: &[Mpi]) -> Vec<Step<'a>> {
    let mut steps = Vec::new();
    let first = libraries.first().cloned();
    if context.is_complete() {
        steps.push(Step::new(Load::WAITING, checks::format));
    }
    // The tests are run once, in the build with the first library: whether ranks are threads is decided when they start.
    if context.has_cargo_tests() {
        let first = first.clone();
        let build = move || build_tests(context, first.as_ref());
        steps.push(Step::with_next(Load::CORE, build).in_lane(Lane::Cargo));
    }
    let built_with_tests = usize::from(context.has_cargo_tests());
    for mpi in &libraries[built_with_tests.min(libraries.len())..] {
        let mpi = mpi.clone();
        let build = move || suites::build(context, &mpi);
        steps.push(Step::with_next(Load::CORE, build).in_lane(Lane::Cargo));
    }
    steps.extend(abi::step(context, libraries));
    if context.is_complete() {
        let mpi = first.clone();
        let lints = move || checks::lints(mpi.as_ref());
        steps.push(Step::new(Load::CORE, lints).in_lane(Lane::Cargo));
        steps.push(Step::new(Load::CORE, checks::lints_without_features).in_lane(Lane::Cargo));
        if !context.options.no_mpi {
            // Without MPI nothing is installed.
            let mpi = first.clone();
            let numpy = move || python::numpy(mpi.as_ref());
            steps.push(Step::new(Load::CORE, numpy).in_lane(Lane::Cargo));
        }
        if context.options.proof {
            let directories = move || python::directories(first.as_ref());
            steps.push(Step::new(Load::CORE, directories).in_lane(Lane::Cargo));
        }
    }
    steps
}

/// Builds all tests; they follow, and what runs under `mpi`.
fn build_tests<'a>(context: &'a Context, mpi: Option<&Mpi>) -> Done<'a> {
    let (row, tests) = cargo_tests::build(context, mpi);
    let mut next = Vec::new();
    if row.passed() {
        next.extend(mpi.into_iter().flat_map(|mpi| suites::steps(context, mpi)));
        if context.is_complete() {
            next.extend(examples::on_threads(context, mpi));
        }
        next.extend(tests);
    }
    Done {
        rows: vec![row],
        next,
        ..Done::default()
    }
}
