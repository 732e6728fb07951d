//! Numbers and bool: kind, size and byte order.

use std::fmt;

/// The type of a number, or of a bool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scalar {
    /// What it is.
    pub kind: ScalarKind,
    /// Its size in bytes; that of both parts of a complex number.
    pub size: usize,
    /// The order of the bytes of a number, [`ByteOrder::NATIVE`] if it has one byte.
    pub order: ByteOrder,
}

/// What a scalar is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScalarKind {
    /// A byte of 0 or 1.
    Bool,
    /// An integer with a sign, of 1, 2, 4 or 8 bytes.
    Int,
    /// An integer without a sign, of 1, 2, 4 or 8 bytes.
    Uint,
    /// A floating-point number of 2, 4 or 8 bytes.
    Float,
    /// Two floating-point numbers of 4 or 8 bytes each.
    Complex,
}

/// In which order the bytes of a number lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByteOrder {
    /// The byte of the lowest value comes first.
    Little,
    /// The byte of the highest value comes first.
    Big,
}

impl ByteOrder {
    /// That of the machine for which this program was compiled.
    pub const NATIVE: Self = if cfg!(target_endian = "big") {
        ByteOrder::Big
    } else {
        ByteOrder::Little
    };
}

impl ScalarKind {
    const ALL: [Self; 5] = [
        ScalarKind::Bool,
        ScalarKind::Int,
        ScalarKind::Uint,
        ScalarKind::Float,
        ScalarKind::Complex,
    ];

    /// numpy's letter.
    fn letter(self) -> char {
        match self {
            ScalarKind::Bool => 'b',
            ScalarKind::Int => 'i',
            ScalarKind::Uint => 'u',
            ScalarKind::Float => 'f',
            ScalarKind::Complex => 'c',
        }
    }

    /// The sizes in which it exists.
    fn sizes(self) -> &'static [usize] {
        match self {
            ScalarKind::Bool => &[1],
            ScalarKind::Int | ScalarKind::Uint => &[1, 2, 4, 8],
            ScalarKind::Float => &[2, 4, 8],
            ScalarKind::Complex => &[8, 16],
        }
    }
}

impl Scalar {
    /// A scalar in the byte order of this machine.
    #[must_use]
    pub fn native(kind: ScalarKind, size: usize) -> Self {
        Scalar {
            kind,
            size,
            order: ByteOrder::NATIVE,
        }
    }

    /// What numpy calls by this name, such as `<f8` or `|b1`. `None` for text, dates, objects, and sizes that are not supported.
    ///
    /// ```
    /// use pshmem_format::{ByteOrder, Scalar};
    ///
    /// let scalar = Scalar::of(">i4").unwrap();
    /// assert_eq!((scalar.size, scalar.order), (4, ByteOrder::Big));
    /// assert_eq!(scalar.to_string(), ">i4");
    /// assert_eq!(Scalar::of("<U5"), None);
    /// ```
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        let (order, rest) = match name.chars().next()? {
            '<' => (ByteOrder::Little, &name[1..]),
            '>' => (ByteOrder::Big, &name[1..]),
            // No order, and that of the machine that reads.
            '|' | '=' => (ByteOrder::NATIVE, &name[1..]),
            _ => (ByteOrder::NATIVE, name),
        };
        let mut letters = rest.chars();
        let letter = letters.next()?;
        let kind = ScalarKind::ALL
            .into_iter()
            .find(|kind| kind.letter() == letter)?;
        let digits = letters.as_str();
        let size = kind
            .sizes()
            .iter()
            .copied()
            .find(|size| size.to_string() == digits)?;
        let order = if size == 1 { ByteOrder::NATIVE } else { order };
        Some(Scalar { kind, size, order })
    }

    /// The size of what is reversed as a whole when the byte order changes: a complex number consists of two numbers.
    pub(crate) fn word(self) -> usize {
        match self.kind {
            ScalarKind::Complex => self.size / 2,
            _ => self.size,
        }
    }
}

/// As numpy writes it, without quotation marks.
impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let order = match self.order {
            _ if self.size == 1 => '|',
            ByteOrder::Little => '<',
            ByteOrder::Big => '>',
        };
        write!(f, "{order}{}{}", self.kind.letter(), self.size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        for kind in ScalarKind::ALL {
            for &size in kind.sizes() {
                for order in [ByteOrder::Little, ByteOrder::Big] {
                    let order = if size == 1 { ByteOrder::NATIVE } else { order };
                    let scalar = Scalar { kind, size, order };
                    assert_eq!(Scalar::of(&scalar.to_string()), Some(scalar));
                }
            }
        }
        assert_eq!(Scalar::of("<i1").unwrap().to_string(), "|i1");
        assert_eq!(Scalar::of("=f8"), Scalar::of("f8"));
        assert_eq!(Scalar::of("f8"), Some(Scalar::native(ScalarKind::Float, 8)));
    }

    #[test]
    fn other_names_are_none() {
        let names = [
            "",
            "<",
            "|",
            "f",
            "<f",
            "<f16",
            "<f3",
            "<f08",
            "<f+8",
            "<c4",
            "<c32",
            "|b2",
            "<U5",
            "|S3",
            "|O",
            "|V8",
            "<M8[ns]",
            "<f8 ",
            "é8",
            "<é",
            "<<f8",
            "<f99999999999999999999",
        ];
        for name in names {
            assert_eq!(Scalar::of(name), None, "{name}");
        }
    }
}
