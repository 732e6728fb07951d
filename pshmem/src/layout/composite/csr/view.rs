//! `CsrView`: a sparse matrix, read.

use super::structure;
use std::fmt::{self, Debug};

/// A sparse matrix in node memory, or a private one, for reading.
///
/// ```
/// use pshmem::{Comm, Csr, CsrView, Shared};
///
/// let comm = Comm::solo();
/// let triplets = [(0, 2, 1.0), (0, 0, 2.0), (1, 2, 3.0)];
/// let matrix = Shared::from_root(&comm, 0, || Csr::from_triplets((2, 3), triplets).expect("inside of 2 x 3"))?;
///
/// let view: CsrView<'_, f64> = matrix.view();
/// assert_eq!((view.rows(), view.cols(), view.nnz()), (2, 3, 3));
/// assert_eq!(view.row(1), (&[2][..], &[3.0][..]));
/// assert_eq!((view.get(0, 2), view.get(0, 1)), (Some(&1.0), None));
/// assert_eq!(view.iter().map(|(row, col, value)| value * (row + col) as f64).sum::<f64>(), 11.0);
/// # Ok::<(), pshmem::Error>(())
/// ```
pub struct CsrView<'a, T> {
    cols: usize,
    /// One more than there are rows, never empty.
    indptr: &'a [u64],
    /// With what is not in use, as `values`: so the view of a field costs no access to memory.
    indices: &'a [u32],
    values: &'a [T],
}

impl<T> Clone for CsrView<'_, T> {
    #[inline]
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for CsrView<'_, T> {}

impl<'a, T> CsrView<'a, T> {
    /// `indptr` is not empty.
    #[inline]
    pub(super) fn of_parts(
        cols: usize,
        indptr: &'a [u64],
        indices: &'a [u32],
        values: &'a [T],
    ) -> Self {
        CsrView {
            cols,
            indptr,
            indices,
            values,
        }
    }

    /// The number of rows.
    #[must_use]
    #[inline]
    pub fn rows(self) -> usize {
        self.indptr.len() - 1
    }

    /// The number of columns.
    #[must_use]
    #[inline]
    pub fn cols(self) -> usize {
        self.cols
    }

    /// The number of values.
    #[must_use]
    #[inline]
    pub fn nnz(self) -> usize {
        self.indptr[self.rows()] as usize
    }

    /// The columns and the values of a row.
    ///
    /// # Panics
    /// If there is no such row.
    #[must_use]
    #[track_caller]
    #[inline]
    pub fn row(self, row: usize) -> (&'a [u32], &'a [T]) {
        assert!(row < self.rows(), "row {row} of {} rows", self.rows());
        let range = structure::range(self.indptr, row);
        (&self.indices[range.clone()], &self.values[range])
    }

    /// The value at a place. `None` if the matrix has no value there, or no such place.
    ///
    /// This is a binary search in the row.
    #[must_use]
    #[inline]
    pub fn get(self, row: usize, col: usize) -> Option<&'a T> {
        if row >= self.rows() {
            return None;
        }
        let (indices, values) = self.row(row);
        let found = indices.binary_search(&u32::try_from(col).ok()?);
        values.get(found.ok()?)
    }

    /// Row, column and value of all values, row by row.
    pub fn iter(self) -> impl Iterator<Item = (usize, usize, &'a T)> {
        (0..self.rows()).flat_map(move |row| {
            let (indices, values) = self.row(row);
            let cols = indices.iter().map(|&col| col as usize);
            cols.zip(values).map(move |(col, value)| (row, col, value))
        })
    }

    /// Where each row begins in [`indices`](CsrView::indices) and [`values`](CsrView::values), and where the last one ends.
    #[must_use]
    #[inline]
    pub fn indptr(self) -> &'a [u64] {
        self.indptr
    }

    /// The column of each value.
    #[must_use]
    #[inline]
    pub fn indices(self) -> &'a [u32] {
        &self.indices[..self.nnz()]
    }

    /// The values, row by row.
    #[must_use]
    #[inline]
    pub fn values(self) -> &'a [T] {
        &self.values[..self.nnz()]
    }
}

impl<T: PartialEq> PartialEq for CsrView<'_, T> {
    fn eq(&self, other: &Self) -> bool {
        let structure = |view: Self| (view.cols, view.indptr, view.indices());
        structure(*self) == structure(*other) && self.values() == other.values()
    }
}

/// Shape, and the value of each place that has one.
impl<T: Debug> Debug for CsrView<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} x {} ", self.rows(), self.cols)?;
        let places = self.iter().map(|(row, col, value)| ((row, col), value));
        f.debug_map().entries(places).finish()
    }
}
