//! `Csr<T>`: a sparse matrix in compressed rows.
//!
//! | file | contents |
//! |---|---|
//! | `mod` | [`Csr`], the private value |
//! | `error`, `structure` | what offsets and column numbers must be |
//! | `triplets` | sorting and summing |
//! | `view`, `update` | [`CsrView`] with [`CsrIter`], and [`CsrMut`] |
//! | `memory` | the layout in node memory |
//! | `with_sprs` | from and to matrices of `sprs` |

mod error;
mod memory;
mod structure;
#[cfg(all(test, not(loom)))]
mod tests;
pub(crate) mod triplets;
mod update;
mod view;
#[cfg(feature = "sprs")]
mod with_sprs;

pub use error::CsrError;
pub use memory::CsrDims;
pub use update::CsrMut;
pub use view::{CsrIter, CsrView};

use std::fmt::{self, Debug};
use std::ops::Add;

/// As many columns as 32 bits can number.
pub(crate) const MAX_COLUMNS: usize = 1 << 32;

/// A sparse matrix in compressed rows (CSR).
///
/// It has three arrays: the values row by row (`values`), the column of each (`indices`), and where each row begins and the last
/// one ends (`indptr`). The columns of a row rise. These are the arrays of `scipy.sparse.csr_matrix`.
///
/// In node memory the structure can only be replaced as a whole; values can be written one by one: see [`CsrMut`](crate::CsrMut).
///
/// ```
/// use pshmem::{Comm, Csr, Shared};
///
/// let comm = Comm::solo();
/// // 2 0 1
/// // 0 0 3
/// let triplets = [(0, 2, 1.0), (1, 2, 3.0), (0, 0, 1.5), (0, 0, 0.5)]; // in any order; duplicates are summed
/// let matrix = Shared::from_root(&comm, 0, || Csr::from_triplets((2, 3), triplets).expect("inside of 2 x 3"))?;
///
/// let (indices, values) = matrix.view().row(0);
/// assert_eq!((indices, values), (&[0, 2][..], &[2.0, 1.0][..]));
///
/// let x = [1.0, 10.0, 100.0];
/// let product = |row| {
///     let (indices, values) = matrix.view().row(row);
///     indices.iter().zip(values).map(|(&col, value)| value * x[col as usize]).sum::<f64>()
/// };
/// assert_eq!((product(0), product(1)), (102.0, 300.0));
/// # Ok::<(), pshmem::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Csr<T> {
    rows: usize,
    cols: usize,
    indptr: Vec<u64>,
    indices: Vec<u32>,
    values: Vec<T>,
}

impl<T> Csr<T> {
    /// The matrix of (row, column, value) in any order. Values of the same place are added in the order in which they are given.
    ///
    /// A value of zero is kept.
    ///
    /// ```
    /// use pshmem::Csr;
    ///
    /// let matrix = Csr::from_triplets((2, 3), [(1, 2, 5), (0, 1, 1), (0, 1, 2)])?;
    /// assert_eq!(matrix.row(0), (&[1][..], &[3][..]));
    /// assert_eq!(matrix.row(1), (&[2][..], &[5][..]));
    /// # Ok::<(), pshmem::CsrError>(())
    /// ```
    ///
    /// # Errors
    /// [`CsrError::OutOfRange`], [`CsrError::TooManyColumns`], [`CsrError::TooManyRows`].
    pub fn from_triplets(
        shape: (usize, usize),
        triplets: impl IntoIterator<Item = (usize, usize, T)>,
    ) -> Result<Self, CsrError>
    where
        T: Add<Output = T>,
    {
        triplets::build(shape, triplets, T::add)
    }

    /// The matrix of these arrays: row `i` has the elements `indptr[i]..indptr[i + 1]` of `indices`, which are its columns, and of
    /// `values`.
    ///
    /// ```
    /// use pshmem::Csr;
    ///
    /// let matrix = Csr::from_parts((2, 3), vec![0, 2, 3], vec![0, 2, 2], vec![2.0, 1.0, 3.0])?;
    /// assert_eq!(matrix, Csr::from_triplets((2, 3), [(0, 0, 2.0), (0, 2, 1.0), (1, 2, 3.0)])?);
    ///
    /// let error = Csr::from_parts((1, 3), vec![0, 2], vec![2, 0], vec![1.0, 2.0]).unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     "in row 0, column 0 comes after column 2, but the columns of a row must rise"
    /// );
    /// # Ok::<(), pshmem::CsrError>(())
    /// ```
    ///
    /// # Errors
    /// A [`CsrError`] that says what is wrong, unless `indptr` has one offset more than there are rows, begins with 0, does not
    /// fall and ends with the number of values; there are as many columns as values; and the columns of each row rise and are in
    /// range.
    pub fn from_parts(
        (rows, cols): (usize, usize),
        indptr: Vec<u64>,
        indices: Vec<u32>,
        values: Vec<T>,
    ) -> Result<Self, CsrError> {
        structure::offset_count((rows, cols))?;
        if indices.len() != values.len() {
            return Err(CsrError::ValueCount {
                indices: indices.len(),
                values: values.len(),
            });
        }
        structure::check((rows, cols), &indptr, &indices)?;
        Ok(Csr {
            rows,
            cols,
            indptr,
            indices,
            values,
        })
    }

    /// The same calls as those of a matrix in node memory.
    ///
    /// ```
    /// use pshmem::{Csr, CsrView};
    ///
    /// fn diagonal(matrix: CsrView<'_, f64>) -> Vec<f64> {
    ///     (0..matrix.rows()).map(|i| matrix.get(i, i).copied().unwrap_or(0.0)).collect()
    /// }
    /// let matrix = Csr::from_triplets((2, 2), [(0, 0, 4.0), (1, 0, 2.0)])?;
    /// assert_eq!(diagonal(matrix.view()), [4.0, 0.0]);
    /// # Ok::<(), pshmem::CsrError>(())
    /// ```
    #[must_use]
    #[inline]
    pub fn view(&self) -> CsrView<'_, T> {
        CsrView::of_parts(self.cols, &self.indptr, &self.indices, &self.values)
    }

    /// The number of rows.
    ///
    /// ```
    /// let matrix = pshmem::Csr::from_triplets((2, 3), [(1, 2, 5.0)])?;
    /// assert_eq!((matrix.rows(), matrix.cols(), matrix.nnz()), (2, 3, 1));
    /// # Ok::<(), pshmem::CsrError>(())
    /// ```
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The number of columns.
    ///
    /// ```
    /// let matrix = pshmem::Csr::from_triplets((2, 3), [(1, 2, 5.0)])?;
    /// assert_eq!(matrix.cols(), 3);
    /// # Ok::<(), pshmem::CsrError>(())
    /// ```
    #[must_use]
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// The number of values.
    ///
    /// ```
    /// let matrix = pshmem::Csr::from_triplets((2, 3), [(1, 2, 5.0), (0, 0, 0.0)])?;
    /// assert_eq!(matrix.nnz(), 2); // also zeros that were given
    /// # Ok::<(), pshmem::CsrError>(())
    /// ```
    #[must_use]
    pub fn nnz(&self) -> usize {
        self.values.len()
    }

    /// The columns and the values of a row.
    ///
    /// ```
    /// let matrix = pshmem::Csr::from_triplets((2, 3), [(1, 2, 5.0)])?;
    /// assert_eq!(matrix.row(1), (&[2][..], &[5.0][..]));
    /// # Ok::<(), pshmem::CsrError>(())
    /// ```
    ///
    /// # Panics
    /// If there is no such row.
    #[must_use]
    #[track_caller]
    #[inline]
    pub fn row(&self, row: usize) -> (&[u32], &[T]) {
        self.view().row(row)
    }

    /// The columns of a row, and its values to be written.
    ///
    /// ```
    /// let mut matrix = pshmem::Csr::from_triplets((2, 3), [(1, 2, 5.0)])?;
    /// matrix.row_mut(1).1[0] = 6.0;
    /// assert_eq!(matrix.values(), [6.0]);
    /// # Ok::<(), pshmem::CsrError>(())
    /// ```
    ///
    /// # Panics
    /// If there is no such row.
    #[must_use]
    #[track_caller]
    pub fn row_mut(&mut self, row: usize) -> (&[u32], &mut [T]) {
        assert!(row < self.rows, "row {row} of {} rows", self.rows);
        let range = structure::range(&self.indptr, row);
        (&self.indices[range.clone()], &mut self.values[range])
    }

    /// The value at a place. `None` if the matrix has no value there, or no such place.
    ///
    /// This is a binary search in the row.
    ///
    /// ```
    /// let matrix = pshmem::Csr::from_triplets((2, 3), [(1, 2, 5.0)])?;
    /// assert_eq!((matrix.get(1, 2), matrix.get(0, 2), matrix.get(2, 2)), (Some(&5.0), None, None));
    /// # Ok::<(), pshmem::CsrError>(())
    /// ```
    #[must_use]
    pub fn get(&self, row: usize, col: usize) -> Option<&T> {
        self.view().get(row, col)
    }

    /// The value at a place, to be written. `None` if the matrix has no value there, or no such place.
    ///
    /// ```
    /// let mut matrix = pshmem::Csr::from_triplets((2, 3), [(1, 2, 5.0)])?;
    /// *matrix.get_mut(1, 2).unwrap() += 1.0;
    /// assert_eq!(matrix.get_mut(0, 2), None);
    /// assert_eq!(matrix.values(), [6.0]);
    /// # Ok::<(), pshmem::CsrError>(())
    /// ```
    #[must_use]
    pub fn get_mut(&mut self, row: usize, col: usize) -> Option<&mut T> {
        let place = self.view().place(row, col)?;
        self.values.get_mut(place)
    }

    /// Row, column and value of all values, row by row.
    ///
    /// ```
    /// let matrix = pshmem::Csr::from_triplets((2, 3), [(1, 2, 5.0), (0, 1, 4.0)])?;
    /// assert_eq!(matrix.iter().collect::<Vec<_>>(), [(0, 1, &4.0), (1, 2, &5.0)]);
    /// # Ok::<(), pshmem::CsrError>(())
    /// ```
    #[must_use]
    pub fn iter(&self) -> CsrIter<'_, T> {
        self.view().iter()
    }

    /// Where each row begins in [`indices`](Csr::indices) and [`values`](Csr::values), and where the last one ends.
    ///
    /// ```
    /// let matrix = pshmem::Csr::from_triplets((2, 3), [(1, 2, 5.0)])?;
    /// assert_eq!(matrix.indptr(), [0, 0, 1]);
    /// # Ok::<(), pshmem::CsrError>(())
    /// ```
    #[must_use]
    pub fn indptr(&self) -> &[u64] {
        &self.indptr
    }

    /// The column of each value.
    ///
    /// ```
    /// let matrix = pshmem::Csr::from_triplets((2, 3), [(1, 2, 5.0)])?;
    /// assert_eq!(matrix.indices(), [2]);
    /// # Ok::<(), pshmem::CsrError>(())
    /// ```
    #[must_use]
    pub fn indices(&self) -> &[u32] {
        &self.indices
    }

    /// The values, row by row.
    ///
    /// ```
    /// let matrix = pshmem::Csr::from_triplets((2, 3), [(1, 2, 5.0)])?;
    /// assert_eq!(matrix.values(), [5.0]);
    /// # Ok::<(), pshmem::CsrError>(())
    /// ```
    #[must_use]
    pub fn values(&self) -> &[T] {
        &self.values
    }

    /// The values, row by row.
    ///
    /// ```
    /// let mut matrix = pshmem::Csr::from_triplets((2, 3), [(1, 2, 5.0)])?;
    /// matrix.values_mut()[0] *= 2.0;
    /// assert_eq!(matrix.row(1), (&[2][..], &[10.0][..]));
    /// # Ok::<(), pshmem::CsrError>(())
    /// ```
    #[must_use]
    pub fn values_mut(&mut self) -> &mut [T] {
        &mut self.values
    }
}

/// A matrix of no rows and no columns.
impl<T> Default for Csr<T> {
    fn default() -> Self {
        Csr {
            rows: 0,
            cols: 0,
            indptr: vec![0],
            indices: Vec::new(),
            values: Vec::new(),
        }
    }
}

impl<'a, T> IntoIterator for &'a Csr<T> {
    type Item = (usize, usize, &'a T);
    type IntoIter = CsrIter<'a, T>;
    fn into_iter(self) -> CsrIter<'a, T> {
        self.iter()
    }
}

impl<T: PartialEq> PartialEq<CsrView<'_, T>> for Csr<T> {
    fn eq(&self, other: &CsrView<'_, T>) -> bool {
        self.view() == *other
    }
}

impl<T: Debug> Debug for Csr<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.view().fmt(f)
    }
}
