//! `Strings`: many strings, such as names of stations or words.
//!
//! - `mod` the private value · `view` for reading · `view_mut` inside the closure of an update · `memory` the layout in node memory

mod memory;
mod view;
mod view_mut;

pub use view::{StringsIter, StringsView};
pub use view_mut::StringsMut;

use crate::layout::composite::ragged::Ragged;
use std::fmt::{self, Debug};
use std::ops::Index;

/// Many strings: names, labels, words.
///
/// This is the private value, and the layout of a shared one: the bytes of all strings one after the other, and the offset of each.
/// What is read is always valid UTF-8. In node memory it has a capacity, which [`RaggedDims`](crate::RaggedDims) states, with bytes as items.
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
