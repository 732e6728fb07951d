//! What Python programs share with us: state directories of batches, and files of numpy.

use super::{checks, commands};
use crate::cargo;
use crate::mpi::Mpi;
use crate::report::Row;
use crate::setup::requirements::Requirement;
use crate::setup::{self, python_env, venv};

/// State directories of batches that the Python package continues, and directories that it has left. The package is installed if it
/// is missing.
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

/// Headers that numpy writes, and files of ours that it opens. numpy is installed if it is missing.
pub(super) fn numpy(mpi: Option<&Mpi>) -> Row {
    let row = Row::new("numpy files");
    if !setup::prepare(&[Requirement::Python], false).is_empty() {
        return row.skipped("there is no Python with venv");
    }
    let python = match venv::with_numpy() {
        Ok(python) => python,
        Err(why) => return row.skipped(why),
    };
    let mut command = mpi.map_or_else(cargo::cargo, cargo::cargo_mpi);
    command
        .arg("test")
        .args(checks::selection(mpi))
        .args(["--test", "numpy", "--", "--ignored"])
        .env("PSHMEM_TEST_PYTHON", python);
    commands::cargo_row(row, command)
}
