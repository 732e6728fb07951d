#![doc = include_str!("../README.md")]
//!
//! # Example
//!
//! ```
//! use pshmem_format::{Header, Item, Scalar};
//!
//! let row = Item { dtype: Scalar::of("<f8").unwrap().into(), extents: vec![3] };
//! let file = Header::encode(&row, &[100]);
//! let header = Header::read(&mut &file[..], file.len() as u64).unwrap();
//! assert_eq!(header.dtype, row.dtype);
//! assert_eq!(header.shape, [100, 3]);
//! assert_eq!(header.data_bytes(), Some(100 * 3 * 8));
//! ```

#![forbid(unsafe_code)]

mod checksum;
mod dtype;
mod header;
mod schema;

pub use checksum::{CHECKSUM, Checksum, PIECE_BYTES, checksum, piece_bytes};
pub use dtype::{ByteOrder, Dtype, Item, Scalar, ScalarKind, StructField};
pub use dtype::{DescrError, DtypeMismatch};
pub use header::{Header, HeaderError, LengthError};
pub use schema::{SavedField, SavedSchema, SchemaError};
