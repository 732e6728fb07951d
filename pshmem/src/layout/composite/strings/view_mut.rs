//! `StringsMut`: strings inside the closure of an update.

use super::{Strings, StringsView};
use crate::layout::composite::Full;
use crate::layout::composite::ragged::{RaggedDims, RaggedMut};
use std::fmt::{self, Debug};
use std::ops::Index;

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
    pub(super) rows: RaggedMut<'a, u8>,
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
    pub(in crate::layout::composite) fn remove(&mut self, strings: &[usize]) {
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
