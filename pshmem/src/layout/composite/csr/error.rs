//! `CsrError`: why triplets or arrays are no sparse matrix.

use super::MAX_COLUMNS;

/// Why [`Csr::from_triplets`](crate::Csr::from_triplets) or [`Csr::from_parts`](crate::Csr::from_parts) has made no matrix.
///
/// ```
/// use pshmem::{Csr, CsrError};
///
/// let error = Csr::from_triplets((2, 3), [(0, 0, 1.0), (0, 3, 2.0)]).unwrap_err();
/// assert_eq!(error, CsrError::OutOfRange { triplet: 1, row: 0, col: 3, rows: 2, cols: 3 });
/// assert_eq!(
///     error.to_string(),
///     "triplet 1 (counted from 0) is for row 0 and column 3, but the matrix has 2 rows and 3 columns"
/// );
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CsrError {
    /// Column numbers are stored in 32 bits.
    #[error(
        "a sparse matrix has at most {MAX_COLUMNS} columns, not {cols}: column numbers have 32 bits"
    )]
    TooManyColumns {
        /// How many were asked for.
        cols: usize,
    },

    /// The offsets of so many rows are larger than the address space.
    #[error("a sparse matrix of {rows} rows is larger than the address space")]
    TooManyRows {
        /// How many were asked for.
        rows: usize,
    },

    /// A triplet is for a row or a column that the matrix does not have.
    #[error(
        "triplet {triplet} (counted from 0) is for row {row} and column {col}, but the matrix has {rows} rows and {cols} columns"
    )]
    OutOfRange {
        /// The number of the triplet, from 0.
        triplet: usize,
        /// Its row.
        row: usize,
        /// Its column.
        col: usize,
        /// Rows of the matrix.
        rows: usize,
        /// Columns of the matrix.
        cols: usize,
    },

    /// `indptr` must have one offset for each row and one more.
    #[error("`indptr` has {len} offsets, but {rows} rows need one more than there are rows")]
    OffsetCount {
        /// How many there are.
        len: usize,
        /// Rows of the matrix.
        rows: usize,
    },

    /// The first offset must be 0.
    #[error("`indptr` begins with {first} instead of 0")]
    FirstOffset {
        /// The first offset.
        first: u64,
    },

    /// Offsets must not fall.
    #[error("`indptr` falls from {start} to {end} at row {row}")]
    FallingOffsets {
        /// The row.
        row: usize,
        /// Where it begins.
        start: u64,
        /// Where it ends.
        end: u64,
    },

    /// The last offset must be the number of values.
    #[error("`indptr` ends with {last}, but there are {nnz} column numbers")]
    LastOffset {
        /// The last offset.
        last: u64,
        /// How many column numbers there are.
        nnz: usize,
    },

    /// There must be one column number for each value.
    #[error("there are {indices} column numbers, but {values} values")]
    ValueCount {
        /// How many column numbers there are.
        indices: usize,
        /// How many values there are.
        values: usize,
    },

    /// The columns of a row must rise, so that each is there once.
    #[error(
        "in row {row}, column {col} comes after column {previous}, but the columns of a row must rise"
    )]
    ColumnsDoNotRise {
        /// The row.
        row: usize,
        /// A column of it.
        previous: u32,
        /// The next one.
        col: u32,
    },

    /// A column number is too large.
    #[error("row {row} has a value in column {col}, but the matrix has {cols} columns")]
    ColumnOutOfRange {
        /// The row.
        row: usize,
        /// The column.
        col: u32,
        /// Columns of the matrix.
        cols: usize,
    },
}
