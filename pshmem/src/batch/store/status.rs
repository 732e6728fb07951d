//! The status of a state directory, as values and as text.

use crate::batch::json::json_string;
use crate::batch::store::names;
use crate::batch::task_state::TaskState;
use crate::error::printable;
use std::fmt::{self, Write as _};
use std::path::PathBuf;
use std::time::Duration;

/// The status of every task in a state directory, as [`Batch::status`](crate::Batch::status) found it.
///
/// It prints as one line with totals, and one line for each task that is RUNNING or FAILED; with `{:#}`, for every task.
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
    pub(super) root: PathBuf,
    pub(super) tasks: Vec<TaskStatus>,
    pub(super) unparsable: Vec<String>,
    pub(super) is_stopping: bool,
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
    /// Its state. A RUNNING task whose holder is not alive is run again by the next job.
    pub state: TaskState,
    /// How often it was begun, in all jobs together. Attempts of the Python package are not counted.
    pub attempts: u32,
    /// The process that holds its lease, if there is one.
    pub holder: Option<TaskHolder>,
    /// Why its last attempt failed. `None` unless the task is FAILED.
    pub reason: Option<String>,
}

/// The process that holds the lease of a task.
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
    /// Name of its job. Empty when the process is dead.
    pub job: String,
    /// Its host.
    pub host: String,
    /// Its process id there.
    pub pid: u32,
    /// Time since its last heartbeat, as far as the clocks of this host and of the file server agree.
    pub silence: Duration,
    /// Whether its last heartbeat is younger than its lease timeout, as far as these clocks agree. Jobs do not compare clocks:
    /// they take a task over when they have seen no new heartbeat for that time.
    pub is_alive: bool,
}

impl BatchStatus {
    /// All tasks, sorted by name.
    #[must_use]
    pub fn tasks(&self) -> &[TaskStatus] {
        &self.tasks
    }

    /// The number of tasks in a state.
    #[must_use]
    pub fn count(&self, state: TaskState) -> usize {
        self.tasks.iter().filter(|task| task.state == state).count()
    }

    /// The status as JSON: an object with the directory, the numbers of tasks in each state, what [`unparsable`](Self::unparsable)
    /// returns, whether there is a file `stop`, and an array with one object for each task. The silence of a holder is in seconds.
    ///
    /// ```
    /// # let root = std::env::temp_dir().join(format!("pshmem-status-json-{}", std::process::id()));
    /// # std::fs::create_dir_all(root.join("map"))?;
    /// let status = pshmem::Batch::status(&root)?;
    /// assert!(status.to_json().contains(r#"{"name": "map", "state": "OPEN", "attempts": 0"#));
    /// # std::fs::remove_dir_all(root)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn to_json(&self) -> String {
        let root = json_string(&self.root.display().to_string());
        let mut text = format!("{{\n  \"directory\": {root},\n");
        for state in STATES {
            let _ = writeln!(text, "  \"{state}\": {},", self.count(state));
        }
        let unparsable = self.unparsable.iter().map(|what| json_string(what));
        let unparsable = unparsable.collect::<Vec<_>>().join(", ");
        let _ = writeln!(text, "  \"unparsable\": [{unparsable}],");
        let _ = writeln!(text, "  \"stop\": {},\n  \"tasks\": [", self.is_stopping);
        let tasks: Vec<String> = self.tasks.iter().map(TaskStatus::to_json).collect();
        let _ = write!(text, "{}\n  ]\n}}\n", tasks.join(",\n"));
        text
    }

    /// One sentence for each state file that could not be parsed; its task counts as OPEN.
    #[must_use]
    pub fn unparsable(&self) -> &[String] {
        &self.unparsable
    }

    /// Whether there is a file `stop` in the directory, which asks all jobs to begin no more tasks.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.is_stopping
    }
}

impl fmt::Display for BatchStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let root = self.root.display().to_string();
        let plural = if self.tasks.len() == 1 { "" } else { "s" };
        let (count, root) = (self.tasks.len(), printable(&root));
        write!(f, "{count} task{plural} in {root}")?;
        let counts = STATES.map(|state| (state, self.count(state)));
        let counts = counts.iter().filter(|(_, count)| *count > 0);
        for (index, (state, count)) in counts.enumerate() {
            let separator = if index == 0 { ": " } else { ", " };
            write!(f, "{separator}{count} {state}")?;
        }
        let width = self
            .tasks
            .iter()
            .map(|task| printable(&task.name).chars().count());
        let width = width.max().unwrap_or_default().min(40);
        let all = f.alternate();
        let is_shown = |task: &&TaskStatus| {
            all || task.holder.is_some()
                || matches!(task.state, TaskState::Running | TaskState::Failed)
        };
        for task in self.tasks.iter().filter(is_shown) {
            write!(f, "\n{:7}  {:width$}", task.state, printable(&task.name))?;
            task.details(f)?;
        }
        for what in &self.unparsable {
            write!(f, "\n{}", printable(what))?;
        }
        if self.is_stopping {
            write!(
                f,
                "\nno task is begun while there is a file {}",
                printable(&self.root.join(names::STOP).display().to_string())
            )?;
        }
        Ok(())
    }
}

/// The states that are counted, in the order in which they are shown.
const STATES: [TaskState; 4] = [
    TaskState::Done,
    TaskState::Running,
    TaskState::Failed,
    TaskState::Open,
];

impl TaskStatus {
    fn to_json(&self) -> String {
        let null = || "null".to_owned();
        let holder = self.holder.as_ref().map(|holder| {
            format!(
                "{{\"job\": {}, \"host\": {}, \"pid\": {}, \"silence\": {}, \"is_alive\": {}}}",
                json_string(&holder.job),
                json_string(&holder.host),
                holder.pid,
                holder.silence.as_secs(),
                holder.is_alive
            )
        });
        format!(
            "    {{\"name\": {}, \"state\": \"{}\", \"attempts\": {}, \"holder\": {}, \"reason\": {}}}",
            json_string(&self.name),
            self.state,
            self.attempts,
            holder.unwrap_or_else(null),
            self.reason.as_deref().map_or_else(null, json_string)
        )
    }

    fn details(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.attempts > 0 {
            write!(f, "  attempt {}", self.attempts)?;
        }
        match &self.holder {
            Some(holder) if holder.is_alive => write!(
                f,
                " by job {} on {}, process {}, last heartbeat {} s ago",
                printable(&holder.job),
                printable(&holder.host),
                holder.pid,
                holder.silence.as_secs()
            ),
            Some(holder) if !matches!(self.state, TaskState::Done | TaskState::Failed) => write!(
                f,
                " by process {} on {}, which is dead or silent; the next job runs it again",
                holder.pid,
                printable(&holder.host)
            ),
            None if self.state == TaskState::Running => {
                write!(f, "  nobody runs it; the next job does")
            }
            // The holder of a task that has ended has died before it could begin it again.
            _ => match &self.reason {
                Some(reason) => write!(f, "  {}", printable(&reason.replace('\n', "; "))),
                None => Ok(()),
            },
        }
    }
}
