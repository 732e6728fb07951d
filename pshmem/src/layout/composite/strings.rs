//! `Strings`: many strings, such as names of stations or words.

use crate::error::Result;
use crate::layout::Preview;
use crate::layout::composite::ragged::{self, Ragged, RaggedDims, RaggedMut, RaggedView};
use crate::layout::composite::text::str_of;
use crate::layout::composite::{Composite, Full, PartsView, PartsViewMut, composite_layout};
use crate::layout::printing::preview_list;
use std::fmt::{self, Debug};
use std::ops::Index;

/// Many strings: names, labels, words.
///
/// This is the private value, and the layout of a shared one: the bytes of all strings one after the other, and the offset of each.
/// What is read is always valid UTF-8. In node memory it has a capacity, which [`RaggedDims`] states, with bytes as items.
///
/// ```
/// use pshmem::{Comm, RaggedDims, Shared, Strings};
///
/// let comm = Comm::solo();
/// let read = || ["Genève", "Zürich"].into_iter().collect::<Strings>();
/// let stations = Shared::<Strings>::from_root(&comm, 0, read)?;
/// let view = stations.view();
/// assert_eq!((view.len(), &view[0], view.get(2)), (2, "Genève", None));
///
/// let mut names = Shared::<Strings>::new(&comm, RaggedDims { rows: 10, items: 200 })?;
/// names.try_update(0, |mut w| w.push("Bern"))?;
/// assert_eq!(&names.view()[0], "Bern");
/// # Ok::<(), pshmem::Error>(())
/// ```
///
/// It is saved as a folder with `offsets.npy` (one more than there are strings, beginning with 0) and `bytes.npy`.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Strings {
    /// Each row is valid UTF-8.
    rows: Ragged<u8>,
}

impl Strings {
    /// No strings.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a string behind the others.
    pub fn push(&mut self, text: &str) {
        self.rows.push(text.as_bytes());
    }

    /// Number of strings.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are no strings.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// What can be read from it, which is the same for shared and private values.
    #[must_use]
    pub fn view(&self) -> StringsView<'_> {
        // SAFETY: only strings are pushed.
        unsafe { StringsView::of_rows(self.rows.view()) }
    }

    /// String `i`, or `None` if there are fewer.
    #[must_use]
    pub fn get(&self, i: usize) -> Option<&str> {
        self.view().get(i)
    }

    /// The strings, one after the other.
    #[must_use]
    pub fn iter(&self) -> StringsIter<'_> {
        self.view().iter()
    }
}

impl<S: AsRef<str>> FromIterator<S> for Strings {
    fn from_iter<I: IntoIterator<Item = S>>(texts: I) -> Self {
        let mut all = Strings::new();
        all.extend(texts);
        all
    }
}

impl<S: AsRef<str>> Extend<S> for Strings {
    fn extend<I: IntoIterator<Item = S>>(&mut self, texts: I) {
        for text in texts {
            self.push(text.as_ref());
        }
    }
}

impl<S: AsRef<str>> From<Vec<S>> for Strings {
    fn from(texts: Vec<S>) -> Self {
        texts.into_iter().collect()
    }
}

/// ```
/// let words = pshmem::Strings::from(["one", "two"]);
/// assert_eq!(&words[1], "two");
/// ```
impl<S: AsRef<str>, const N: usize> From<[S; N]> for Strings {
    fn from(texts: [S; N]) -> Self {
        texts.into_iter().collect()
    }
}

impl<'a> IntoIterator for &'a Strings {
    type Item = &'a str;
    type IntoIter = StringsIter<'a>;
    fn into_iter(self) -> StringsIter<'a> {
        self.iter()
    }
}

impl Index<usize> for Strings {
    type Output = str;
    #[track_caller]
    fn index(&self, i: usize) -> &str {
        self.view().row(i)
    }
}

impl PartialEq<StringsView<'_>> for Strings {
    fn eq(&self, other: &StringsView<'_>) -> bool {
        self.view() == *other
    }
}

impl Debug for Strings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.view().fmt(f)
    }
}

/// Strings for reading. It can be indexed by the number of a string.
///
/// ```
/// use pshmem::{Comm, Shared, Strings};
///
/// let words = Shared::<Strings>::from_root(&Comm::solo(), 0, || Strings::from(vec!["one", "two"]))?;
/// let view = words.view();
/// assert_eq!(view.iter().position(|word| word == "two"), Some(1));
/// assert_eq!(view.text(), "onetwo");
/// # Ok::<(), pshmem::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct StringsView<'a> {
    /// Each is the start of a string in `text`; the last one is its end.
    offsets: &'a [u64],
    text: &'a str,
}

impl<'a> StringsView<'a> {
    /// # Safety
    /// The bytes of all rows together are valid UTF-8.
    unsafe fn of_rows(rows: RaggedView<'a, u8>) -> Self {
        StringsView {
            offsets: rows.offsets(),
            // SAFETY: passed on from the caller.
            text: unsafe { str_of(rows.as_slice()) },
        }
    }

    /// Number of strings.
    #[must_use]
    pub fn len(self) -> usize {
        self.offsets.len() - 1
    }

    /// Whether there are no strings.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// String `i`, or `None` if there are fewer.
    #[must_use]
    pub fn get(self, i: usize) -> Option<&'a str> {
        let start = *self.offsets.get(i)?;
        let end = *self.offsets.get(i.checked_add(1)?)?;
        self.text.get(start as usize..end as usize)
    }

    /// String `i`, for as long as the view is valid. `view[i]` is the same for as long as the variable `view` is borrowed.
    ///
    /// # Panics
    /// If there are fewer strings.
    #[must_use]
    #[track_caller]
    pub fn row(self, i: usize) -> &'a str {
        match self.get(i) {
            Some(text) => text,
            None => panic!("string {i} of {} strings", self.len()),
        }
    }

    /// The strings, one after the other.
    #[must_use]
    pub fn iter(self) -> StringsIter<'a> {
        StringsIter {
            offsets: self.offsets.windows(2),
            text: self.text,
        }
    }

    /// All strings, one behind the other.
    #[must_use]
    pub fn text(self) -> &'a str {
        self.text
    }

    /// The offset of the first byte of each string, and the number of all bytes.
    #[must_use]
    pub fn offsets(self) -> &'a [u64] {
        self.offsets
    }
}

impl Index<usize> for StringsView<'_> {
    type Output = str;
    #[track_caller]
    fn index(&self, i: usize) -> &str {
        self.row(i)
    }
}

impl<'a> IntoIterator for StringsView<'a> {
    type Item = &'a str;
    type IntoIter = StringsIter<'a>;
    fn into_iter(self) -> StringsIter<'a> {
        self.iter()
    }
}

impl PartialEq<Strings> for StringsView<'_> {
    fn eq(&self, other: &Strings) -> bool {
        *self == other.view()
    }
}

impl Debug for StringsView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// The strings of a [`StringsView`].
///
/// ```
/// let words = pshmem::Strings::from(vec!["one", "two"]);
/// assert_eq!(words.iter().map(str::len).sum::<usize>(), 6);
/// ```
#[derive(Debug, Clone)]
pub struct StringsIter<'a> {
    offsets: std::slice::Windows<'a, u64>,
    text: &'a str,
}

impl<'a> StringsIter<'a> {
    fn row(&self, ends: &[u64]) -> &'a str {
        &self.text[ends[0] as usize..ends[1] as usize]
    }
}

impl<'a> Iterator for StringsIter<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let ends = self.offsets.next()?;
        Some(self.row(ends))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.offsets.size_hint()
    }

    fn nth(&mut self, n: usize) -> Option<&'a str> {
        let ends = self.offsets.nth(n)?;
        Some(self.row(ends))
    }
}

impl<'a> DoubleEndedIterator for StringsIter<'a> {
    fn next_back(&mut self) -> Option<&'a str> {
        let ends = self.offsets.next_back()?;
        Some(self.row(ends))
    }
}

impl ExactSizeIterator for StringsIter<'_> {}
impl std::iter::FusedIterator for StringsIter<'_> {}

/// Strings inside the closure of an update. Strings are added at the end, or all are removed.
///
/// ```
/// use pshmem::{Comm, RaggedDims, Shared, Strings, StringsMut};
///
/// let mut names = Shared::<Strings>::new(&Comm::solo(), RaggedDims { rows: 10, items: 200 })?;
/// names.try_update(0, |mut w: StringsMut| {
///     w.push("Bern")?;
///     w.push("Basel")
/// })?;
/// assert_eq!(names.view(), Strings::from(vec!["Bern", "Basel"]));
/// # Ok::<(), pshmem::Error>(())
/// ```
pub struct StringsMut<'a> {
    /// Each row is valid UTF-8.
    rows: RaggedMut<'a, u8>,
}

impl StringsMut<'_> {
    /// The strings as they are now.
    #[must_use]
    pub fn view(&self) -> StringsView<'_> {
        // SAFETY: only strings were written.
        unsafe { StringsView::of_rows(self.rows.view()) }
    }

    /// Number of strings.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are no strings.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The capacity; items are bytes.
    #[must_use]
    pub fn capacity(&self) -> RaggedDims {
        self.rows.capacity()
    }

    /// Removes some strings, whose numbers rise.
    pub(super) fn remove(&mut self, strings: &[usize]) {
        self.rows.remove(strings);
    }

    /// Removes all strings.
    pub fn clear(&mut self) {
        self.rows.clear();
    }

    /// Adds a string behind the others.
    ///
    /// # Errors
    /// [`Full`] if there is no room for it; nothing has changed then.
    pub fn push(&mut self, text: &str) -> Result<(), Full> {
        self.rows.push(text.as_bytes())?;
        // Another node may hold other strings after an `update_per_node`, whose bytes would not fit the offsets that are sent.
        self.rows.touch_items();
        Ok(())
    }

    /// Replaces all strings.
    ///
    /// # Errors
    /// [`Full`] if there is no room for all of them; nothing has changed then.
    pub fn assign(&mut self, texts: &Strings) -> Result<(), Full> {
        self.rows.assign(&texts.rows)
    }
}

impl Index<usize> for StringsMut<'_> {
    type Output = str;
    #[track_caller]
    fn index(&self, i: usize) -> &str {
        self.view().row(i)
    }
}

impl Debug for StringsMut<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.view().fmt(f)
    }
}

impl Composite for Strings {
    type Parts = <Ragged<u8> as Composite>::Parts;
    type Dims = RaggedDims;
    type View<'a> = StringsView<'a>;
    type ViewMut<'a> = StringsMut<'a>;

    const NAMES: &'static [&'static str] = &["used", "offsets", "bytes"];

    fn part_dims(dims: &RaggedDims) -> Result<((), usize, usize)> {
        <Ragged<u8> as Composite>::part_dims(dims)
    }

    fn dims_of(&self) -> RaggedDims {
        Composite::dims_of(&self.rows)
    }

    fn encode_dims(dims: &RaggedDims, out: &mut Vec<usize>) {
        <Ragged<u8> as Composite>::encode_dims(dims, out);
    }

    fn decode_dims(from: &mut dyn Iterator<Item = usize>) -> Option<RaggedDims> {
        <Ragged<u8> as Composite>::decode_dims(from)
    }

    unsafe fn view<'a>(
        _: &RaggedDims,
        (used, offsets, bytes): PartsView<'a, Self>,
    ) -> StringsView<'a> {
        let rows = RaggedView::of_parts(*used, offsets, bytes);
        // SAFETY: `check` has accepted the bytes (caller's duty).
        unsafe { StringsView::of_rows(rows) }
    }

    unsafe fn view_mut<'a>(
        _: &RaggedDims,
        (used, offsets, bytes): PartsViewMut<'a, Self>,
    ) -> StringsMut<'a> {
        StringsMut {
            rows: RaggedMut::of_parts(used, offsets, bytes),
        }
    }

    fn store(&self, mut into: StringsMut<'_>) -> Result<(), Full> {
        into.assign(self)
    }

    fn load(from: StringsView<'_>) -> Self {
        let bytes = RaggedView::of_parts(from.len() as u64, from.offsets, from.text.as_bytes());
        Strings {
            rows: Composite::load(bytes),
        }
    }

    fn lengths(_: &RaggedDims, leaves: &[&[u8]]) -> Vec<usize> {
        ragged::lengths(leaves)
    }

    fn check_lengths(dims: &RaggedDims, lengths: &[usize]) -> Result<(), String> {
        <Ragged<u8> as Composite>::check_lengths(dims, lengths)
    }

    fn check(dims: &RaggedDims, leaves: &[&[u8]]) -> Result<(), String> {
        let end = ragged::check_offsets(dims, leaves)?;
        check_text(leaves, end)
    }

    fn complete(
        dims: &RaggedDims,
        lengths: &[usize],
        leaves: &mut [&mut [u8]],
    ) -> Result<(), String> {
        ragged::set_used(lengths, leaves)?;
        let leaves: Vec<&[u8]> = leaves.iter().map(|leaf| &**leaf).collect();
        let end = ragged::check_offsets(dims, &leaves)?;
        ragged::check_end(end, lengths[2])?;
        check_text(&leaves, end)
    }
}

composite_layout! {
    [] Strings, where []
    Dims = RaggedDims, View<'a> = StringsView<'a>, ViewMut<'a> = StringsMut<'a>
}

/// Checks that all strings, which end at `end`, are valid UTF-8.
fn check_text(leaves: &[&[u8]], end: usize) -> Result<(), String> {
    let used = bytemuck::cast_slice::<u8, u64>(leaves[0])[0] as usize;
    let offsets = &bytemuck::cast_slice::<u8, u64>(leaves[1])[..=used];
    let bytes = &leaves[2][..end];
    // Faster than string by string, and it is what a view needs.
    if let Ok(text) = std::str::from_utf8(bytes)
        && offsets
            .iter()
            .all(|&offset| text.is_char_boundary(offset as usize))
    {
        return Ok(());
    }
    let is_text = |row: usize| {
        let row = offsets[row] as usize..offsets[row + 1] as usize;
        std::str::from_utf8(&bytes[row]).is_ok()
    };
    let bad = (0..used).find(|&row| !is_text(row));
    Err(format!(
        "string {} is not valid UTF-8",
        bad.expect("one is not, or all together would be")
    ))
}

impl Preview for Strings {
    fn preview(view: StringsView<'_>, f: &mut dyn fmt::Write) -> fmt::Result {
        preview_list(f, view.len(), |f, row| {
            <crate::Text as Preview>::preview(view.row(row), f)
        })
    }
}
