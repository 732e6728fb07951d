//! Layouts that can be written block by block (`set`, `fill`, `gather`).

use crate::error::{Error, Result};
use crate::layout::region::Region;
use crate::layout::{BaseMut, Element, SharedLayout};
use std::fmt::Debug;
use std::ops::Range;

/// Layouts that can be written block by block: slices and arrays.
///
/// The layout determines the type of a block, so `None` needs no annotation: `table.set(0, [1, 1], None)`.
///
/// ```
/// use ndarray::{Array2, array};
/// use pshmem::{Comm, Shared};
///
/// let comm = Comm::solo();
/// let mut table = Shared::<Array2<f64>>::new(&comm, [3, 5])?;
/// let block = array![[1.0, 2.0], [3.0, 4.0]];
/// table.set(0, [1, 3], (comm.rank() == 0).then(|| block.view()))?;
/// assert_eq!(table.view()[[2, 4]], 4.0);
/// # Ok::<(), pshmem::Error>(())
/// ```
///
/// # Safety
/// For a block that `region` accepts, `copy` writes exactly the bytes of that region, which lie inside the leaf; and
/// `run_mut` returns the elements `run` of the leaf in memory order. `bytes` returns the bytes that `copy` writes, in the
/// order of their places. The plan has one leaf, in row-major order of the extents.
pub unsafe trait BlockLayout: SharedLayout {
    /// The type of one element.
    type Item: Element;
    /// The index of a block's first element: `usize` for slices, `[usize; N]` for arrays.
    type Offset: Copy + Debug;
    /// The data of a block: `&[T]` for slices, `ArrayView` for arrays.
    type Block<'a>;

    #[doc(hidden)]
    fn region(
        plan: &Self::Plan,
        offset: &Self::Offset,
        block: &Self::Block<'_>,
    ) -> Result<Region, BlockError>;

    /// The bytes of the block, if they are contiguous in the order of its elements.
    #[doc(hidden)]
    fn bytes<'a>(block: &'a Self::Block<'_>) -> Option<&'a [u8]>;

    /// # Safety
    /// As for `SharedLayout::view_mut`; `region` accepted the block.
    #[doc(hidden)]
    unsafe fn copy(
        plan: &Self::Plan,
        base: BaseMut<'_>,
        offset: &Self::Offset,
        block: &Self::Block<'_>,
    );

    /// # Safety
    /// As for `SharedLayout::view_mut`, for these elements only; `run` ends at most at `elements`.
    #[doc(hidden)]
    unsafe fn run_mut<'a>(
        plan: &Self::Plan,
        base: BaseMut<'a>,
        run: Range<usize>,
    ) -> &'a mut [Self::Item];

    #[doc(hidden)]
    fn elements(plan: &Self::Plan) -> usize;

    /// The place of an element in memory order; `None` if the array has no such element.
    #[doc(hidden)]
    fn place(plan: &Self::Plan, offset: &Self::Offset) -> Option<usize>;

    /// An offset as a list, one number for each axis.
    #[doc(hidden)]
    fn numbers(offset: &Self::Offset) -> Vec<usize>;

    /// The offset of the first element of a row.
    #[doc(hidden)]
    fn at_row(row: usize) -> Self::Offset;

    #[doc(hidden)]
    fn extents(block: &Self::Block<'_>) -> Vec<usize>;

    /// The elements `run` of a block in row-major order: borrowed if the block is contiguous, otherwise copied into `buffer`.
    #[doc(hidden)]
    fn run_of<'b>(
        block: &'b Self::Block<'_>,
        run: Range<usize>,
        buffer: &'b mut Vec<Self::Item>,
    ) -> &'b [Self::Item];
}

/// Values that can be passed as a block of the layout `L` to `set_with`, `gather` and `reduce_into`: vectors, slices and arrays.
///
/// ```
/// use pshmem::{Comm, Op, Shared};
///
/// let mut table = Shared::<[f64]>::new(&Comm::solo(), 4)?;
/// table.set_with(0, 2, || vec![1.0, 2.0])?; // a Vec
/// table.gather(0, &[3.0; 2])?; // an array
/// table.accumulate(Op::sum(), &table.to_owned())?;
/// assert_eq!(table.view(), [6.0, 6.0, 2.0, 4.0]);
/// # Ok::<(), pshmem::Error>(())
/// ```
pub trait AsBlock<L: BlockLayout + ?Sized> {
    /// The value as a block.
    fn as_block(&self) -> L::Block<'_>;
}

/// A block that does not fit, without the rank that passed it.
#[derive(Debug)]
#[doc(hidden)]
pub struct BlockError {
    pub(crate) offset: Vec<usize>,
    pub(crate) block: Vec<usize>,
    pub(crate) shape: Vec<usize>,
}

impl BlockError {
    pub(crate) fn on(self, rank: usize) -> Error {
        Error::OutOfBounds {
            rank,
            offset: self.offset,
            block: self.block,
            shape: self.shape,
        }
    }
}
