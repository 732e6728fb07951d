//! A virtual environment with the Python package, one for each MPI library: mpi4py has to use the library under whose
//! launcher it runs.

use crate::mpi::{Kind, Mpi};
use crate::{cargo, process};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// The versions that the bench is measured against.
const PACKAGES: [&str; 3] = ["numpy==2.2.6", "mpi4py==4.1.2", "pshmem==1.3.5"];

/// mpi4py compiles for some minutes on a slow machine.
const LIMIT: Duration = Duration::from_secs(1200);

/// The interpreter of the environment, which is made first where it is not there yet.
pub(crate) fn python(mpi: &Mpi) -> Result<PathBuf, String> {
    let folder = cargo::target_of("bench-venv").join(mpi.name);
    let python = folder.join("bin").join("python");
    let stamp = folder.join("made-for");
    let content = format!("{}\n{}\n", PACKAGES.join("\n"), mpi.mpicc);
    if std::fs::read_to_string(&stamp).is_ok_and(|old| old == content) {
        return Ok(python);
    }
    println!(
        "\n== {} for {} in {}",
        PACKAGES.join(", "),
        mpi.name,
        folder.display()
    );
    let mut make = Command::new("python3");
    make.args(["-m", "venv", "--clear"]).arg(&folder);
    call(make)?;
    call(pip(&python, &PACKAGES))?;
    // mpi4py's wheel looks for the library under the name that its makers give it; Debian's MPICH has
    // another, and then only mpi4py built here finds it.
    if call(import(mpi, &python)).is_err() {
        println!("The wheel of mpi4py does not find this library: building mpi4py, some minutes.");
        let mut build = pip(&python, &[]);
        // A wheel in pip's cache may have been built against the other library.
        build.args([
            "--force-reinstall",
            "--no-deps",
            "--no-cache-dir",
            "--no-binary",
            "mpi4py",
        ]);
        build.args(PACKAGES.iter().filter(|name| name.starts_with("mpi4py")));
        build.env("MPICC", &mpi.mpicc);
        call(build)?;
        call(import(mpi, &python))?;
    }
    std::fs::write(&stamp, content).map_err(|why| format!("{}: {why}", stamp.display()))?;
    Ok(python)
}

/// `python` under the launcher, with mpi4py's wheel told which library to take.
pub(crate) fn launch(mpi: &Mpi, ranks: usize, python: &Path) -> Command {
    let mut command = mpi.launch(ranks, python);
    match mpi.kind {
        Kind::OpenMpi => command.env("MPI4PY_MPIABI", "openmpi"),
        Kind::Mpich => command.env("MPI4PY_MPIABI", "mpich"),
        Kind::Other => &mut command,
    };
    command
}

fn import(mpi: &Mpi, python: &Path) -> Command {
    let mut command = launch(mpi, 2, python);
    command.args([
        "-c",
        "from mpi4py import MPI; assert MPI.COMM_WORLD.size == 2",
    ]);
    command
}

fn pip(python: &Path, packages: &[&str]) -> Command {
    let mut command = Command::new(python);
    command
        .args(["-m", "pip", "install", "--quiet"])
        .args(packages);
    command
}

fn call(command: Command) -> Result<(), String> {
    let line = process::command_line(&command);
    println!("+ {line}");
    let outcome = process::run(command, LIMIT, &cargo::log_of("bench venv"), true);
    outcome.end.check().map_err(|why| format!("{line}: {why}"))
}
