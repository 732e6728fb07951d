//! `Ragged<T>`: rows of different lengths.

use crate::error::{Error, Result};
use crate::layout::composite::{Composite, Full, PartsView, PartsViewMut, composite_layout};
use crate::layout::derived::FromShape;
use crate::layout::printing::preview_list;
use crate::layout::{Element, Preview, SliceMut, ValueMut};
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

/// The capacity of a shared [`Ragged`].
///
/// ```
/// use pshmem::{Comm, Ragged, RaggedDims, Shared};
///
/// let dims = RaggedDims { rows: 10, items: 50 };
/// let tracks = Shared::<Ragged<f64>>::new(&Comm::solo(), dims)?;
/// assert_eq!((tracks.dims(), tracks.view().len()), (dims, 0));
/// # Ok::<(), pshmem::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RaggedDims {
    /// The largest number of rows.
    pub rows: usize,
    /// The largest number of items in all rows together; for [`Strings`](crate::Strings), of bytes.
    pub items: usize,
}

impl FromShape<2> for RaggedDims {
    fn from_shape([rows, items]: [usize; 2]) -> Self {
        RaggedDims { rows, items }
    }

    fn to_shape(&self) -> [usize; 2] {
        [self.rows, self.items]
    }
}

/// The items of row `i`.
fn row_range(offsets: &[u64], i: usize) -> Option<std::ops::Range<usize>> {
    let start = *offsets.get(i)?;
    let end = *offsets.get(i.checked_add(1)?)?;
    Some(start as usize..end as usize)
}

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
    offsets: &'a [u64],
    items: &'a [T],
}

impl<T> Clone for RaggedView<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for RaggedView<'_, T> {}

impl<'a, T> RaggedView<'a, T> {
    /// The part in use of these leaves.
    pub(super) fn of_parts(used: u64, offsets: &'a [u64], items: &'a [T]) -> Self {
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
        RaggedIter {
            offsets: self.offsets.windows(2),
            items: self.items,
        }
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
/// let last_first: Vec<&[i32]> = rows.view().iter().rev().collect();
/// assert_eq!(last_first, [&[2, 3][..], &[1][..]]);
/// ```
#[derive(Debug)]
pub struct RaggedIter<'a, T> {
    offsets: std::slice::Windows<'a, u64>,
    items: &'a [T],
}

impl<T> Clone for RaggedIter<'_, T> {
    fn clone(&self) -> Self {
        RaggedIter {
            offsets: self.offsets.clone(),
            items: self.items,
        }
    }
}

impl<'a, T> RaggedIter<'a, T> {
    fn row(&self, ends: &[u64]) -> &'a [T] {
        &self.items[ends[0] as usize..ends[1] as usize]
    }
}

impl<'a, T> Iterator for RaggedIter<'a, T> {
    type Item = &'a [T];

    fn next(&mut self) -> Option<&'a [T]> {
        let ends = self.offsets.next()?;
        Some(self.row(ends))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.offsets.size_hint()
    }

    fn nth(&mut self, n: usize) -> Option<&'a [T]> {
        let ends = self.offsets.nth(n)?;
        Some(self.row(ends))
    }
}

impl<'a, T> DoubleEndedIterator for RaggedIter<'a, T> {
    fn next_back(&mut self) -> Option<&'a [T]> {
        let ends = self.offsets.next_back()?;
        Some(self.row(ends))
    }
}

impl<T> ExactSizeIterator for RaggedIter<'_, T> {}
impl<T> std::iter::FusedIterator for RaggedIter<'_, T> {}

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
    pub(super) fn of_parts(
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
    pub(super) fn touch_items(&mut self) {
        let _: &mut [T] = &mut self.items;
    }

    /// Removes some rows, whose numbers rise.
    pub(super) fn remove(&mut self, rows: &[usize]) {
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

impl<T: Element> Composite for Ragged<T> {
    type Parts = (u64, Vec<u64>, Vec<T>);
    type Dims = RaggedDims;
    type View<'a> = RaggedView<'a, T>;
    type ViewMut<'a> = RaggedMut<'a, T>;

    const NAMES: &'static [&'static str] = &["used", "offsets", "items"];

    fn part_dims(dims: &RaggedDims) -> Result<((), usize, usize)> {
        Ok(((), offsets(dims)?, dims.items))
    }

    fn dims_of(&self) -> RaggedDims {
        RaggedDims {
            rows: self.len(),
            items: self.items.len(),
        }
    }

    fn encode_dims(dims: &RaggedDims, out: &mut Vec<usize>) {
        out.extend(dims.to_shape());
    }

    fn decode_dims(from: &mut dyn Iterator<Item = usize>) -> Option<RaggedDims> {
        Some(RaggedDims {
            rows: from.next()?,
            items: from.next()?,
        })
    }

    unsafe fn view<'a>(
        _: &RaggedDims,
        (used, offsets, items): PartsView<'a, Self>,
    ) -> RaggedView<'a, T> {
        RaggedView::of_parts(*used, offsets, items)
    }

    unsafe fn view_mut<'a>(
        _: &RaggedDims,
        (used, offsets, items): PartsViewMut<'a, Self>,
    ) -> RaggedMut<'a, T> {
        RaggedMut::of_parts(used, offsets, items)
    }

    fn store(&self, mut into: RaggedMut<'_, T>) -> Result<(), Full> {
        into.assign(self)
    }

    fn load(from: RaggedView<'_, T>) -> Self {
        Ragged {
            offsets: from.offsets.to_vec(),
            items: from.items.to_vec(),
        }
    }

    fn lengths(_: &RaggedDims, leaves: &[&[u8]]) -> Vec<usize> {
        lengths(leaves)
    }

    fn check_lengths(_: &RaggedDims, lengths: &[usize]) -> Result<(), String> {
        rows_in_use(lengths).map(|_| ())
    }

    fn check(dims: &RaggedDims, leaves: &[&[u8]]) -> Result<(), String> {
        check_offsets(dims, leaves).map(|_| ())
    }

    fn complete(
        dims: &RaggedDims,
        lengths: &[usize],
        leaves: &mut [&mut [u8]],
    ) -> Result<(), String> {
        set_used(lengths, leaves)?;
        let leaves: Vec<&[u8]> = leaves.iter().map(|leaf| &**leaf).collect();
        let items = check_offsets(dims, &leaves)?;
        check_end(items, lengths[2])
    }
}

composite_layout! {
    [T] Ragged<T>, where [T: Element]
    Dims = RaggedDims, View<'a> = RaggedView<'a, T>, ViewMut<'a> = RaggedMut<'a, T>
}

/// The number of offsets.
pub(super) fn offsets(dims: &RaggedDims) -> Result<usize> {
    dims.rows.checked_add(1).ok_or_else(|| Error::TooLarge {
        what: "the offsets of the rows".to_owned(),
        extents: vec![dims.rows],
        size: size_of::<u64>(),
    })
}

fn numbers(leaf: &[u8]) -> &[u64] {
    bytemuck::cast_slice(leaf)
}

/// The parts in use of consistent leaves.
pub(super) fn lengths(leaves: &[&[u8]]) -> Vec<usize> {
    let used = numbers(leaves[0])[0] as usize;
    vec![1, used + 1, numbers(leaves[1])[used] as usize]
}

/// Checks all but the items. Returns their number.
pub(super) fn check_offsets(dims: &RaggedDims, leaves: &[&[u8]]) -> Result<usize, String> {
    let used = numbers(leaves[0])[0];
    if used > dims.rows as u64 {
        return Err(format!("{used} rows are in use of {}", dims.rows));
    }
    let offsets = &numbers(leaves[1])[..=used as usize];
    if offsets[0] != 0 {
        return Err(format!("the first offset is {} instead of 0", offsets[0]));
    }
    if let Some(row) = offsets.windows(2).position(|ends| ends[0] > ends[1]) {
        let (start, end) = (offsets[row], offsets[row + 1]);
        return Err(format!("row {row} goes from offset {start} to {end}"));
    }
    let end = offsets[used as usize];
    if end > dims.items as u64 {
        return Err(format!(
            "the rows end at offset {end}, but there are {} items",
            dims.items
        ));
    }
    Ok(end as usize)
}

/// The number of rows, from that of the offsets.
pub(super) fn rows_in_use(lengths: &[usize]) -> Result<usize, String> {
    let rows = lengths[1].checked_sub(1);
    rows.ok_or_else(|| "there is no offset, but one more than rows are needed".to_owned())
}

/// Writes it.
pub(super) fn set_used(lengths: &[usize], leaves: &mut [&mut [u8]]) -> Result<(), String> {
    let used = rows_in_use(lengths)?;
    bytemuck::cast_slice_mut(leaves[0])[0] = used as u64;
    Ok(())
}

/// Items behind the last row belong to no row.
pub(super) fn check_end(end: usize, items: usize) -> Result<(), String> {
    if end == items {
        return Ok(());
    }
    Err(format!(
        "the rows end at offset {end}, but there are {items} items"
    ))
}

impl<T: Element + Debug> Preview for Ragged<T> {
    fn preview(view: RaggedView<'_, T>, f: &mut dyn fmt::Write) -> fmt::Result {
        preview_list(f, view.len(), |f, row| <[T]>::preview(view.row(row), f))
    }
}
