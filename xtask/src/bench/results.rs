//! Results as a file, and their comparison with those of an earlier run.

use super::table::{Measure, OURS, Table, median};
use serde_json::{Value, json};
use std::path::Path;

/// A result that is more times as long as before is marked.
const WORSE: f64 = 1.1;

/// The measurements of all sections: what was measured under which library with how many ranks.
#[derive(Debug, Default)]
pub(super) struct Results(Vec<(String, Table)>);

/// A row that was worse than before in each of several runs.
#[derive(Debug, PartialEq)]
pub(super) struct Worse {
    pub(super) section: String,
    pub(super) row: String,
    /// How many times as long as before, in the run in which it was least.
    pub(super) factor: f64,
}

impl Results {
    pub(super) fn add(&mut self, section: String, table: Table) {
        self.0.push((section, table));
    }

    pub(super) fn sections(&self) -> &[(String, Table)] {
        &self.0
    }

    pub(super) fn write(&self, machine: &str, file: &Path) -> Result<(), String> {
        let sections: Vec<Value> = self
            .0
            .iter()
            .map(|(title, table)| json!({ "title": title, "measures": measures(table) }))
            .collect();
        let value = json!({ "machine": machine, "sections": sections });
        let text = serde_json::to_string_pretty(&value).map_err(|why| why.to_string())?;
        std::fs::write(file, text).map_err(|why| format!("{}: {why}", file.display()))
    }

    pub(super) fn read(file: &Path) -> Result<Self, String> {
        let wrong = |why: String| format!("{}: {why}", file.display());
        let text = std::fs::read_to_string(file).map_err(|why| wrong(why.to_string()))?;
        Self::parse(&text).map_err(wrong)
    }

    fn parse(text: &str) -> Result<Self, String> {
        let value: Value = serde_json::from_str(text).map_err(|why| why.to_string())?;
        let sections = value["sections"].as_array().ok_or("it has no `sections`")?;
        let mut results = Self::default();
        for section in sections {
            let title = section["title"]
                .as_str()
                .ok_or("a section has no `title`")?;
            let measures = section["measures"].as_array();
            let measures = measures.ok_or("a section has no `measures`")?;
            let table = measures.iter().map(measure_of).collect::<Option<_>>();
            let table = table.ok_or_else(|| format!("a measure of {title} is not complete"))?;
            results.add(title.to_owned(), Table(table));
        }
        Ok(results)
    }

    /// The library's own rows that are worse than `before` in all of these runs.
    pub(super) fn worse_in_all(runs: &[Results], before: &Results) -> Vec<Worse> {
        let mut worse = Vec::new();
        for (section, table) in &before.0 {
            for row in table.rows() {
                let Some(old) = median(&table.0, row, OURS) else {
                    continue;
                };
                let factors: Option<Vec<f64>> = runs
                    .iter()
                    .map(|run| Some(run.median(section, row)? / old))
                    .collect();
                let least = factors.into_iter().flatten().min_by(f64::total_cmp);
                if let Some(factor) = least.filter(|factor| *factor > WORSE) {
                    worse.push(Worse {
                        section: section.clone(),
                        row: row.to_owned(),
                        factor,
                    });
                }
            }
        }
        worse
    }

    fn median(&self, section: &str, row: &str) -> Option<f64> {
        let (_, table) = self.0.iter().find(|(title, _)| title == section)?;
        median(&table.0, row, OURS)
    }
}

/// What has failed has no number.
fn measures(table: &Table) -> Vec<Value> {
    let measure = |measure: &Measure| {
        json!({
            "row": measure.row,
            "column": measure.column,
            "number": measure.number,
            "unit": measure.unit,
        })
    };
    table.0.iter().map(measure).collect()
}

fn measure_of(value: &Value) -> Option<Measure> {
    Some(Measure {
        row: value["row"].as_str()?.to_owned(),
        column: value["column"].as_str()?.to_owned(),
        number: match &value["number"] {
            Value::Null => f64::NAN,
            number => number.as_f64()?,
        },
        unit: value["unit"].as_str()?.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn results(lines: &str) -> Results {
        let mut table = Table::default();
        table.read(lines);
        let mut results = Results::default();
        results.add("openmpi, 2 ranks".into(), table);
        results
    }

    #[test]
    fn results_are_read_as_they_were_written() {
        let written = results("set\tpshmem\t1e-7\ts\nset\traw MPI\t2e-7\ts\npeak\tpshmem\t5\tB\n");
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("bench.json");
        written.write("a machine", &file).unwrap();
        let read = Results::read(&file).unwrap();
        assert_eq!(read.sections()[0].1.0, written.sections()[0].1.0);
        for wrong in ["", "{}", r#"{"sections": [{"title": "x"}]}"#] {
            assert!(Results::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn only_what_is_worse_in_each_run_is_marked() {
        let before =
            results("a\tpshmem\t1\ts\nb\tpshmem\t1\ts\nc\tpshmem\t1\ts\nd\tpshmem\t1\ts\n");
        let runs = [
            results("a\tpshmem\t1.2\ts\nb\tpshmem\t1.5\ts\nc\tpshmem\t1.05\ts\n"),
            results("a\tpshmem\t1.3\ts\nb\tpshmem\t1.0\ts\nc\tpshmem\t1.05\ts\n"),
        ];
        let worse = Results::worse_in_all(&runs, &before);
        let rows: Vec<_> = worse
            .iter()
            .map(|worse| (worse.row.as_str(), worse.factor))
            .collect();
        assert_eq!(rows, [("a", 1.2)]);
    }
}
