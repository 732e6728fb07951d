//! The attempts that have ended.

use crate::args::Selection;
use crate::output::{self, error_text};
use crate::table::{Column, table};
use pshmem::{Batch, LogEntry, TaskState};
use std::path::Path;

const COLUMNS: [Column; 9] = [
    Column("task", false),
    Column("attempt", true),
    Column("state", false),
    Column("host", false),
    Column("job", false),
    Column("worker", true),
    Column("start", false),
    Column("seconds", true),
    Column("reason", false),
];

/// Prints the attempts that are selected.
pub(crate) fn print(dir: &Path, is_json: bool, selection: &Selection) -> Result<bool, String> {
    let mut entries = Batch::log(dir).map_err(|error| error_text(&error))?;
    entries.retain(|entry| selection.has(entry));
    let text = if is_json {
        let objects: Vec<String> = entries.iter().map(LogEntry::to_json).collect();
        format!("[{}]\n", objects.join(",\n"))
    } else {
        let rows: Vec<[String; 9]> = entries.iter().map(row).collect();
        table(&COLUMNS, &rows)
    };
    output::print(&text)?;
    Ok(true)
}

impl Selection {
    fn has(&self, entry: &LogEntry) -> bool {
        // An attempt that was left RUNNING is one whose process has died.
        let is_failed = matches!(entry.state, TaskState::Failed | TaskState::Running);
        let is_at_task = self.task.as_ref().is_none_or(|task| *task == entry.task);
        is_at_task && (is_failed || !self.is_failed)
    }
}

fn row(entry: &LogEntry) -> [String; 9] {
    let text = |text: &str| match text {
        "" => "-".to_owned(),
        text => text.to_owned(),
    };
    // Nobody knows how long an attempt has lasted whose process has died.
    let seconds = entry.worker.map(|_| format!("{:.3}", entry.seconds));
    let worker = entry.worker.map(|worker| worker.to_string());
    [
        entry.task.clone(),
        entry.attempt.to_string(),
        entry.state.to_string(),
        text(&entry.host),
        text(&entry.job),
        text(&worker.unwrap_or_default()),
        humantime::format_rfc3339_seconds(entry.start).to_string(),
        text(&seconds.unwrap_or_default()),
        entry.reason.replace('\n', "; "),
    ]
}
