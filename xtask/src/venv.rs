//! A virtual environment with the Python package for the bench, one per MPI library: mpi4py is built
//! against the library under whose launcher it runs.

use crate::mpi::Mpi;
use crate::{cargo, run};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

/// The versions that the bench is measured against.
const PACKAGES: [&str; 3] = ["numpy==2.2.6", "mpi4py==4.1.2", "pshmem==1.3.5"];

/// mpi4py compiles for some minutes on a slow machine.
const LIMIT: Duration = Duration::from_secs(1200);

/// The interpreter of the environment, made first where it is not there yet.
pub(crate) fn python(mpi: &Mpi) -> Result<PathBuf, String> {
    let folder = cargo::target_of("bench-venv").join(mpi.name);
    let python = folder.join("bin").join("python");
    let stamp = folder.join("made-for");
    let content = format!("{}\n{}\n", PACKAGES.join("\n"), mpi.mpicc);
    if std::fs::read_to_string(&stamp).is_ok_and(|old| old == content) {
        return Ok(python);
    }
    println!(
        "\n== {} with {} in {}",
        PACKAGES.join(", "),
        mpi.mpicc,
        folder.display()
    );
    let mut make = Command::new("python3");
    make.args(["-m", "venv", "--clear"]).arg(&folder);
    call(make)?;
    let mut install = Command::new(&python);
    // A wheel in pip's cache may have been built against the other library.
    install.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-cache-dir",
        "--no-binary",
        "mpi4py",
    ]);
    install.args(PACKAGES).env("MPICC", &mpi.mpicc);
    call(install)?;
    std::fs::write(&stamp, content).map_err(|why| format!("{}: {why}", stamp.display()))?;
    Ok(python)
}

fn call(command: Command) -> Result<(), String> {
    let line = run::line(&command);
    println!("+ {line}");
    let outcome = run::run(command, LIMIT, &cargo::log_of("bench venv"), true);
    outcome.end.check().map_err(|why| format!("{line}: {why}"))
}
