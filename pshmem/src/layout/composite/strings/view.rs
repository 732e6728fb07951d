//! `StringsView` and `StringsIter`: strings for reading.

use super::Strings;
use crate::layout::composite::ragged::RaggedView;
use crate::layout::composite::rows::{RowsIter, row_range};
use crate::layout::composite::text::str_of;
use std::fmt::{self, Debug};
use std::ops::Index;

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
    pub(super) offsets: &'a [u64],
    pub(super) text: &'a str,
}

impl<'a> StringsView<'a> {
    /// # Safety
    /// The bytes of all rows together are valid UTF-8.
    pub(super) unsafe fn of_rows(rows: RaggedView<'a, u8>) -> Self {
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
        self.text.get(row_range(self.offsets, i)?)
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
        RowsIter::new(self.offsets, self.text)
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
/// let iter: pshmem::StringsIter<'_> = words.iter();
/// assert_eq!(iter.map(str::len).sum::<usize>(), 6);
/// ```
pub type StringsIter<'a> = RowsIter<'a, str>;
