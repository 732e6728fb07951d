//! State directories of batches that the Python package continues, and directories that it has left.

use super::{checks, commands};
use crate::cargo;
use crate::mpi::Mpi;
use crate::report::Row;
use crate::setup::requirements::Requirement;
use crate::setup::{self, python_env};

/// The tests of the library that need an interpreter with the package, which is installed if it is missing.
pub(super) fn directories(mpi: Option<&Mpi>) -> Row {
    let row = Row::new("Python directories");
    let Some(mpi) = mpi else {
        return row.skipped("there is no MPI library");
    };
    if !setup::prepare(&[Requirement::Python], false).is_empty() {
        return row.skipped("there is no Python with venv");
    }
    let python = match python_env::python(mpi) {
        Ok(python) => python,
        Err(why) => return row.skipped(why),
    };
    let mut command = cargo::cargo_mpi(mpi);
    command
        .arg("test")
        .args(checks::selection(Some(mpi)))
        .args(["--lib", "python", "--", "--ignored"])
        .env("PSHMEM_TEST_PYTHON", python);
    commands::cargo_row(row, command)
}
