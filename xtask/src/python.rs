//! Directories of batches that the Python package goes on with, and directories that it has left.

use crate::mpi::Mpi;
use crate::needs::Need;
use crate::report::Row;
use crate::{cargo, setup, steps, venv};

/// The tests of the library that need an interpreter with the package, which is installed where it is missing.
pub(crate) fn directories(mpi: &Mpi) -> Row {
    let row = Row::new("Python directories");
    if !setup::prepare(&[Need::Python]).is_empty() {
        return row.skipped("there is no Python with venv");
    }
    let python = match venv::python(mpi) {
        Ok(python) => python,
        Err(why) => return row.skipped(why),
    };
    let mut command = cargo::cargo(&cargo::target());
    command
        .args(["test", "--profile", cargo::SUITE, "-p", "pshmem", "--lib"])
        .args(["python", "--", "--ignored"])
        .env("PSHMEM_TEST_PYTHON", python);
    steps::cargo_row(row, command)
}
