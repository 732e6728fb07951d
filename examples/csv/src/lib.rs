//! A CSV file that all ranks parse, each its own rows, straight into columns in node memory.
//!
//! Lines differ in length, so only one who reads them all knows where a row is. Rank 0 does so once, without looking at numbers, and
//! notes where every 1000th row begins. Then each rank goes to its rows and parses them, which is most of the work. No rank ever
//! holds more than one row of its own.

use csv::{ByteRecord, ErrorKind, Position, Reader, ReaderBuilder, Trim};
use pshmem::{Columns, Comm, Result, Shared, SharedColumns, SharedLayout};
use serde::Deserialize;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::Path;

/// A row. Columns of the file are found by these names, in any order; others are ignored.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, SharedColumns)]
pub struct Star {
    /// Its number in the catalogue.
    pub id: u64,
    /// Right ascension in degrees.
    pub ra: f64,
    /// Declination in degrees.
    pub dec: f64,
    /// Apparent magnitude.
    pub magnitude: f32,
}

/// Rows from one note of a position to the next.
const STEP: usize = 1000;

/// Where rows begin.
#[derive(SharedLayout)]
struct Index {
    rows: u64,
    /// The byte and the line of every `STEP`th row.
    marks: Vec<[u64; 2]>,
}

/// Loads a file whose first line names the columns.
///
/// # Collective
/// All ranks call it, with the same path.
///
/// # Errors
/// [`Error::Closure`](pshmem::Error::Closure) if the file cannot be opened, a row has more or fewer fields than there are names, a
/// column is missing, or a field is no number. It names the file, the line and the field. Those of [`Shared::new`].
#[track_caller]
pub fn load(comm: &Comm, path: impl AsRef<Path>) -> Result<Shared<Columns<Star>>> {
    let path = path.as_ref();
    let index = Shared::<Index>::try_from_root(comm, 0, || index(path))?;
    let index = index.view();
    let mut stars = Shared::<Columns<Star>>::new(comm, *index.rows as usize)?;
    stars.try_update_parts(|rows, mut part| {
        parse(path, index.marks, rows, |row, star| part.set(row, star))
    })?;
    Ok(stars)
}

/// Reads the whole file, and notes where rows begin.
fn index(path: &Path) -> Result<Index, String> {
    let mut reader = open(path)?;
    if reader.byte_headers().map_err(failure(path))?.is_empty() {
        return Err(format!(
            "{}: it has no line that names columns",
            path.display()
        ));
    }
    let (mut rows, mut marks) = (0, Vec::new());
    let mut row = ByteRecord::new();
    while reader.read_byte_record(&mut row).map_err(failure(path))? {
        if rows % STEP == 0 {
            let start = row.position().expect("that of a row that was read");
            marks.push([start.byte(), start.line()]);
        }
        rows += 1;
    }
    let rows = rows as u64;
    Ok(Index { rows, marks })
}

/// Parses some rows, and passes each one on with its number, counted from 0.
fn parse(
    path: &Path,
    marks: &[[u64; 2]],
    rows: Range<usize>,
    mut set: impl FnMut(usize, Star),
) -> Result<(), String> {
    if rows.is_empty() {
        return Ok(());
    }
    let mut reader = open(path)?;
    let [byte, line] = marks[rows.start / STEP];
    let skipped = rows.start % STEP;
    let mut position = Position::new();
    // The line of names counts as a record of its own.
    let record = (rows.start - skipped + 1) as u64;
    position.set_byte(byte).set_line(line).set_record(record);
    reader.seek(position).map_err(failure(path))?;
    let mut row = ByteRecord::new();
    for _ in 0..skipped {
        reader.read_byte_record(&mut row).map_err(failure(path))?;
    }
    let mut stars = reader.deserialize();
    for number in 0..rows.len() {
        let star = stars.next();
        let star = star.ok_or_else(|| format!("{}: it has become shorter", path.display()))?;
        set(number, star.map_err(failure(path))?);
    }
    Ok(())
}

fn open(path: &Path) -> Result<Reader<File>, String> {
    let reader = ReaderBuilder::new().trim(Trim::All).from_path(path);
    reader.map_err(failure(path))
}

/// For `map_err` after a call for a file.
fn failure(path: &Path) -> impl FnOnce(csv::Error) -> String {
    move |error| {
        let reason = match error.kind() {
            ErrorKind::Deserialize { err, .. } => match err.field() {
                Some(field) => format!("field {}: {}", field + 1, err.kind()),
                None => err.kind().to_string(),
            },
            ErrorKind::UnequalLengths {
                expected_len, len, ..
            } => format!("{len} fields, but the first line names {expected_len} columns"),
            _ => error.to_string(),
        };
        let line = error.position().map(|at| line(path, at));
        let line = line.map_or(String::new(), |line| format!(", line {line}"));
        format!("{}{line}: {reason}", path.display())
    }
}

/// The line of the row that was read at a position. The reader was still before empty lines, or inside of `\r\n`.
fn line(path: &Path, at: &Position) -> u64 {
    let passed = || -> io::Result<u64> {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(at.byte()))?;
        let mut line_ends = 0;
        for byte in BufReader::new(file).bytes() {
            match byte? {
                b'\n' => line_ends += 1,
                b'\r' => {}
                _ => break,
            }
        }
        Ok(line_ends)
    };
    at.line() + passed().unwrap_or(0)
}
