//! The report as CSV and JSON for programs.

use crate::batch::json::json_string;
use crate::batch::report::rows::TaskRow;
use crate::batch::report::{BatchReport, COLUMNS};
use std::fmt::{self, Write};

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
        let rows = self.tasks.rows().iter();
        rows.for_each(|task| write(&task.record()));
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
        let mut text = String::from("[");
        for task in self.tasks.rows().iter() {
            text.push_str(if task.index == 0 { "\n  " } else { ",\n  " });
            task.write_json(&mut text).expect("memory can be written");
        }
        text.push_str("\n]\n");
        text
    }
}

impl TaskRow<'_> {
    fn record(&self) -> [String; 7] {
        [
            self.index.to_string(),
            self.name().into_owned(),
            self.state.to_string(),
            self.worker
                .map_or(String::new(), |worker| worker.to_string()),
            self.seconds.to_string(),
            self.attempts.to_string(),
            self.error.unwrap_or_default().to_owned(),
        ]
    }

    fn write_json(&self, text: &mut String) -> fmt::Result {
        let null = || "null".to_owned();
        let values = [
            self.index.to_string(),
            json_string(&self.name()),
            json_string(self.state.word()),
            self.worker.map_or_else(null, |worker| worker.to_string()),
            self.seconds.to_string(),
            self.attempts.to_string(),
            self.error.map_or_else(null, json_string),
        ];
        for (index, (column, value)) in COLUMNS.iter().zip(values).enumerate() {
            let separator = if index == 0 { "{" } else { ", " };
            write!(text, "{separator}\"{column}\": {value}")?;
        }
        text.write_char('}')
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::report::{TaskReport, example, report_of};
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
             \"attempts\": 1, \"error\": \"no,\\u000a\\\"way\\\"\"}\n]\n"
        );
        assert_eq!(
            example(0).to_csv(),
            "task,name,state,worker,seconds,attempts,error\n"
        );
        assert_eq!(example(0).to_json(), "[\n]\n");
    }

    fn with_any_characters() -> BatchReport {
        let mut tasks = example(3).tasks.to_vec();
        tasks[0].name = "a\\, \"b\"\r\nü\u{1}".to_owned();
        tasks[2].seconds = 0.5_f64.powi(20);
        report_of(&tasks, 8)
    }

    #[test]
    fn csv_is_read_back() {
        let report = with_any_characters();
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
        let report = with_any_characters();
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
