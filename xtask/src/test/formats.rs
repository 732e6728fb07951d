//! `cargo xtask formats`: the examples that read other formats. They are crates of their own, because they need libraries of the
//! system.

use super::commands::{cargo_output, cargo_row};
use crate::cargo;
use crate::report::{Report, Row, Verdict};
use crate::setup::{self, requirements::Requirement, venv};
use std::path::Path;
use std::process::Command;

/// Rows of the file that the example `csv` is run with.
const STARS: &str =
    "id,ra,dec,magnitude\n1,101.3,-16.7,-1.46\n2,95.9,-52.7,-0.74\n3,213.9,19.2,-0.05\n";

/// The command.
pub(crate) fn command() -> Result<(), String> {
    let required = [
        Requirement::Hdf5,
        Requirement::Python,
        Requirement::RustComponents,
    ];
    let missing = setup::prepare(&required, false);
    if !missing.is_empty() {
        return Err(setup::requirements::instructions(&missing));
    }
    let python = venv::with_h5py()?;
    let folder = cargo::target_of("formats");
    std::fs::create_dir_all(&folder).map_err(|why| format!("{}: {why}", folder.display()))?;
    let stars = folder.join("stars.csv");
    std::fs::write(&stars, STARS).map_err(|why| format!("{}: {why}", stars.display()))?;
    let mut report = Report::new(true);
    for example in ["hdf5", "csv"] {
        report.push(format(example));
        report.push(lints(example));
        let mut tests = call(example, "test");
        tests.env("PSHMEM_TEST_PYTHON", &python);
        report.push(cargo_row(Row::new(&format!("tests of {example}")), tests));
    }
    report.push(write(&python, &folder));
    let numbers = folder.join("good.h5");
    let numbers = [numbers.as_os_str(), "f8/2".as_ref()];
    report.push(run(
        "hdf5",
        &numbers,
        "f8/2: float64, extents [37, 5], sum 9151",
    ));
    report.push(run(
        "csv",
        &[stars.as_os_str()],
        "the brightest: Star { id: 1,",
    ));
    print!("{}", report.text());
    report.verdict()
}

/// cargo for an example, in one target folder for all of them.
fn call(example: &str, command: &str) -> Command {
    let mut cargo = cargo::cargo();
    cargo
        .arg(command)
        .env("CARGO_TARGET_DIR", cargo::target_of("formats"))
        .current_dir(cargo::root().join("examples").join(example));
    cargo
}

fn format(example: &str) -> Row {
    let mut command = call(example, "fmt");
    command.arg("--check");
    cargo_row(Row::new(&format!("format of {example}")), command)
}

fn lints(example: &str) -> Row {
    let mut command = call(example, "clippy");
    command.args(["--all-targets", "--", "-D", "warnings"]);
    cargo_row(Row::new(&format!("lints of {example}")), command)
}

/// Writes the HDF5 files of the tests.
fn write(python: &Path, folder: &Path) -> Row {
    let mut command = Command::new(python);
    command
        .arg(cargo::root().join("examples/hdf5/tests/write.py"))
        .arg(folder);
    cargo_row(Row::new("files by h5py"), command)
}

/// Runs an example on two nodes, with ranks as threads.
fn run<A: AsRef<std::ffi::OsStr>>(example: &str, arguments: &[A], expected: &str) -> Row {
    let mut command = call(example, "run");
    command.arg("--").args(arguments).env("PSHMEM_LOCAL", "2+1");
    let (mut row, output) = cargo_output(Row::new(&format!("run of {example}")), command);
    if row.passed() && !output.contains(expected) {
        println!("{}", output.trim_end());
        row.verdict = Verdict::Failed(format!("it does not print `{expected}`"));
    }
    row
}
