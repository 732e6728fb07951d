//! Results of steps, the table at the end and the line that sums them up.

use crate::process::Outcome;
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
    /// Cases that passed and failed, where the step counts cases.
    pub(crate) cases: Option<(u64, u64)>,
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
            cases: None,
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

    /// Fills in a run's end and time; `check` looks at the output of a run that ended well.
    pub(crate) fn finished(
        mut self,
        outcome: &Outcome,
        check: impl FnOnce(&str) -> Result<(), String>,
    ) -> Self {
        self.seconds += outcome.seconds;
        self.cases = cases(&outcome.output);
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
    fn counts(&self) -> [u64; 3] {
        match (&self.verdict, self.cases) {
            (Verdict::Skipped(_), _) => [0, 0, 1],
            (Verdict::Passed, Some((passed, _))) => [passed, 0, 0],
            (Verdict::Passed, None) => [1, 0, 0],
            (Verdict::Failed(_), Some((passed, failed))) => [passed, failed.max(1), 0],
            (Verdict::Failed(_), None) => [0, 1, 0],
        }
    }

    fn cells(&self) -> [String; 5] {
        let cases = self.cases.map_or(String::new(), |(passed, failed)| {
            format!(" ({passed} passed, {failed} failed)")
        });
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

    /// All tables, and the last line: `N passed, N failed`, and `, N skipped` where a row was skipped.
    pub(crate) fn text(&self) -> String {
        let head = ["step", "library", "ranks", "result", "seconds"].map(String::from);
        let rows: Vec<[String; 5]> = std::iter::once(head)
            .chain(self.rows.iter().map(Row::cells))
            .collect();
        let sum = |i: usize| self.rows.iter().map(|row| row.counts()[i]).sum::<u64>();
        let skipped = match sum(2) {
            0 => String::new(),
            rows => format!(", {rows} skipped"),
        };
        format!(
            "{}\n{}\n{}{} passed, {} failed{skipped}\n",
            self.tables,
            table(&rows, &[4]),
            self.slowest(),
            sum(0),
            sum(1)
        )
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

/// The cases that an output reports: all lines of `cargo test` together, or the last line of a suite.
fn cases(output: &str) -> Option<(u64, u64)> {
    let of_libtest = output.lines().filter_map(libtest_line);
    let of_suite = output.lines().rev().find_map(suite_line);
    of_libtest
        .reduce(|a, b| (a.0 + b.0, a.1 + b.1))
        .or(of_suite)
}

fn libtest_line(line: &str) -> Option<(u64, u64)> {
    let (_, counts) = line.strip_prefix("test result: ")?.split_once(". ")?;
    let mut parts = counts.split(';');
    let number =
        |part: Option<&str>, word: &str| part?.trim().strip_suffix(word)?.trim().parse().ok();
    Some((
        number(parts.next(), "passed")?,
        number(parts.next(), "failed")?,
    ))
}

/// `N passed, N failed`, alone on its line.
pub(crate) fn suite_line(line: &str) -> Option<(u64, u64)> {
    let (passed, failed) = line.trim().split_once(" passed, ")?;
    Some((
        passed.parse().ok()?,
        failed.strip_suffix(" failed")?.parse().ok()?,
    ))
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

    #[test]
    fn cases_are_read_from_both_kinds_of_output() {
        let libtest = "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out
            \ntest result: FAILED. 2 passed; 1 failed; 0 ignored";
        assert_eq!(cases(libtest), Some((5, 1)));
        assert_eq!(
            cases("1 passed, 0 failed\n12 passed, 3 failed\nbye"),
            Some((12, 3))
        );
        assert_eq!(cases("rank 0: 12 passed, 3 failed, maybe"), None);
    }

    #[test]
    fn the_sum_counts_cases_and_steps() {
        let mut report = Report::new(false);
        report.push(Row::new("fmt").finished(&outcome(End::Exit(0), ""), |_| Ok(())));
        report.push(
            Row::under("suite", "mpich", "2")
                .finished(&outcome(End::Exit(0), "10 passed, 0 failed\n"), |_| Ok(())),
        );
        assert!(report.verdict().is_ok());
        let hang = outcome(End::Hang(Duration::from_secs(120)), "");
        report.push(Row::under("suite", "mpich", "4").finished(&hang, |_| Ok(())));
        report.push(Row::new("msrv").skipped("not installed"));
        let text = report.text();
        assert!(
            text.ends_with("\n11 passed, 1 failed, 1 skipped\n"),
            "{text}"
        );
        assert!(text.contains("HANG: ended after 120 s"), "{text}");
        assert!(text.contains("skipped: not installed"), "{text}");
        assert_eq!(report.verdict(), Err("failed: suite mpich 4".into()));
    }

    #[test]
    fn a_failed_check_of_the_output_fails_the_row() {
        let row = Row::new("x").finished(&outcome(End::Exit(0), "5 passed, 0 failed"), |_| {
            Err("bad".into())
        });
        assert_eq!(row.counts(), [5, 1, 0]);
    }

    #[test]
    fn a_strict_report_fails_what_is_skipped() {
        let mut report = Report::new(true);
        assert!(!report.push(Row::new("msrv").skipped("not installed")));
        let text = report.text();
        assert!(text.contains("FAILED: skipped: not installed"), "{text}");
        assert!(text.ends_with("\n0 passed, 1 failed\n"), "{text}");
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
