//! Makes the inputs: random bytes, valid headers, mutated ones, random words of Python, brackets without end, many members.

use crate::random::Random;
use std::fmt::Write;

/// A file, or what is there of it.
pub(crate) struct Input {
    pub(crate) bytes: Vec<u8>,
    /// The length that the reader is told; more than is there if the file is cut while it is read, or sparse.
    pub(crate) file_len: u64,
}

impl Input {
    pub(crate) fn of_seed(seed: u64) -> Self {
        let random = &mut Random::new(seed);
        let mut bytes = match random.below(1000) {
            0..20 => noise(random, 300),
            20..60 => [b"\x93NUMPY".to_vec(), noise(random, 300)].concat(),
            60..200 => valid(random),
            200..700 => {
                let mut bytes = valid(random);
                for _ in 0..=random.below(4) {
                    mutate(random, &mut bytes);
                }
                bytes
            }
            700..900 => {
                let text = words(random);
                file(random, text.as_bytes())
            }
            900..998 => {
                let depth = 1 + random.below(200);
                let text = brackets(random, depth);
                file(random, text.as_bytes())
            }
            998 => {
                let depth = random.below(100_000);
                let text = brackets(random, depth);
                file(random, text.as_bytes())
            }
            _ => {
                let text = many(random);
                file(random, text.as_bytes())
            }
        };
        if random.below(4) == 0 {
            let data = noise(random, 100);
            bytes.extend(data);
        }
        if random.below(50) == 0 {
            bytes.truncate(random.below(bytes.len() + 1));
        }
        let more = match random.below(50) {
            0 => random.next() >> random.below(64),
            _ => 0,
        };
        let file_len = (bytes.len() as u64).saturating_add(more);
        Input { bytes, file_len }
    }
}

/// Less than `end` random bytes.
fn noise(random: &mut Random, end: usize) -> Vec<u8> {
    let len = random.below(end);
    (0..len).map(|_| random.byte()).collect()
}

/// A file of any version with this header, whose length is now and then a lie.
fn file(random: &mut Random, text: &[u8]) -> Vec<u8> {
    let mut file = b"\x93NUMPY".to_vec();
    let version = 1 + random.below(3);
    file.extend([version as u8, 0]);
    let mut len = text.len() as u32;
    if random.below(30) == 0 {
        len = random.next() as u32 >> random.below(32);
    }
    if version == 1 && u16::try_from(len).is_ok() {
        file.extend((len as u16).to_le_bytes());
    } else {
        file[6] = file[6].max(2);
        file.extend(len.to_le_bytes());
    }
    file.extend(text);
    file
}

/// A header as some version of numpy could have written it.
fn valid(random: &mut Random) -> Vec<u8> {
    let mut descr = String::new();
    let depth = random.below(4);
    write_descr(random, &mut descr, depth);
    let order = random.pick(&["False", "True"]);
    let shape = shape(random);
    let mut entries = [
        format!("'descr': {descr}, "),
        format!("'fortran_order': {order}, "),
        format!("'shape': {shape}, "),
    ];
    if random.below(4) == 0 {
        entries.rotate_left(1);
    }
    let mut text = format!("{{{}}}", entries.concat());
    let spaces = random.below(64);
    let _ = writeln!(text, "{:spaces$}", "");
    file(random, text.as_bytes())
}

const NAMES: [&str; 24] = [
    "<f8", "<f8", "<f4", ">f8", "<f2", "|b1", "|i1", "|u1", "<i2", ">u2", "<i4", ">i4", "<u8",
    "=i8", "f4", "<c8", ">c16", "<c16", "<U5", "|S3", "|O", "<M8[ns]", "|V8", "<f16",
];

fn write_descr(random: &mut Random, text: &mut String, depth: usize) {
    if depth == 0 || random.below(3) == 0 {
        let supported = if random.below(10) == 0 {
            NAMES.len()
        } else {
            18
        };
        let _ = write!(text, "'{}'", random.pick(&NAMES[..supported]));
        return;
    }
    if random.below(6) == 0 {
        write_dict(random, text, depth);
        return;
    }
    text.push('[');
    for i in 0..random.below(5) {
        match random.below(8) {
            0 => {
                let _ = write!(text, "('', '|V{}'), ", random.below(20));
                continue;
            }
            1 => {
                let _ = write!(text, "(('title', 'n{i}'), ");
            }
            2 => {
                let _ = write!(text, "(\"it's\\x41\\u03b1{i}\", ");
            }
            3 => {
                let _ = write!(text, "('é{i}', ");
            }
            _ => {
                let _ = write!(text, "('n{i}', ");
            }
        }
        write_descr(random, text, depth - 1);
        if random.below(3) == 0 {
            let shape = shape(random);
            let _ = write!(text, ", {shape}");
        }
        text.push_str("), ");
    }
    text.push(']');
}

fn write_dict(random: &mut Random, text: &mut String, depth: usize) {
    let members = random.below(4);
    text.push_str("{'names': [");
    for i in 0..members {
        let _ = write!(text, "'n{i}', ");
    }
    text.push_str("], 'formats': [");
    for _ in 0..members {
        write_descr(random, text, depth - 1);
        text.push_str(", ");
    }
    text.push_str("], 'offsets': [");
    for _ in 0..members {
        let _ = write!(text, "{}, ", random.below(40));
    }
    let _ = write!(text, "], 'itemsize': {}}}", 1000 + random.below(10));
}

fn shape(random: &mut Random) -> String {
    let suffix = random.pick(&["", "", "", "L"]);
    let extent = |random: &mut Random| match random.below(40) {
        0 => "-1".to_owned(),
        1 => "9223372036854775808".to_owned(),
        2 => "99999999999999999999".to_owned(),
        _ => format!("{}{suffix}", random.below(10)),
    };
    match random.below(4) {
        0 => "()".to_owned(),
        1 => format!("({},)", extent(random)),
        2 => format!("({}, {})", extent(random), extent(random)),
        _ => format!(
            "({}, {}, {})",
            extent(random),
            extent(random),
            extent(random)
        ),
    }
}

/// Changes one thing.
fn mutate(random: &mut Random, bytes: &mut Vec<u8>) {
    if bytes.is_empty() {
        return;
    }
    let at = random.below(bytes.len());
    let len = random.below(16).min(bytes.len() - at);
    match random.below(8) {
        0 => bytes[at] ^= 1 << random.below(8),
        1 => bytes[at] = random.byte(),
        2 => {
            let signs = b"()[]{}'\",\\-0";
            bytes[at] = signs[random.below(signs.len())];
        }
        3 => drop(bytes.drain(at..at + len)),
        4 => {
            let copy = bytes[at..at + len].to_vec();
            let to = random.below(bytes.len());
            bytes.splice(to..to, copy);
        }
        5 => {
            let word = random.pick(&WORDS);
            bytes.splice(at..at, word.bytes());
        }
        6 => bytes.truncate(at),
        // The length of the header.
        _ => {
            let place = 8 + random.below(4);
            if let Some(byte) = bytes.get_mut(place) {
                *byte = random.byte();
            }
        }
    }
}

const WORDS: [&str; 36] = [
    "'descr': ",
    "'fortran_order': ",
    "'shape': ",
    "'names': ",
    "'formats': ",
    "'offsets': ",
    "'itemsize': ",
    "'<f8'",
    "'|V4'",
    "'|O'",
    "''",
    "'a'",
    "\"b\"",
    "'\\x41'",
    "'\\ud800'",
    "'\\",
    "u'c'",
    "True",
    "False",
    "None",
    "0",
    "1",
    "-1",
    "3L",
    "18446744073709551615",
    "9223372036854775807",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ", ",
    ": ",
    " ",
    "é",
];

/// Words of Python in any order, often in the frame of a header.
fn words(random: &mut Random) -> String {
    let count = random.below(20);
    let some: String = (0..count).map(|_| random.pick(&WORDS)).collect();
    match random.below(5) {
        0 => some,
        1 => format!("{{{some}}}"),
        2 => format!("{{'descr': '<f8', 'fortran_order': False, 'shape': ({some})}}"),
        3 => format!("{{'descr': [{some}], 'fortran_order': False, 'shape': ()}}"),
        _ => format!("{{'descr': [('a', {some}), ], 'fortran_order': False, 'shape': ()}}"),
    }
}

/// Nested brackets, which are closed or not.
fn brackets(random: &mut Random, depth: usize) -> String {
    let kinds = [
        ("(", ",)"),
        ("[", "]"),
        ("{1:", "}"),
        ("[('a', ", ")]"),
        ("[('a', '<f8'), ('b', ", ")]"),
        ("(('t', ", "), '<f8')"),
    ];
    let mixed = random.below(3) == 0;
    let first = kinds[random.below(kinds.len())];
    let closed = random.below(2) == 0;
    let (mut before, mut after) = (String::new(), Vec::new());
    for _ in 0..depth {
        let (open, close) = if mixed {
            kinds[random.below(kinds.len())]
        } else {
            first
        };
        before.push_str(open);
        after.push(close);
    }
    let close: String = after.iter().rev().copied().collect();
    let inner = before + "'<f8'" + if closed { &close } else { "" };
    format!("{{'descr': {inner}, 'fortran_order': False, 'shape': ()}}")
}

/// Many short values, which need more memory than they have text.
fn many(random: &mut Random) -> String {
    let count = random.below(60_000);
    let mut text = String::from("{'descr': [");
    match random.below(4) {
        0 => (0..count).for_each(|i| {
            let _ = write!(text, "('{i:x}','u1'),");
        }),
        1 => text.push_str(&"[],".repeat(count)),
        2 => text.push_str(&"1,".repeat(count)),
        _ => {
            text.push_str("('a','u1',(");
            text.push_str(&"1,".repeat(count));
            text.push_str("))");
        }
    }
    text.push_str("], 'fortran_order': False, 'shape': (0,)}");
    text
}
