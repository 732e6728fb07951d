//! Reads a header, whatever is in the file.

use super::{Header, HeaderError};
use crate::dtype::budget::{Budget, Exhausted};
use crate::dtype::descr::{self, shortened};
use crate::dtype::literal::{self, Value};
use crate::dtype::text::Quoted;
use crate::dtype::{DescrError, Dtype};
use std::borrow::Cow;
use std::io::Read;

/// The first bytes of a `.npy` file. The version follows.
pub(super) const MAGIC: [u8; 6] = *b"\x93NUMPY";

/// Longer headers are refused. numpy refuses those of more than 10,000 characters unless it is told to trust the file.
pub(super) const MAX_LEN: u64 = 16 << 20;

type Result<T> = std::result::Result<T, HeaderError>;

impl Header {
    /// Reads the header of a file of this length, and nothing behind it. Versions 1.0, 2.0 and 3.0.
    ///
    /// It never panics, whatever is in the file. It allocates no more bytes than the file has, or 16 MiB if the file is smaller, and
    /// no more than a hundred times those of the header: numbers in it do not count, only what is really there. The nesting of
    /// dtypes is limited to 31 levels.
    ///
    /// Whether the file is as long as the header says, [`Header::check_length`] tells.
    ///
    /// # Errors
    ///
    /// The file is no `.npy` file, ends inside of the header, has elements of a dtype that is not supported (text, dates, objects,
    /// numbers of other sizes), or cannot be read.
    pub fn read(from: &mut impl Read, file_len: u64) -> Result<Header> {
        let mut budget = Budget::of_file(file_len);
        let mut start = [0; MAGIC.len() + 2];
        // What is no .npy file is told so, also when it is short.
        let known = usize::try_from(file_len).map_or(start.len(), |len| len.min(start.len()));
        read_exact(from, &mut start[..known], file_len, 10)?;
        let magic = known.min(MAGIC.len());
        if start[..magic] != MAGIC[..magic] || known == 0 {
            return Err(HeaderError::NotNpy);
        }
        if known < start.len() {
            return Err(truncated(file_len, 10));
        }
        let (len_bytes, is_utf8) = match start[MAGIC.len()..] {
            [1, 0] => (2, false),
            [2, 0] => (4, false),
            [3, 0] => (4, true),
            [major, minor] => return Err(HeaderError::Version { major, minor }),
            _ => unreachable!("the version is two bytes"),
        };
        let text_at = (start.len() + len_bytes) as u64;
        let mut len = [0; 4];
        read_exact(from, &mut len[..len_bytes], file_len, text_at)?;
        let len = u64::from(u32::from_le_bytes(len));
        let data_at = text_at + len;
        if data_at > file_len {
            return Err(truncated(file_len, data_at));
        }
        if len > MAX_LEN {
            return Err(HeaderError::TooLong(len));
        }
        take(&mut budget, len as usize)?;
        let mut bytes = vec![0; len as usize];
        read_exact(from, &mut bytes, file_len, data_at)?;
        let text = decode(&bytes, is_utf8, &mut budget)?;
        let (dtype, fortran_order, shape) = parts(&text, &mut budget)?;
        Ok(Header {
            dtype,
            fortran_order,
            shape,
            data_at,
        })
    }
}

/// Fills the buffer. `header` is the number of bytes that the header has at least.
fn read_exact(from: &mut impl Read, into: &mut [u8], file_len: u64, header: u64) -> Result<()> {
    if header > file_len && into.len() > 8 {
        return Err(truncated(file_len, header));
    }
    from.read_exact(into).map_err(|error| match error.kind() {
        std::io::ErrorKind::UnexpectedEof => truncated(file_len, header),
        kind => HeaderError::Io {
            kind,
            message: error.to_string(),
        },
    })
}

fn truncated(file_len: u64, header: u64) -> HeaderError {
    HeaderError::Truncated { file_len, header }
}

fn take(budget: &mut Budget, bytes: usize) -> Result<()> {
    let too_much = |_: Exhausted| HeaderError::Descr(DescrError::TooMuch);
    budget.take(bytes).map_err(too_much)
}

/// The text of a header: UTF-8 in version 3.0, else Latin-1.
fn decode<'a>(bytes: &'a [u8], is_utf8: bool, budget: &mut Budget) -> Result<Cow<'a, str>> {
    match std::str::from_utf8(bytes) {
        Ok(text) if is_utf8 || text.is_ascii() => Ok(Cow::Borrowed(text)),
        Err(error) if is_utf8 => Err(HeaderError::NotUtf8 {
            at: error.valid_up_to(),
        }),
        _ => {
            take(budget, 2 * bytes.len())?;
            let mut text = String::with_capacity(2 * bytes.len());
            text.extend(bytes.iter().copied().map(char::from));
            Ok(Cow::Owned(text))
        }
    }
}

/// Dtype, order and shape.
fn parts(text: &str, budget: &mut Budget) -> Result<(Dtype, bool, Vec<usize>)> {
    let value = literal::parse(text, budget).map_err(DescrError::from)?;
    let Value::Dict(entries) = value else {
        return malformed("it is no dict");
    };
    let (mut descr, mut order, mut shape) = (None, None, None);
    for (key, value) in &entries {
        let place = match key {
            Value::Text(key) => match &**key {
                "descr" => &mut descr,
                "fortran_order" => &mut order,
                "shape" => &mut shape,
                other => {
                    let key = shortened(&Quoted(other).to_string());
                    return malformed(&format!("{key} is none of its keys"));
                }
            },
            _ => return malformed("a key is no string"),
        };
        if place.replace(value).is_some() {
            return malformed("a key is there twice");
        }
    }
    let (Some(descr), Some(order), Some(shape)) = (descr, order, shape) else {
        return malformed("one of `descr`, `fortran_order` and `shape` is missing");
    };
    let Value::Bool(fortran_order) = *order else {
        return malformed("`fortran_order` is neither True nor False");
    };
    let Value::Tuple(extents) = shape else {
        return malformed("`shape` is no tuple");
    };
    let mut shape = Vec::new();
    for value in extents {
        let extent = descr::extent(value)
            .map_err(|error| HeaderError::Malformed(format!("`shape`: {error}")))?;
        budget.push(&mut shape, extent).map_err(DescrError::from)?;
    }
    Ok((descr::dtype(descr, budget)?, fortran_order, shape))
}

fn malformed<T>(what: &str) -> Result<T> {
    Err(HeaderError::Malformed(what.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file of version 1.0 with this text as its header.
    fn file(version: u8, text: &[u8]) -> Vec<u8> {
        let mut file = MAGIC.to_vec();
        file.extend([version, 0]);
        match version {
            1 => file.extend(u16::try_from(text.len()).unwrap().to_le_bytes()),
            _ => file.extend(u32::try_from(text.len()).unwrap().to_le_bytes()),
        }
        file.extend(text);
        file
    }

    fn read(bytes: &[u8]) -> Result<Header> {
        Header::read(&mut &bytes[..], bytes.len() as u64)
    }

    fn error(bytes: &[u8]) -> String {
        read(bytes).unwrap_err().to_string()
    }

    const TEXT: &[u8] = b"{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }      \n";

    #[test]
    fn all_versions_are_read_and_nothing_behind_the_header() {
        for version in [1, 2, 3] {
            let mut bytes = file(version, TEXT);
            let data_at = bytes.len() as u64;
            bytes.extend([7; 96]);
            let mut rest = &bytes[..];
            let header = Header::read(&mut rest, bytes.len() as u64).unwrap();
            assert_eq!(header.data_at, data_at);
            assert_eq!(rest, [7; 96]);
            assert_eq!(header.shape, [3, 4]);
            assert!(!header.fortran_order);
            assert_eq!(header.check_length(bytes.len() as u64), Ok(96));
        }
    }

    #[test]
    fn keys_have_any_order_and_integers_may_be_long() {
        let text = b"{'shape': (3L,), 'fortran_order': True, 'descr': '>i2'}";
        let header = read(&file(1, text)).unwrap();
        assert!(header.fortran_order);
        assert_eq!(header.shape, [3]);
        assert_eq!(header.dtype.to_string(), "'>i2'");
    }

    #[test]
    fn names_are_latin_1_before_version_3() {
        let text = |name: &[u8]| {
            [
                b"{'descr': [('",
                name,
                b"', '|u1')], 'fortran_order': False, 'shape': ()}",
            ]
            .concat()
        };
        let name = |version, bytes: &[u8]| {
            let header = read(&file(version, &text(bytes)))?;
            Ok::<_, HeaderError>(header.dtype.to_string())
        };
        let latin = "[('é', '|u1')]".to_owned();
        assert_eq!(name(1, b"\xe9"), Ok(latin.clone()));
        assert_eq!(name(2, b"\xe9"), Ok(latin.clone()));
        assert_eq!(name(3, "é".as_bytes()), Ok(latin));
        assert_eq!(
            name(1, "é".as_bytes()),
            Ok(r"[('Ã\xa9', '|u1')]".to_owned())
        );
        assert_eq!(name(3, b"\xe9"), Err(HeaderError::NotUtf8 { at: 13 }));
    }

    #[test]
    fn every_prefix_of_a_header_is_an_error() {
        let bytes = file(1, TEXT);
        for len in 0..bytes.len() {
            let expected = match len {
                0 => HeaderError::NotNpy,
                1..10 => truncated(len as u64, 10),
                _ => truncated(len as u64, bytes.len() as u64),
            };
            assert_eq!(read(&bytes[..len]), Err(expected), "{len}");
            // A file that became shorter since its length was asked for.
            let result = Header::read(&mut &bytes[..len], bytes.len() as u64);
            assert!(
                matches!(result, Err(HeaderError::Truncated { .. })),
                "{len}"
            );
        }
    }

    #[test]
    fn bad_headers_say_what_is_wrong() {
        let dict = |text: &str| file(1, text.as_bytes());
        let cases = [
            (b"not numpy".to_vec(), "no .npy file"),
            (b"\x93NUMPY\x04\x00".to_vec(), "version 4.0"),
            (b"\x93NUMPY\x01\x01\0\0".to_vec(), "version 1.1"),
            (
                b"\x93NUMPY\x02\x00\xff\xff\xff\xff{}".to_vec(),
                "ends inside of its header, which has 4294967307",
            ),
            (
                dict("{'descr': '<f8', 'fortran_order': False}"),
                "is missing",
            ),
            (
                dict("{'descr': '<f8', 'fortran_order': False, 'shape': (), 'x': 1}"),
                "'x' is none of its keys",
            ),
            (
                dict("{'descr': '<f8', 'fortran_order': False, 'shape': (), 'shape': ()}"),
                "twice",
            ),
            (dict("{1: '<f8'}"), "a key is no string"),
            (dict("['descr']"), "no dict"),
            (
                dict("{'descr': '<f8', 'fortran_order': 0, 'shape': ()}"),
                "neither True nor False",
            ),
            (
                dict("{'descr': '<f8', 'fortran_order': False, 'shape': 3}"),
                "`shape` is no tuple",
            ),
            (
                dict("{'descr': '<f8', 'fortran_order': False, 'shape': (-1,)}"),
                "`shape`: -1 is negative",
            ),
            (
                dict("{'descr': '<f8', 'fortran_order': False, 'shape': (1e5,)}"),
                "the end of an integer",
            ),
            (
                dict("{'descr': '<f8', 'fortran_order': False, 'shape': (18446744073709551616,)}"),
                "does not fit 64 bits",
            ),
            (
                dict("{'descr': '|O', 'fortran_order': False, 'shape': ()}"),
                "the dtype |O is not supported",
            ),
            (
                dict("{'descr': ('<f8', (2,)), 'fortran_order': False, 'shape': ()}"),
                "sub-array",
            ),
            (dict(&"[".repeat(60_000)), "deeper nesting is refused"),
        ];
        for (bytes, part) in cases {
            let error = error(&bytes);
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn headers_that_lie_about_their_length_are_refused_before_memory_is_asked_for() {
        let bytes = b"\x93NUMPY\x02\x00\xff\xff\xff\xff{}";
        // The file is said to be huge, as a sparse one may be.
        let result = Header::read(&mut &bytes[..], u64::MAX);
        assert_eq!(result, Err(HeaderError::TooLong(0xffff_ffff)));
    }

    #[test]
    fn errors_of_the_system_are_kept() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
                Err(std::io::Error::other("disk on fire"))
            }
        }
        let error = Header::read(&mut Broken, 100).unwrap_err();
        assert_eq!(error.to_string(), "cannot be read: disk on fire");
    }
}
