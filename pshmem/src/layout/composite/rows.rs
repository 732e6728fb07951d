//! Rows by their offsets, of items or of text.

use std::ops::{Index, Range};
use std::slice::Windows;

/// Row `i` of those with these offsets.
pub(super) fn row_range(offsets: &[u64], i: usize) -> Option<Range<usize>> {
    let start = *offsets.get(i)?;
    let end = *offsets.get(i.checked_add(1)?)?;
    Some(start as usize..end as usize)
}

/// The rows of a [`Ragged`](crate::Ragged), or of [`Strings`](crate::Strings): see [`RaggedIter`](crate::RaggedIter) and
/// [`StringsIter`](crate::StringsIter).
///
/// ```
/// let rows = pshmem::Ragged::from_rows([vec![1], vec![2, 3]]);
/// let last_first: Vec<&[i32]> = rows.iter().rev().collect();
/// assert_eq!(last_first, [&[2, 3][..], &[1][..]]);
/// let words = pshmem::Strings::from(["one", "two"]);
/// assert_eq!(words.iter().map(str::len).sum::<usize>(), 6);
/// ```
#[derive(Debug)]
pub struct RowsIter<'a, S: ?Sized> {
    offsets: Windows<'a, u64>,
    /// All rows, one after the other.
    all: &'a S,
}

impl<'a, S: ?Sized> RowsIter<'a, S> {
    /// `offsets` has one more than there are rows.
    pub(super) fn new(offsets: &'a [u64], all: &'a S) -> Self {
        RowsIter {
            offsets: offsets.windows(2),
            all,
        }
    }
}

impl<'a, S: Index<Range<usize>, Output = S> + ?Sized> RowsIter<'a, S> {
    fn row(&self, ends: &[u64]) -> &'a S {
        &self.all[ends[0] as usize..ends[1] as usize]
    }
}

impl<S: ?Sized> Clone for RowsIter<'_, S> {
    fn clone(&self) -> Self {
        RowsIter {
            offsets: self.offsets.clone(),
            all: self.all,
        }
    }
}

impl<'a, S: Index<Range<usize>, Output = S> + ?Sized> Iterator for RowsIter<'a, S> {
    type Item = &'a S;

    fn next(&mut self) -> Option<&'a S> {
        let ends = self.offsets.next()?;
        Some(self.row(ends))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.offsets.size_hint()
    }

    fn nth(&mut self, n: usize) -> Option<&'a S> {
        let ends = self.offsets.nth(n)?;
        Some(self.row(ends))
    }
}

impl<'a, S: Index<Range<usize>, Output = S> + ?Sized> DoubleEndedIterator for RowsIter<'a, S> {
    fn next_back(&mut self) -> Option<&'a S> {
        let ends = self.offsets.next_back()?;
        Some(self.row(ends))
    }
}

impl<S: Index<Range<usize>, Output = S> + ?Sized> ExactSizeIterator for RowsIter<'_, S> {}
impl<S: Index<Range<usize>, Output = S> + ?Sized> std::iter::FusedIterator for RowsIter<'_, S> {}
