//! `cargo xtask bench`: runs the Rust bench and the Python bench under each MPI library, and writes a table that compares them.
//! What is measured is in `tests/src/bin/bench/` and `xtask/bench/pshmem_bench.py`.
//!
//! - `table` measurements side by side · `variants` what settings cost or save

mod table;
mod variants;

use crate::mpi::Mpi;
use crate::setup::python_env;
use crate::setup::requirements::{Requirement, instructions};
use crate::{args, cargo, process, setup};
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use table::Table;

const RANKS: [usize; 2] = [2, 4];

/// The hard limit of one run: MPICH's barrier takes 9 ms where ranks outnumber cores.
const LIMIT: Duration = Duration::from_secs(600);

const PYTHON_BENCH: &str = "xtask/bench/pshmem_bench.py";

/// Its rows, named as in the Rust bench.
const PYTHON_ROWS: [&str; 13] = [
    "set 64 B",
    "set 8 KiB",
    "set 256 MiB",
    "create and drop 8 KiB",
    "lock and unlock",
    "lock and unlock, mpi4py",
    "task of 100",
    "task of 4000",
    "task of 4000, mpi4py",
    "save 1024 MiB in memory",
    "load 1024 MiB in memory",
    "save 1024 MiB on a disk",
    "load 1024 MiB on a disk",
];

/// The hard limit of one of them; they take a few seconds.
const PYTHON_LIMIT: Duration = Duration::from_secs(90);

/// The command.
pub(crate) fn command(options: &args::Bench) -> Result<(), String> {
    let libraries = prepare(options)?;
    let mut sections = vec![format!("# Bench\n\n{}\n", machine())];
    let mut problems = Vec::new();
    for mpi in &libraries {
        let mut build = cargo::cargo_mpi(mpi);
        build.args([
            "build",
            "--release",
            "-p",
            "pshmem-tests",
            "--features",
            "mpi",
            "--bin",
            "bench",
        ]);
        measure(build, "bench build", cargo::LIMIT)?;
        let python = if options.no_python {
            None
        } else {
            note(python_env::python(mpi), &mut problems)
        };
        for ranks in RANKS {
            let table = contenders(mpi, ranks, python.as_deref(), &mut problems);
            let section = format!("## {}, {ranks} ranks\n\n{}", version(mpi), table.markdown());
            println!("\n{section}");
            sections.push(section);
        }
    }
    // The checks are the same on every transport: ranks as threads.
    let mut threads = cargo::cargo();
    threads.args(["build", "--release", "-p", "pshmem-tests", "--bin", "bench"]);
    measure(threads, "bench build", cargo::LIMIT)?;
    let on_threads = || {
        let mut command = Command::new(cargo::target().join("release").join("bench"));
        command.env("PSHMEM_LOCAL", "2");
        command
    };
    let table = variants::CHECKS.table(on_threads, measure);
    add(
        &mut sections,
        &variants::CHECKS,
        "ranks as threads",
        note(table, &mut problems),
    );
    for mpi in &libraries {
        let launch = || mpi.launch(2, &cargo::built(mpi, "release", "bench"));
        let table = note(variants::MEMORY.table(launch, measure), &mut problems);
        add(&mut sections, &variants::MEMORY, &version(mpi), table);
    }
    let file = cargo::target().join("bench.md");
    std::fs::write(&file, sections.join("\n"))
        .map_err(|why| format!("{}: {why}", file.display()))?;
    println!("Written to {}", file.display());
    if problems.is_empty() {
        Ok(())
    } else {
        Err(problems.join("\n"))
    }
}

/// Adds the table of a comparison to the sections, if there is one.
fn add(sections: &mut Vec<String>, of: &variants::Comparison, place: &str, table: Option<Table>) {
    if let Some(table) = table {
        let section = format!("## {}, {place}, 2 ranks\n\n{}", of.title, table.markdown());
        println!("\n{section}");
        sections.push(section);
    }
}

/// Our bench, which also measures raw MPI and memcpy, and then Python's.
fn contenders(mpi: &Mpi, ranks: usize, python: Option<&Path>, problems: &mut Vec<String>) -> Table {
    let mut table = Table::default();
    let ours = mpi.launch(ranks, &cargo::built(mpi, "release", "bench"));
    if let Some(output) = note(measure(ours, "bench", LIMIT), problems) {
        table.read(&output);
    }
    let Some(python) = python else { return table };
    // One run for each row: the package's lock fails under MPICH, and that must not cost the others.
    for row in PYTHON_ROWS {
        let mut theirs = python_env::launch(mpi, ranks, python);
        // Run by mpi4py, an exception on one rank ends all of them.
        theirs
            .args(["-m", "mpi4py"])
            .arg(cargo::root().join(PYTHON_BENCH))
            .arg(row);
        match measure(theirs, "bench python", PYTHON_LIMIT) {
            Ok(output) => table.read(&output),
            Err(why) => {
                println!("{why}");
                table.failed(row, "python");
            }
        }
    }
    table
}

fn prepare(options: &args::Bench) -> Result<Vec<Mpi>, String> {
    let mut required = vec![Requirement::LibClang];
    let only = options.only.as_deref();
    let wanted = |name: &str| only.is_none_or(|only| only == name);
    required.extend(wanted("openmpi").then_some(Requirement::OpenMpi));
    required.extend(wanted("mpich").then_some(Requirement::Mpich));
    required.extend((!options.no_python).then_some(Requirement::Python));
    let missing = setup::prepare(&required, true);
    if missing.is_empty() {
        Ok(Mpi::find_all()
            .into_iter()
            .filter(|mpi| only.is_none_or(|name| mpi.is(name)))
            .collect())
    } else {
        Err(instructions(&missing))
    }
}

/// Keeps going where one part of the comparison fails; the command fails at the end.
fn note<T>(result: Result<T, String>, problems: &mut Vec<String>) -> Option<T> {
    result
        .inspect_err(|why| {
            println!("{why}");
            problems.push(why.clone());
        })
        .ok()
}

fn measure(command: Command, name: &str, limit: Duration) -> Result<String, String> {
    let line = process::command_line(&command);
    println!("+ {line}");
    let outcome = process::run(command, limit, &cargo::log_of(name), true);
    outcome
        .end
        .check()
        .map_err(|why| format!("{line}: {why}"))?;
    Ok(outcome.output)
}

/// The library's name and version, from its launcher.
fn version(mpi: &Mpi) -> String {
    let output = Command::new(&mpi.launcher).arg("--version").output();
    let text = output
        .map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
        .unwrap_or_default();
    version_of(mpi.name, &text)
}

fn version_of(name: &str, text: &str) -> String {
    let is_version =
        |word: &&str| word.contains('.') && word.starts_with(|c: char| c.is_ascii_digit());
    match text.split_whitespace().find(is_version) {
        Some(number) => format!("{name} {number}"),
        None => name.to_string(),
    }
}

/// Where it was measured: cores, processor, system.
fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let field = |file: &str, key: &str| {
        let text = std::fs::read_to_string(Path::new(file)).ok()?;
        let line = text.lines().find(|line| line.starts_with(key))?;
        Some(
            line.split(['=', ':'])
                .nth(1)?
                .trim()
                .trim_matches('"')
                .to_string(),
        )
    };
    let processor =
        field("/proc/cpuinfo", "model name").unwrap_or_else(|| std::env::consts::ARCH.into());
    let system =
        field("/etc/os-release", "PRETTY_NAME").unwrap_or_else(|| std::env::consts::OS.into());
    format!("{cores} cores, {processor}, {system}. Medians; ratios matter more than figures.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_launchers() {
        assert_eq!(
            version_of("openmpi", "mpirun.openmpi (OpenRTE) 4.1.4\n\nReport bugs"),
            "openmpi 4.1.4"
        );
        assert_eq!(
            version_of("mpich", "HYDRA build details:\n    Version:     4.0.2\n"),
            "mpich 4.0.2"
        );
        assert_eq!(version_of("default", "?"), "default");
    }
}
