//! The states of the tasks, again and again until all have ended.

use crate::output;
use crate::status::{has_ended, is_done, read, text};
use console::Term;
use pshmem::{BatchStatus, TaskState};
use std::path::Path;
use std::thread;
use std::time::{Duration, SystemTime};

/// Clears a terminal, and goes to its upper left corner.
const CLEAR: &str = "\x1b[2J\x1b[H";

/// Shows the status every `period`, on a terminal in place and otherwise in a line, until every task is DONE or FAILED and none
/// runs. Returns whether every task is DONE.
pub(crate) fn watch(dir: &Path, all: bool, period: Duration) -> Result<bool, String> {
    let terminal = Term::stdout();
    loop {
        let status = read(dir)?;
        let now = SystemTime::now();
        let shown = if terminal.is_term() {
            let status = text(&status, all);
            let title = format!("{}, every {period:?}", time(now));
            CLEAR.to_owned() + &screen(&title, &status, terminal.size_checked())
        } else {
            line(&status, now)
        };
        let is_read = output::print(&shown)?;
        if !is_read || has_ended(&status) {
            return Ok(is_done(&status));
        }
        thread::sleep(period);
    }
}

fn time(now: SystemTime) -> String {
    humantime::format_rfc3339_seconds(now).to_string()
}

/// The counts with a time, for a log.
fn line(status: &BatchStatus, now: SystemTime) -> String {
    let count = |state| format!("{} {state}", status.count(state));
    let counts = [
        TaskState::Done,
        TaskState::Running,
        TaskState::Failed,
        TaskState::Open,
    ];
    let counts = counts.map(count).join(", ");
    let stop = if status.is_stopping() {
        "; no task is begun while there is a file stop"
    } else {
        ""
    };
    format!("{}  {counts}{stop}\n", time(now))
}

/// As much as a terminal of this size shows: lines that are too long, or too many, would move the first ones out of it.
fn screen(title: &str, text: &str, size: Option<(u16, u16)>) -> String {
    let mut lines: Vec<&str> = std::iter::once(title).chain(text.lines()).collect();
    let (height, width) = size.unwrap_or((u16::MAX, u16::MAX));
    // The cursor is in the last one.
    let height = usize::from(height).saturating_sub(1).max(2);
    let more = format!(
        "... and {} more lines",
        (lines.len() + 1).saturating_sub(height)
    );
    if lines.len() > height {
        lines.truncate(height - 1);
        lines.push(&more);
    }
    let lines = lines.into_iter();
    let cut = |line| console::truncate_str(line, usize::from(width), "") + "\n";
    lines.map(cut).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_screen_is_not_left() {
        let text = "one\ntwo\nthree\n";
        assert_eq!(screen("now", text, None), "now\none\ntwo\nthree\n");
        assert_eq!(screen("now", text, Some((5, 4))), "now\none\ntwo\nthre\n");
        let cut = "now\none\n... and 2 more lines\n";
        assert_eq!(screen("now", text, Some((4, 80))), cut);
        for height in 0..4 {
            let cut = "now\n... and 3 more lines\n";
            assert_eq!(screen("now", text, Some((height.min(3), 80))), cut);
        }
    }
}
