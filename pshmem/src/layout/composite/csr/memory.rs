//! The layout of `Csr<T>` in node memory: offsets, column numbers and values.

use super::{Csr, CsrError, CsrMut, CsrView, structure};
use crate::error::{Error, Result};
use crate::layout::composite::{
    Composite, Full, PartsView, PartsViewMut, composite_layout, read_only,
};
use crate::layout::derived::FromShape;
use crate::layout::{Element, Preview};
use std::fmt::{self, Debug};

/// The extents of a shared [`Csr`]: its shape, and its capacity for values.
///
/// ```
/// use pshmem::{Comm, Csr, CsrDims, Shared};
///
/// let dims = CsrDims { rows: 1000, cols: 500, nnz: 20_000 };
/// let matrix = Shared::<Csr<f64>>::new(&Comm::solo(), dims)?;
/// assert_eq!((matrix.dims(), matrix.view().nnz()), (dims, 0)); // 1000 empty rows
/// # Ok::<(), pshmem::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CsrDims {
    /// The number of rows.
    pub rows: usize,
    /// The number of columns: at most 2^32.
    pub cols: usize,
    /// The largest number of values.
    pub nnz: usize,
}

impl CsrDims {
    pub(super) fn shape(&self) -> (usize, usize) {
        (self.rows, self.cols)
    }
}

impl FromShape<3> for CsrDims {
    fn from_shape([rows, cols, nnz]: [usize; 3]) -> Self {
        CsrDims { rows, cols, nnz }
    }

    fn to_shape(&self) -> [usize; 3] {
        [self.rows, self.cols, self.nnz]
    }
}

impl<T: Element> Composite for Csr<T> {
    type Parts = (Vec<u64>, Vec<u32>, Vec<T>);
    type Dims = CsrDims;
    type View<'a> = CsrView<'a, T>;
    type ViewMut<'a> = CsrMut<'a, T>;

    const NAMES: &'static [&'static str] = &["indptr", "indices", "data"];

    fn part_dims(dims: &CsrDims) -> Result<(usize, usize, usize)> {
        let offsets = structure::offset_count(dims.shape()).map_err(|error| match error {
            CsrError::TooManyColumns { cols } => Error::TooManyColumns { cols },
            _ => Error::TooLarge {
                what: "the offsets of the rows".to_owned(),
                extents: vec![dims.rows],
                size: size_of::<u64>(),
            },
        });
        Ok((offsets?, dims.nnz, dims.nnz))
    }

    fn dims_of(&self) -> CsrDims {
        CsrDims {
            rows: self.rows,
            cols: self.cols,
            nnz: self.nnz(),
        }
    }

    fn encode_dims(dims: &CsrDims, out: &mut Vec<usize>) {
        out.extend(dims.to_shape());
    }

    fn decode_dims(from: &mut dyn Iterator<Item = usize>) -> Option<CsrDims> {
        Some(CsrDims {
            rows: from.next()?,
            cols: from.next()?,
            nnz: from.next()?,
        })
    }

    unsafe fn view<'a>(
        dims: &CsrDims,
        (indptr, indices, values): PartsView<'a, Self>,
    ) -> CsrView<'a, T> {
        CsrView::of_parts(dims.cols, indptr, indices, values)
    }

    unsafe fn view_mut<'a>(
        dims: &CsrDims,
        (indptr, indices, values): PartsViewMut<'a, Self>,
    ) -> CsrMut<'a, T> {
        CsrMut::of_parts(dims.cols, indptr, indices, values)
    }

    fn store(&self, mut into: CsrMut<'_, T>) -> Result<(), Full> {
        into.assign(self)
    }

    fn load(from: CsrView<'_, T>) -> Self {
        Csr {
            rows: from.rows(),
            cols: from.cols(),
            indptr: from.indptr().to_vec(),
            indices: from.indices().to_vec(),
            values: from.values().to_vec(),
        }
    }

    fn lengths(dims: &CsrDims, leaves: &[&[u8]]) -> Vec<usize> {
        let nnz = offsets(leaves)[dims.rows] as usize;
        vec![dims.rows + 1, nnz, nnz]
    }

    fn check_lengths(dims: &CsrDims, lengths: &[usize]) -> Result<(), String> {
        expect::<T>(lengths, 0, dims.rows + 1)?;
        expect::<T>(lengths, 2, lengths[1])
    }

    fn check(dims: &CsrDims, leaves: &[&[u8]]) -> Result<(), String> {
        let (indptr, indices) = (offsets(leaves), bytemuck::cast_slice(leaves[1]));
        let Some(&last) = indptr.last() else {
            return Err("there is no offset".to_owned());
        };
        if last > indices.len() as u64 {
            return Err(format!(
                "`indptr` ends with {last}, but there is room for {} values",
                indices.len()
            ));
        }
        let checked = structure::check(dims.shape(), indptr, &indices[..last as usize]);
        checked.map_err(|error| error.to_string())
    }

    fn complete(dims: &CsrDims, lengths: &[usize], leaves: &mut [&mut [u8]]) -> Result<(), String> {
        Self::check_lengths(dims, lengths)?;
        let leaves = read_only(leaves);
        Self::check(dims, &leaves)?;
        expect::<T>(lengths, 1, offsets(&leaves)[dims.rows] as usize)
    }
}

composite_layout! {
    [T] Csr<T>, where [T: Element]
    Dims = CsrDims, View<'a> = CsrView<'a, T>, ViewMut<'a> = CsrMut<'a, T>
}

/// A part has as many elements.
fn expect<T: Element>(lengths: &[usize], part: usize, expected: usize) -> Result<(), String> {
    match lengths[part] {
        found if found == expected => Ok(()),
        found => Err(format!(
            "`{}` has {found} elements instead of {expected}",
            Csr::<T>::NAMES[part]
        )),
    }
}

fn offsets<'a>(leaves: &[&'a [u8]]) -> &'a [u64] {
    bytemuck::cast_slice(leaves[0])
}

impl<T: Element + Debug> Preview for Csr<T> {
    fn preview(view: CsrView<'_, T>, f: &mut dyn fmt::Write) -> fmt::Result {
        /// Values of a large matrix that are shown.
        const SHOWN: usize = 8;
        let (rows, cols, nnz) = (view.rows(), view.cols(), view.nnz());
        write!(f, "{rows} x {cols} with {nnz} values")?;
        let mut separator = ": ";
        for (row, col, value) in view.iter().take(SHOWN) {
            write!(f, "{separator}({row}, {col}) {value:?}")?;
            separator = ", ";
        }
        if nnz > SHOWN {
            f.write_str(", ..")?;
        }
        Ok(())
    }
}
