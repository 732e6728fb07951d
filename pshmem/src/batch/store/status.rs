//! What a state directory tells to somebody who only looks: nothing is locked, made or changed.

use crate::Batch;
use crate::batch::store::heartbeat::{self, Life};
use crate::batch::store::lease::Attempt;
use crate::batch::store::{Options, files, lease, names, state_file};
use crate::batch::task_state::TaskState;
use crate::error::{Result, clip};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Bytes of a reason that are shown.
const REASON: usize = 400;

/// The state of every task in a directory, as [`Batch::status`] found it.
///
/// Printed, it is a line of sums and one line for each task that runs or has failed; with `{:#}`, one for every task.
///
/// ```
/// use pshmem::{Batch, TaskState};
///
/// let root = std::env::temp_dir().join(format!("pshmem-status-{}", std::process::id()));
/// for (name, state) in [("a", "DONE"), ("b", "OPEN")] {
///     std::fs::create_dir_all(root.join(name))?;
///     std::fs::write(root.join(name).join("state"), format!("{state}\n"))?;
/// }
/// let status = Batch::status(&root)?;
/// assert_eq!(status.count(TaskState::Done), 1);
/// assert!(status.to_string().starts_with("2 tasks in "));
/// # std::fs::remove_dir_all(root)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchStatus {
    root: PathBuf,
    tasks: Vec<TaskStatus>,
    unparsable: Vec<String>,
    is_stopping: bool,
}

/// One task of a [`BatchStatus`].
///
/// ```
/// let root = std::env::temp_dir().join(format!("pshmem-task-status-{}", std::process::id()));
/// std::fs::create_dir_all(root.join("map"))?;
/// let status = pshmem::Batch::status(&root)?;
/// assert_eq!((status.tasks()[0].name.as_str(), status.tasks()[0].attempts), ("map", 0));
/// # std::fs::remove_dir_all(root)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TaskStatus {
    /// Name of the task and of its folder.
    pub name: String,
    /// Its state. RUNNING without a holder that lives means that the task will be run rerun.
    pub state: TaskState,
    /// How often it was begun, without what the Python package did.
    pub attempts: u32,
    /// Who has it, if somebody does.
    pub holder: Option<TaskHolder>,
    /// Why its last attempt failed.
    pub reason: Option<String>,
}

/// The process that runs a task.
///
/// ```
/// # let root = std::env::temp_dir().join(format!("pshmem-holder-{}", std::process::id()));
/// # std::fs::create_dir_all(&root)?;
/// for task in pshmem::Batch::status(&root)?.tasks() {
///     if let Some(holder) = &task.holder {
///         println!("{} on {}, {:?} ago", holder.job, holder.host, holder.silence);
///     }
/// }
/// # std::fs::remove_dir_all(root)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TaskHolder {
    /// Name of its job. Empty when the process is gone.
    pub job: String,
    /// Its host.
    pub host: String,
    /// Its number there.
    pub pid: u32,
    /// Time since its last sign of life, as far as the clocks of this host and of the file server agree.
    pub silence: Duration,
    /// Whether its last sign of life is recent enough. If not, others may take the task over.
    pub is_alive: bool,
}

impl Batch {
    /// What the state directory of a batch tells, without a batch: for people and scripts, while jobs work on it or later.
    ///
    /// Every folder in it counts as a task. Nothing is changed, so it may belong to somebody else. See the example
    /// `batch_status`.
    ///
    /// # Errors
    /// [`Error::Directory`](crate::Error::Directory) when it cannot be read.
    ///
    /// ```
    /// assert!(pshmem::Batch::status("no such folder").is_err());
    /// ```
    pub fn status(path: impl AsRef<Path>) -> Result<BatchStatus> {
        let root = path.as_ref();
        let options = Options::of_nobody();
        look(root, &options)
    }
}

fn look(root: &Path, options: &Options) -> Result<BatchStatus> {
    let failed = |error| files::failed(options, "reading", root)(error);
    let mut status = BatchStatus {
        root: root.to_owned(),
        tasks: Vec::new(),
        unparsable: Vec::new(),
        is_stopping: root.join(names::STOP).symlink_metadata().is_ok(),
    };
    let now = SystemTime::now();
    for entry in std::fs::read_dir(root).map_err(failed)? {
        let dir = entry.map_err(failed)?.path();
        let name = dir.file_name().unwrap_or_default().to_string_lossy();
        // A link to a folder is one: tasks may live on another directory.
        if name == names::OWN || !dir.is_dir() {
            continue;
        }
        let (task, unparsable) = look_at(root, &dir, name.into_owned(), now)
            .map_err(|error| files::failed(options, "reading", &dir)(error))?;
        status.tasks.push(task);
        status.unparsable.extend(unparsable);
    }
    status.tasks.sort_by(|a, b| a.name.cmp(&b.name));
    status.unparsable.sort();
    Ok(status)
}

fn look_at(
    root: &Path,
    dir: &Path,
    name: String,
    now: SystemTime,
) -> io::Result<(TaskStatus, Option<String>)> {
    // Before the state: an attempt that ends in between is then shown with its end.
    let last = lease::last(dir, 0)?;
    let holder = match &last {
        Some(attempt) => holder(root, dir, attempt, now)?,
        None => None,
    };
    let found = state_file::read(dir)?;
    let state = found.state();
    let attempts = last.map_or(0, |attempt| attempt.number);
    let reason = match state {
        TaskState::Failed => std::fs::read(lease::reason(dir, attempts)).ok(),
        _ => None,
    };
    let reason = reason.map(|text| clip(String::from_utf8_lossy(&text).trim(), REASON));
    let task = TaskStatus {
        name,
        state,
        attempts,
        holder,
        // An empty one comes from a directory that was full.
        reason: reason.filter(|text| !text.is_empty()),
    };
    let unparsable = match found {
        state_file::Found::Strange(what) => Some(what),
        _ => None,
    };
    Ok((task, unparsable))
}

/// Who has a task whose last attempt this is.
fn holder(
    root: &Path,
    dir: &Path,
    attempt: &Attempt,
    now: SystemTime,
) -> io::Result<Option<TaskHolder>> {
    if !attempt.lasts(dir) {
        return Ok(None);
    }
    let (is_alive, sign) = match heartbeat::look(root, attempt.heartbeat(), now)? {
        Life::Alive(sign) => (true, Some(sign)),
        Life::Silent(sign) => (false, Some(sign)),
        Life::Gone => (false, None),
    };
    let (job, silence) = sign.map(|sign| (sign.job, sign.age)).unwrap_or_default();
    Ok(Some(TaskHolder {
        job,
        host: attempt.host.clone(),
        pid: attempt.pid,
        silence,
        is_alive,
    }))
}

impl BatchStatus {
    /// Every task, in the order of the names.
    #[must_use]
    pub fn tasks(&self) -> &[TaskStatus] {
        &self.tasks
    }

    /// The number of tasks in a state.
    #[must_use]
    pub fn count(&self, state: TaskState) -> usize {
        self.tasks.iter().filter(|task| task.state == state).count()
    }

    /// Sentences about state files that could not be understood; their tasks count as open.
    #[must_use]
    pub fn unparsable(&self) -> &[String] {
        &self.unparsable
    }

    /// Whether jobs were asked, by a file `stop` in the directory, to begin no more tasks.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.is_stopping
    }
}

impl fmt::Display for BatchStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} tasks in {}", self.tasks.len(), self.root.display())?;
        let states = [
            TaskState::Done,
            TaskState::Running,
            TaskState::Failed,
            TaskState::Open,
        ];
        let counts = states.map(|state| (state, self.count(state)));
        let counts = counts.iter().filter(|(_, count)| *count > 0);
        for (index, (state, count)) in counts.enumerate() {
            let separator = if index == 0 { ": " } else { ", " };
            write!(f, "{separator}{count} {state}")?;
        }
        let width = self.tasks.iter().map(|task| task.name.chars().count());
        let width = width.max().unwrap_or_default().min(40);
        let all = f.alternate();
        let tells = |task: &&TaskStatus| {
            all || task.holder.is_some()
                || matches!(task.state, TaskState::Running | TaskState::Failed)
        };
        for task in self.tasks.iter().filter(tells) {
            write!(f, "\n{:7}  {:width$}", task.state, task.name)?;
            task.details(f)?;
        }
        for what in &self.unparsable {
            write!(f, "\n{what}")?;
        }
        if self.is_stopping {
            let stop = self.root.join(names::STOP);
            write!(
                f,
                "\nno task is begun while there is a file {}",
                stop.display()
            )?;
        }
        Ok(())
    }
}

impl TaskStatus {
    fn details(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.attempts > 0 {
            write!(f, "  attempt {}", self.attempts)?;
        }
        match &self.holder {
            Some(holder) if holder.is_alive => write!(
                f,
                " by job {} on {}, process {}, last sign of life {} s ago",
                holder.job,
                holder.host,
                holder.pid,
                holder.silence.as_secs()
            ),
            Some(holder) => write!(
                f,
                " by process {} on {}, which is dead or silent; the next job runs it again",
                holder.pid, holder.host
            ),
            None if self.state == TaskState::Running => {
                write!(f, "  nobody runs it; the next job does")
            }
            None => match &self.reason {
                Some(reason) => write!(f, "  {}", reason.replace('\n', "; ")),
                None => Ok(()),
            },
        }
    }
}
