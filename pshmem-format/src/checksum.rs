//! Checksums of files, piece by piece, so that several ranks can compute and verify those of one file.

use xxhash_rust::xxh3::{Xxh3, xxh3_64};

/// The algorithm, as `schema.json` names it.
pub const CHECKSUM: &str = "xxh3-64";

/// The largest piece of a file that has a checksum of its own, unless a single element is larger.
pub const PIECE_BYTES: usize = 4 << 20;

/// The bytes of a piece: the largest multiple of the size of an element that is not above [`PIECE_BYTES`], at least one element.
///
/// ```
/// use pshmem_format::{PIECE_BYTES, piece_bytes};
///
/// assert_eq!(piece_bytes(8), PIECE_BYTES);
/// assert_eq!(piece_bytes(24), PIECE_BYTES / 24 * 24);
/// assert_eq!(piece_bytes(PIECE_BYTES + 1), PIECE_BYTES + 1);
/// ```
#[must_use]
pub fn piece_bytes(element: usize) -> usize {
    match PIECE_BYTES.checked_div(element) {
        // Elements without bytes: any size does.
        None => PIECE_BYTES,
        Some(0) => element,
        Some(elements) => elements * element,
    }
}

/// The checksum of these bytes: XXH3 with 64 bits.
#[must_use]
pub fn checksum(bytes: &[u8]) -> u64 {
    xxh3_64(bytes)
}

/// A checksum of bytes that come one after the other; the same as [`checksum`] of all of them.
///
/// ```
/// use pshmem_format::{Checksum, checksum};
///
/// let mut parts = Checksum::new();
/// parts.update(b"ab");
/// parts.update(b"c");
/// assert_eq!(parts.value(), checksum(b"abc"));
/// ```
#[derive(Clone, Default)]
pub struct Checksum(Xxh3);

impl Checksum {
    /// The checksum of no bytes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds bytes behind those that were there.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The checksum of all bytes up to here.
    #[must_use]
    pub fn value(&self) -> u64 {
        self.0.digest()
    }

    /// The checksum of a file with these checksums of its pieces: that of their bytes, little-endian, in order.
    ///
    /// It can be computed by ranks of which each has read some of the pieces.
    #[must_use]
    pub fn of_pieces(pieces: &[u64]) -> u64 {
        let mut whole = Self::new();
        for piece in pieces {
            whole.update(&piece.to_le_bytes());
        }
        whole.value()
    }

    /// How `schema.json` writes a checksum: 16 hexadecimal digits.
    #[must_use]
    pub fn to_hex(value: u64) -> String {
        format!("{value:016x}")
    }

    /// The checksum that is written so.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<u64> {
        let is_hex = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_hex.then(|| u64::from_str_radix(text, 16).ok()).flatten()
    }
}

impl std::fmt::Debug for Checksum {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&Self::to_hex(self.value()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_xxh3_with_64_bits() {
        // What xxHash 0.8 computes.
        assert_eq!(checksum(b""), 0x2d06_8005_38d3_94c2);
        assert_eq!(checksum(b"abc"), 0x78af_5f94_892f_3950);
    }

    #[test]
    fn a_checksum_in_parts_is_that_of_the_whole() {
        let bytes: Vec<u8> = (0..10_000_u32).map(|i| (i * 7 % 251) as u8).collect();
        let mut parts = Checksum::new();
        for part in bytes.chunks(333) {
            parts.update(part);
        }
        assert_eq!(parts.value(), checksum(&bytes));
        let pieces = [1, u64::MAX];
        assert_eq!(
            Checksum::of_pieces(&pieces),
            checksum(&[[1, 0, 0, 0, 0, 0, 0, 0], [255; 8]].concat())
        );
    }

    #[test]
    fn hexadecimal_digits_are_read_back() {
        for value in [0, 1, u64::MAX, 0x0123_4567_89ab_cdef] {
            assert_eq!(Checksum::from_hex(&Checksum::to_hex(value)), Some(value));
        }
        for text in ["", "0", "+123456789abcdef", "g000000000000000"] {
            assert_eq!(Checksum::from_hex(text), None, "{text}");
        }
    }

    #[test]
    fn pieces_are_whole_elements() {
        assert_eq!(piece_bytes(0), PIECE_BYTES);
        for element in [1, 3, 8, 24, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1] {
            let piece = piece_bytes(element);
            assert_eq!(piece % element, 0);
            assert!(piece >= element);
            assert!(piece <= PIECE_BYTES.max(element));
            assert!(piece + element > PIECE_BYTES);
        }
    }
}
