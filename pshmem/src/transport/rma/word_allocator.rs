//! Which of its words a host has given out.

use std::collections::BTreeMap;
use std::ops::Range;

/// First word and number of words of each range that is given out.
#[derive(Debug, Default)]
pub(crate) struct WordAllocator(BTreeMap<usize, usize>);

impl WordAllocator {
    /// Gives the first gap of so many words in `all`. Ranges that `is_unused` tells of are free first. `None` when
    /// there is no such gap.
    pub(crate) fn take(
        &mut self,
        all: Range<usize>,
        words: usize,
        is_unused: impl Fn(usize) -> bool,
    ) -> Option<usize> {
        self.0.retain(|&first, _| !is_unused(first));
        let mut first = all.start;
        for (&next, &taken) in &self.0 {
            if next - first >= words {
                break;
            }
            first = next + taken;
        }
        if first.checked_add(words)? > all.end {
            return None;
        }
        self.0.insert(first, words);
        Some(first)
    }

    /// Gives back a range.
    pub(crate) fn give_back(&mut self, first: usize) {
        self.0.remove(&first);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_used_again() {
        let mut pool = WordAllocator::default();
        let mut take = |words, unused| pool.take(2..10, words, |first| Some(first) == unused);
        assert_eq!(take(3, None), Some(2));
        assert_eq!(take(4, None), Some(5));
        assert_eq!(take(2, None), None, "one word is left");
        assert_eq!(take(3, Some(2)), Some(2));
        assert_eq!(take(1, None), Some(9));
        assert_eq!(take(5, Some(5)), None);
        assert_eq!(take(2, None), Some(5));
        assert_eq!(take(2, None), Some(7));
        pool.give_back(5);
        assert_eq!(pool.take(2..10, 2, |_| false), Some(5));
    }

    #[test]
    fn absurd_sizes_are_refused() {
        assert_eq!(
            WordAllocator::default().take(2..10, usize::MAX, |_| false),
            None
        );
    }
}
