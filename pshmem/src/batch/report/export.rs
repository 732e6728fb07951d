//! The report as CSV and JSON for programs.

use crate::batch::report::{BatchReport, COLUMNS, TaskReport};
use serde::Serialize;
use serde_json::ser::Formatter;
use std::io;

/// The JSON object of a task. Its members are the [`COLUMNS`].
#[derive(Serialize)]
struct Row<'a> {
    task: usize,
    name: &'a str,
    state: &'a str,
    worker: Option<usize>,
    seconds: f64,
    attempts: u32,
    error: Option<&'a str>,
}

impl BatchReport {
    /// The report as CSV: a line of titles, and a record for each task.
    ///
    /// ```
    /// use pshmem::{Batch, Comm};
    ///
    /// let report = Batch::builder(&Comm::solo(), 1).build()?.run(|_, _| Err("said \"no\""))?;
    /// let csv = report.to_csv();
    /// assert!(csv.starts_with("task,name,state,worker,seconds,attempts,error\n0,0,FAILED,0,"));
    /// assert!(csv.ends_with(",1,\"said \"\"no\"\"\"\n"));
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    #[must_use]
    pub fn to_csv(&self) -> String {
        let mut writer = csv::Writer::from_writer(Vec::new());
        let mut write = |record: &[String; 7]| {
            writer
                .write_record(record)
                .expect("records of one length, written to memory");
        };
        write(&COLUMNS.map(str::to_owned));
        self.tasks.iter().for_each(|task| write(&task.record()));
        let bytes = writer.into_inner().expect("memory needs no flush");
        String::from_utf8(bytes).expect("made of text")
    }

    /// The report as JSON: an array with one object for each task, each on a line of its own.
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
        let rows: Vec<Row<'_>> = self.tasks.iter().map(Row::of).collect();
        let mut bytes = Vec::new();
        let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, RowPerLine);
        rows.serialize(&mut serializer)
            .expect("plain data, written to memory");
        bytes.push(b'\n');
        String::from_utf8(bytes).expect("JSON is text")
    }
}

impl TaskReport {
    fn record(&self) -> [String; 7] {
        [
            self.index.to_string(),
            self.name.clone(),
            self.state.to_string(),
            self.worker
                .map_or(String::new(), |worker| worker.to_string()),
            self.seconds.to_string(),
            self.attempts.to_string(),
            self.error.clone().unwrap_or_default(),
        ]
    }
}

impl<'a> Row<'a> {
    fn of(task: &'a TaskReport) -> Self {
        Row {
            task: task.index,
            name: &task.name,
            state: task.state.word(),
            worker: task.worker,
            seconds: task.seconds,
            attempts: task.attempts,
            error: task.error.as_deref(),
        }
    }
}

/// Writes an array of flat objects with one object a line.
struct RowPerLine;

impl Formatter for RowPerLine {
    fn begin_array_value<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        writer.write_all(if first { b"\n  " } else { b",\n  " })
    }

    fn end_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b"\n]")
    }

    fn begin_object_key<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        writer.write_all(if first { b"" } else { b", " })
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::report::example;
    use serde_json::{Value, json};

    #[test]
    fn its_text_is_one_line_per_task() {
        assert_eq!(
            example(3).to_csv(),
            "task,name,state,worker,seconds,attempts,error\n\
             0,t0,DONE,7,0.25,1,\n\
             1,t1,FAILED,7,0.25,1,\"no,\n\"\"way\"\"\"\n\
             2,t2,DONE,,0.25,1,\n"
        );
        assert_eq!(
            example(2).to_json(),
            "[\n  {\"task\": 0, \"name\": \"t0\", \"state\": \"DONE\", \"worker\": 7, \"seconds\": 0.25, \"attempts\": 1, \
             \"error\": null},\n  {\"task\": 1, \"name\": \"t1\", \"state\": \"FAILED\", \"worker\": 7, \"seconds\": 0.25, \
             \"attempts\": 1, \"error\": \"no,\\n\\\"way\\\"\"}\n]\n"
        );
        assert_eq!(
            example(0).to_csv(),
            "task,name,state,worker,seconds,attempts,error\n"
        );
        assert_eq!(example(0).to_json(), "[\n]\n");
    }

    #[test]
    fn csv_is_read_back() {
        let mut report = example(3);
        report.tasks[0].name = "a, \"b\"\r\nü\u{1}".to_owned();
        report.tasks[2].seconds = 1e-9;
        let text = report.to_csv();
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        assert_eq!(reader.headers().unwrap(), &COLUMNS[..]);
        let records: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        assert_eq!(records.len(), report.tasks.len());
        for (record, task) in records.iter().zip(&report.tasks) {
            let worker = (!record[3].is_empty()).then(|| record[3].parse().unwrap());
            let error = (!record[6].is_empty()).then(|| record[6].to_owned());
            let read = TaskReport {
                index: record[0].parse().unwrap(),
                name: record[1].to_owned(),
                state: record[2].parse().unwrap(),
                worker,
                seconds: record[4].parse().unwrap(),
                attempts: record[5].parse().unwrap(),
                error,
            };
            assert_eq!(&read, task);
        }
    }

    #[test]
    fn json_is_read_back() {
        let mut report = example(3);
        report.tasks[0].name = "a, \"b\"\r\nü\u{1}".to_owned();
        report.tasks[2].seconds = 1e-9;
        let rows: Vec<Value> = serde_json::from_str(&report.to_json()).unwrap();
        assert_eq!(rows.len(), report.tasks.len());
        for (row, task) in rows.iter().zip(&report.tasks) {
            let expected = json!({
                "task": task.index,
                "name": task.name,
                "state": task.state.to_string(),
                "worker": task.worker,
                "seconds": task.seconds,
                "attempts": task.attempts,
                "error": task.error,
            });
            assert_eq!(row, &expected);
            let members: Vec<&String> = row.as_object().unwrap().keys().collect();
            assert_eq!(members.len(), COLUMNS.len());
        }
    }
}
