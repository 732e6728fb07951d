//! Feature `mpi-abi` with libraries that are bad in one way each, made from a good one by `tests/injector/bad_library.c`: ranks that
//! cannot start must end the job with one message.

use super::programs::{has, has_reports, must_fail};
use crate::mpi::Mpi;
use crate::report::Row;
use crate::{cargo, process};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const SOURCE: &str = "tests/injector/bad_library.c";

/// What is bad, on which process only, and what the message has.
const WAYS: [(&str, Option<&str>, &[&str]); 6] = [
    ("init", None, &["MPI_Init_thread of ", " failed with code "]),
    // The other one waits in MPI_Init.
    (
        "init",
        Some("0"),
        &["process 0 of 2 on ", " failed with code "],
    ),
    (
        "init",
        Some("1"),
        &["process 1 of 2 on ", " failed with code "],
    ),
    (
        "draft",
        None,
        &[" has version 0.9 of the standard ABI, and this program needs version 1"],
    ),
    (
        "other-name",
        Some("1"),
        &[
            "ranks 0-1 failed: ",
            " use different MPI libraries: that of rank 1 on ",
            " is Another MPI 1.0, ",
        ],
    ),
    (
        "no-windows",
        None,
        &["MPI_Win_allocate_shared failed on rank 0 ("],
    ),
];

/// What is bad, and how many reports a job prints that goes on without it.
const TOLERATED: [(&str, usize); 3] = [("level", 1), ("no-name", 0), ("no-windows", 0)];

/// All ways under one library; `libraries` has others. `quickstart` is built with feature `mpi-abi`.
pub(super) fn rows(mpi: &Mpi, libraries: &[Mpi], quickstart: &Path) -> Vec<Row> {
    let library = match compile(mpi) {
        Ok(library) => library,
        Err(why) => return vec![Row::under("bad library", mpi.name, "2").failed(why)],
    };
    let mut rows: Vec<Row> = WAYS
        .iter()
        .map(|(way, rank, parts)| refused(mpi, &library, way, *rank, parts, quickstart))
        .collect();
    for (way, reports) in TOLERATED {
        rows.push(tolerated(mpi, &library, way, reports, quickstart));
    }
    rows.push(without_abi(mpi, quickstart));
    for other in libraries {
        if other.name != mpi.name {
            rows.push(two_libraries(mpi, other, quickstart));
        }
    }
    rows
}

/// Compiles the source, linked with the library.
fn compile(mpi: &Mpi) -> Result<PathBuf, String> {
    let object = cargo::target_of("abi").join(format!("bad-{}.so", mpi.name));
    let folder = mpi.folder();
    let lib = folder.join("lib");
    let mut command = Command::new("cc");
    command
        .args(["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-I"])
        .arg(folder.join("include"))
        .arg("-o")
        .arg(&object)
        .arg(cargo::root().join(SOURCE))
        .arg("-L")
        .arg(&lib)
        .arg("-l:libmpi_abi.so.1")
        .arg(format!("-Wl,-rpath,{}", lib.display()));
    let log = cargo::log_of(&format!("bad library {}", mpi.name));
    let outcome = process::run(command, Duration::from_secs(60), &log, false);
    match outcome.end.check() {
        Ok(()) => Ok(object),
        Err(why) => Err(format!("{SOURCE}: {why}\n{}", outcome.output)),
    }
}

/// Two ranks with this library.
fn launch(mpi: &Mpi, library: &Path, way: &str, quickstart: &Path) -> Command {
    let mut command = mpi.launch(2, quickstart);
    command
        .env("PSHMEM_MPI_LIBRARY", library)
        .env("BAD_LIBRARY", way)
        .env_remove("BAD_RANK");
    command
}

fn refused(
    mpi: &Mpi,
    library: &Path,
    way: &str,
    rank: Option<&str>,
    parts: &[&str],
    quickstart: &Path,
) -> Row {
    let mut command = launch(mpi, library, way, quickstart);
    // What is refused must be needed.
    command.env("PSHMEM_MEMORY", "window");
    let place = rank.map_or(String::new(), |rank| format!(" on process {rank}"));
    if let Some(rank) = rank {
        command.env("BAD_RANK", rank);
    }
    let row = Row::under(&format!("bad library, {way}{place}"), mpi.name, "2");
    must_fail(mpi, row, &command, |output| {
        has(output, parts)?;
        has_reports(output, 1)
    })
}

fn tolerated(mpi: &Mpi, library: &Path, way: &str, reports: usize, quickstart: &Path) -> Row {
    let row = Row::under(&format!("bad library, {way}, not needed"), mpi.name, "2");
    let command = launch(mpi, library, way, quickstart);
    super::commands::clean(row, command, super::suites::LIMIT, false, |output| {
        has(output, &["rank 1: "])?;
        has_reports(output, reports)
    })
}

/// A file that is no MPI library at all.
fn without_abi(mpi: &Mpi, quickstart: &Path) -> Row {
    let row = Row::under("bad library, without the ABI", mpi.name, "2");
    let command = launch(mpi, Path::new("libc.so.6"), "-", quickstart);
    must_fail(mpi, row, &command, |output| {
        has(
            output,
            &["libc.so.6", " does not have the standard ABI: it lacks "],
        )?;
        has_reports(output, 1)
    })
}

/// Two ranks with different libraries would wait for each other in `MPI_Init` for ever.
fn two_libraries(mpi: &Mpi, other: &Mpi, quickstart: &Path) -> Row {
    let row = Row::under(
        &format!("bad library, {} on process 1", other.name),
        mpi.name,
        "1+1",
    );
    let file = |mpi: &Mpi| mpi.folder().join("lib").join("libmpi_abi.so.1");
    let set = |mpi: &Mpi| format!("PSHMEM_MPI_LIBRARY={}", file(mpi).display());
    let mut command = mpi.launch(1, Path::new("env"));
    command.arg(set(mpi)).arg(quickstart);
    command
        .args([":", "-n", "1", "env"])
        .arg(set(other))
        .arg(quickstart);
    // Where the libraries need different versions of a third one, one of them cannot be loaded.
    must_fail(mpi, row, &command, |output| {
        let different = [
            " of the same launcher has loaded ",
            ": all ranks of a job need the same MPI library",
        ];
        has(output, &different).or_else(|_| has(output, &["could not load one; tried:"]))?;
        has_reports(output, 1)
    })
}
