//! First-fit allocator for the words of one rank that others reach by one-sided operations.

use std::collections::BTreeMap;
use std::ops::Range;

/// First word and length of each allocated range.
#[derive(Debug, Default)]
pub(crate) struct WordAllocator(BTreeMap<usize, usize>);

impl WordAllocator {
    /// Allocates the first gap of `words` words in `all`, after freeing the ranges for whose first word `is_unused` returns
    /// `true`. `None` when no gap is large enough.
    pub(crate) fn allocate(
        &mut self,
        all: Range<usize>,
        words: usize,
        is_unused: impl Fn(usize) -> bool,
    ) -> Option<usize> {
        self.0.retain(|&first, _| !is_unused(first));
        let mut first = all.start;
        for (&next, &len) in &self.0 {
            if next - first >= words {
                break;
            }
            first = next + len;
        }
        if first.checked_add(words)? > all.end {
            return None;
        }
        self.0.insert(first, words);
        Some(first)
    }

    /// Frees the range that begins at `first`.
    pub(crate) fn free(&mut self, first: usize) {
        self.0.remove(&first);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_used_again() {
        let mut allocator = WordAllocator::default();
        let mut allocate =
            |words, unused| allocator.allocate(2..10, words, |first| Some(first) == unused);
        assert_eq!(allocate(3, None), Some(2));
        assert_eq!(allocate(4, None), Some(5));
        assert_eq!(allocate(2, None), None, "one word is left");
        assert_eq!(allocate(3, Some(2)), Some(2));
        assert_eq!(allocate(1, None), Some(9));
        assert_eq!(allocate(5, Some(5)), None);
        assert_eq!(allocate(2, None), Some(5));
        assert_eq!(allocate(2, None), Some(7));
        allocator.free(5);
        assert_eq!(allocator.allocate(2..10, 2, |_| false), Some(5));
    }

    #[test]
    fn absurd_sizes_are_refused() {
        assert_eq!(
            WordAllocator::default().allocate(2..10, usize::MAX, |_| false),
            None
        );
    }
}
