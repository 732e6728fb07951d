//! What the directory and the log must say when all jobs are over.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;
use std::path::Path;

use pshmem::{Batch, TaskState};

use crate::job::{ids_in, lines_in};
use crate::{Outcome, text};

/// More complaints are not printed.
const MAX_SHOWN: usize = 20;

/// The attempts at all tasks.
#[derive(Debug, Default)]
pub(crate) struct Attempts {
    /// How many were begun.
    pub(crate) begun: usize,
    /// How many of them have ended with their job.
    pub(crate) lost: usize,
    /// Attempts without a line in the log: that had recorded DONE when they were killed, and others.
    pub(crate) unlogged_done: usize,
    pub(crate) unlogged_lost: usize,
}

/// After some jobs were killed: every task is `Done` and recorded once, only tasks of killed jobs were run again, the log has a
/// line for each attempt, and nothing of any job is left.
pub(crate) fn check_storm(dir: &Path, tasks: usize, killed: &[i32]) -> Outcome<Attempts> {
    let status = Batch::status(dir).map_err(text)?;
    let done = status.count(TaskState::Done);
    let mut log: HashMap<String, BTreeMap<u32, TaskState>> = HashMap::new();
    for line in Batch::log(dir).map_err(text)? {
        let of_task = log.entry(line.task).or_default();
        of_task.insert(line.attempt, line.state);
    }
    let mut all = Attempts::default();
    let mut wrong = String::new();
    for task in 0..tasks {
        let name = format!("t{task}");
        let folder = dir.join(&name);
        let lines = log.remove(&name).unwrap_or_default();
        if let Err(why) = check_task(&folder, &lines, killed, &mut all) {
            let _ = writeln!(wrong, "{name}: {why}; log {lines:?}");
        }
    }
    if !log.is_empty() {
        let _ = writeln!(wrong, "the log has tasks that do not exist: {log:?}");
    }
    let own = names(&dir.join(".pshmem"))?;
    let is_lasting = |name: &&String| !(name.starts_with("tasks.") || name.starts_with("rerun."));
    let left: Vec<&String> = own.iter().filter(is_lasting).collect();
    if !left.is_empty() {
        let _ = writeln!(wrong, "left in .pshmem: {left:?}");
    }
    if done != tasks || !wrong.is_empty() {
        let shown: Vec<&str> = wrong.lines().take(MAX_SHOWN).collect();
        return Err(format!(
            "{done} of {tasks} tasks are DONE; killed: {killed:?}; {} complaints:\n{}",
            wrong.lines().count(),
            shown.join("\n")
        ));
    }
    Ok(all)
}

/// The files of one task, and its lines in the log.
fn check_task(
    folder: &Path,
    lines: &BTreeMap<u32, TaskState>,
    killed: &[i32],
    all: &mut Attempts,
) -> Outcome {
    let runs = lines_in(&folder.join("runs"));
    let [ends, rejected] = ["ends", "rejected"].map(|file| ids_in(&folder.join(file)));
    let is_of_killed = |id: &i32| killed.contains(id);
    let check = |is_so: bool, what: &str| {
        if is_so {
            return Ok(());
        }
        Err(format!(
            "{what}; runs {runs:?}, ends {ends:?}, rejected {rejected:?}"
        ))
    };
    let by_others = runs.iter().filter(|(id, _)| !is_of_killed(id)).count();
    check(by_others <= 1, "run again although its job was not killed")?;
    check(rejected.is_empty(), "a result was refused")?;
    // A rank may be killed after the result was recorded and before it has written that down, or before the line in the log.
    let (last, attempt) = *runs.last().ok_or("it was never run")?;
    let is_last_killed = is_of_killed(&last);
    check(
        ends == [last] || ends.is_empty() && is_last_killed,
        "not recorded by its last run",
    )?;
    let recorded = lines.values().filter(|state| **state == TaskState::Done);
    let is_recorded = lines.get(&attempt) == Some(&TaskState::Done);
    let recorded = recorded.count();
    check(
        recorded == 1 && is_recorded
            || recorded == 0 && is_last_killed && !lines.contains_key(&attempt),
        "the log has not one DONE, of the last run",
    )?;
    let numbers: BTreeSet<u32> = runs.iter().map(|(_, attempt)| *attempt).collect();
    check(numbers.len() == runs.len(), "two runs are the same attempt")?;
    for (number, state) in lines {
        let is_lost = *number != attempt && *state == TaskState::Running;
        // The process may have been killed before it has written down that it runs the task.
        check(
            is_lost || *number == attempt,
            "a line that is not of a lost attempt",
        )?;
    }
    for (id, number) in runs
        .iter()
        .filter(|(_, number)| !lines.contains_key(number))
    {
        check(is_of_killed(id), "an attempt is not in the log")?;
        let is_last = *number == attempt;
        all.unlogged_done += usize::from(is_last);
        all.unlogged_lost += usize::from(!is_last);
    }
    let files = names(folder)?;
    let is_left = |name: &&String| {
        let kinds = [".end.", ".running.", ".first.", ".set."];
        kinds.iter().any(|kind| name.starts_with(kind))
    };
    let left: Vec<&String> = files.iter().filter(is_left).collect();
    check(left.is_empty(), &format!("left: {left:?}"))?;
    all.begun += runs.len();
    all.lost += runs.len() - 1;
    Ok(())
}

/// The names in a folder.
fn names(folder: &Path) -> Outcome<Vec<String>> {
    let entries = std::fs::read_dir(folder).map_err(text)?;
    let name = |entry: std::io::Result<std::fs::DirEntry>| {
        let name = entry.map_err(text)?.file_name();
        Ok(name.to_string_lossy().into_owned())
    };
    entries.map(name).collect()
}
