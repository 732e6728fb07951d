//! `CsrMut`: a sparse matrix inside the closure of an update.

use super::{Csr, CsrDims, CsrView, structure};
use crate::layout::SliceMut;
use crate::layout::composite::Full;
use std::fmt::{self, Debug};

/// A sparse matrix inside the closure of an update. Values can be written; the structure changes only as a whole.
///
/// ```
/// use pshmem::{Comm, Csr, CsrDims, CsrMut, Shared};
///
/// let mut matrix = Shared::<Csr<f64>>::new(&Comm::solo(), CsrDims { rows: 2, cols: 3, nnz: 10 })?;
/// let filled = Csr::from_triplets((2, 3), [(0, 2, 1.0), (0, 0, 2.0), (1, 2, 3.0)]).expect("inside of 2 x 3");
/// matrix.try_update(0, |mut w: CsrMut<f64>| w.assign(&filled))?;
///
/// matrix.update(0, |mut w: CsrMut<f64>| {
///     // Only values are sent to the other nodes.
///     for value in w.values_mut() {
///         *value *= 10.0;
///     }
///     let (indices, values) = w.row_mut(1);
///     assert_eq!(indices, [2]);
///     values[0] = 7.0;
/// })?;
/// assert_eq!(matrix.view().values(), [20.0, 10.0, 7.0]);
/// # Ok::<(), pshmem::Error>(())
/// ```
pub struct CsrMut<'a, T> {
    cols: usize,
    pub(super) indptr: SliceMut<'a, u64>,
    /// Of the whole capacity, as `values`.
    pub(super) indices: SliceMut<'a, u32>,
    values: SliceMut<'a, T>,
}

impl<'a, T> CsrMut<'a, T> {
    pub(super) fn of_parts(
        cols: usize,
        indptr: SliceMut<'a, u64>,
        indices: SliceMut<'a, u32>,
        values: SliceMut<'a, T>,
    ) -> Self {
        CsrMut {
            cols,
            indptr,
            indices,
            values,
        }
    }

    /// The matrix as it is now.
    #[must_use]
    pub fn view(&self) -> CsrView<'_, T> {
        CsrView::of_parts(self.cols, &self.indptr, &self.indices, &self.values)
    }

    /// The shape, and the largest number of values.
    #[must_use]
    pub fn capacity(&self) -> CsrDims {
        CsrDims {
            rows: self.indptr.len() - 1,
            cols: self.cols,
            nnz: self.values.len(),
        }
    }

    /// The value at a place, to be written. `None` if the matrix has no value there, or no such place.
    ///
    /// This is a binary search in the row.
    #[must_use]
    pub fn get_mut(&mut self, row: usize, col: usize) -> Option<&mut T> {
        let place = self.view().place(row, col)?;
        // Only a value that is there marks the values as written.
        Some(&mut self.values[place])
    }

    /// Removes all values: the rows are empty then.
    pub fn clear(&mut self) {
        if self.view().nnz() > 0 {
            self.indptr.fill(0);
        }
    }

    /// The values, row by row, to be written.
    #[must_use]
    pub fn values_mut(&mut self) -> &mut [T] {
        let nnz = self.view().nnz();
        &mut self.values[..nnz]
    }

    /// The columns of a row, and its values to be written.
    ///
    /// # Panics
    /// If there is no such row.
    #[must_use]
    #[track_caller]
    pub fn row_mut(&mut self, row: usize) -> (&[u32], &mut [T]) {
        let rows = self.view().rows();
        assert!(row < rows, "row {row} of {rows} rows");
        let range = structure::range(&self.indptr, row);
        (&self.indices[range.clone()], &mut self.values[range])
    }
}

impl<T: Copy> CsrMut<'_, T> {
    /// Replaces the matrix by one of the same shape.
    ///
    /// # Errors
    /// [`Full`] if there is no room for its values, or if its shape is another one; nothing has changed then.
    pub fn assign(&mut self, matrix: &Csr<T>) -> Result<(), Full> {
        let view = self.view();
        Full::check_shape((matrix.rows, matrix.cols), (view.rows(), view.cols()))?;
        let nnz = matrix.nnz();
        Full::check("values", nnz, self.values.len())?;
        // Nothing is in use while columns and values change.
        self.indptr.fill(0);
        self.indices[..nnz].copy_from_slice(&matrix.indices);
        self.values[..nnz].copy_from_slice(&matrix.values);
        self.indptr.copy_from_slice(&matrix.indptr);
        Ok(())
    }
}

impl<T: Debug> Debug for CsrMut<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.view().fmt(f)
    }
}
