//! The header of a `.npy` file: what is in it, and how long the file must be.
//!
//! - `read` · `encode` · `error` why a header cannot be read

mod encode;
mod error;
mod read;

use crate::dtype::Dtype;
pub use error::{HeaderError, LengthError};

/// What stands before the data of a `.npy` file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The type of an element.
    pub dtype: Dtype,
    /// Whether the first axis is contiguous, instead of the last one.
    pub fortran_order: bool,
    /// The extents.
    pub shape: Vec<usize>,
    /// Bytes before the data.
    pub data_at: u64,
}

impl Header {
    /// Bytes of the data: the product of the extents and of the size of an element. `None` if they overflow `isize`, also without
    /// the extents that are 0, as in numpy.
    #[must_use]
    pub fn data_bytes(&self) -> Option<u64> {
        let extents = self.shape.iter().filter(|extent| **extent > 0);
        let size = self.dtype.size().max(1);
        let bytes = extents.copied().try_fold(size, usize::checked_mul)?;
        isize::try_from(bytes).ok()?;
        let has_none = self.dtype.size() == 0 || self.shape.contains(&0);
        Some(if has_none { 0 } else { bytes as u64 })
    }

    /// Compares the length of the file with the header. Returns the bytes of the data, [`Header::data_bytes`].
    ///
    /// # Errors
    ///
    /// The file is too short or too long, or no file can be as long as the header says.
    pub fn check_length(&self, file_len: u64) -> Result<u64, LengthError> {
        let expected = self.data_bytes();
        let expected = expected.and_then(|bytes| self.data_at.checked_add(bytes));
        match expected {
            Some(expected) if expected == file_len => Ok(file_len - self.data_at),
            Some(expected) => Err(LengthError::Differs {
                header: LengthError::summary(self),
                expected,
                file_len,
            }),
            None => Err(LengthError::Overflow {
                header: LengthError::summary(self),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dtype::Scalar;

    fn header(shape: &[usize]) -> Header {
        Header {
            dtype: Scalar::of("<f8").unwrap().into(),
            fortran_order: false,
            shape: shape.to_vec(),
            data_at: 128,
        }
    }

    #[test]
    fn bytes_of_the_data_fit_isize_or_are_none() {
        let largest = isize::MAX as usize / 8;
        assert_eq!(header(&[]).data_bytes(), Some(8));
        assert_eq!(header(&[3, 4]).data_bytes(), Some(96));
        assert_eq!(header(&[3, 0]).data_bytes(), Some(0));
        assert_eq!(header(&[largest]).data_bytes(), Some(largest as u64 * 8));
        assert_eq!(header(&[largest + 1]).data_bytes(), None);
        assert_eq!(header(&[usize::MAX, 16]).data_bytes(), None);
        assert_eq!(header(&[0, largest + 1]).data_bytes(), None);
    }

    #[test]
    fn the_length_of_the_file_is_compared() {
        let header = header(&[3]);
        assert_eq!(header.check_length(152), Ok(24));
        let short = header.check_length(151).unwrap_err().to_string();
        assert!(short.contains("151 bytes"), "{short}");
        assert!(short.contains("152"), "{short}");
        assert!(header.check_length(153).is_err());
        let huge = self::header(&[usize::MAX, 2])
            .check_length(152)
            .unwrap_err();
        assert!(huge.to_string().contains("18446744073709551615"), "{huge}");
    }
}
