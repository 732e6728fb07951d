//! What offsets and column numbers must be, so that they are the structure of a sparse matrix.

use super::{CsrError, MAX_COLUMNS};
use std::ops::Range;

/// How many offsets a matrix of this shape has, if it can exist.
pub(super) fn offset_count((rows, cols): (usize, usize)) -> Result<usize, CsrError> {
    if cols > MAX_COLUMNS {
        return Err(CsrError::TooManyColumns { cols });
    }
    rows.checked_add(1)
        .filter(|&count| count <= isize::MAX as usize / size_of::<u64>())
        .ok_or(CsrError::TooManyRows { rows })
}

/// Whether these are the offsets and the column numbers of a matrix of this shape.
pub(super) fn check(
    (rows, cols): (usize, usize),
    indptr: &[u64],
    indices: &[u32],
) -> Result<(), CsrError> {
    check_offsets(rows, indptr, indices.len())?;
    // Offsets do not fall, and the last one is the number of column numbers.
    let row_of = |row: usize| &indices[range(indptr, row)];
    (0..rows).try_for_each(|row| check_row(row, row_of(row), cols))
}

/// The elements of a row.
#[inline]
pub(super) fn range(indptr: &[u64], row: usize) -> Range<usize> {
    indptr[row] as usize..indptr[row + 1] as usize
}

fn check_offsets(rows: usize, indptr: &[u64], nnz: usize) -> Result<(), CsrError> {
    let count = CsrError::OffsetCount {
        len: indptr.len(),
        rows,
    };
    let (Some(&first), Some(&last)) = (indptr.first(), indptr.last()) else {
        return Err(count);
    };
    if indptr.len() - 1 != rows {
        return Err(count);
    }
    if first != 0 {
        return Err(CsrError::FirstOffset { first });
    }
    for (row, pair) in indptr.windows(2).enumerate() {
        let (start, end) = (pair[0], pair[1]);
        if start > end {
            return Err(CsrError::FallingOffsets { row, start, end });
        }
    }
    if last != nnz as u64 {
        return Err(CsrError::LastOffset { last, nnz });
    }
    Ok(())
}

fn check_row(row: usize, indices: &[u32], cols: usize) -> Result<(), CsrError> {
    if let Some(pair) = indices.windows(2).find(|pair| pair[0] >= pair[1]) {
        let (previous, col) = (pair[0], pair[1]);
        return Err(CsrError::ColumnsDoNotRise { row, previous, col });
    }
    // The last one is the largest.
    match indices.last() {
        Some(&col) if col as usize >= cols => Err(CsrError::ColumnOutOfRange { row, col, cols }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_consistent() {
        assert_eq!(check((0, 0), &[0], &[]), Ok(()));
        assert_eq!(check((0, 5), &[0], &[]), Ok(()));
        assert_eq!(check((2, 0), &[0, 0, 0], &[]), Ok(()));
        assert_eq!(check((3, 4), &[0, 2, 2, 4], &[0, 3, 1, 2]), Ok(()));
        assert_eq!(check((1, MAX_COLUMNS), &[0, 2], &[0, u32::MAX]), Ok(()));
    }

    #[test]
    fn what_is_not() {
        let refused = |shape, indptr: &[u64], indices: &[u32], text: &str| {
            let error = check(shape, indptr, indices).unwrap_err();
            assert_eq!(error.to_string(), text);
        };
        let offsets = "`indptr` has 0 offsets, but 0 rows need one more than there are rows";
        refused((0, 4), &[], &[], offsets);
        let offsets = "`indptr` has 2 offsets, but 3 rows need one more than there are rows";
        refused((3, 4), &[0, 0], &[], offsets);
        refused((0, 4), &[1], &[9], "`indptr` begins with 1 instead of 0");
        refused((1, 4), &[1, 1], &[], "`indptr` begins with 1 instead of 0");
        let falls = "`indptr` falls from 2 to 1 at row 1";
        refused((2, 4), &[0, 2, 1], &[0], falls);
        refused((3, 4), &[0, 2, 1, 2], &[0, 1], falls);
        let last = "`indptr` ends with 2, but there are 1 column numbers";
        refused((1, 4), &[0, 2], &[0], last);
        let last = "`indptr` ends with 18446744073709551615, but there are 1 column numbers";
        refused((1, 4), &[0, u64::MAX], &[0], last);
        let order = "in row 1, column 2 comes after column 2, but the columns of a row must rise";
        refused((2, 4), &[0, 1, 3], &[3, 2, 2], order);
        let order = "in row 0, column 1 comes after column 9, but the columns of a row must rise";
        refused((1, 4), &[0, 2], &[9, 1], order);
        let col = "row 0 has a value in column 4, but the matrix has 4 columns";
        refused((1, 4), &[0, 2], &[1, 4], col);
    }

    #[test]
    fn shapes_that_cannot_exist() {
        assert_eq!(offset_count((4, MAX_COLUMNS)), Ok(5));
        let cols = MAX_COLUMNS + 1;
        assert_eq!(
            offset_count((0, cols)),
            Err(CsrError::TooManyColumns { cols })
        );
        for rows in [usize::MAX, isize::MAX as usize / 8] {
            assert_eq!(offset_count((rows, 1)), Err(CsrError::TooManyRows { rows }));
        }
        assert_eq!(
            CsrError::TooManyColumns { cols }.to_string(),
            "a sparse matrix has at most 4294967296 columns, not 4294967297: column numbers have 32 bits"
        );
    }
}
