//! A table with aligned columns.

use crate::output::printable;

/// A column: its title, and whether it is aligned to the right, as numbers are.
pub(crate) struct Column(pub(crate) &'static str, pub(crate) bool);

/// The table, one line for each row, below a line with the titles.
pub(crate) fn table<const N: usize>(columns: &[Column; N], rows: &[[String; N]]) -> String {
    let titles: [String; N] = std::array::from_fn(|column| columns[column].0.to_owned());
    let cells = rows
        .iter()
        .map(|row| row.each_ref().map(|cell| printable(cell)));
    let lines: Vec<[String; N]> = std::iter::once(titles).chain(cells).collect();
    let widths: [usize; N] = std::array::from_fn(|column| {
        let widths = lines.iter().map(|line| line[column].chars().count());
        widths.max().unwrap_or_default()
    });
    let mut text = String::new();
    for line in &lines {
        let cell = |column: usize| {
            let (cell, width) = (&line[column], widths[column]);
            if columns[column].1 {
                format!("{cell:>width$}")
            } else {
                format!("{cell:width$}")
            }
        };
        let cells: [String; N] = std::array::from_fn(cell);
        text += cells.join("  ").trim_end();
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned() {
        let columns = [Column("a", false), Column("b", true), Column("c", false)];
        let rows = [["long", "1", "x\ny"], ["é", "333", ""]];
        let text = table(&columns, &rows.map(|row| row.map(str::to_owned)));
        assert_eq!(text, "a       b  c\nlong    1  x\\ny\né     333\n");
    }
}
