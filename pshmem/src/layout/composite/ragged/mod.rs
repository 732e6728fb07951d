//! `Ragged<T>`: rows of different lengths.
//!
//! - `mod` the private value · `view` for reading · `view_mut` inside the closure of an update · `memory` the layout in node memory

mod memory;
mod view;
mod view_mut;

pub use memory::RaggedDims;
pub(super) use memory::{check_offsets, complete_offsets, lengths};
pub use view::{RaggedIter, RaggedView};
pub use view_mut::RaggedMut;

use crate::layout::composite::rows::row_range;
use std::fmt::{self, Debug};
use std::ops::{Index, IndexMut};

/// Rows of different lengths: neighbours of each cell, samples of each detector, nodes of each polygon.
///
/// This is the private value, and the layout of a shared one: all items one after the other, and the offset of each row. In node
/// memory it has a capacity, which [`RaggedDims`] states. [`Shared::from_root`](crate::Shared::from_root) and
/// [`load`](crate::Shared::load) make one without spare room.
///
/// ```
/// use pshmem::{Comm, Ragged, RaggedDims, Shared};
///
/// let comm = Comm::solo();
/// let read = || Ragged::from_rows([&[1, 2, 3][..], &[], &[4]]);
/// let mut neighbours = Shared::<Ragged<u32>>::from_root(&comm, 0, read)?;
/// let view = neighbours.view();
/// assert_eq!((view.len(), &view[0], &view[1]), (3, &[1, 2, 3][..], &[][..]));
/// neighbours.update(0, |mut w| w.row_mut(2)[0] = 5)?;
/// assert_eq!(neighbours.view().as_slice(), [1, 2, 3, 5]);
///
/// let mut tracks = Shared::<Ragged<f64>>::new(&comm, RaggedDims { rows: 100, items: 1000 })?;
/// tracks.try_update(0, |mut w| w.push(&[0.5, 1.5]))?;
/// assert_eq!(tracks.view().len(), 1);
/// # Ok::<(), pshmem::Error>(())
/// ```
///
/// It is saved as a folder with `offsets.npy` (one more than there are rows, beginning with 0) and `items.npy`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Ragged<T> {
    /// Begins with 0, rises, and ends with the number of items. One more than there are rows.
    offsets: Vec<u64>,
    items: Vec<T>,
}

impl<T> Ragged<T> {
    /// No rows.
    #[must_use]
    pub fn new() -> Self {
        Ragged {
            offsets: vec![0],
            items: Vec::new(),
        }
    }

    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Whether there are no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What can be read from it, which is the same for shared and private values.
    #[must_use]
    pub fn view(&self) -> RaggedView<'_, T> {
        RaggedView {
            offsets: &self.offsets,
            items: &self.items,
        }
    }

    /// The rows, one after the other.
    #[must_use]
    pub fn iter(&self) -> RaggedIter<'_, T> {
        self.view().iter()
    }

    /// The same as [`iter`](Ragged::iter).
    #[must_use]
    pub fn rows(&self) -> RaggedIter<'_, T> {
        self.iter()
    }

    /// The items of all rows, one after the other.
    #[must_use]
    pub fn as_slice(&self) -> &[T] {
        &self.items
    }

    /// The items of all rows, to be written.
    #[must_use]
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        &mut self.items
    }

    /// The number of the first item of each row, and the number of all items.
    #[must_use]
    pub fn offsets(&self) -> &[u64] {
        &self.offsets
    }

    /// Row `i`, or `None` if there are fewer rows.
    #[must_use]
    pub fn get(&self, i: usize) -> Option<&[T]> {
        self.view().get(i)
    }

    /// Row `i`, or `None` if there are fewer rows.
    pub fn get_mut(&mut self, i: usize) -> Option<&mut [T]> {
        let row = row_range(&self.offsets, i)?;
        self.items.get_mut(row)
    }
}

impl<T: Clone> Ragged<T> {
    /// Rows of anything that derefs to a slice: vectors, arrays, slices.
    ///
    /// ```
    /// let rows = pshmem::Ragged::from_rows([vec![1.0, 2.0], vec![]]);
    /// assert_eq!((rows.len(), &rows[0]), (2, &[1.0, 2.0][..]));
    /// ```
    #[must_use]
    pub fn from_rows(rows: impl IntoIterator<Item = impl AsRef<[T]>>) -> Self {
        let mut all = Ragged::new();
        for row in rows {
            all.push(row.as_ref());
        }
        all
    }

    /// Adds a row behind the others.
    pub fn push(&mut self, row: &[T]) {
        self.items.extend_from_slice(row);
        self.offsets.push(self.items.len() as u64);
    }
}

impl<T> Default for Ragged<T> {
    fn default() -> Self {
        Ragged::new()
    }
}

impl<T> From<Vec<Vec<T>>> for Ragged<T> {
    fn from(rows: Vec<Vec<T>>) -> Self {
        rows.into_iter().collect()
    }
}

impl<T> FromIterator<Vec<T>> for Ragged<T> {
    fn from_iter<I: IntoIterator<Item = Vec<T>>>(rows: I) -> Self {
        let mut all = Ragged::new();
        all.extend(rows);
        all
    }
}

/// Adds rows behind the others.
///
/// ```
/// let mut rows = pshmem::Ragged::from_rows([[1, 2]]);
/// rows.extend([vec![], vec![3]]);
/// rows[2][0] = 4;
/// assert_eq!((rows.len(), rows.as_slice()), (3, &[1, 2, 4][..]));
/// ```
impl<T> Extend<Vec<T>> for Ragged<T> {
    fn extend<I: IntoIterator<Item = Vec<T>>>(&mut self, rows: I) {
        for mut row in rows {
            self.items.append(&mut row);
            self.offsets.push(self.items.len() as u64);
        }
    }
}

impl<'a, T> IntoIterator for &'a Ragged<T> {
    type Item = &'a [T];
    type IntoIter = RaggedIter<'a, T>;
    fn into_iter(self) -> RaggedIter<'a, T> {
        self.iter()
    }
}

impl<T> Index<usize> for Ragged<T> {
    type Output = [T];
    #[track_caller]
    fn index(&self, i: usize) -> &[T] {
        self.view().row(i)
    }
}

impl<T> IndexMut<usize> for Ragged<T> {
    #[track_caller]
    fn index_mut(&mut self, i: usize) -> &mut [T] {
        let len = self.len();
        match self.get_mut(i) {
            Some(row) => row,
            None => panic!("row {i} of {len} rows"),
        }
    }
}

impl<T: PartialEq> PartialEq<RaggedView<'_, T>> for Ragged<T> {
    fn eq(&self, other: &RaggedView<'_, T>) -> bool {
        self.view() == *other
    }
}

impl<T: Debug> Debug for Ragged<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.view().fmt(f)
    }
}
