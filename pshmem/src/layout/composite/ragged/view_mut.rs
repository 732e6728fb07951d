//! `RaggedMut`: rows inside the closure of an update.

use super::{Ragged, RaggedDims, RaggedView};
use crate::layout::composite::Full;
use crate::layout::composite::rows::row_range;
use crate::layout::{SliceMut, ValueMut};
use std::fmt::{self, Debug};
use std::ops::{Index, IndexMut};

/// Rows inside the closure of an update. Items can be written; rows are added at the end, or all are removed.
///
/// ```
/// use pshmem::{Comm, Ragged, RaggedDims, RaggedMut, Shared};
///
/// let mut tracks = Shared::<Ragged<f64>>::new(&Comm::solo(), RaggedDims { rows: 2, items: 5 })?;
/// tracks.try_update(0, |mut w: RaggedMut<f64>| {
///     w.push(&[1.0, 2.0])?;
///     w.row_mut(0)[1] = 3.0; // or w[0][1] = 3.0
///     w.push(&[4.0])
/// })?;
/// assert_eq!(tracks.view(), Ragged::from_rows([vec![1.0, 3.0], vec![4.0]]));
/// tracks.update(0, |mut w| w.clear())?;
/// assert!(tracks.view().is_empty());
/// # Ok::<(), pshmem::Error>(())
/// ```
pub struct RaggedMut<'a, T> {
    used: ValueMut<'a, u64>,
    /// Of the whole capacity.
    offsets: SliceMut<'a, u64>,
    items: SliceMut<'a, T>,
}

impl<'a, T> RaggedMut<'a, T> {
    pub(in crate::layout::composite) fn of_parts(
        used: ValueMut<'a, u64>,
        offsets: SliceMut<'a, u64>,
        items: SliceMut<'a, T>,
    ) -> Self {
        RaggedMut {
            used,
            offsets,
            items,
        }
    }

    /// The rows as they are now.
    #[must_use]
    pub fn view(&self) -> RaggedView<'_, T> {
        RaggedView::of_parts(*self.used, &self.offsets, &self.items)
    }

    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        *self.used as usize
    }

    /// Whether there are no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The capacity.
    #[must_use]
    pub fn capacity(&self) -> RaggedDims {
        RaggedDims {
            rows: self.offsets.len() - 1,
            items: self.items.len(),
        }
    }

    /// Row `i`, to be written.
    ///
    /// # Panics
    /// If there are fewer rows.
    #[must_use]
    #[track_caller]
    pub fn row_mut(&mut self, i: usize) -> &mut [T] {
        let len = self.len();
        assert!(i < len, "row {i} of {len} rows");
        let row = row_range(&self.offsets, i).expect("a row in use");
        &mut self.items[row]
    }

    /// The items of all rows, to be written.
    #[must_use]
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        let end = self.offsets[self.len()] as usize;
        &mut self.items[..end]
    }

    /// Removes all rows.
    pub fn clear(&mut self) {
        if !self.is_empty() {
            *self.used = 0;
        }
    }
}

impl<T: Copy> RaggedMut<'_, T> {
    /// Marks all items as written, so that those in use are sent to the other nodes.
    pub(in crate::layout::composite) fn touch_items(&mut self) {
        let _: &mut [T] = &mut self.items;
    }

    /// Removes some rows, whose numbers rise.
    pub(in crate::layout::composite) fn remove(&mut self, rows: &[usize]) {
        let mut rows = rows.iter().copied().peekable();
        let (mut kept, mut end) = (0, 0);
        for row in 0..self.len() {
            if rows.next_if_eq(&row).is_some() {
                continue;
            }
            let items = row_range(&self.offsets, row).expect("a row in use");
            self.items.copy_within(items.clone(), end);
            end += items.len();
            kept += 1;
            self.offsets[kept] = end as u64;
        }
        *self.used = kept as u64;
    }

    /// Adds a row behind the others.
    ///
    /// # Errors
    /// [`Full`] if there is no room for a row of this length; nothing has changed then.
    pub fn push(&mut self, row: &[T]) -> Result<(), Full> {
        let (used, capacity) = (self.len(), self.capacity());
        let start = self.offsets[used] as usize;
        let end = start.saturating_add(row.len());
        Full::check("rows", used + 1, capacity.rows)?;
        Full::check("items", end, capacity.items)?;
        // Behind what is in use, until `used` says otherwise.
        if !row.is_empty() {
            self.items[start..end].copy_from_slice(row);
        }
        self.offsets[used + 1] = end as u64;
        *self.used += 1;
        Ok(())
    }

    /// Replaces all rows.
    ///
    /// # Errors
    /// [`Full`] if there is no room for all of them; nothing has changed then.
    pub fn assign(&mut self, rows: &Ragged<T>) -> Result<(), Full> {
        let capacity = self.capacity();
        Full::check("rows", rows.len(), capacity.rows)?;
        Full::check("items", rows.items.len(), capacity.items)?;
        self.clear();
        self.items[..rows.items.len()].copy_from_slice(&rows.items);
        self.offsets[..rows.offsets.len()].copy_from_slice(&rows.offsets);
        *self.used = rows.len() as u64;
        Ok(())
    }
}

impl<T> Index<usize> for RaggedMut<'_, T> {
    type Output = [T];
    #[track_caller]
    fn index(&self, i: usize) -> &[T] {
        self.view().row(i)
    }
}

impl<T> IndexMut<usize> for RaggedMut<'_, T> {
    #[track_caller]
    fn index_mut(&mut self, i: usize) -> &mut [T] {
        self.row_mut(i)
    }
}

impl<T: Debug> Debug for RaggedMut<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.view().fmt(f)
    }
}
