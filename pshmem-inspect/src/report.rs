//! What is printed: a line on the whole, a table, and notes.

use crate::number;
use crate::saved::{NpyFile, Saved};
use crate::statistics::{self, Row};
use crate::table::{Table, printable};
use crate::verify::{self, Different};
use pshmem_format::{Dtype, ScalarKind};
use std::fmt::Write;

/// As many pieces that differ are named for each file.
const NAMED_PIECES: usize = 5;

/// The table with statistics of all values.
pub(crate) fn statistics(saved: &mut Saved) -> String {
    let header = [
        "field", "dtype", "extents", "bytes", "min", "max", "mean", "NaN",
    ];
    let mut table = Table::new(&header, 3);
    let mut notes = Notes::default();
    let mut problems = Vec::new();
    for file in &mut saved.files {
        let rows = statistics::of(file);
        let is_struct = matches!(file.header.dtype, Dtype::Struct { .. });
        let mut cells = start(file, &mut notes);
        match &rows {
            Ok(rows) => {
                if let (false, [row]) = (is_struct, &rows[..]) {
                    cells.extend(values(row));
                }
                table.push(&cells);
                for row in rows {
                    if is_struct {
                        table.push(&member(file, row));
                    }
                    notes.has_complex |= row.scalar.kind == ScalarKind::Complex;
                    if row.values.no_bool > 0 {
                        let (path, count) = (file.path.display(), row.values.no_bool);
                        problems.push(format!(
                            "{path}: {count} values of bool{} are neither 0 nor 1",
                            row.member
                        ));
                    }
                }
            }
            Err(error) => {
                table.push(&cells);
                problems.push(format!("{}: {error}", file.path.display()));
            }
        }
    }
    saved.problems.extend(problems);
    whole(saved, &table, &notes)
}

/// The table with the outcome of comparing all checksums.
pub(crate) fn checksums(saved: &mut Saved) -> String {
    let mut table = Table::new(
        &["field", "dtype", "extents", "bytes", "pieces", "different"],
        3,
    );
    let mut notes = Notes::default();
    let mut problems = Vec::new();
    for file in &mut saved.files {
        let path = file.path.display().to_string();
        let mut cells = start(file, &mut notes);
        match file.schema.take() {
            None => problems.push(format!(
                "{path}: has no checksums, because no schema.json lists it"
            )),
            Some(schema) => match verify::different(file, &schema) {
                Err(error) => problems.push(format!("{path}: {error}")),
                Ok(different) => {
                    cells.push(schema.pieces.len().to_string());
                    cells.push(different.len().to_string());
                    problems.extend(different_pieces(&path, &different, schema.pieces.len()));
                }
            },
        }
        table.push(&cells);
    }
    saved.problems.extend(problems);
    let mut text = whole(saved, &table, &notes);
    if saved.problems.is_empty() {
        text += "All checksums are those of schema.json.\n";
    }
    text
}

/// Names the first pieces of a file that differ.
fn different_pieces(path: &str, different: &[Different], pieces: usize) -> Vec<String> {
    let name = |Different {
                    piece,
                    bytes: (start, end),
                }: &Different| {
        format!(
            "{path}: piece {} of {pieces} differs from its checksum: bytes {start} to {end} of the data",
            piece + 1
        )
    };
    let mut problems: Vec<String> = different.iter().take(NAMED_PIECES).map(name).collect();
    if let Some(more @ 1..) = different.len().checked_sub(NAMED_PIECES) {
        problems.push(format!("{path}: {more} more pieces differ"));
    }
    problems
}

/// What has to be explained below the table.
#[derive(Default)]
struct Notes {
    has_fortran: bool,
    has_complex: bool,
}

/// The line on the whole, the table, and the notes. Nothing if no file can be read.
fn whole(saved: &Saved, table: &Table, notes: &Notes) -> String {
    if saved.files.is_empty() && saved.type_name.is_none() {
        return String::new();
    }
    let mut text = String::new();
    if let Some(type_name) = &saved.type_name {
        let (path, files) = (saved.path.display().to_string(), saved.files.len());
        let add = |sum: u64, file: &NpyFile| sum.saturating_add(file.bytes);
        let bytes = saved.files.iter().fold(0, add);
        let (path, type_name) = (printable(&path), printable(type_name));
        let plural = if files == 1 { "" } else { "s" };
        let _ = writeln!(
            text,
            "{path}: {type_name}, {files} file{plural}, {}",
            number::bytes(bytes)
        );
    }
    text += &table.text();
    if notes.has_fortran {
        text += "F: Fortran order, the first axis is contiguous.\n";
    }
    if notes.has_complex {
        text += "The numbers of complex fields are those of the absolute values.\n";
    }
    text
}

/// The cells that describe a file.
fn start(file: &NpyFile, notes: &mut Notes) -> Vec<String> {
    let header = &file.header;
    let dtype = match &header.dtype {
        Dtype::Scalar(scalar) => scalar.to_string(),
        Dtype::Struct { itemsize, .. } => format!("{itemsize} B"),
    };
    let mut extents = extents(&header.shape);
    if header.fortran_order && header.shape.len() > 1 {
        notes.has_fortran = true;
        extents += " F";
    }
    vec![file.name.clone(), dtype, extents, file.bytes.to_string()]
}

/// The row of a member of a structured dtype.
fn member(file: &NpyFile, row: &Row) -> Vec<String> {
    let inner = match &row.extents[..] {
        [] => String::new(),
        inner => extents(inner),
    };
    let name = format!("{}{}", file.name, row.member);
    let mut cells = vec![name, row.scalar.to_string(), inner, String::new()];
    cells.extend(values(row));
    cells
}

/// The statistics of a row.
fn values(row: &Row) -> [String; 4] {
    let nan = row.values.nan.to_string();
    match row.values.summary() {
        Some([min, max, mean]) => [
            number::number(min),
            number::number(max),
            number::number(mean),
            nan,
        ],
        None => ["-".to_owned(), "-".to_owned(), "-".to_owned(), nan],
    }
}

/// `64 x 128`; `1` for a single value.
fn extents(shape: &[usize]) -> String {
    match shape {
        [] => "1".to_owned(),
        _ => shape
            .iter()
            .map(usize::to_string)
            .collect::<Vec<_>>()
            .join(" x "),
    }
}
