//! `CsrView` and `CsrIter`: a sparse matrix, read.

use super::{Csr, structure};
use std::fmt::{self, Debug};
use std::ops::Range;

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
        self.values.get(self.place(row, col)?)
    }

    /// Where in `values` the value of a place is.
    #[inline]
    pub(super) fn place(self, row: usize, col: usize) -> Option<usize> {
        if row >= self.rows() {
            return None;
        }
        let range = structure::range(self.indptr, row);
        let start = range.start;
        let found = self.indices[range].binary_search(&u32::try_from(col).ok()?);
        Some(start + found.ok()?)
    }

    /// Row, column and value of all values, row by row.
    #[must_use]
    pub fn iter(self) -> CsrIter<'a, T> {
        CsrIter {
            view: self,
            row: 0,
            places: 0..self.nnz(),
        }
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

impl<'a, T> IntoIterator for CsrView<'a, T> {
    type Item = (usize, usize, &'a T);
    type IntoIter = CsrIter<'a, T>;
    fn into_iter(self) -> CsrIter<'a, T> {
        self.iter()
    }
}

impl<T: PartialEq> PartialEq for CsrView<'_, T> {
    fn eq(&self, other: &Self) -> bool {
        let structure = |view: Self| (view.cols, view.indptr, view.indices());
        structure(*self) == structure(*other) && self.values() == other.values()
    }
}

impl<T: Eq> Eq for CsrView<'_, T> {}

impl<T: PartialEq> PartialEq<Csr<T>> for CsrView<'_, T> {
    fn eq(&self, other: &Csr<T>) -> bool {
        *self == other.view()
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

/// Row, column and value of all values of a [`CsrView`] or a [`Csr`], row by row.
///
/// ```
/// let matrix = pshmem::Csr::from_triplets((2, 3), [(1, 2, 5.0), (0, 1, 4.0)])?;
/// let mut values = matrix.iter();
/// assert_eq!(values.len(), 2);
/// assert_eq!(values.next(), Some((0, 1, &4.0)));
/// assert_eq!(values.next(), Some((1, 2, &5.0)));
/// # Ok::<(), pshmem::CsrError>(())
/// ```
pub struct CsrIter<'a, T> {
    view: CsrView<'a, T>,
    /// No value that is left is in a row before it.
    row: usize,
    /// What is left of `indices` and `values`.
    places: Range<usize>,
}

impl<T> Clone for CsrIter<'_, T> {
    fn clone(&self) -> Self {
        CsrIter {
            view: self.view,
            row: self.row,
            places: self.places.clone(),
        }
    }
}

impl<'a, T> Iterator for CsrIter<'a, T> {
    type Item = (usize, usize, &'a T);

    fn next(&mut self) -> Option<Self::Item> {
        let place = self.places.next()?;
        while self.view.indptr[self.row + 1] <= place as u64 {
            self.row += 1;
        }
        let col = self.view.indices[place] as usize;
        Some((self.row, col, &self.view.values[place]))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.places.size_hint()
    }
}

impl<T> ExactSizeIterator for CsrIter<'_, T> {}
impl<T> std::iter::FusedIterator for CsrIter<'_, T> {}

impl<T: Debug> Debug for CsrIter<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.clone()).finish()
    }
}
