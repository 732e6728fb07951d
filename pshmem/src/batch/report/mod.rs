//! What became of the tasks of a batch, for people and for programs.

pub(super) mod records;

use crate::batch::task_state::TaskState;
use std::fmt::{self, Write};

/// What became of every task of a [`Batch`](crate::Batch); the same on all ranks.
///
/// It prints as a table: of all tasks, or where they are more than a hundred, of those that are not DONE.
///
/// ```
/// use pshmem::{Batch, Comm, TaskState};
///
/// let batch = Batch::builder(&Comm::solo(), 3).names(["a", "b", "c"]).build()?;
/// let report = batch.run(|task, _| match task.name() {
///     "b" => Err("no input"),
///     _ => Ok(()),
/// })?;
/// assert_eq!(report.count(TaskState::Done), 2);
/// assert_eq!(report.tasks[1].error.as_deref(), Some("no input"));
/// println!("{report}");
/// assert!(report.to_csv().lines().nth(2).unwrap().starts_with("1,b,FAILED,0,"));
/// # Ok::<(), pshmem::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct BatchReport {
    /// One entry for each task, in order of their numbers.
    pub tasks: Vec<TaskReport>,
    /// How many workers there were.
    pub workers: usize,
}

/// What became of one task.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct TaskReport {
    /// Its number.
    pub index: usize,
    /// Its name, or its number as text.
    pub name: String,
    /// What it is now.
    pub state: TaskState,
    /// The worker that has run it last in this job, if one has.
    pub worker: Option<usize>,
    /// How long that took, on the rank that was the last to end it.
    pub seconds: f64,
    /// How often this job has run it.
    pub attempts: u32,
    /// Why it has failed, if it has.
    pub error: Option<String>,
}

/// Tasks of which all are shown.
const ALL_SHOWN: usize = 100;
/// Bytes of a name or an error that a table shows.
const SHOWN: usize = 60;

impl BatchReport {
    /// How many tasks are in this state.
    #[must_use]
    pub fn count(&self, state: TaskState) -> usize {
        self.tasks.iter().filter(|task| task.state == state).count()
    }

    /// A line of titles and one for each task, with commas between the columns.
    #[must_use]
    pub fn to_csv(&self) -> String {
        let mut text = String::from("task,name,state,worker,seconds,attempts,error\n");
        for task in &self.tasks {
            let worker = task
                .worker
                .map_or(String::new(), |worker| worker.to_string());
            let error = task.error.as_deref().unwrap_or_default();
            let _ = writeln!(
                text,
                "{},{},{},{worker},{},{},{}",
                task.index,
                quoted(&task.name),
                task.state,
                task.seconds,
                task.attempts,
                quoted(error)
            );
        }
        text
    }

    /// An array with one object for each task.
    ///
    /// ```
    /// use pshmem::{Batch, Comm};
    ///
    /// let report = Batch::builder(&Comm::solo(), 1).build()?.run(|_, _| Err("said \"no\""))?;
    /// assert!(report.to_json().contains(r#""state": "FAILED", "worker": 0"#));
    /// assert!(report.to_json().contains(r#""error": "said \"no\"""#));
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut text = String::from("[");
        for (at, task) in self.tasks.iter().enumerate() {
            let worker = task
                .worker
                .map_or("null".to_owned(), |worker| worker.to_string());
            let error = task.error.as_deref().map_or("null".to_owned(), escaped);
            let _ = write!(
                text,
                "{}\n  {{\"task\": {}, \"name\": {}, \"state\": \"{}\", \"worker\": {worker}, \"seconds\": {}, \
                 \"attempts\": {}, \"error\": {error}}}",
                if at == 0 { "" } else { "," },
                task.index,
                escaped(&task.name),
                task.state,
                task.seconds,
                task.attempts,
            );
        }
        text.push_str("\n]\n");
        text
    }
}

impl fmt::Display for BatchReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shows_all = self.tasks.len() <= ALL_SHOWN;
        let rows = self
            .tasks
            .iter()
            .filter(|task| shows_all || task.state != TaskState::Done)
            .take(10 * ALL_SHOWN);
        let titles = [
            "task", "name", "state", "worker", "seconds", "attempts", "error",
        ];
        let mut table = vec![titles.map(str::to_owned)];
        table.extend(rows.map(TaskReport::columns));
        let widths: [usize; 7] = std::array::from_fn(|column| {
            let lens = table.iter().map(|row| row[column].chars().count());
            lens.max().unwrap_or(0)
        });
        if table.len() > 1 {
            for row in &table {
                let mut line = String::new();
                for (column, text) in row.iter().enumerate() {
                    let width = widths[column];
                    let _ = match column {
                        0 | 3..=5 => write!(line, "{text:>width$}  "),
                        _ => write!(line, "{text:<width$}  "),
                    };
                }
                writeln!(f, "{}", line.trim_end())?;
            }
        }
        let counts: Vec<String> = [
            TaskState::Done,
            TaskState::Failed,
            TaskState::Running,
            TaskState::Open,
            TaskState::Invalid,
        ]
        .into_iter()
        .map(|state| (state, self.count(state)))
        .filter(|&(_, count)| count > 0)
        .map(|(state, count)| format!("{count} {state}"))
        .collect();
        write!(
            f,
            "{} tasks, {} workers: {}",
            self.tasks.len(),
            self.workers,
            if counts.is_empty() {
                "nothing to do".to_owned()
            } else {
                counts.join(", ")
            }
        )
    }
}

impl TaskReport {
    fn columns(&self) -> [String; 7] {
        let dash = || "-".to_owned();
        let has_run = self.worker.is_some();
        [
            self.index.to_string(),
            shown(&self.name),
            self.state.to_string(),
            self.worker.map_or_else(dash, |worker| worker.to_string()),
            if has_run {
                format!("{:.3}", self.seconds)
            } else {
                dash()
            },
            self.attempts.to_string(),
            self.error.as_deref().map_or(String::new(), shown),
        ]
    }
}

/// The beginning of a text, on one line.
fn shown(text: &str) -> String {
    crate::error::clip(&text.replace(['\n', '\r', '\t'], " "), SHOWN)
}

/// A text as a column of a file with commas between its columns.
fn quoted(text: &str) -> String {
    if text.contains(['"', ',', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

/// A text as JSON.
fn escaped(text: &str) -> String {
    let mut json = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => json.extend(['\\', character]),
            character if character < ' ' => {
                let _ = write!(json, "\\u{:04x}", character as u32);
            }
            character => json.push(character),
        }
    }
    json.push('"');
    json
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(tasks: usize) -> BatchReport {
        let task = |index: usize| TaskReport {
            index,
            name: format!("t{index}"),
            state: if index == 1 {
                TaskState::Failed
            } else {
                TaskState::Done
            },
            worker: (index != 2).then_some(7),
            seconds: 0.25,
            attempts: 1,
            error: (index == 1).then(|| "no,\n\"way\"".to_owned()),
        };
        BatchReport {
            tasks: (0..tasks).map(task).collect(),
            workers: 8,
        }
    }

    #[test]
    fn it_prints_as_a_table() {
        assert_eq!(
            report(3).to_string(),
            "task  name  state   worker  seconds  attempts  error\n\
             \u{20}  0  t0    DONE         7    0.250         1\n\
             \u{20}  1  t1    FAILED       7    0.250         1  no, \"way\"\n\
             \u{20}  2  t2    DONE         -        -         1\n\
             3 tasks, 8 workers: 2 DONE, 1 FAILED"
        );
        let many = report(101).to_string();
        assert_eq!(many.lines().count(), 3, "{many}");
        assert_eq!(report(0).to_string(), "0 tasks, 8 workers: nothing to do");
    }

    #[test]
    fn programs_can_read_it() {
        assert_eq!(
            report(3).to_csv(),
            "task,name,state,worker,seconds,attempts,error\n\
             0,t0,DONE,7,0.25,1,\n\
             1,t1,FAILED,7,0.25,1,\"no,\n\"\"way\"\"\"\n\
             2,t2,DONE,,0.25,1,\n"
        );
        let json = report(2).to_json();
        assert!(
            json.contains("\"error\": \"no,\\u000a\\\"way\\\"\"}\n]"),
            "{json}"
        );
    }
}
