//! `cargo xtask bench`: runs the Rust bench and the Python bench under each MPI library, and writes a table that compares them.
//! What is measured is in `tests/src/bin/bench/` and `xtask/bench/pshmem_bench.py`.
//!
//! - `table` measurements side by side · `targets` what rows are to reach · `variants` what settings cost or save · `results` files, and what was slower than before
//! - `picture` tables as pictures

mod picture;
mod results;
mod table;
mod targets;
mod variants;

use crate::mpi::Mpi;
use crate::setup::python_env;
use crate::setup::requirements::{Requirement, instructions};
use crate::{args, cargo, process, setup};
use results::{Results, Worse};
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use table::Table;

const RANKS: [usize; 2] = [2, 4];

/// Rows that are measured with four ranks, too, where no others are asked for: those in which ranks that outnumber the cores have to
/// wait for each other, and those in which each rank does its share. All rows would take longer than people wait.
const WITH_MANY_RANKS: [&str; 6] = [
    "set 64 B$",
    "barrier$",
    "lock and unlock$",
    "update_parts 256 MiB$",
    "reduce_into 64 MiB$",
    "all_reduce 8 B$",
];

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
    let before = options.against.as_deref().map(Results::read).transpose()?;
    let libraries = prepare(options)?;
    build(&libraries)?;
    let mut problems = Vec::new();
    let mut runs = vec![run(options, &libraries, &mut problems)];
    write(&runs[0])?;
    if let Some(before) = before {
        // What is slower once may be so because of the machine.
        runs.push(run(options, &libraries, &mut problems));
        for Worse {
            section,
            row,
            factor,
        } in Results::worse_in_all(&runs, &before)
        {
            problems.push(format!(
                "{section}: {row} takes {factor:.2} times as long as before"
            ));
        }
    }
    if problems.is_empty() {
        Ok(())
    } else {
        Err(problems.join("\n"))
    }
}

/// The bench for each library, and without MPI.
fn build(libraries: &[Mpi]) -> Result<(), String> {
    const PROGRAM: [&str; 6] = ["build", "--release", "-p", "pshmem-tests", "--bin", "bench"];
    for mpi in libraries {
        let mut command = cargo::cargo_mpi(mpi);
        command.args(PROGRAM).args(["--features", "mpi"]);
        measure(command, "bench build", cargo::LIMIT)?;
    }
    let mut command = cargo::cargo();
    command.args(PROGRAM);
    measure(command, "bench build", cargo::LIMIT)?;
    Ok(())
}

/// Measures everything that was asked for.
fn run(options: &args::Bench, libraries: &[Mpi], problems: &mut Vec<String>) -> Results {
    let mut results = Results::default();
    let mut add = |title: String, table: Table| {
        if !table.rows().is_empty() {
            println!("\n## {title}\n\n{}", table.markdown());
            results.add(title, table);
        }
    };
    for mpi in libraries {
        let python = if options.no_python {
            None
        } else {
            note(python_env::python(mpi), problems)
        };
        for ranks in RANKS {
            let rows = match &options.rows[..] {
                [] if ranks > RANKS[0] => WITH_MANY_RANKS.map(str::to_owned).to_vec(),
                rows => rows.to_vec(),
            };
            let table = contenders(mpi, ranks, python.as_deref(), &rows, problems);
            add(format!("{}, {ranks} ranks", version(mpi)), table);
        }
    }
    if !options.rows.is_empty() {
        return results;
    }
    // The checks are the same on every transport.
    let on_threads = || {
        let mut command = Command::new(cargo::target().join("release").join("bench"));
        command.env("PSHMEM_LOCAL", "2");
        command
    };
    let checks = variants::CHECKS.table(on_threads, measure);
    if let Some(table) = note(checks, problems) {
        add(
            format!("{}, 2 ranks as threads", variants::CHECKS.title),
            table,
        );
    }
    for mpi in libraries {
        let launch = || mpi.launch(2, &cargo::built(mpi, "release", "bench"));
        let sources = variants::MEMORY.table(launch, measure);
        if let Some(table) = note(sources, problems) {
            add(
                format!("{}, {}, 2 ranks", variants::MEMORY.title, version(mpi)),
                table,
            );
        }
    }
    results
}

/// Writes the tables as text, as data and as pictures.
fn write(results: &Results) -> Result<(), String> {
    let written = |file: &Path, text: &str| {
        std::fs::write(file, text).map_err(|why| format!("{}: {why}", file.display()))
    };
    let mut text = format!("# Bench\n\n{}\n", machine());
    for (index, (title, table)) in results.sections().iter().enumerate() {
        text.extend(["\n## ", title, "\n\n", &table.markdown()]);
        let file = cargo::target().join(format!("bench-{}.svg", index + 1));
        written(&file, &picture::svg(title, table))?;
    }
    let file = cargo::target().join("bench.md");
    written(&file, &text)?;
    results.write(&machine(), &file.with_extension("json"))?;
    println!("Written to {}, bench.json and bench-*.svg", file.display());
    Ok(())
}

/// Our bench, which also measures raw MPI and memcpy, and then Python's.
fn contenders(
    mpi: &Mpi,
    ranks: usize,
    python: Option<&Path>,
    rows: &[String],
    problems: &mut Vec<String>,
) -> Table {
    let mut table = Table::default();
    let mut ours = mpi.launch(ranks, &cargo::built(mpi, "release", "bench"));
    ours.args(rows);
    if let Some(output) = note(measure(ours, "bench", LIMIT), problems) {
        table.read(&output);
    }
    let Some(python) = python else { return table };
    // One run for each row: the package's lock fails under MPICH, and that must not cost the others.
    let selects = |row: &String, name: &str| match row.strip_suffix('$') {
        Some(end) => name.ends_with(end),
        None => name.contains(row.as_str()),
    };
    let is_chosen = |name: &&str| rows.is_empty() || rows.iter().any(|row| selects(row, name));
    for row in PYTHON_ROWS.into_iter().filter(is_chosen) {
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
