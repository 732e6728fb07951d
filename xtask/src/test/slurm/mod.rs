//! `cargo xtask slurm`: programs under a real Slurm, whose daemons run on this machine for as long as the command does.
//!
//! - `daemons` starts and ends Slurm · `configuration` what it reads
//! - `rows` what is run under it, `batches` batches among that, and `jobs` what these rows share

mod batches;
mod configuration;
mod daemons;
mod jobs;
mod rows;

use super::commands::cargo_row;
use super::permissions::Permission;
use super::{checks, suites};
use crate::args::Slurm;
use crate::cargo;
use crate::mpi::{Kind, Mpi};
use crate::report::{Report, Row};
use crate::setup::{self, requirements::Requirement};
use daemons::Daemons;

/// The programs that run under Slurm.
const PROGRAMS: [&str; 2] = ["suite", "jobs"];

/// The command.
pub(crate) fn command(options: &Slurm) -> Result<(), String> {
    let required = [
        Requirement::Slurm,
        Requirement::LibClang,
        Requirement::OpenMpi,
        Requirement::Mpich,
    ];
    let missing = setup::prepare(&required, false);
    if !missing.is_empty() {
        return Err(setup::requirements::instructions(&missing));
    }
    if !setup::is_root() {
        return Err(
            "Slurm starts the tasks of its users, so `cargo xtask slurm` needs root".into(),
        );
    }
    Permission::Mounts.check()?;
    let mut libraries = Mpi::find_all();
    libraries.retain(|mpi| options.only.as_ref().is_none_or(|name| mpi.is(name)));
    let mut report = Report::new(true);
    libraries.retain(|mpi| report.push(build(mpi)));
    let daemons = match Daemons::start() {
        Ok(daemons) => daemons,
        Err(why) => {
            report.push(Row::new("start of Slurm").failed(why));
            print!("{}", report.text());
            return report.verdict();
        }
    };
    for mpi in &libraries {
        let is_chosen = |name: &str| {
            options
                .filter
                .as_ref()
                .is_none_or(|part| name.contains(part))
        };
        for (name, row) in rows::all(&daemons, mpi) {
            if is_chosen(&name) {
                report.push(row());
            }
        }
    }
    print!("{}", report.text());
    report.verdict()
}

fn build(mpi: &Mpi) -> Row {
    let mut command = cargo::cargo_mpi(mpi);
    command
        .arg("build")
        .args(checks::selection(Some(mpi)))
        .args(["--example", "quickstart"]);
    for program in PROGRAMS {
        command.args(["--bin", program]);
    }
    cargo_row(Row::under("build", mpi.name, "-"), command)
}

/// How `srun` has to tell a library about the job.
fn plugin(mpi: &Mpi) -> &'static str {
    match mpi.kind {
        Kind::OpenMpi => "pmix",
        Kind::Mpich | Kind::Other => "pmi2",
    }
}

/// Values of `--mpi` that do not fit, and what the program says then: Open MPI ends the process in `MPI_Init`, so that it is said
/// before, while MPICH sees it alone.
fn wrong_plugins(mpi: &Mpi) -> (&'static [&'static str], &'static str) {
    match mpi.kind {
        Kind::OpenMpi => (
            &["none", "pmi2"],
            "`srun` has started 2 processes in a way in which Open MPI",
        ),
        Kind::Mpich | Kind::Other => (
            &["none", "pmix"],
            "`srun` has started 2 processes, but MPI sees only one: the program uses",
        ),
    }
}

/// A program that has been built for a library.
fn program(mpi: &Mpi, name: &str) -> String {
    suites::program(mpi, name).to_string_lossy().into_owned()
}
