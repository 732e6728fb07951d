//! From triplets to sorted rows.

use super::{Csr, CsrError, structure};

/// A triplet whose row and column are those of the matrix.
struct Triplet<T> {
    row: usize,
    col: u32,
    value: T,
}

/// The matrix of these triplets. `sum` combines those of one place.
pub(super) fn build<T>(
    shape: (usize, usize),
    triplets: impl Iterator<Item = (usize, usize, T)>,
    sum: impl Fn(T, T) -> T,
) -> Result<Csr<T>, CsrError> {
    let (rows, cols) = shape;
    let offsets = structure::offset_count(shape)?;
    let in_range = |(triplet, (row, col, value)): (usize, (usize, usize, T))| {
        if row >= rows || col >= cols {
            return Err(CsrError::OutOfRange {
                triplet,
                row,
                col,
                rows,
                cols,
            });
        }
        let col = col as u32;
        Ok(Triplet { row, col, value })
    };
    let triplets: Result<Vec<_>, _> = triplets.enumerate().map(in_range).collect();
    let mut triplets = triplets?;
    // A stable sort: duplicates keep their order.
    triplets.sort_by_key(|triplet| (triplet.row, triplet.col));
    let mut indptr = vec![0; offsets];
    let mut indices = Vec::with_capacity(triplets.len());
    let mut values: Vec<T> = Vec::with_capacity(triplets.len());
    let mut last = None;
    for Triplet { row, col, value } in triplets {
        match values.pop() {
            Some(before) if last == Some((row, col)) => values.push(sum(before, value)),
            before => {
                values.extend(before);
                values.push(value);
                indices.push(col);
                indptr[row + 1] += 1;
                last = Some((row, col));
            }
        }
    }
    // From numbers of values to offsets.
    let mut end = 0;
    for offset in &mut indptr {
        end += *offset;
        *offset = end;
    }
    Ok(Csr {
        rows,
        cols,
        indptr,
        indices,
        values,
    })
}
