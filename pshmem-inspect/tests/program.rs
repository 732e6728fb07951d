//! Runs the program on files and folders that are written here: good ones, and every bad one.

use pshmem_format::{Checksum, Dtype, Header, Item, SavedField, SavedSchema, checksum};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn inspect(arguments: &[&str], path: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pshmem-inspect"));
    command.args(arguments).arg(path).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// What the program prints for something that is in order.
fn good(arguments: &[&str], path: &Path) -> String {
    let output = inspect(arguments, path);
    assert_eq!(text(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
    text(&output.stdout)
}

/// What the program says of something that is not in order.
fn bad(arguments: &[&str], path: &Path) -> String {
    let output = inspect(arguments, path);
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(
        !stderr.is_empty() && !stderr.contains("panicked"),
        "{stderr}"
    );
    for line in stderr.lines() {
        assert!(line.starts_with("pshmem-inspect: "), "{line}");
    }
    stderr
}

fn npy(dtype: &str, extents: &[usize], data: &[u8]) -> Vec<u8> {
    let dtype: Dtype = dtype.parse().unwrap();
    let mut bytes = Header::encode(&Item::from(dtype), extents);
    bytes.extend(data);
    bytes
}

fn f8(values: &[f64]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect()
}

/// Pieces in these tests are short, so that files have several.
const PIECE: usize = 16;

/// Writes a file of a saved folder. Returns what its schema says.
fn field(folder: &Path, name: &str, dtype: &str, shape: &[usize], data: &[u8]) -> SavedField {
    let file = name.replace('.', "/") + ".npy";
    let path = folder.join(&file);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, npy(dtype, shape, data)).unwrap();
    let pieces: Vec<u64> = data.chunks(PIECE).map(checksum).collect();
    SavedField {
        name: name.to_owned(),
        file,
        dtype: dtype.parse::<Dtype>().unwrap().to_string(),
        shape: shape.to_vec(),
        bytes: data.len() as u64,
        piece_bytes: PIECE as u64,
        pieces: pieces
            .iter()
            .map(|piece| Checksum::to_hex(*piece))
            .collect(),
        file_checksum: Checksum::to_hex(Checksum::of_pieces(&pieces)),
    }
}

/// A folder as the library saves it.
struct Saved {
    _parent: tempfile::TempDir,
    folder: PathBuf,
    schema: SavedSchema,
}

impl Saved {
    fn new() -> Self {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("gas");
        let lines: Vec<u8> = [(0.5_f64, 7_u64), (f64::NAN, 9)]
            .iter()
            .flat_map(|(energy, count)| [energy.to_le_bytes(), count.to_le_bytes()].concat())
            .collect();
        let fields = vec![
            field(
                &folder,
                "density",
                "<f8",
                &[2, 3],
                &f8(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]),
            ),
            field(
                &folder,
                "lines",
                "[('energy', '<f8'), ('count', '<u8')]",
                &[2],
                &lines,
            ),
            field(
                &folder,
                "opacity.table",
                "<f4",
                &[1],
                &1.5_f32.to_le_bytes(),
            ),
            field(&folder, "step", "<u8", &[], &17_u64.to_le_bytes()),
        ];
        let schema = SavedSchema::new("Gas".to_owned(), fields);
        let saved = Saved {
            _parent: parent,
            folder,
            schema,
        };
        saved.write_schema();
        saved
    }

    fn write_schema(&self) {
        fs::write(self.folder.join(SavedSchema::FILE), self.schema.to_json()).unwrap();
    }

    /// The lines that the program prints, without the path in the first one.
    fn good(&self, arguments: &[&str]) -> Vec<String> {
        let text = good(arguments, &self.folder);
        let parent = self.folder.parent().unwrap().display().to_string() + "/";
        text.replace(&parent, "")
            .lines()
            .map(str::to_owned)
            .collect()
    }
}

#[test]
fn a_saved_folder_is_a_table() {
    let expected = [
        "gas: Gas, 4 files, 92 B",
        "field          dtype  extents  bytes  min  max  mean  NaN",
        "density        <f8    2 x 3       48    0    5   2.5    0",
        "lines          16 B   2           32",
        "lines.energy   <f8                    0.5  0.5   0.5    1",
        "lines.count    <u8                      7    9     8    0",
        "opacity.table  <f4    1            4  1.5  1.5   1.5    0",
        "step           <u8    1            8   17   17    17    0",
    ];
    assert_eq!(Saved::new().good(&[]), expected);
}

#[test]
fn checksums_are_verified() {
    let saved = Saved::new();
    let lines = saved.good(&["--verify"]);
    assert_eq!(
        lines[1],
        "field          dtype  extents  bytes  pieces  different"
    );
    assert_eq!(
        lines[2],
        "density        <f8    2 x 3       48       3          0"
    );
    assert_eq!(
        lines.last().unwrap(),
        "All checksums are those of schema.json."
    );
    // The value 3.0 is in the second piece.
    let data = f8(&[0.0, 1.0, 2.0, 3.5, 4.0, 5.0]);
    fs::write(saved.folder.join("density.npy"), npy("<f8", &[2, 3], &data)).unwrap();
    let stderr = bad(&["--verify"], &saved.folder);
    assert_eq!(stderr.lines().count(), 1);
    assert!(
        stderr.contains(
            "density.npy: piece 2 of 3 differs from its checksum: bytes 16 to 32 of the data"
        ),
        "{stderr}"
    );
    // Without the option only headers and values are looked at.
    saved.good(&[]);
}

#[test]
fn many_pieces_that_differ_are_counted() {
    let mut saved = Saved::new();
    let data = f8(&[1.0; 20]);
    saved.schema.fields[0] = field(&saved.folder, "density", "<f8", &[20], &data);
    saved.write_schema();
    fs::write(
        saved.folder.join("density.npy"),
        npy("<f8", &[20], &f8(&[2.0; 20])),
    )
    .unwrap();
    let stderr = bad(&["--verify"], &saved.folder);
    assert_eq!(stderr.lines().count(), 6, "{stderr}");
    assert!(
        stderr.contains("density.npy: 5 more pieces differ"),
        "{stderr}"
    );
}

#[test]
fn a_single_file_is_a_table() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("map.npy");
    let name = path.display().to_string();
    let row = |dtype: &str, shape: &[usize], data: &[u8]| {
        fs::write(&path, npy(dtype, shape, data)).unwrap();
        let lines = good(&[], &path);
        let row = lines.lines().nth(1).unwrap().strip_prefix(&name).unwrap();
        row.split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(row(">i2", &[2], &[0xff, 0xff, 0, 3]), ">i2 2 4 -1 3 1 0");
    assert_eq!(row("<f8", &[0, 3], &[]), "<f8 0 x 3 0 - - - 0");
    assert_eq!(row("<f8", &[1], &f8(&[f64::NAN])), "<f8 1 8 - - - 1");
    assert_eq!(row("|b1", &[4], &[0, 1, 1, 1]), "|b1 4 4 0 1 0.75 0");
    assert_eq!(row("<c16", &[1], &f8(&[3.0, 4.0])), "<c16 1 16 5 5 5 0");
    assert!(good(&[], &path).contains("absolute values"));
    // Members of members, with extents, and padding that is not read.
    let dtype = "[('a', [('x', '|u1', (2,)), ('', '|V1')], (2,)), ('b', '|i1')]";
    fs::write(&path, npy(dtype, &[1], &[1, 2, 99, 3, 4, 99, 0xff])).unwrap();
    let text = good(&[], &path);
    let lines: Vec<&str> = text
        .lines()
        .skip(2)
        .map(|line| line.strip_prefix(&name).unwrap())
        .collect();
    assert_eq!(
        lines[0].split_whitespace().collect::<Vec<_>>(),
        [".a.x", "|u1", "2", "x", "2", "1", "4", "2.5", "0"]
    );
    assert_eq!(
        lines[1].split_whitespace().collect::<Vec<_>>(),
        [".b", "|i1", "-1", "-1", "-1", "0"]
    );
}

#[test]
fn fortran_order_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("map.npy");
    let bytes = npy("<f8", &[2, 1], &f8(&[1.0, 2.0]));
    // The same number of bytes, so that the length stays right.
    let at = bytes.windows(5).position(|word| word == b"False").unwrap();
    let mut fortran = bytes.clone();
    fortran[at..at + 5].copy_from_slice(b"True ");
    fs::write(&path, fortran).unwrap();
    let text = good(&[], &path);
    assert!(text.contains("2 x 1 F"), "{text}");
    assert!(text.contains("F: Fortran order"), "{text}");
}

#[test]
fn values_are_read_in_pieces() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large.npy");
    // 100 MB that the program could not hold.
    let header = npy("[('a', '<f8', (3,)), ('b', '<f4')]", &[3_600_000], &[]);
    let len = header.len() as u64 + 3_600_000 * 28;
    fs::write(&path, header).unwrap();
    fs::File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_len(len)
        .unwrap();
    let mut limited = Command::new("sh");
    limited.args([
        "-c",
        "ulimit -v 60000; exec \"$0\" \"$1\"",
        env!("CARGO_BIN_EXE_pshmem-inspect"),
    ]);
    let output = limited.arg(&path).output().unwrap();
    assert_eq!(text(&output.stderr), "");
    assert!(
        text(&output.stdout).contains("3600000  100800000"),
        "{}",
        text(&output.stdout)
    );
}

#[test]
fn every_bad_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("map.npy");
    let whole = npy("<f8", &[3], &f8(&[1.0, 2.0, 3.0]));
    let write = |bytes: &[u8]| fs::write(&path, bytes).unwrap();
    let check = |part: &str| {
        for arguments in [&[][..], &["--verify"]] {
            let stderr = bad(arguments, &path);
            assert!(stderr.contains(&path.display().to_string()), "{stderr}");
            assert!(stderr.contains(part), "{part}: {stderr}");
            assert!(inspect(arguments, &path).stdout.is_empty());
        }
    };
    check("No such file");
    write(&whole[..whole.len() - 1]);
    check("too few");
    write(&[&whole[..], &[0]].concat());
    check("too many");
    for len in [0, 5, 9, 60] {
        write(&whole[..len]);
        bad(&[], &path);
    }
    write(b"PK\x03\x04 this is an archive");
    check("no .npy file");
    let lie = |text: &str| {
        let mut bytes = b"\x93NUMPY\x02\x00".to_vec();
        bytes.extend((text.len() as u32).to_le_bytes());
        bytes.extend(text.as_bytes());
        write(&bytes);
    };
    let of_shape = |shape: &str| {
        lie(&format!(
            "{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}}}"
        ));
    };
    of_shape("(9223372036854775808,)");
    check("more than any memory");
    of_shape("(4294967296, 4294967296)");
    check("more than any memory");
    of_shape("(1000000000,)");
    check("too few");
    of_shape("(-1,)");
    check("negative");
    of_shape(&"(".repeat(100_000));
    check("nesting");
    lie("{'descr': '<U5', 'fortran_order': False, 'shape': ()}");
    check("<U5 is not supported");
    write(b"\x93NUMPY\x02\x00\xff\xff\xff\xff{}");
    check("ends inside of its header");
    // Items without bytes, as many as there are numbers.
    lie(
        "{'descr': [('a', [], (9223372036854775807,))], 'fortran_order': False, 'shape': (9223372036854775807,)}",
    );
    good(&[], &path);
    lie("{'descr': [('\\x1b[2J', '<U1')], 'fortran_order': False, 'shape': ()}");
    assert!(!bad(&[], &path).contains('\x1b'));
    write(&npy("|b1", &[3], &[0, 1, 2]));
    assert!(bad(&[], &path).contains("1 values of bool are neither 0 nor 1"));
    write(&whole);
    assert!(bad(&["--verify"], &path).contains("no checksums"));
}

#[test]
fn every_bad_folder_is_named() {
    /// Changes a folder; then the program must print all of the parts.
    fn check(change: impl Fn(&mut Saved), parts: &[&str]) {
        let mut saved = Saved::new();
        change(&mut saved);
        for arguments in [&[][..], &["--verify"]] {
            let stderr = bad(arguments, &saved.folder);
            for part in parts {
                assert!(stderr.contains(part), "{part}: {stderr}");
            }
        }
    }
    let path = |saved: &Saved, name: &str| saved.folder.join(name);
    check(
        |saved| fs::remove_file(path(saved, "step.npy")).unwrap(),
        &["step.npy: No such file"],
    );
    check(
        |saved| {
            fs::remove_file(path(saved, "opacity/table.npy")).unwrap();
            fs::create_dir(path(saved, "opacity/table.npy")).unwrap();
        },
        &["table.npy: is a folder where a file is expected"],
    );
    check(
        |saved| fs::write(path(saved, "opacity/extra.npy"), "").unwrap(),
        &["opacity/extra.npy: is not listed"],
    );
    check(
        |saved| fs::write(path(saved, "step.npy"), npy("<u8", &[], &[0; 9])).unwrap(),
        &["step.npy: ", "too many"],
    );
    check(
        |saved| fs::write(path(saved, "step.npy"), npy("<i8", &[], &[0; 8])).unwrap(),
        &["the dtype is '<i8', but '<u8' in schema.json"],
    );
    check(
        |saved| fs::write(path(saved, "density.npy"), npy("<f8", &[6], &[0; 48])).unwrap(),
        &["the shape is [6], but [2, 3] in schema.json"],
    );
    let write_schema = |change: fn(&mut SavedSchema)| {
        move |saved: &mut Saved| {
            change(&mut saved.schema);
            saved.write_schema();
        }
    };
    check(
        write_schema(|schema| schema.fields[0].dtype = "<U5".to_owned()),
        &["schema.json has no dtype for it"],
    );
    check(write_schema(|schema| schema.version = 9), &["version 9"]);
    check(
        write_schema(|schema| schema.fields[0].file = "../x.npy".to_owned()),
        &["inside of the folder"],
    );
    check(
        write_schema(|schema| schema.fields[0].pieces[0] = "x".to_owned()),
        &["hexadecimal"],
    );
    check(
        |saved| fs::write(path(saved, "schema.json"), "{").unwrap(),
        &["schema.json: cannot be read"],
    );
    check(
        |saved| {
            fs::remove_file(path(saved, "schema.json")).unwrap();
            fs::create_dir(path(saved, "schema.json")).unwrap();
        },
        &["schema.json: is a folder where a file is expected"],
    );
}

#[test]
fn a_folder_of_another_program_has_no_checksums() {
    let saved = Saved::new();
    fs::remove_file(saved.folder.join("schema.json")).unwrap();
    let lines = saved.good(&[]);
    assert_eq!(lines.len(), 7);
    assert!(lines[5].starts_with("opacity/table.npy"), "{lines:?}");
    assert!(bad(&["--verify"], &saved.folder).contains("step.npy: has no checksums"));
    for name in ["density", "lines", "opacity/table", "step"] {
        fs::remove_file(saved.folder.join(name).with_extension("npy")).unwrap();
    }
    assert!(bad(&[], &saved.folder).contains("neither a schema.json nor .npy files"));
}

#[test]
fn a_pipe_is_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pipe.npy");
    let made = Command::new("mkfifo").arg(&path).status();
    if made.is_ok_and(|status| status.success()) {
        assert!(bad(&[], &path).contains("neither a file nor a folder"));
    }
}

#[test]
fn help_version_and_mistakes() {
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pshmem-inspect"));
        command.args(arguments).output().unwrap()
    };
    let help = run(&["--help"]);
    assert_eq!(help.status.code(), Some(0));
    assert!(text(&help.stdout).contains("--verify"));
    let version = text(&run(&["--version"]).stdout);
    assert_eq!(
        version,
        concat!("pshmem-inspect ", env!("CARGO_PKG_VERSION"), "\n")
    );
    let wrong = run(&["--check"]);
    assert_eq!(wrong.status.code(), Some(1));
    assert!(text(&wrong.stderr).contains("--check"));
    assert_eq!(run(&[]).status.code(), Some(1));
}
