//! `RaggedView` and `RaggedIter`: rows for reading.

use super::Ragged;
use crate::layout::composite::rows::{RowsIter, row_range};
use std::fmt::{self, Debug};
use std::ops::Index;

/// Rows for reading. It can be indexed by the number of a row.
///
/// ```
/// use pshmem::{Comm, Ragged, Shared};
///
/// let tracks = Shared::<Ragged<f64>>::from_root(&Comm::solo(), 0, || Ragged::from_rows([vec![1.0], vec![2.0, 3.0]]))?;
/// let view = tracks.view();
/// assert_eq!((&view[1], view.get(2), view.offsets()), (&[2.0, 3.0][..], None, &[0, 1, 3][..]));
/// let longest = view.iter().map(<[f64]>::len).max();
/// assert_eq!(longest, Some(2));
/// # Ok::<(), pshmem::Error>(())
/// ```
pub struct RaggedView<'a, T> {
    /// As in [`Ragged`].
    pub(super) offsets: &'a [u64],
    pub(super) items: &'a [T],
}

impl<T> Clone for RaggedView<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for RaggedView<'_, T> {}

impl<'a, T> RaggedView<'a, T> {
    /// The part in use of these leaves.
    pub(in crate::layout::composite) fn of_parts(
        used: u64,
        offsets: &'a [u64],
        items: &'a [T],
    ) -> Self {
        let offsets = &offsets[..=used as usize];
        let end = *offsets.last().expect("there is one more than rows");
        RaggedView {
            offsets,
            items: &items[..end as usize],
        }
    }

    /// Number of rows.
    #[must_use]
    pub fn len(self) -> usize {
        self.offsets.len() - 1
    }

    /// Whether there are no rows.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Row `i`, or `None` if there are fewer rows.
    #[must_use]
    pub fn get(self, i: usize) -> Option<&'a [T]> {
        self.items.get(row_range(self.offsets, i)?)
    }

    /// Row `i`, for as long as the view is valid. `view[i]` is the same for as long as the variable `view` is borrowed.
    ///
    /// # Panics
    /// If there are fewer rows.
    #[must_use]
    #[track_caller]
    pub fn row(self, i: usize) -> &'a [T] {
        match self.get(i) {
            Some(row) => row,
            None => panic!("row {i} of {} rows", self.len()),
        }
    }

    /// The rows, one after the other.
    #[must_use]
    pub fn iter(self) -> RaggedIter<'a, T> {
        RowsIter::new(self.offsets, self.items)
    }

    /// The items of all rows, one after the other.
    #[must_use]
    pub fn as_slice(self) -> &'a [T] {
        self.items
    }

    /// The number of the first item of each row, and the number of all items.
    #[must_use]
    pub fn offsets(self) -> &'a [u64] {
        self.offsets
    }
}

impl<T> Index<usize> for RaggedView<'_, T> {
    type Output = [T];
    #[track_caller]
    fn index(&self, i: usize) -> &[T] {
        self.row(i)
    }
}

impl<'a, T> IntoIterator for RaggedView<'a, T> {
    type Item = &'a [T];
    type IntoIter = RaggedIter<'a, T>;
    fn into_iter(self) -> RaggedIter<'a, T> {
        self.iter()
    }
}

impl<T: PartialEq> PartialEq for RaggedView<'_, T> {
    fn eq(&self, other: &Self) -> bool {
        self.offsets == other.offsets && self.items == other.items
    }
}

impl<T: Eq> Eq for RaggedView<'_, T> {}

impl<T: PartialEq> PartialEq<Ragged<T>> for RaggedView<'_, T> {
    fn eq(&self, other: &Ragged<T>) -> bool {
        *self == other.view()
    }
}

impl<T: Debug> Debug for RaggedView<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// The rows of a [`RaggedView`].
///
/// ```
/// let rows = pshmem::Ragged::from_rows([vec![1], vec![2, 3]]);
/// let mut iter: pshmem::RaggedIter<'_, i32> = rows.iter();
/// assert_eq!((iter.len(), iter.next_back()), (2, Some(&[2, 3][..])));
/// ```
pub type RaggedIter<'a, T> = RowsIter<'a, [T]>;
