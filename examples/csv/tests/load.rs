//! Files that are right, and files that are wrong in one way each, on ranks that are threads.

use pshmem::local::Cluster;
use pshmem::{Error, Result};
use pshmem_example_csv::{Star, load};
use std::fmt::Write;
use std::fs;
use std::path::Path;

/// One node of one rank; several nodes; more ranks than rows of short files.
const SHAPES: [&[usize]; 3] = [&[1], &[2, 1], &[3, 2]];

fn star(number: usize) -> Star {
    let x = f64::from(u32::try_from(number).unwrap());
    Star {
        id: 10 * number as u64,
        ra: x / 7.0,
        dec: -x / 3.0,
        magnitude: (x / 11.0) as f32,
    }
}

/// Loads on all shapes. What rank 0 of the last one has.
fn loaded(path: &Path) -> Vec<Star> {
    let mut last = Vec::new();
    for shape in SHAPES {
        let mut all =
            Cluster::new(shape).run_ok(|comm| Ok::<_, Error>(load(comm, path)?.to_owned()));
        last = all.swap_remove(0);
        assert!(all.iter().all(|other| *other == last), "{shape:?}");
    }
    last
}

/// The message that all ranks get.
fn message(text: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stars.csv");
    fs::write(&path, text).unwrap();
    failed(&path)
}

fn failed(path: &Path) -> String {
    let results = Cluster::new(&[2, 1]).run(|comm| -> Result<()> {
        let failed = load(comm, path).map(drop);
        // The ranks can go on.
        comm.barrier()?;
        failed
    });
    let first = results[0].as_ref().unwrap_err();
    assert!(matches!(first, Error::Closure { .. }), "{first}");
    for other in &results {
        assert_eq!(other.as_ref().unwrap_err(), first);
    }
    first.to_string()
}

#[test]
fn all_ranks_parse_a_long_file() {
    // Of more rows than there are between two notes, with other columns, another order, quotes and a line end inside a field.
    let mut text = String::from("magnitude, name ,dec,ra,id\n");
    let expected: Vec<Star> = (0..4321).map(star).collect();
    for Star {
        id,
        ra,
        dec,
        magnitude,
    } in &expected
    {
        writeln!(
            text,
            "{magnitude},\"No. {id},\n\"\"x\"\"\",{dec}, {ra} ,\"{id}\""
        )
        .unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stars.csv");
    fs::write(&path, text).unwrap();
    assert_eq!(loaded(&path), expected);
}

#[test]
fn other_line_ends_and_empty_lines() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stars.csv");
    fs::write(&path, "id,ra,dec,magnitude\r\n0,0,0,0\r\n\r\n0,0,0,0").unwrap();
    assert_eq!(loaded(&path), [star(0); 2]);
    fs::write(&path, "id,ra,dec,magnitude\n").unwrap();
    assert_eq!(loaded(&path), []);
}

#[test]
fn a_line_with_too_few_fields_is_named() {
    let message = message("id,ra,dec,magnitude\n1,2,3,4\n\n\n1,2,3\n1,2,3,4\n");
    for part in ["stars.csv, line 5: 3 fields", "names 4 columns"] {
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn a_field_that_is_no_number_is_named() {
    for end in ["\n", "\r\n"] {
        // In the rows of the last rank, after a note.
        let mut text = format!("id,ra,dec,magnitude{end}");
        for number in 0..3000 {
            let ra = if number == 2500 { "north" } else { "1" };
            write!(text, "{number},{ra},3,4{end}").unwrap();
        }
        let message = message(&text);
        for part in ["stars.csv, line 2502: ", "field 2: invalid float"] {
            assert!(message.contains(part), "{end:?}: {message}");
        }
    }
}

#[test]
fn a_column_that_is_missing_is_named() {
    let message = message("id,ra,magnitude\n1,2,3\n");
    assert!(message.contains("missing field `dec`"), "{message}");
}

#[test]
fn no_file_and_an_empty_file() {
    let folder = tempfile::tempdir().unwrap();
    let message_of_none = failed(&folder.path().join("none.csv"));
    assert!(
        message_of_none.contains("none.csv: No such file"),
        "{message_of_none}"
    );
    assert!(message("").contains("no line that names columns"));
}
