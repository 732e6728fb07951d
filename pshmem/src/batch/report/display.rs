//! The report as a table for people.

use crate::batch::report::rows::TaskRow;
use crate::batch::report::{BatchReport, COLUMNS};
use crate::batch::task_state::TaskState;
use crate::error::clip;
use std::fmt::{self, Write};

/// Number of tasks up to which all are shown, and tenth of the number of those that are shown otherwise.
const ALL_SHOWN: usize = 100;
/// Bytes of a name or an error that are shown.
const SHOWN: usize = 60;

impl fmt::Display for BatchReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shows_all = self.tasks.len() <= ALL_SHOWN;
        let rows = self
            .tasks
            .rows()
            .iter()
            .filter(|task| shows_all || task.state != TaskState::Done)
            .take(10 * ALL_SHOWN);
        let mut table = vec![COLUMNS.map(str::to_owned)];
        table.extend(rows.map(|row| row.cells()));
        if table.len() > 1 {
            write_table(f, &table)?;
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

fn write_table(f: &mut fmt::Formatter<'_>, table: &[[String; 7]]) -> fmt::Result {
    let widths: [usize; 7] = std::array::from_fn(|column| {
        let lens = table.iter().map(|row| row[column].chars().count());
        lens.max().unwrap_or(0)
    });
    for row in table {
        let mut line = String::new();
        for (column, text) in row.iter().enumerate() {
            let width = widths[column];
            match column {
                0 | 3..=5 => write!(line, "{text:>width$}  ")?,
                _ => write!(line, "{text:<width$}  ")?,
            }
        }
        writeln!(f, "{}", line.trim_end())?;
    }
    Ok(())
}

impl TaskRow<'_> {
    fn cells(&self) -> [String; 7] {
        let dash = || "-".to_owned();
        let has_run = self.worker.is_some();
        [
            self.index.to_string(),
            shown(&self.name()),
            self.state.to_string(),
            self.worker.map_or_else(dash, |worker| worker.to_string()),
            if has_run {
                format!("{:.3}", self.seconds)
            } else {
                dash()
            },
            self.attempts.to_string(),
            self.error.map_or(String::new(), shown),
        ]
    }
}

/// The beginning of a text, on one line.
fn shown(text: &str) -> String {
    clip(&text.replace(['\n', '\r', '\t'], " "), SHOWN)
}

#[cfg(test)]
mod tests {
    use crate::batch::report::example;

    #[test]
    fn it_prints_as_a_table() {
        assert_eq!(
            example(3).to_string(),
            "task  name  state   worker  seconds  attempts  error\n\
             \u{20}  0  t0    DONE         7    0.250         1\n\
             \u{20}  1  t1    FAILED       7    0.250         1  no, \"way\"\n\
             \u{20}  2  t2    DONE         -        -         1\n\
             3 tasks, 8 workers: 2 DONE, 1 FAILED"
        );
        let many = example(101).to_string();
        assert_eq!(many.lines().count(), 3, "{many}");
        assert_eq!(example(0).to_string(), "0 tasks, 8 workers: nothing to do");
    }
}
