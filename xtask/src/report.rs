//! Results of steps, the table at the end and the line that sums them up.

use crate::process::Outcome;
use crate::tally::{Count, Tally, program_line};
use std::fmt::Write as _;
use std::time::Instant;

/// What became of one step.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Verdict {
    Passed,
    Failed(String),
    Skipped(String),
}

/// One line of the table.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    pub(crate) step: String,
    pub(crate) library: String,
    pub(crate) ranks: String,
    pub(crate) verdict: Verdict,
    /// The cases that the step ran, where it is more than one.
    pub(crate) tally: Option<Tally>,
    pub(crate) seconds: f64,
}

impl Row {
    /// A step that needs no MPI.
    pub(crate) fn new(step: &str) -> Self {
        Self {
            step: step.into(),
            library: "-".into(),
            ranks: "-".into(),
            verdict: Verdict::Passed,
            tally: None,
            seconds: 0.0,
        }
    }

    /// A step under one MPI library.
    pub(crate) fn under(step: &str, library: &str, ranks: &str) -> Self {
        Self {
            library: library.into(),
            ranks: ranks.into(),
            ..Self::new(step)
        }
    }

    /// The name that headings and log files show.
    pub(crate) fn title(&self) -> String {
        let words = [&self.step, &self.library, &self.ranks].map(String::as_str);
        words
            .into_iter()
            .filter(|word| *word != "-")
            .collect::<Vec<_>>()
            .join(" ")
    }

    pub(crate) fn skipped(mut self, why: impl Into<String>) -> Self {
        self.verdict = Verdict::Skipped(why.into());
        self
    }

    pub(crate) fn failed(mut self, why: impl Into<String>) -> Self {
        self.verdict = Verdict::Failed(why.into());
        self
    }

    /// Fills in a run's end and time; `check` looks at the output of a run that ended well.
    pub(crate) fn finished(
        mut self,
        outcome: &Outcome,
        check: impl FnOnce(&str) -> Result<(), String>,
    ) -> Self {
        self.seconds += outcome.seconds;
        self.tally = Tally::of_libtest(&outcome.output).or_else(|| {
            let (passed, failed) = outcome.output.lines().rev().find_map(program_line)?;
            Some(Tally::case(&self.step, Count::new(passed, failed, 0)))
        });
        self.verdict = match outcome.end.check().and_then(|()| check(&outcome.output)) {
            Ok(()) => Verdict::Passed,
            Err(why) => Verdict::Failed(why),
        };
        self
    }

    pub(crate) fn passed(&self) -> bool {
        self.verdict == Verdict::Passed
    }

    /// What the row adds to the sum: its cases, or itself as one. A failed row fails at least once.
    fn counted(&self) -> Tally {
        let ran = self.tally.clone().unwrap_or_default();
        let itself = match &self.verdict {
            Verdict::Passed if self.tally.is_some() => return ran,
            Verdict::Failed(_) if ran.worlds().failed > 0 => return ran,
            Verdict::Passed => Tally::case(&self.step, Count::PASSED),
            Verdict::Failed(_) if self.tally.is_some() => Tally::case(self.title(), Count::FAILED),
            Verdict::Failed(_) => Tally::case(&self.step, Count::FAILED),
            Verdict::Skipped(_) => Tally::case(self.title(), Count::SKIPPED),
        };
        let mut sum = ran;
        sum.add(&itself);
        sum
    }

    /// `172 cases: 516 passed, 0 failed`.
    fn cases(&self) -> Option<String> {
        let tally = self.tally.as_ref()?;
        let (cases, worlds) = (tally.cases(), tally.worlds());
        let mut text = format!("{} passed, {} failed", worlds.passed, worlds.failed);
        if worlds.skipped > 0 {
            let _ = write!(text, ", {} skipped", worlds.skipped);
        }
        let cases = cases.passed + cases.failed;
        if cases == worlds.passed + worlds.failed {
            return Some(text);
        }
        Some(format!("{cases} cases: {text}"))
    }

    fn cells(&self) -> [String; 5] {
        let cases = self
            .cases()
            .map_or(String::new(), |cases| format!(" ({cases})"));
        let result = match &self.verdict {
            Verdict::Passed => format!("ok{cases}"),
            Verdict::Failed(why) => format!("FAILED: {why}{cases}"),
            Verdict::Skipped(why) => format!("skipped: {why}"),
        };
        [
            self.step.clone(),
            self.library.clone(),
            self.ranks.clone(),
            result,
            format!("{:.1}", self.seconds),
        ]
    }
}

/// All rows of one command.
#[derive(Debug)]
pub(crate) struct Report {
    start: Instant,
    rows: Vec<Row>,
    /// Tables of steps that have more to show than one row.
    tables: String,
    /// A row that is skipped fails.
    strict: bool,
}

impl Report {
    /// An empty report. If `strict`, a row that is skipped fails.
    pub(crate) fn new(strict: bool) -> Self {
        Self {
            start: Instant::now(),
            rows: Vec::new(),
            tables: String::new(),
            strict,
        }
    }

    /// Takes a row in and says whether it passed.
    pub(crate) fn push(&mut self, mut row: Row) -> bool {
        if let (true, Verdict::Skipped(why)) = (self.strict, &row.verdict) {
            row.verdict = Verdict::Failed(format!("skipped: {why}"));
        }
        println!(
            "-- {}: {} ({:.1} s)",
            row.title(),
            row.cells()[3],
            row.seconds
        );
        let passed = row.passed();
        self.rows.push(row);
        passed
    }

    /// Takes in a table to be printed before that of the rows, or nothing.
    pub(crate) fn add_table(&mut self, table: &str) {
        if !table.is_empty() {
            self.tables.push('\n');
            self.tables.push_str(table);
        }
    }

    /// All tables, what did not run, and the last line: distinct cases, and worlds.
    pub(crate) fn text(&self) -> String {
        let head = ["step", "library", "ranks", "result", "seconds"].map(String::from);
        let rows: Vec<[String; 5]> = std::iter::once(head)
            .chain(self.rows.iter().map(Row::cells))
            .collect();
        let mut sum = Tally::default();
        self.rows.iter().for_each(|row| sum.add(&row.counted()));
        format!(
            "{}\n{}\n{}{}{} (cases); {} (worlds)\n",
            self.tables,
            table(&rows, &[4]),
            self.slowest(),
            self.not_run(&sum),
            counts(sum.cases()),
            counts(sum.worlds()),
        )
    }

    /// What did not run, by name.
    fn not_run(&self, sum: &Tally) -> String {
        let mut lines: Vec<String> = Vec::new();
        for row in &self.rows {
            if let Verdict::Skipped(why) = &row.verdict {
                lines.push(format!("{}: {why}", row.title()));
            }
            let Some(tally) = &row.tally else { continue };
            let left_out: Vec<&str> = tally.left_out().collect();
            if !left_out.is_empty() {
                lines.push(format!(
                    "{}, left out: {}",
                    row.title(),
                    left_out.join("; ")
                ));
            }
            if tally.ignored() > 0 {
                let tests = tally.ignored();
                lines.push(format!(
                    "{}: {tests} tests that are marked to be ignored",
                    row.title()
                ));
            }
        }
        let is_row = |name: &str| self.rows.iter().any(|row| row.title() == name);
        let cases = sum.never_ran().filter(|name| !is_row(name));
        lines.extend(cases.map(|name| format!("{name}: on no world")));
        if lines.is_empty() {
            return String::new();
        }
        format!("Not run:\n  {}\n\n", lines.join("\n  "))
    }

    /// The rows that took longest, where there are more than a few.
    fn slowest(&self) -> String {
        const SHOWN: usize = 8;
        if self.rows.len() <= SHOWN {
            return String::new();
        }
        let mut rows: Vec<&Row> = self.rows.iter().collect();
        rows.sort_by(|a, b| b.seconds.total_cmp(&a.seconds));
        let line = |row: &&Row| format!("  {:6.1} s  {}\n", row.seconds, row.title());
        let lines: String = rows[..SHOWN].iter().map(line).collect();
        let total = self.start.elapsed().as_secs_f64();
        format!("{total:.0} s in all, with steps side by side. The slowest:\n{lines}\n")
    }

    /// `Err` when anything failed.
    pub(crate) fn verdict(&self) -> Result<(), String> {
        let failed: Vec<String> = self
            .rows
            .iter()
            .filter(|row| matches!(row.verdict, Verdict::Failed(_)))
            .map(Row::title)
            .collect();
        if failed.is_empty() {
            Ok(())
        } else {
            Err(format!("failed: {}", failed.join("; ")))
        }
    }
}

/// Rows of text in columns, the first row underlined; columns listed in `right` are set to the right.
pub(crate) fn table<const N: usize>(rows: &[[String; N]], right: &[usize]) -> String {
    let width = |column: usize| {
        rows.iter()
            .map(|row| row[column].chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: [usize; N] = std::array::from_fn(width);
    let mut text = String::new();
    for (number, row) in rows.iter().enumerate() {
        let cell = |(column, cell): (usize, &String)| {
            let width = widths[column];
            if right.contains(&column) {
                format!("{cell:>width$}")
            } else {
                format!("{cell:<width$}")
            }
        };
        let line = row
            .iter()
            .enumerate()
            .map(cell)
            .collect::<Vec<_>>()
            .join("  ");
        text += line.trim_end();
        text.push('\n');
        if number == 0 {
            text += &"-".repeat(widths.iter().sum::<usize>() + 2 * (N - 1));
            text.push('\n');
        }
    }
    text
}

fn counts(count: Count) -> String {
    let Count {
        passed,
        failed,
        skipped,
    } = count;
    format!("{passed} passed, {failed} failed, {skipped} skipped")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::End;
    use std::time::Duration;

    fn outcome(end: End, output: &str) -> Outcome {
        Outcome {
            end,
            output: output.into(),
            seconds: 1.5,
            mark: String::new(),
        }
    }

    fn suite(library: &str, ranks: &str, results: &str) -> Row {
        Row {
            tally: Some(Tally::of_results(results).unwrap()),
            ..Row::under("suite", library, ranks)
        }
    }

    fn last_line(report: &Report) -> String {
        report.text().lines().last().unwrap().to_owned()
    }

    #[test]
    fn the_sum_counts_cases_and_worlds() {
        let mut report = Report::new(false);
        report.push(Row::new("fmt").finished(&outcome(End::Exit(0), ""), |_| Ok(())));
        report.push(suite(
            "openmpi",
            "2",
            "a\t2\tpassed\na\t1+1\tpassed\nb\t2\tpassed\nb\t1+1\tpassed\n",
        ));
        report.push(suite(
            "mpich",
            "2",
            "a\t2\tpassed\na\t1+1\tleft out\nb\t2\tpassed\nb\t1+1\tleft out\n",
        ));
        let unit = outcome(
            End::Exit(0),
            "test result: ok. 7 passed; 0 failed; 3 ignored; 0 measured",
        );
        report.push(Row::new("tests, unit").finished(&unit, |_| Ok(())));
        report.push(Row::under("example", "openmpi", "2"));
        report.push(Row::under("example", "mpich", "2"));
        assert!(report.verdict().is_ok());
        // fmt, a, b, seven unit tests and the example; each library is a world.
        let sum = "11 passed, 0 failed, 3 skipped (cases); 16 passed, 0 failed, 5 skipped (worlds)";
        assert_eq!(last_line(&report), sum);
        let text = report.text();
        for part in [
            "ok (2 cases: 4 passed, 0 failed)",
            "ok (2 passed, 0 failed, 2 skipped)",
            "Not run:\n  suite mpich 2, left out: 1+1\n  tests, unit: 3 tests that are marked",
        ] {
            assert!(text.contains(part), "{part} not in {text}");
        }
        let hang = outcome(End::Hang(Duration::from_secs(120)), "");
        report.push(Row::under("suite", "mpich", "4").finished(&hang, |_| Ok(())));
        report.push(Row::new("msrv").skipped("not installed"));
        let sum = "11 passed, 1 failed, 4 skipped (cases); 16 passed, 1 failed, 6 skipped (worlds)";
        assert_eq!(last_line(&report), sum);
        let text = report.text();
        assert!(text.contains("HANG: ended after 120 s"), "{text}");
        assert!(text.contains("\n  msrv: not installed\n"), "{text}");
        assert_eq!(report.verdict(), Err("failed: suite mpich 4".into()));
    }

    #[test]
    fn a_failed_check_of_the_output_fails_the_row() {
        let end = outcome(End::Exit(0), "5 passed, 0 failed");
        let row = Row::new("x").finished(&end, |_| Err("bad".into()));
        assert_eq!(row.counted().worlds(), Count::new(5, 1, 0));
        assert_eq!(row.counted().cases(), Count::FAILED);
    }

    #[test]
    fn a_case_that_ran_nowhere_is_named() {
        let mut report = Report::new(false);
        report.push(suite(
            "mpich",
            "1",
            "a\t1\tpassed\nb\t1\tdoes not apply: it needs two ranks\n",
        ));
        let text = report.text();
        assert!(
            text.contains("Not run:\n  suite b: on no world\n"),
            "{text}"
        );
        assert!(text.ends_with(
            "\n1 passed, 0 failed, 1 skipped (cases); 1 passed, 0 failed, 1 skipped (worlds)\n"
        ));
    }

    #[test]
    fn a_strict_report_fails_what_is_skipped() {
        let mut report = Report::new(true);
        assert!(!report.push(Row::new("msrv").skipped("not installed")));
        let text = report.text();
        assert!(text.contains("FAILED: skipped: not installed"), "{text}");
        assert!(last_line(&report).starts_with("0 passed, 1 failed, 0 skipped (cases)"));
        assert_eq!(report.verdict(), Err("failed: msrv".into()));
    }

    #[test]
    fn the_slowest_rows_are_listed_where_there_are_many() {
        let mut report = Report::new(false);
        for seconds in 1..=9 {
            report.push(Row {
                seconds: f64::from(seconds),
                ..Row::new(&format!("row{seconds}"))
            });
        }
        let text = report.text();
        let (_, slowest) = text.split_once("The slowest").unwrap();
        let (nine, two) = (slowest.find("9.0 s  row9"), slowest.find("2.0 s  row2"));
        assert!(nine.is_some() && nine < two, "{text}");
        assert!(!slowest.contains("row1"), "{text}");
    }

    #[test]
    fn columns_line_up() {
        let rows = [["a", "n"], ["long", "10"]].map(|row| row.map(String::from));
        assert_eq!(table(&rows, &[1]), "a      n\n--------\nlong  10\n");
    }
}
