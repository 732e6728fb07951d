//! A table with aligned columns.

/// Rows of cells. The first row is the header.
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
    /// The first columns are aligned to the left, the others to the right.
    left: usize,
}

impl Table {
    pub(crate) fn new(header: &[&str], left: usize) -> Self {
        let header = header.iter().map(|cell| (*cell).to_owned()).collect();
        Table {
            rows: vec![header],
            left,
        }
    }

    pub(crate) fn push(&mut self, row: &[String]) {
        self.rows
            .push(row.iter().map(|cell| printable(cell)).collect());
    }

    pub(crate) fn text(&self) -> String {
        let columns = self.rows[0].len();
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let mut text = String::new();
        for row in &self.rows {
            let mut line = String::new();
            for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
                let space = " ".repeat(width - cell.chars().count());
                line += if column > 0 { "  " } else { "" };
                let is_left = column < self.left;
                let (before, after) = if is_left {
                    ("", &*space)
                } else {
                    (&*space, "")
                };
                line.extend([before, cell, after]);
            }
            text += line.trim_end();
            text.push('\n');
        }
        text
    }
}

/// The text without characters that would move the cursor, or do worse to a terminal: names come from files.
pub(crate) fn printable(text: &str) -> String {
    let mut printable = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() {
            printable.extend(c.escape_default());
        } else {
            printable.push(c);
        }
    }
    printable
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned() {
        let mut table = Table::new(&["a", "b", "c"], 1);
        table.push(&["long", "1", "22"].map(str::to_owned));
        table.push(&["é", "333"].map(str::to_owned));
        assert_eq!(table.text(), "a       b   c\nlong    1  22\né     333\n");
    }

    #[test]
    fn a_terminal_is_not_controlled_by_names() {
        assert_eq!(printable("a\x1b[2J\nbé"), "a\\u{1b}[2J\\nbé");
    }
}
