//! Sparse matrices of the crate `sprs`: feature `sprs`.

use super::{Csr, CsrError, CsrView, structure, triplets};
use sprs::{CsMatBase, CsMatViewI, SpIndex};
use std::ops::Deref;

impl<T: Copy> Csr<T> {
    /// A copy of a matrix of `sprs`, of which the compressed dimension may be that of rows (CSR) or of columns (CSC).
    ///
    /// ```
    /// use pshmem::{Comm, Csr, Shared};
    /// use sprs::CsMat;
    ///
    /// let comm = Comm::solo();
    /// let read = || Csr::from_sprs(&CsMat::<f64>::eye_csc(3));
    /// let matrix = Shared::<Csr<f64>>::try_from_root(&comm, 0, read)?;
    /// assert_eq!(matrix.view().to_sprs().diag().data(), [1.0; 3]);
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`CsrError::TooManyColumns`].
    #[cfg_attr(docsrs, doc(cfg(feature = "sprs")))]
    pub fn from_sprs<I, Iptr, IptrStorage, IndStorage, DataStorage>(
        matrix: &CsMatBase<T, I, IptrStorage, IndStorage, DataStorage, Iptr>,
    ) -> Result<Self, CsrError>
    where
        I: SpIndex,
        Iptr: SpIndex,
        IptrStorage: Deref<Target = [Iptr]>,
        IndStorage: Deref<Target = [I]>,
        DataStorage: Deref<Target = [T]>,
    {
        let shape = (matrix.rows(), matrix.cols());
        if matrix.is_csc() {
            let columns = matrix.outer_iterator().enumerate();
            let triplets = columns.flat_map(|(col, of_col)| {
                let of_col = of_col.iter().map(|(row, &value)| (row, col, value));
                of_col.collect::<Vec<_>>()
            });
            // Each place is there once.
            return triplets::build(shape, triplets, |_, value| value);
        }
        let mut indptr = vec![0; structure::offset_count(shape)?];
        let mut indices = Vec::with_capacity(matrix.nnz());
        let mut values = Vec::with_capacity(matrix.nnz());
        for (row, of_row) in matrix.outer_iterator().enumerate() {
            indices.extend(of_row.indices().iter().map(|col| col.index() as u32));
            values.extend_from_slice(of_row.data());
            indptr[row + 1] = indices.len() as u64;
        }
        Self::from_parts(shape, indptr, indices, values)
    }
}

impl<'a, T> CsrView<'a, T> {
    /// The same matrix for `sprs`, without a copy: its products and solvers read node memory.
    ///
    /// `sprs` checks offsets and column numbers, which takes one pass over them. So convert it once, not for each row.
    ///
    /// ```
    /// use pshmem::{Comm, Csr, Shared};
    ///
    /// let comm = Comm::solo();
    /// let triplets = [(0, 0, 2.0), (0, 2, 1.0), (1, 2, 3.0)];
    /// let matrix = Shared::<Csr<f64>>::try_from_root(&comm, 0, || Csr::from_triplets((2, 3), triplets))?;
    /// let product = &matrix.view().to_sprs() * &ndarray::array![1.0, 10.0, 100.0];
    /// assert_eq!(product, ndarray::array![102.0, 300.0]);
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    ///
    /// # Panics
    /// If the matrix has exactly 2^32 columns, one more than `sprs` can count in 32 bits.
    #[cfg_attr(docsrs, doc(cfg(feature = "sprs")))]
    #[must_use]
    #[track_caller]
    pub fn to_sprs(self) -> CsMatViewI<'a, T, u32, u64> {
        let shape = (self.rows(), self.cols());
        CsMatViewI::try_new(shape, self.indptr(), self.indices(), self.values())
            .map_err(|(_, _, _, error)| error)
            .expect("columns that `sprs` can count")
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::layout::composite::csr::MAX_COLUMNS;
    use proptest::prelude::*;
    use sprs::{CsMatI, TriMatI};

    proptest! {
        #[test]
        fn both_ways((rows, cols) in (1_usize..6, 1_usize..6), places in proptest::collection::vec((0_usize..6, 0_usize..6), 0..20)) {
            let places = places.into_iter().map(|(row, col)| (row % rows, col % cols));
            let triplets: Vec<_> = places.zip(0_u8..).map(|((row, col), number)| (row, col, f64::from(number))).collect();
            let mut model = TriMatI::<f64, u16>::new((rows, cols));
            for &(row, col, value) in &triplets {
                model.add_triplet(row, col, value);
            }
            let matrix = Csr::from_triplets((rows, cols), triplets).unwrap();
            let (by_rows, by_columns) = (model.to_csr::<u32>(), model.to_csc::<usize>());
            prop_assert_eq!(Csr::from_sprs(&by_rows), Ok(matrix.clone()));
            prop_assert_eq!(Csr::from_sprs(&by_rows.view()), Ok(matrix.clone()));
            prop_assert_eq!(Csr::from_sprs(&by_columns), Ok(matrix.clone()));
            let view = matrix.view().to_sprs();
            prop_assert_eq!(view.to_dense(), by_rows.to_dense());
            prop_assert_eq!(Csr::from_sprs(&view), Ok(matrix));
        }
    }

    #[test]
    fn a_part_of_a_matrix_begins_with_0() {
        let whole = CsMatI::<f64, i16>::eye(5);
        let part = Csr::from_sprs(&whole.slice_outer(2..4)).unwrap();
        assert_eq!((part.rows(), part.cols()), (2, 5));
        assert_eq!(
            (part.indptr(), part.indices()),
            (&[0, 1, 2][..], &[2, 3][..])
        );
    }

    #[test]
    #[cfg_attr(miri, ignore = "many rows")]
    fn more_rows_than_the_index_type_of_columns_can_count() {
        let whole = CsMatI::<f64, i16, u32>::new((40_000, 1), vec![0; 40_001], vec![], vec![]);
        assert_eq!(
            Csr::from_sprs(&whole).map(|matrix| matrix.rows()),
            Ok(40_000)
        );
    }

    #[test]
    fn columns_that_cannot_be_counted() {
        let cols = MAX_COLUMNS + 1;
        let wide = CsMatI::<f64, usize>::zero((1, cols));
        assert_eq!(
            Csr::from_sprs(&wide),
            Err(CsrError::TooManyColumns { cols })
        );
        let widest = Csr::from_sprs(&CsMatI::<f64, usize>::zero((1, MAX_COLUMNS))).unwrap();
        let converted = std::panic::catch_unwind(|| widest.view().to_sprs().nnz());
        assert!(converted.is_err());
    }
}
