//! Virtual environments of Python inside of the target folder.

use crate::{cargo, process};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// The time limit of installing: some 100 MB.
const LIMIT: Duration = Duration::from_secs(600);

/// For tests of files.
const NUMPY: [&str; 2] = ["numpy==2.2.6", "scipy==1.15.3"];

/// An interpreter with numpy, which is installed first where it is not there yet.
pub(crate) fn with_numpy() -> Result<PathBuf, String> {
    interpreter("numpy", &NUMPY)
}

/// What writes the files of the example `hdf5`.
const H5PY: [&str; 2] = ["numpy==2.4.6", "h5py==3.16.0"];

/// An interpreter with h5py, which is installed first where it is not there yet.
pub(crate) fn with_h5py() -> Result<PathBuf, String> {
    interpreter("h5py", &H5PY)
}

fn interpreter(name: &str, packages: &[&str]) -> Result<PathBuf, String> {
    let folder = cargo::target_of(&format!("{name}-venv"));
    make(&folder, packages, name)?;
    Ok(folder.join("bin").join("python"))
}

/// Makes an environment with these packages, if it is not there yet. `name` is that of its log.
pub(super) fn make(folder: &Path, packages: &[&str], name: &str) -> Result<(), String> {
    let stamp = folder.join("made-for");
    let content = packages.join("\n");
    if std::fs::read_to_string(&stamp).is_ok_and(|old| old == content) {
        return Ok(());
    }
    let mut make = Command::new("python3");
    make.args(["-m", "venv", "--clear"]).arg(folder);
    call(make, name)?;
    let mut pip = Command::new(folder.join("bin").join("python"));
    pip.args(["-m", "pip", "install", "--quiet"]).args(packages);
    call(pip, name)?;
    std::fs::write(&stamp, content).map_err(|why| format!("{}: {why}", stamp.display()))
}

fn call(command: Command, name: &str) -> Result<(), String> {
    let line = process::command_line(&command);
    println!("+ {line}");
    let log = cargo::log_of(&format!("install {name}"));
    let outcome = process::run(command, LIMIT, &log, true);
    outcome.end.check().map_err(|why| format!("{line}: {why}"))
}
