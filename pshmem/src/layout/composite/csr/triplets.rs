//! From triplets to rows: checking, sorting and summing.

use super::{Csr, CsrError, structure};

/// Row, column, value. The row and the column are those of the matrix.
pub(crate) type Triplet<T> = (usize, u32, T);

/// Triplets by rows and, in a row, by columns; those of one place keep their order.
pub(crate) fn sorted<T>(
    shape: (usize, usize),
    triplets: impl IntoIterator<Item = (usize, usize, T)>,
) -> Result<Vec<Triplet<T>>, CsrError> {
    structure::offset_count(shape)?;
    let (rows, cols) = shape;
    let in_range = |(triplet, (row, col, value)): (usize, (usize, usize, T))| {
        if row < rows && col < cols {
            return Ok((row, col as u32, value));
        }
        Err(CsrError::OutOfRange {
            triplet,
            row,
            col,
            rows,
            cols,
        })
    };
    let triplets: Result<Vec<_>, _> = triplets.into_iter().enumerate().map(in_range).collect();
    let mut triplets = triplets?;
    triplets.sort_by_key(|&(row, col, _)| (row, col));
    Ok(triplets)
}

/// The matrix of these triplets. `sum` combines those of one place, in their order.
pub(crate) fn build<T>(
    shape: (usize, usize),
    triplets: impl IntoIterator<Item = (usize, usize, T)>,
    sum: impl Fn(T, T) -> T,
) -> Result<Csr<T>, CsrError> {
    let triplets = sorted(shape, triplets)?;
    let (rows, cols) = shape;
    let mut indptr = vec![0; structure::offset_count(shape)?];
    let mut indices = Vec::with_capacity(triplets.len());
    let mut values: Vec<T> = Vec::with_capacity(triplets.len());
    let mut last = None;
    for (row, col, value) in triplets {
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
