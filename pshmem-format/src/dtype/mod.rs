//! Types of array elements, as numpy describes them.
//!
//! - `scalar` numbers and bool · `text` how a dtype is written · `descr` how it is read
//! - `literal` the Python literals that headers consist of · `budget` how much memory reading may use
//! - `swaps` whether a program's element has a file's dtype, and what has another byte order

pub(crate) mod budget;
pub(crate) mod descr;
pub(crate) mod literal;
mod scalar;
mod swaps;
pub(crate) mod text;

pub use descr::DescrError;
pub use scalar::{ByteOrder, Scalar, ScalarKind};
pub use swaps::DtypeMismatch;

/// The type of an array's elements.
///
/// `Display` writes it as numpy does in a header, `FromStr` reads that:
///
/// ```
/// use pshmem_format::Dtype;
///
/// let text = "[('id', '<u4'), ('', '|V4'), ('place', '<f8', (3,))]";
/// let dtype: Dtype = text.parse().unwrap();
/// assert_eq!(dtype.size(), 32);
/// assert_eq!(dtype.to_string(), text);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dtype {
    /// A number or a bool.
    Scalar(Scalar),
    /// A structured dtype.
    Struct {
        /// Its members. numpy and Rust write them in rising order of their offsets, other programs need not.
        fields: Vec<StructField>,
        /// Its size in bytes, with padding between the members and behind them.
        itemsize: usize,
    },
}

/// A member of a structured dtype.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StructField {
    /// Its name.
    pub name: String,
    /// The bytes before it.
    pub offset: usize,
    /// What it is.
    pub item: Item,
}

/// One element of an array: a dtype, repeated along fixed extents. `[[f64; 3]; 2]` has the dtype `<f8` and the extents `[2, 3]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// What is repeated.
    pub dtype: Dtype,
    /// How often, along each axis; the last axis is contiguous. None for a single one.
    pub extents: Vec<usize>,
}

impl Dtype {
    /// Its size in bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        match self {
            Dtype::Scalar(scalar) => scalar.size,
            Dtype::Struct { itemsize, .. } => *itemsize,
        }
    }
}

impl From<Scalar> for Dtype {
    fn from(scalar: Scalar) -> Self {
        Dtype::Scalar(scalar)
    }
}

impl Item {
    /// Its size in bytes. `usize::MAX` if no memory is as large.
    #[must_use]
    pub fn size(&self) -> usize {
        let repeat = |size: usize, extent: &usize| size.saturating_mul(*extent);
        // With a zero first, so that no extent before it overflows.
        if self.extents.contains(&0) {
            return 0;
        }
        self.extents.iter().fold(self.dtype.size(), repeat)
    }
}

impl From<Dtype> for Item {
    /// A single one.
    fn from(dtype: Dtype) -> Self {
        Item {
            dtype,
            extents: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_products_that_do_not_overflow() {
        let item = |extents: &[usize]| Item {
            dtype: Scalar::of("<f8").unwrap().into(),
            extents: extents.to_vec(),
        };
        assert_eq!(item(&[]).size(), 8);
        assert_eq!(item(&[2, 3]).size(), 48);
        assert_eq!(item(&[usize::MAX, 2]).size(), usize::MAX);
        assert_eq!(item(&[usize::MAX, 2, 0]).size(), 0);
    }
}
