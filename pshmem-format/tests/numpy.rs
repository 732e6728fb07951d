//! Headers that numpy writes are read here, and files that are written here are opened by numpy.
//!
//! Both sides describe a dtype in a notation of their own, which neither reads: kind, size and order of each scalar, name and offset
//! of each member. `numpy_files.py` is the other side. `PSHMEM_TEST_PYTHON` names an interpreter with numpy.

use pshmem_format::{ByteOrder, Dtype, Header, Item, Scalar, ScalarKind, StructField};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Runs `numpy_files.py`, which must succeed. Returns what it prints.
fn python(task: &str, folder: &Path) -> String {
    let python = std::env::var_os("PSHMEM_TEST_PYTHON");
    let python = python.expect("PSHMEM_TEST_PYTHON is an interpreter with numpy");
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/numpy_files.py");
    let mut command = Command::new(python);
    let output = command.arg(script).arg(task).arg(folder).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    String::from_utf8(output.stdout).unwrap()
}

/// The notation that both sides write.
fn notation(dtype: &Dtype) -> String {
    match dtype {
        Dtype::Scalar(Scalar { kind, size, order }) => {
            let kind = match kind {
                ScalarKind::Bool => "bool",
                ScalarKind::Int => "int",
                ScalarKind::Uint => "uint",
                ScalarKind::Float => "float",
                ScalarKind::Complex => "complex",
            };
            match order {
                _ if *size == 1 => format!("{kind}8"),
                ByteOrder::Little => format!("{kind}{} little", 8 * size),
                ByteOrder::Big => format!("{kind}{} big", 8 * size),
            }
        }
        Dtype::Struct { fields, itemsize } => {
            let mut text = String::from("{");
            for StructField { name, offset, item } in fields {
                let hex: String = name
                    .bytes()
                    .fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
                let _ = write!(text, "{hex}@{offset}: {}", notation(&item.dtype));
                for extent in &item.extents {
                    let _ = write!(text, " x{extent}");
                }
                text.push_str("; ");
            }
            let _ = write!(text, "}}{itemsize}");
            text
        }
    }
}

fn describe(header: &Header) -> String {
    let Header {
        dtype,
        fortran_order,
        shape,
        data_at,
    } = header;
    format!(
        "{}\t{}\t{shape:?}\t{data_at}",
        notation(dtype),
        u8::from(*fortran_order)
    )
}

#[test]
#[ignore = "needs numpy: cargo xtask test"]
fn headers_of_numpy_are_read() {
    let folder = tempfile::tempdir().unwrap();
    // Lines of a file name and what is in it, or `unsupported`.
    let listed = python("write", folder.path());
    let mut read = 0;
    let mut unsupported = 0;
    for line in listed.lines() {
        let (name, expected) = line.split_once('\t').unwrap();
        let path = folder.path().join(name);
        let len = fs::metadata(&path).unwrap().len();
        let header = Header::read(&mut fs::File::open(&path).unwrap(), len);
        if let Some(dtype) = expected.strip_prefix("unsupported ") {
            let error = header.unwrap_err().to_string();
            assert!(
                error.contains(&format!("the dtype {dtype} is not supported")),
                "{name}: {error}"
            );
            unsupported += 1;
        } else {
            let header = header.unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(describe(&header), expected, "{name}");
            header.check_length(len).unwrap();
            read += 1;
        }
    }
    println!("{read} files of numpy read, {unsupported} with dtypes that are not supported");
    assert!(read > 300, "{read}");
    assert!(unsupported >= 10, "{unsupported}");
}

/// Elements of all kinds, sizes and orders, and structures as Rust has them.
fn items() -> Vec<Item> {
    let scalar = |name: &str| Dtype::from(Scalar::of(name).unwrap());
    let mut items: Vec<Item> = Vec::new();
    for name in [
        "b1", "i1", "u1", "<i2", ">i2", "<u2", ">u2", "<i4", ">i4", "<u4", ">u4", "<i8", ">i8",
        "<u8", ">u8", "<f2", ">f2", "<f4", ">f4", "<f8", ">f8", "<c8", ">c8", "<c16", ">c16",
    ] {
        items.push(scalar(name).into());
        items.push(Item {
            dtype: scalar(name),
            extents: vec![2, 3],
        });
    }
    let field = |name: &str, offset, dtype: &Dtype, extents: &[usize]| StructField {
        name: name.to_owned(),
        offset,
        item: Item {
            dtype: dtype.clone(),
            extents: extents.to_vec(),
        },
    };
    let inner = Dtype::Struct {
        fields: vec![
            field("x", 0, &scalar("<f8"), &[]),
            field("y", 8, &scalar("|b1"), &[3]),
        ],
        itemsize: 16,
    };
    let outer = Dtype::Struct {
        fields: vec![
            field("inner", 8, &inner, &[2]),
            field("größe", 40, &scalar(">c8"), &[]),
        ],
        itemsize: 48,
    };
    let greek = Dtype::Struct {
        fields: vec![
            field("α", 0, &scalar("u1"), &[]),
            field("it's", 1, &scalar("u1"), &[1]),
        ],
        itemsize: 2,
    };
    let many = Dtype::Struct {
        fields: (0..5000)
            .map(|i| field(&format!("field_{i}"), 4 * i, &scalar("<u4"), &[]))
            .collect(),
        itemsize: 20_000,
    };
    items.extend([inner, outer, greek, many].map(Item::from));
    items
}

#[test]
#[ignore = "needs numpy: cargo xtask test"]
fn files_are_opened_by_numpy() {
    let folder = tempfile::tempdir().unwrap();
    let mut list = String::new();
    let mut files = 0;
    for item in items() {
        for extents in [&[][..], &[1], &[5], &[2, 3], &[0, 2], &[1, 1, 1, 1, 1, 4]] {
            let name = format!("{files}.npy");
            let mut bytes = Header::encode(&item, extents);
            let header = Header::read(&mut &bytes[..], 1 << 30).unwrap();
            let data = header.data_bytes().unwrap() as usize;
            // Bits that are no value of bool would be one to numpy, too, but compared they are not equal.
            bytes.extend((0..data).map(|i| (i % 2) as u8));
            fs::write(folder.path().join(&name), bytes).unwrap();
            let _ = writeln!(list, "{name}\t{}", describe(&header));
            files += 1;
        }
    }
    fs::write(folder.path().join("list"), list).unwrap();
    assert_eq!(
        python("read", folder.path()).trim(),
        format!("{files} files")
    );
}
