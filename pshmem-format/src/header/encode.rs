//! Writes a header as numpy does, byte for byte.

use super::Header;
use super::read::MAGIC;
use crate::dtype::Item;
use crate::dtype::text::Shape;
use std::fmt::Write;

/// The data begin at a multiple of this.
const ALIGN: usize = 64;

/// numpy leaves room for this many digits of the first extent, so that a file can grow in place.
const GROWTH_DIGITS: usize = 21;

impl Header {
    /// The header of a file in C order with one axis for each extent, then those of the item. Its length is a multiple of 64.
    ///
    /// The version is the oldest one that suffices, as in numpy: 2.0 if the header is longer than 65,535 bytes, 3.0 if a name has
    /// characters outside of Latin-1.
    ///
    /// # Panics
    ///
    /// Panics if the header would have more than 4 GiB.
    #[must_use]
    pub fn encode(item: &Item, extents: &[usize]) -> Vec<u8> {
        let shape = [extents, &item.extents].concat();
        let (dtype, shape_text) = (&item.dtype, Shape(&shape));
        let mut text =
            format!("{{'descr': {dtype}, 'fortran_order': False, 'shape': {shape_text}, }}");
        if let Some(first) = shape.first() {
            let room = GROWTH_DIGITS.saturating_sub(first.to_string().len());
            write!(text, "{:room$}", "").expect("a String takes everything");
        }
        let latin: Option<Vec<u8>> = text.chars().map(|c| u8::try_from(c).ok()).collect();
        let (version, text) = match latin {
            Some(latin) if u16::try_from(padded(&latin, 2).len()).is_ok() => (1, latin),
            Some(latin) => (2, latin),
            None => (3, text.into_bytes()),
        };
        let mut header = MAGIC.to_vec();
        header.extend([version, 0]);
        if version == 1 {
            let text = padded(&text, 2);
            let len = u16::try_from(text.len()).expect("compared above");
            header.extend(len.to_le_bytes());
            header.extend(text);
        } else {
            let text = padded(&text, 4);
            let len = u32::try_from(text.len()).expect("a header of at most 4 GiB");
            header.extend(len.to_le_bytes());
            header.extend(text);
        }
        header
    }
}

/// The text with spaces and a line break, so that the data are aligned. `len_bytes` is the size of the number before it.
fn padded(text: &[u8], len_bytes: usize) -> Vec<u8> {
    let before = MAGIC.len() + 2 + len_bytes;
    let end = before + text.len() + 1;
    // One space at least, up to 64: this is what numpy does.
    let spaces = ALIGN - end % ALIGN;
    let mut padded = text.to_vec();
    padded.resize(text.len() + spaces, b' ');
    padded.push(b'\n');
    padded
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dtype::{Dtype, Scalar, StructField};

    fn item(dtype: &str, extents: &[usize]) -> Item {
        Item {
            dtype: dtype.parse().unwrap(),
            extents: extents.to_vec(),
        }
    }

    #[test]
    fn a_header_is_that_of_numpy() {
        // np.save of np.zeros((3, 4), '<f8'), numpy 2.2.6.
        let expected =
            b"\x93NUMPY\x01\x00v\x00{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }"
                .to_vec();
        let mut expected = expected;
        expected.resize(127, b' ');
        expected.push(b'\n');
        assert_eq!(Header::encode(&item("<f8", &[4]), &[3]), expected);
    }

    #[test]
    fn there_is_a_space_before_the_line_break() {
        for len in 0..ALIGN {
            let text = padded(&vec![b'x'; len], 2);
            assert!(text.ends_with(b" \n"), "{len}");
            assert_eq!((10 + text.len()) % ALIGN, 0, "{len}");
        }
    }

    #[test]
    fn headers_are_read_back() {
        let cases = [
            (item("<f8", &[]), vec![]),
            (item("|b1", &[3]), vec![usize::MAX, 0]),
            (
                item("[('a', '<c16', (2,)), ('', '|V8'), (\"it's\", '|u1')]", &[]),
                vec![5],
            ),
        ];
        for (item, extents) in cases {
            let bytes = Header::encode(&item, &extents);
            assert_eq!(bytes.len() % 64, 0);
            let header = Header::read(&mut &bytes[..], bytes.len() as u64).unwrap();
            assert_eq!(header.dtype, item.dtype);
            assert_eq!(header.shape, [extents, item.extents].concat());
            assert_eq!(header.data_at, bytes.len() as u64);
            assert!(!header.fortran_order);
        }
    }

    #[test]
    fn the_version_is_the_oldest_that_suffices() {
        let fields = |count: usize, name: &str| -> Item {
            let fields = (0..count).map(|i| StructField {
                name: format!("{name}{i}"),
                offset: i,
                item: Dtype::from(Scalar::of("u1").unwrap()).into(),
            });
            Dtype::Struct {
                fields: fields.collect(),
                itemsize: count,
            }
            .into()
        };
        let version = |item: &Item| {
            let bytes = Header::encode(item, &[1]);
            let header = Header::read(&mut &bytes[..], 100_000_000).unwrap();
            assert_eq!(header.dtype, item.dtype);
            assert_eq!(header.data_at, bytes.len() as u64);
            bytes[6]
        };
        assert_eq!(version(&fields(2, "é")), 1);
        assert_eq!(version(&fields(5000, "é")), 2);
        assert_eq!(version(&fields(2, "α")), 3);
    }
}
