//! Measurements, one per line `row<TAB>column<TAB>number<TAB>unit`, and the table that compares them.

use super::targets;

/// The column that the others are compared with.
pub(super) const OURS: &str = "pshmem";

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Measure {
    pub(super) row: String,
    pub(super) column: String,
    pub(super) number: f64,
    pub(super) unit: String,
}

/// All measurements of one library and number of ranks.
#[derive(Debug, Default)]
pub(crate) struct Table(pub(super) Vec<Measure>);

impl Table {
    /// Takes in the measurements among the lines of `output`.
    pub(crate) fn read(&mut self, output: &str) {
        self.0.extend(output.lines().filter_map(measure));
    }

    /// Notes that a contender could not do what the row measures.
    pub(crate) fn failed(&mut self, row: &str, column: &str) {
        let (row, column) = (row.into(), column.into());
        self.0.push(Measure {
            row,
            column,
            number: f64::NAN,
            unit: String::new(),
        });
    }

    /// One line per row: ours, each other contender with how many times as long as ours it took, and what is to be reached. Repeated
    /// measurements count by their median.
    pub(crate) fn markdown(&self) -> String {
        let columns = self.columns();
        let shown = |row: &str, column: &str| {
            let (number, unit) = self.median(row, column)?;
            Some(show(number, unit))
        };
        let mut lines = vec![
            ["", OURS, "others", "target"].map(str::to_owned),
            [RULE_LEFT, RULE_RIGHT, RULE_LEFT, RULE_LEFT].map(str::to_owned),
        ];
        for row in self.rows() {
            let others = columns.iter().filter(|column| **column != OURS);
            let others = others.filter_map(|other| {
                let ratio = self.ratio(row, other).map(factor);
                let ratio = ratio.map_or(String::new(), |ratio| format!(" ({ratio})"));
                Some(format!("{other} {}{ratio}", shown(row, other)?))
            });
            lines.push([
                row.to_owned(),
                shown(row, OURS).unwrap_or_default(),
                others.collect::<Vec<_>>().join(", "),
                targets::text(self, row).unwrap_or_default(),
            ]);
        }
        aligned(&lines)
    }

    /// The rows, in the order in which they came.
    pub(super) fn rows(&self) -> Vec<&str> {
        distinct(self.0.iter().map(|m| m.row.as_str()))
    }

    /// The columns, in the order in which they came.
    pub(super) fn columns(&self) -> Vec<&str> {
        distinct(self.0.iter().map(|m| m.column.as_str()))
    }

    fn median(&self, row: &str, column: &str) -> Option<(f64, &str)> {
        let mut of = self.0.iter().filter(|m| m.row == row && m.column == column);
        let unit = &of.next()?.unit;
        Some((median(&self.0, row, column)?, unit))
    }

    /// How many times as long as ours a contender took.
    pub(super) fn ratio(&self, row: &str, other: &str) -> Option<f64> {
        let (ours, unit) = self.median(row, OURS)?;
        let (theirs, their_unit) = self.median(row, other)?;
        (unit == their_unit && ours > 0.0).then(|| theirs / ours)
    }
}

/// The median of repeated measurements.
pub(super) fn median(measures: &[Measure], row: &str, column: &str) -> Option<f64> {
    let of = measures
        .iter()
        .filter(|m| m.row == row && m.column == column);
    let mut numbers: Vec<f64> = of.map(|m| m.number).collect();
    numbers.sort_by(f64::total_cmp);
    let last = numbers.len().checked_sub(1)?;
    Some(f64::midpoint(numbers[last / 2], numbers[last.div_ceil(2)]))
}

fn measure(line: &str) -> Option<Measure> {
    let mut parts = line.split('\t').map(str::trim);
    let (row, column) = (parts.next()?.to_string(), parts.next()?.to_string());
    let number = parts.next()?.parse().ok()?;
    let unit = parts.next()?.to_string();
    parts.next().is_none().then_some(Measure {
        row,
        column,
        number,
        unit,
    })
}

fn distinct<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut list = Vec::new();
    for name in names {
        if !list.contains(&name) {
            list.push(name);
        }
    }
    list
}

fn show(number: f64, unit: &str) -> String {
    if number.is_nan() {
        return "fails".into();
    }
    let steps: &[(f64, &str)] = match unit {
        "s" => &[(1.0, "s"), (1e-3, "ms"), (1e-6, "us"), (1e-9, "ns")],
        "B" => &[
            (1_073_741_824.0, "GiB"),
            (1_048_576.0, "MiB"),
            (1024.0, "KiB"),
            (1.0, "B"),
        ],
        _ => &[(1.0, unit)],
    };
    let fits = steps
        .iter()
        .find(|(size, _)| number >= *size)
        .or(steps.last());
    let (size, name) = fits.copied().unwrap_or((1.0, unit));
    format!("{} {name}", three_digits(number / size))
        .trim_end()
        .to_string()
}

fn factor(ratio: f64) -> String {
    format!("{}x", three_digits(ratio))
}

/// Three significant digits, no exponent.
fn three_digits(number: f64) -> String {
    let decimals = match number.abs() {
        size if size >= 99.95 => 0,
        size if size >= 9.995 => 1,
        size if size >= 0.9995 || size == 0.0 => 2,
        _ => 3,
    };
    format!("{number:.decimals$}")
}

/// Markdown whose columns also line up as plain text. The second one is of numbers.
fn aligned(lines: &[[String; 4]]) -> String {
    let width = |i: usize| {
        let cells = lines.iter().map(|line| line[i].chars().count());
        cells.max().unwrap_or(0)
    };
    let cell = |(i, cell): (usize, &String)| match (cell.as_str(), width(i)) {
        (RULE_LEFT, width) => format!("| {:-<width$} ", ""),
        (RULE_RIGHT, width) => format!("| {:-<1$}: ", "", width - 1),
        (_, width) if i == 1 => format!("| {cell:>width$} "),
        (_, width) => format!("| {cell:<width$} "),
    };
    let line = |line: &[String; 4]| line.iter().enumerate().map(cell).collect::<String>() + "|\n";
    lines.iter().map(line).collect()
}

/// Stand for the rule under the head: text to the left, numbers to the right.
const RULE_LEFT: &str = "---";
const RULE_RIGHT: &str = "--:";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_lines_are_left_alone() {
        let expected = Measure {
            row: "set 64 B".into(),
            column: "mpi".into(),
            number: 2.5e-7,
            unit: "s".into(),
        };
        assert_eq!(measure("set 64 B\tmpi\t2.5e-7\ts"), Some(expected));
        for line in ["", "warming up", "a\tb\tc\td", "a\tb\t1", "a\tb\t1\ts\tx"] {
            assert_eq!(measure(line), None, "{line}");
        }
    }

    #[test]
    fn contenders_stand_side_by_side() {
        let mut table = Table::default();
        table.read(
            "set\tmpi\t4e-7\ts\nset\tpshmem\t3e-7\ts\nset\tpshmem\t1e-7\ts\nset\tpshmem\t2e-7\ts\n",
        );
        table.read("set\tpython\t2e-5\ts\npeak\tpshmem\t2097152\tB\n");
        let expected = "
|      | pshmem | others | target |
| ---- | -----: | ------ | ------ |
| set  | 200 ns | mpi 400 ns (2.00x), python 20.0 us (100x) | |
| peak | 2.00 MiB | | |";
        let text = table.markdown();
        let squeeze = |text: &str| text.replace([' ', '-'], "");
        assert!(
            squeeze(&text).starts_with(squeeze(expected.trim()).as_str()),
            "{text}"
        );
        let lengths: Vec<usize> = text.lines().map(|line| line.chars().count()).collect();
        assert!(lengths.iter().all(|length| *length == lengths[0]), "{text}");
    }

    #[test]
    fn a_failure_is_shown() {
        let mut table = Table::default();
        table.read("lock\tpshmem\t1e-7\ts");
        table.failed("lock", "python");
        assert!(
            table.markdown().contains("| 100 ns | python fails |"),
            "{}",
            table.markdown()
        );
    }

    #[test]
    fn numbers_have_three_digits() {
        assert_eq!(show(2.341e-5, "s"), "23.4 us");
        assert_eq!(show(0.25e-9, "s"), "0.250 ns");
        assert_eq!(show(1.5, "s"), "1.50 s");
        assert_eq!(show(3.0 * 1024.0 * 1024.0, "B"), "3.00 MiB");
        assert_eq!(show(12.0, "windows"), "12.0 windows");
        assert_eq!(factor(123.4), "123x");
    }
}
