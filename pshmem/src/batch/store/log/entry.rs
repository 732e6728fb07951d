//! One line of the log.

use crate::batch::json::json_string;
use crate::batch::task_state::TaskState;
use std::time::{Duration, SystemTime};

/// Titles of the columns.
pub(super) const COLUMNS: [&str; 9] = [
    "task", "attempt", "state", "host", "job", "worker", "start", "seconds", "reason",
];

/// One attempt at a task, as the log of a state directory tells of it; see [`Batch::log`](crate::Batch::log).
///
/// ```
/// use pshmem::{Batch, Comm};
///
/// let root = std::env::temp_dir().join(format!("pshmem-log-entry-{}", std::process::id()));
/// let batch = Batch::builder(&Comm::solo(), 1).state_dir(&root, ["map"]).build()?;
/// batch.run(|_, _| Err("no input"))?;
/// let entry = &Batch::log(&root)?[0];
/// assert_eq!((entry.task.as_str(), entry.attempt, entry.reason.as_str()), ("map", 1, "no input"));
/// # std::fs::remove_dir_all(root).unwrap();
/// # Ok::<(), pshmem::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct LogEntry {
    /// Name of the task.
    pub task: String,
    /// The number of the attempt, from 1, in all jobs together.
    pub attempt: u32,
    /// The state that the attempt has left: DONE, FAILED, OPEN if the task was put back, RUNNING if its process has died.
    pub state: TaskState,
    /// The host.
    pub host: String,
    /// Name of the job.
    pub job: String,
    /// Number of the worker in its job; `None` if its process has died.
    pub worker: Option<usize>,
    /// When it has begun, by the clock of its host; for a process that has died, when that was found.
    pub start: SystemTime,
    /// How long it has lasted.
    pub seconds: f64,
    /// Why it has failed. Empty if it has not.
    pub reason: String,
}

impl LogEntry {
    /// The entry as a JSON object, with the names of the columns of `log.csv` as keys. `start` is a time of RFC 3339, and `worker`
    /// may be null.
    ///
    /// ```
    /// use pshmem::{Batch, Comm};
    ///
    /// let root = std::env::temp_dir().join(format!("pshmem-log-json-{}", std::process::id()));
    /// let batch = Batch::builder(&Comm::solo(), 1).state_dir(&root, ["map"]).build()?;
    /// batch.run(|_, _| Err("no input"))?;
    /// let json = Batch::log(&root)?[0].to_json();
    /// assert!(json.starts_with(r#"{"task": "map", "attempt": 1, "state": "FAILED", "host": "#));
    /// # std::fs::remove_dir_all(root).unwrap();
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    #[must_use]
    pub fn to_json(&self) -> String {
        let worker = self.worker.map(|worker| worker.to_string());
        // JSON has no word for a number that is none.
        let seconds = self
            .seconds
            .is_finite()
            .then(|| format!("{:.3}", self.seconds));
        let null = || "null".to_owned();
        let values = [
            json_string(&self.task),
            self.attempt.to_string(),
            json_string(self.state.word()),
            json_string(&self.host),
            json_string(&self.job),
            worker.unwrap_or_else(null),
            json_string(&self.start_text()),
            seconds.unwrap_or_else(null),
            json_string(&self.reason),
        ];
        let pair = |(column, value)| format!("{}: {value}", json_string(column));
        let pairs: Vec<String> = COLUMNS.into_iter().zip(values).map(pair).collect();
        format!("{{{}}}", pairs.join(", "))
    }

    fn start_text(&self) -> String {
        humantime::format_rfc3339_millis(writable(self.start)).to_string()
    }

    /// The line, as CSV.
    pub(super) fn to_csv(&self) -> String {
        csv_line(&[
            self.task.clone(),
            self.attempt.to_string(),
            self.state.to_string(),
            self.host.clone(),
            self.job.clone(),
            self.worker
                .map_or(String::new(), |worker| worker.to_string()),
            self.start_text(),
            format!("{:.3}", self.seconds),
            self.reason.clone(),
        ])
    }

    /// Reads a line. `None` if it is none of ours, or not complete.
    pub(super) fn parse(record: &csv::StringRecord) -> Option<Self> {
        if record.len() != COLUMNS.len() {
            return None;
        }
        let text = |column: usize| record[column].to_owned();
        Some(LogEntry {
            task: text(0),
            attempt: record[1].parse().ok()?,
            state: record[2].parse().ok()?,
            host: text(3),
            job: text(4),
            worker: record[5].parse().ok(),
            start: humantime::parse_rfc3339_weak(&record[6]).ok()?,
            seconds: record[7].parse().ok()?,
            reason: text(8),
        })
    }
}

/// The line with the titles.
pub(super) fn titles() -> String {
    csv_line(&COLUMNS.map(str::to_owned))
}

fn csv_line(fields: &[String; 9]) -> String {
    // As large as most lines, because each line has a buffer of its own.
    let mut writer = csv::WriterBuilder::new();
    let mut writer = writer.buffer_capacity(256).from_writer(Vec::new());
    writer.write_record(fields).expect("memory can be written");
    let bytes = writer.into_inner().expect("memory needs no flush");
    String::from_utf8(bytes).expect("made of text")
}

/// A time that can be written down whatever the clock says: years from 1970 to 9999.
pub(super) fn writable(time: SystemTime) -> SystemTime {
    let latest = SystemTime::UNIX_EPOCH + Duration::from_secs(253_402_300_799);
    time.clamp(SystemTime::UNIX_EPOCH, latest)
}

#[cfg(test)]
pub(super) fn example(task: &str, attempt: u32, reason: &str) -> LogEntry {
    LogEntry {
        task: task.to_owned(),
        attempt,
        state: TaskState::Failed,
        host: "node0".to_owned(),
        job: "job 1".to_owned(),
        worker: Some(3),
        start: SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_250),
        seconds: 1.5,
        reason: reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for reason in ["", "no ink", "a, \"b\"\nc\r\n\u{1}ü"] {
            let mut entry = example("t,\n\"x\"", 7, reason);
            for worker in [Some(3), None] {
                entry.worker = worker;
                let text = titles() + &entry.to_csv();
                let mut reader = csv::Reader::from_reader(text.as_bytes());
                let records: Vec<_> = reader.records().map(Result::unwrap).collect();
                assert_eq!(records.len(), 1);
                assert_eq!(LogEntry::parse(&records[0]).as_ref(), Some(&entry));
            }
        }
        assert_eq!(
            example("a", 1, "no").to_csv(),
            "a,1,FAILED,node0,job 1,3,2023-11-14T22:13:20.250Z,1.500,no\n"
        );
    }

    #[test]
    fn json_has_the_columns() {
        let mut entry = example("t,\n\"x\"", 7, "a\u{9b}");
        let parsed = |entry: &LogEntry| -> serde_json::Value {
            serde_json::from_str(&entry.to_json()).unwrap()
        };
        let json = parsed(&entry);
        assert_eq!(json.as_object().unwrap().len(), COLUMNS.len());
        assert_eq!(
            (&json["task"], &json["reason"]),
            (&"t,\n\"x\"".into(), &"a\u{9b}".into())
        );
        assert_eq!((&json["attempt"], &json["worker"]), (&7.into(), &3.into()));
        assert_eq!(
            (&json["seconds"], &json["state"]),
            (&1.5.into(), &"FAILED".into())
        );
        assert_eq!(json["start"], "2023-11-14T22:13:20.250Z");
        (entry.worker, entry.seconds) = (None, f64::NAN);
        entry.start = SystemTime::UNIX_EPOCH - Duration::from_secs(1);
        let json = parsed(&entry);
        assert!(json["worker"].is_null() && json["seconds"].is_null());
        assert_eq!(json["start"], "1970-01-01T00:00:00.000Z");
    }

    #[test]
    fn any_clock_can_be_written_down() {
        for time in [
            SystemTime::UNIX_EPOCH - Duration::from_secs(1),
            SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 40),
        ] {
            let mut entry = example("a", 1, "");
            entry.start = writable(time);
            assert!(entry.to_csv().starts_with("a,1,FAILED"));
        }
    }
}
