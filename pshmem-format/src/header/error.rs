//! Why a header cannot be read, or does not fit its file.

use super::Header;
use super::read::MAX_LEN;
use crate::dtype::descr::shortened;
use crate::dtype::text::Shape;
use crate::dtype::{DescrError, Dtype};

/// Why the header of a `.npy` file cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeaderError {
    /// The file cannot be read.
    #[error("cannot be read: {message}")]
    Io {
        /// The kind of the error.
        kind: std::io::ErrorKind,
        /// What the system says.
        message: String,
    },
    /// The first bytes are those of something else.
    #[error("it is no .npy file: it does not begin with \\x93NUMPY")]
    NotNpy,
    /// The file ends inside of the header.
    #[error(
        "the file has {file_len} bytes and ends inside of its header, which has {header} bytes or more"
    )]
    Truncated {
        /// Bytes of the file.
        file_len: u64,
        /// Bytes that the header has at least.
        header: u64,
    },
    /// A version of the format that is not known.
    #[error("its format is version {major}.{minor}; known are 1.0, 2.0 and 3.0")]
    Version {
        /// The first number.
        major: u8,
        /// The second number.
        minor: u8,
    },
    /// A header that is longer than any that describes an array.
    #[error("it says that its header has {0} bytes; more than {MAX_LEN} are refused")]
    TooLong(u64),
    /// The header is no text in UTF-8.
    #[error("byte {at} of the text of its header is not UTF-8, which version 3.0 has")]
    NotUtf8 {
        /// Where, in the text of the header.
        at: usize,
    },
    /// The dtype cannot be read, or the text is no literal of Python.
    #[error("its header cannot be used: {0}")]
    Descr(#[from] DescrError),
    /// The header is a literal of Python, but not as numpy writes it.
    #[error("its header cannot be used: {0}")]
    Malformed(String),
}

/// The length of a `.npy` file is not what its header says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LengthError {
    /// The file is too short or too long.
    #[error(
        "the file has {file_len} bytes, {}; for {header} it must have {expected}",
        if file_len < expected { "too few" } else { "too many" }
    )]
    Differs {
        /// What the header says, for people.
        header: String,
        /// Bytes that the file must have.
        expected: u64,
        /// Bytes that it has.
        file_len: u64,
    },
    /// No file is as long.
    #[error("its header says {header}, which is more than any memory")]
    Overflow {
        /// What the header says, for people.
        header: String,
    },
}

impl LengthError {
    /// `shape (3, 4) of <f8`.
    pub(super) fn summary(header: &Header) -> String {
        let dtype = match &header.dtype {
            Dtype::Scalar(scalar) => scalar.to_string(),
            Dtype::Struct { itemsize, .. } => format!("a structured dtype of {itemsize} bytes"),
        };
        let shape = shortened(&Shape(&header.shape).to_string());
        format!("the shape {shape} of {dtype}")
    }
}
