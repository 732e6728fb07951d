//! What is changed in a directory: tasks that are opened again, and the file `stop`.

use crate::output::{self, complain, error_text, printable};
use pshmem::{Batch, TaskState};
use std::io::ErrorKind;
use std::path::Path;

/// Opens tasks again, and prints their names. Returns whether all those named were opened.
pub(crate) fn reopen(dir: &Path, states: &[TaskState], names: &[String]) -> Result<bool, String> {
    let opened = match names {
        [] => Batch::reopen(dir, states),
        names => Batch::reopen_tasks(dir, states, names),
    };
    let opened = opened.map_err(|error| error_text(&error))?;
    let lines: Vec<String> = opened.iter().map(|name| printable(name) + "\n").collect();
    output::print(&lines.concat())?;
    let is_left = |name: &&String| !opened.contains(name);
    for name in names.iter().filter(is_left) {
        complain(&format!(
            "{name}: was not opened: it is in another state, or runs"
        ));
    }
    if names.is_empty() && opened.is_empty() {
        complain("no task is in such a state and does not run");
    }
    Ok(!names.iter().any(|name| is_left(&name)))
}

/// Makes the file `stop`.
pub(crate) fn stop(dir: &Path) -> Result<bool, String> {
    Batch::request_stop(dir).map_err(|error| error_text(&error))?;
    let dir = printable(&dir.display().to_string());
    output::print(&format!(
        "no job begins a task in {dir}, until `pshmem-batch resume`\n"
    ))?;
    Ok(true)
}

/// Removes the file `stop`.
pub(crate) fn resume(dir: &Path) -> Result<bool, String> {
    let name = dir.display();
    match std::fs::metadata(dir) {
        Err(error) => return Err(format!("{name}: {error}")),
        Ok(found) if !found.is_dir() => return Err(format!("{name}: is no directory")),
        Ok(_) => {}
    }
    let stop = dir.join("stop");
    // Of a link, this removes the link.
    let text = match std::fs::remove_file(&stop) {
        Ok(()) => format!("jobs that start from now on begin tasks in {name}"),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            format!("there is no file stop in {name}")
        }
        Err(error) => return Err(format!("removal of {} failed: {error}", stop.display())),
    };
    output::print(&(printable(&text) + "\n"))?;
    Ok(true)
}
