//! A few values as text, for the summary that a shared object prints.

use crate::layout::SharedLayout;
use std::fmt;

/// Layouts whose values can be printed; needed for `{}` of a [`Shared`](crate::Shared), not for `{:?}`.
///
/// ```
/// use pshmem::{Comm, Shared};
///
/// let table = Shared::<[u8]>::from_root(&Comm::solo(), 0, || vec![1, 2, 3])?;
/// assert!(table.to_string().contains("[1, 2, 3]"));
/// # Ok::<(), pshmem::Error>(())
/// ```
pub trait Preview: SharedLayout {
    /// Writes a few values of `view`.
    ///
    /// # Errors
    /// Those of the writer.
    fn preview(view: Self::View<'_>, f: &mut dyn fmt::Write) -> fmt::Result;
}
