//! `cargo xtask demo`: the example `earth` under each MPI library that is there, else with ranks as threads.

use crate::mpi::{Kind, Mpi};
use crate::setup::requirements::{Requirement, instructions};
use crate::{cargo, process, setup};
use std::ffi::OsString;
use std::process::Command;

/// The command; `arguments` go to the example.
pub(crate) fn command(arguments: &[OsString]) -> Result<(), String> {
    let libraries = Mpi::find_all();
    let mut missing = setup::missing(&[Requirement::LibClang]);
    if libraries.is_empty() {
        missing.insert(0, Requirement::OpenMpi);
    }
    if !missing.is_empty() {
        println!("{}", instructions(&missing));
        println!(
            "`cargo xtask setup` installs it where it may. Until then: four ranks as threads.\n"
        );
        return on_threads(arguments);
    }
    for mpi in &libraries {
        // MPICH's waiting ranks keep their cores busy: no more of them than a laptop has cores.
        let ranks = if mpi.kind == Kind::Mpich { 2 } else { 4 };
        let mut build = cargo::cargo_mpi(mpi);
        build.args([
            "build",
            "--release",
            "-p",
            "pshmem",
            "--features",
            "mpi",
            "--example",
            "earth",
        ]);
        shown(build)?;
        let mut earth = mpi.launch(ranks, &cargo::built(mpi, "release", "examples/earth"));
        earth.args(arguments);
        shown(earth)?;
    }
    Ok(())
}

fn on_threads(arguments: &[OsString]) -> Result<(), String> {
    let mut command = cargo::cargo();
    command
        .args([
            "run",
            "--release",
            "-p",
            "pshmem",
            "--example",
            "earth",
            "--",
        ])
        .args(arguments);
    if std::env::var_os("PSHMEM_LOCAL").is_none() {
        command.env("PSHMEM_LOCAL", "4");
    }
    shown(command)
}

/// Runs on our own terminal, so that progress bars draw and Ctrl-C reaches the program.
fn shown(mut command: Command) -> Result<(), String> {
    let line = process::command_line(&command);
    println!("+ {line}");
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{line}: {status}")),
        Err(why) => Err(format!("{line}: {why}")),
    }
}
