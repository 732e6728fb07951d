//! A table as a picture: for each row, a bar for each contender, as many times as long as it took compared with the library.

use super::table::{OURS, Table};
use std::fmt::Write;

/// Pixels of a row, of the names on the left, and of a factor of ten.
const ROW: f64 = 16.0;
const NAMES: f64 = 330.0;
const DECADE: f64 = 120.0;
/// The picture shows factors from a tenth to a thousand.
const DECADES: f64 = 4.0;
const HEAD: f64 = 40.0;
/// Pixels between rows, and from one name at the top to the next.
const GAP: f64 = 6.0;
const LEGEND: f64 = 130.0;

const COLORS: [&str; 6] = [
    "#4269d0", "#efb118", "#ff725c", "#6cc5b0", "#a463f2", "#9c6b4e",
];

/// An SVG picture. Times are compared on a logarithmic scale; rows with nothing to compare are left out.
pub(super) fn svg(title: &str, table: &Table) -> String {
    let others: Vec<&str> = table
        .columns()
        .into_iter()
        .filter(|name| *name != OURS)
        .collect();
    let mut bars = Vec::new();
    for row in table.rows() {
        let ratios: Vec<(usize, f64)> = others
            .iter()
            .enumerate()
            .filter_map(|(index, other)| Some((index, table.ratio(row, other)?)))
            .filter(|(_, ratio)| ratio.is_finite() && *ratio > 0.0)
            .collect();
        if !ratios.is_empty() {
            bars.push((row, ratios));
        }
    }
    let height = bars
        .iter()
        .flat_map(|(_, ratios)| ratios)
        .fold(HEAD, |sum, _| sum + ROW);
    let height = bars.iter().fold(height, |sum, _| sum + GAP);
    let width = NAMES + DECADE * DECADES + 60.0;
    let mut svg = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="sans-serif" font-size="11"><rect width="100%" height="100%" fill="white"/>"#
    );
    text(&mut svg, 8.0, 14.0, "bold", title);
    let mut x = 8.0;
    for (index, other) in others.iter().enumerate() {
        let _ = write!(
            svg,
            r#"<rect x="{x}" y="22" width="10" height="10" fill="{}"/>"#,
            color(index)
        );
        text(
            &mut svg,
            x + 14.0,
            31.0,
            "normal",
            &format!("{other} / {OURS}"),
        );
        x += LEGEND;
    }
    let mut y = HEAD;
    for (row, ratios) in bars {
        text(&mut svg, 8.0, y + ROW - 5.0, "normal", row);
        for (index, ratio) in ratios {
            // From the line of equal times.
            let (from, to) = (place(1.0), place(ratio));
            let (x, length) = (from.min(to), (to - from).abs().max(1.0));
            let _ = write!(
                svg,
                r#"<rect x="{x:.1}" y="{y}" width="{length:.1}" height="{}" fill="{}"/>"#,
                ROW - 4.0,
                color(index)
            );
            text(
                &mut svg,
                from.max(to) + 4.0,
                y + ROW - 6.0,
                "normal",
                &format!("{ratio:.2}"),
            );
            y += ROW;
        }
        y += GAP;
    }
    let one = place(1.0);
    let _ = write!(
        svg,
        r#"<line x1="{one:.1}" y1="{HEAD}" x2="{one:.1}" y2="{height}" stroke="black"/></svg>"#
    );
    svg + "\n"
}

fn color(index: usize) -> &'static str {
    COLORS[index % COLORS.len()]
}

/// Where a factor lies from left to right.
fn place(factor: f64) -> f64 {
    let decades = (factor.log10() + 1.0).clamp(0.0, DECADES);
    NAMES + DECADE * decades
}

fn text(svg: &mut String, x: f64, y: f64, weight: &str, words: &str) {
    let words = words.replace('&', "&amp;").replace('<', "&lt;");
    let _ = write!(
        svg,
        r#"<text x="{x:.1}" y="{y:.1}" font-weight="{weight}">{words}</text>"#
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_with_something_to_compare_has_its_bars() {
        let mut table = Table::default();
        table.read("set <8 B\tpshmem\t1\ts\nset <8 B\traw MPI\t3\ts\nset <8 B\tpython\t50\ts\npeak\tpshmem\t5\tB\n");
        let svg = svg("A & B", &table);
        assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
        assert!(svg.contains("A &amp; B") && svg.contains("set &lt;8 B") && !svg.contains("peak"));
        assert!(svg.contains(">3.00<") && svg.contains(">50.00<"));
        let places = [0.1, 1.0, 3.0, 1000.0].map(place);
        assert!(places.is_sorted());
        let ends = [place(0.001), place(1e9)];
        assert_eq!(
            ends.map(|end| format!("{end}")),
            [places[0], places[3]].map(|end| format!("{end}"))
        );
    }
}
