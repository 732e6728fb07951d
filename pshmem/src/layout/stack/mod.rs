//! `StackLayout`: layouts whose rows can come from all ranks, one block behind the other, for `Shared::concat`.
//!
//! Nothing here is `unsafe`, and no `unsafe` code may rest on what an implementation says: who stacks compares the parts with the
//! leaves of the plan.

//!
//! - `mod` the traits · `layouts` their implementations · `parts` what one rank brings of each leaf
//! - `places` where the rows of each rank go. Pure arithmetic

mod layouts;
pub(crate) mod parts;
pub(crate) mod places;

pub use parts::{StackField, StackParts, StackShapes};

use crate::error::Result;
use crate::layout::{AsBlock, BlockLayout, SharedLayout};

/// Layouts that [`Shared::concat`](crate::Shared::concat) can make of rows that all ranks bring.
///
/// It is implemented for slices, arrays, [`Columns`](crate::Columns), [`Ragged`](crate::Ragged), [`Strings`](crate::Strings) and
/// [`Csr`](crate::Csr). The derive implements it for structs with `rows = n`. The hidden items are for the derive and may change in any release.
///
/// ```
/// use pshmem::{Comm, Ragged, Shared, StackLayout};
///
/// // Generic code has it as a bound.
/// fn stacked<L: StackLayout>(comm: &Comm, mine: &L::Owned) -> pshmem::Result<Shared<L>>
/// where
///     L::Owned: pshmem::AsRows<L>,
/// {
///     Ok(Shared::<L>::concat(comm, mine)?.0)
/// }
/// let rows = stacked::<Ragged<u8>>(&Comm::solo(), &Ragged::from_rows([[1, 2]]))?;
/// assert_eq!(&rows.view()[0], [1, 2]);
/// # Ok::<(), pshmem::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be made of rows of all ranks",
    label = "this type does not implement `pshmem::StackLayout`",
    note = "slices, arrays, `Columns`, `Ragged`, `Strings` and `Csr` have rows; a struct with `#[derive(SharedLayout)]` needs `#[shared(dims(n), rows = n)]`"
)]
pub trait StackLayout: SharedLayout {
    /// The rows of one rank: a block of a slice or an array, otherwise a reference to a private value.
    type Rows<'r>;

    /// The rows of a private value.
    #[doc(hidden)]
    fn rows_of(owned: &Self::Owned) -> Self::Rows<'_>;

    /// Adds one part for each leaf, in the order of the plan.
    ///
    /// # Errors
    /// Those of `dims_of`, if the parts contradict each other.
    #[doc(hidden)]
    fn parts<'r>(rows: Self::Rows<'r>, into: &mut StackParts<'r>) -> Result<()>;

    /// The extents, from those of the stacked leaves, of which it takes one after the other.
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape) if the extents of leaves contradict each other.
    #[doc(hidden)]
    fn dims_of_stack(shapes: &mut StackShapes<'_>) -> Result<Self::Dims>;
}

/// Values that can be passed to [`Shared::concat`](crate::Shared::concat): private values of the layout `L`, and blocks of slices
/// and arrays.
///
/// ```
/// use ndarray::{Array2, array, s};
/// use pshmem::{Comm, Shared};
///
/// let found = array![[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]];
/// let (table, rows) = Shared::<Array2<f64>>::concat(&Comm::solo(), &found.slice(s![1.., ..]))?; // a view
/// assert_eq!((table.view()[[0, 0]], rows), (3.0, 0..2));
/// # Ok::<(), pshmem::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be stacked as rows of `{L}`",
    label = "this type does not implement `pshmem::AsRows<{L}>`",
    note = "pass a private value of the layout, or a block of a slice or an array"
)]
pub trait AsRows<L: StackLayout + ?Sized> {
    /// The value as rows.
    fn as_rows(&self) -> L::Rows<'_>;
}

#[diagnostic::do_not_recommend]
impl<L, B> AsRows<L> for B
where
    L: BlockLayout + for<'r> StackLayout<Rows<'r> = <L as BlockLayout>::Block<'r>> + ?Sized,
    B: AsBlock<L> + ?Sized,
{
    fn as_rows(&self) -> <L as BlockLayout>::Block<'_> {
        self.as_block()
    }
}
