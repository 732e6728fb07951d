//! The examples as tests: `quickstart` prints what its comments promise; `earth`, `heat` and `skymap` give the same
//! answers with ranks as threads and under every MPI library, whatever the number of ranks.

use crate::mpi::{Kind, Mpi};
use crate::outputs::{self, Earth};
use crate::report::{Report, Row};
use crate::suites::checked;
use crate::{cargo, steps};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

/// The hard limit of one run.
const LIMIT: Duration = Duration::from_secs(90);

/// What earth found with ranks as threads: every other run is compared with it.
pub(crate) type Reference = Result<Earth, String>;

/// Builds and runs the examples without MPI.
pub(crate) fn on_threads(verbose: bool, report: &mut Report) -> Reference {
    let mut build = cargo::cargo(&cargo::target());
    // As the step `tests` has built them already: for the same packages, or features of dependencies differ.
    build.args([
        "build",
        "--profile",
        cargo::SUITE,
        "--workspace",
        "--examples",
    ]);
    if !report.push(steps::cargo_row(Row::new("build examples"), build)) {
        return Err("the example was not built".into());
    }
    let program = |name: &str, shape: &str| {
        let mut command = Command::new(
            cargo::target()
                .join(cargo::SUITE)
                .join("examples")
                .join(name),
        );
        command.env("PSHMEM_LOCAL", shape);
        command
    };
    report.push(quickstart(
        program("quickstart", "4"),
        "threads",
        4,
        verbose,
    ));

    report.push(lock(program("lock", "2+2"), "threads", verbose));
    let shape = "2+1";
    report.push(heat(program("heat", shape), "threads", shape, verbose));
    report.push(skymap(program("skymap", shape), "threads", shape, verbose));
    report.push(batch(program("batch", "2+2"), "threads", verbose));
    let mut reference = Err("the example failed".into());
    let check = |earth: Earth| {
        reference = Ok(earth);
        Ok(())
    };
    report.push(earth(program("earth", "3"), "threads", "3", verbose, check));
    let check = |earth: Earth| earth.same_as(reference.as_ref()?);
    report.push(earth(
        program("earth", "2+1"),
        "threads",
        "2+1",
        verbose,
        check,
    ));
    let mut bands = program("earth", "1+2");
    bands
        .args(["--bands", "6", "--dir"])
        .arg(fresh("earth-bands"));
    let check = |earth: Earth| earth.same_as(reference.as_ref()?);
    report.push(earth(bands, "threads", "1+2, bands", verbose, check));
    reference
}

/// A directory that no earlier run has left anything in.
fn fresh(name: &str) -> PathBuf {
    let dir = cargo::log_of(name).with_extension("d");
    let _ = std::fs::remove_dir_all(&dir);
    dir
}

/// Runs the examples, already built, under `mpi`.
pub(crate) fn under(mpi: &Mpi, reference: &Reference, verbose: bool, report: &mut Report) {
    let program = |name: &str, ranks: usize| {
        mpi.launch(
            ranks,
            &cargo::built(mpi, cargo::SUITE, &format!("examples/{name}")),
        )
    };
    for ranks in if mpi.kind == Kind::Mpich {
        &[2, 4][..]
    } else {
        &[4]
    } {
        report.push(quickstart(
            program("quickstart", *ranks),
            mpi.name,
            *ranks,
            verbose,
        ));
    }
    report.push(lock(program("lock", 4), mpi.name, verbose));
    report.push(heat(program("heat", 2), mpi.name, "2", verbose));
    report.push(skymap(program("skymap", 2), mpi.name, "2", verbose));
    report.push(batch(program("batch", 4), mpi.name, verbose));
    for ranks in [1, 4] {
        let check = |earth: Earth| earth.same_as(reference.as_ref()?);
        report.push(earth(
            program("earth", ranks),
            mpi.name,
            &ranks.to_string(),
            verbose,
            check,
        ));
    }
}

fn quickstart(command: Command, library: &str, ranks: usize, verbose: bool) -> Row {
    let row = Row::under("example quickstart", library, &ranks.to_string());
    checked(row, command, LIMIT, verbose, |output| {
        outputs::quickstart(output, ranks)
    })
}

/// With four ranks.
fn lock(command: Command, library: &str, verbose: bool) -> Row {
    let row = Row::under("example lock", library, "4");
    checked(row, command, LIMIT, verbose, outputs::lock)
}

/// Few steps: each is a collective call.
fn heat(mut command: Command, library: &str, ranks: &str, verbose: bool) -> Row {
    command.arg("100");
    let row = Row::under("example heat", library, ranks);
    checked(row, command, LIMIT, verbose, outputs::heat)
}

fn skymap(command: Command, library: &str, ranks: &str, verbose: bool) -> Row {
    let row = Row::under("example skymap", library, ranks);
    checked(row, command, LIMIT, verbose, outputs::skymap)
}

/// With four ranks.
fn batch(mut command: Command, library: &str, verbose: bool) -> Row {
    let row = Row::under("example batch", library, "4");
    command.arg(fresh(&row.title())).arg("20");
    checked(row, command, LIMIT, verbose, outputs::batch)
}

fn earth(
    mut command: Command,
    library: &str,
    ranks: &str,
    verbose: bool,
    check: impl FnOnce(Earth) -> Result<(), String>,
) -> Row {
    let row = Row::under("example earth", library, ranks);
    let map = cargo::log_of(&row.title()).with_extension("png");
    // A picture from an earlier run must not pass for this one's.
    let _ = std::fs::remove_file(&map);
    command.args(outputs::EARTH_ARGS).arg("--map").arg(&map);
    checked(row, command, LIMIT, verbose, |output| {
        check(Earth::read(output, &map)?)
    })
}
