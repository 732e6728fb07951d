//! `Region`: the bytes of a block in a segment, as runs of equal length with regular strides. Pure arithmetic.

use serde::{Deserialize, Serialize};

/// Bytes of a segment: `run` bytes at `start`, repeated along each of the `loops`, outermost first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[doc(hidden)]
pub struct Region {
    pub(crate) start: usize,
    pub(crate) run: usize,
    /// Number of repetitions and the distance between two of them in bytes.
    pub(crate) loops: Vec<(usize, usize)>,
}

impl Region {
    /// One contiguous run.
    pub(crate) fn run(start: usize, bytes: usize) -> Self {
        Region {
            start,
            run: bytes,
            loops: Vec::new(),
        }
    }

    /// The block of extents `block` at `offset` in a row-major array of extents `shape` that begins at `start`.
    ///
    /// The caller has checked that the block is inside the array and the array inside an address space.
    pub(crate) fn block(
        start: usize,
        size: usize,
        shape: &[usize],
        offset: &[usize],
        block: &[usize],
    ) -> Self {
        let mut region = Region::run(start, size);
        if block.contains(&0) || size == 0 {
            region.run = 0;
            return region;
        }
        let mut stride = size;
        // Innermost axis first; axes that are covered completely merge with the next one into a longer run.
        for axis in (0..shape.len()).rev() {
            region.start += offset[axis] * stride;
            if region.loops.is_empty() && region.run == stride {
                region.run = stride * block[axis];
            } else if block[axis] > 1 {
                region.loops.insert(0, (block[axis], stride));
            }
            stride *= shape[axis];
        }
        region
    }

    /// Bytes in all runs together.
    pub(crate) fn bytes(&self) -> usize {
        self.loops
            .iter()
            .map(|&(count, _)| count)
            .product::<usize>()
            * self.run
    }

    /// Whether every byte is at or after `from` and before `to`. The numbers may come from a message and may be invalid, so this
    /// does not overflow.
    pub(crate) fn is_inside(&self, from: usize, to: usize) -> bool {
        let mut end = self.start.checked_add(self.run);
        for &(count, stride) in &self.loops {
            end = end.and_then(|end| end.checked_add(count.checked_sub(1)?.checked_mul(stride)?));
        }
        self.start >= from && end.is_some_and(|end| end <= to)
    }

    /// The runs from the `first`-th on, as byte offsets into the segment.
    pub(crate) fn runs(&self, first: usize) -> Runs<'_> {
        let total = self.loops.iter().map(|&(count, _)| count).product();
        Runs {
            region: self,
            next: first,
            total,
        }
    }
}

/// Cuts two regions of the same number of bytes into pieces that are contiguous in both: offset in the first, offset in the
/// second, length.
pub(crate) fn common(from: &Region, to: &Region) -> impl Iterator<Item = (usize, usize, usize)> {
    debug_assert_eq!(from.bytes(), to.bytes());
    let mut done = 0;
    let (mut left, mut right) = (from.runs(0), to.runs(0));
    let (mut at, mut to_at) = (left.next(), right.next());
    let (mut used, mut to_used) = (0, 0);
    let (run, to_run, all) = (from.run, to.run, from.bytes());
    std::iter::from_fn(move || {
        if done >= all {
            return None;
        }
        let len = (run - used).min(to_run - to_used);
        let found = (at? + used, to_at? + to_used, len);
        (done, used, to_used) = (done + len, used + len, to_used + len);
        if used == run {
            (at, used) = (left.next(), 0);
        }
        if to_used == to_run {
            (to_at, to_used) = (right.next(), 0);
        }
        Some(found)
    })
}

/// Iterator over the starts of a region's runs.
pub(crate) struct Runs<'a> {
    region: &'a Region,
    next: usize,
    total: usize,
}

impl Iterator for Runs<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        if self.next >= self.total {
            return None;
        }
        let mut rest = self.next;
        let mut start = self.region.start;
        for &(count, stride) in self.region.loops.iter().rev() {
            start += rest % count * stride;
            rest /= count;
        }
        self.next += 1;
        Some(start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All bytes of a region, one by one.
    fn bytes(region: &Region) -> Vec<usize> {
        region
            .runs(0)
            .flat_map(|start| start..start + region.run)
            .collect()
    }

    /// The same from the definition of a row-major array.
    fn model(size: usize, shape: &[usize], offset: &[usize], block: &[usize]) -> Vec<usize> {
        let total: usize = shape.iter().product();
        (0..total)
            .filter(|&index| {
                let mut rest = index;
                (0..shape.len()).rev().all(|axis| {
                    let at = rest % shape[axis];
                    rest /= shape[axis];
                    (offset[axis]..offset[axis] + block[axis]).contains(&at)
                })
            })
            .flat_map(|index| 1000 + index * size..1000 + (index + 1) * size)
            .collect()
    }

    #[test]
    fn blocks_cover_what_the_definition_says() {
        let shape = [3, 4, 5];
        for (offset, block) in [
            ([0, 0, 0], [3, 4, 5]),
            ([1, 1, 1], [2, 2, 3]),
            ([0, 2, 0], [3, 1, 5]),
            ([2, 0, 0], [1, 4, 5]),
            ([0, 0, 4], [3, 4, 1]),
            ([1, 1, 1], [0, 2, 2]),
            ([2, 3, 4], [1, 1, 1]),
        ] {
            let region = Region::block(1000, 8, &shape, &offset, &block);
            assert_eq!(
                bytes(&region),
                model(8, &shape, &offset, &block),
                "{offset:?} {block:?} {region:?}"
            );
            assert_eq!(region.bytes(), bytes(&region).len());
            assert!(region.is_inside(1000, 1000 + 480));
        }
    }

    #[test]
    fn blocks_of_many_axes_have_a_loop_for_each() {
        // Extents above 4 and below the array's on all axes: no two strides are equal, and no loop can stand for another.
        let shape = [7, 6, 8, 9];
        for (offset, block, loops) in [
            ([1, 0, 2, 3], [6, 5, 5, 6], 3),
            ([0, 1, 0, 0], [7, 5, 6, 9], 2),
            ([2, 1, 3, 4], [5, 1, 5, 5], 2),
        ] {
            let region = Region::block(1000, 2, &shape, &offset, &block);
            assert_eq!(region.loops.len(), loops, "{region:?}");
            assert_eq!(bytes(&region), model(2, &shape, &offset, &block));
            let from_third: Vec<usize> = region.runs(2).collect();
            assert_eq!(from_third, region.runs(0).skip(2).collect::<Vec<_>>());
            let all = bytes(&region);
            let (first, last) = (all[0], all[all.len() - 1]);
            assert!(region.is_inside(first, last + 1));
            assert!(!region.is_inside(first + 1, last + 1));
            assert!(!region.is_inside(first, last));
        }
        let (shape, offset, block) = ([6, 7, 5, 6, 7], [0, 1, 0, 1, 2], [5, 6, 5, 5, 5]);
        let region = Region::block(1000, 1, &shape, &offset, &block);
        assert_eq!(region.loops.len(), 4);
        assert_eq!(bytes(&region), model(1, &shape, &offset, &block));
    }

    #[test]
    fn blocks_of_two_arrays_are_matched_byte_by_byte() {
        let block = [2, 2, 3];
        for (shape, other) in [
            ([2, 2, 3], [4, 5, 6]),
            ([3, 2, 3], [2, 4, 3]),
            ([2, 2, 3], [2, 2, 3]),
            ([2, 2, 7], [5, 2, 3]),
        ] {
            let from = Region::block(100, 4, &shape, &[0, 0, 0], &block);
            let to = Region::block(900, 4, &other, &[0, 0, 0], &block);
            let pairs: Vec<(usize, usize)> = common(&from, &to)
                .flat_map(|(at, to, len)| (0..len).map(move |i| (at + i, to + i)))
                .collect();
            let expected: Vec<(usize, usize)> = bytes(&from).into_iter().zip(bytes(&to)).collect();
            assert_eq!(pairs, expected, "{shape:?} {other:?}");
        }
        // Neither length is a multiple of the other.
        let from = Region {
            start: 0,
            run: 2,
            loops: vec![(3, 10)],
        };
        let to = Region {
            start: 100,
            run: 3,
            loops: vec![(2, 10)],
        };
        let pieces: Vec<_> = common(&from, &to).collect();
        assert_eq!(
            pieces,
            [(0, 100, 2), (10, 102, 1), (11, 110, 1), (20, 111, 2)]
        );
        let none = Region::block(0, 4, &[0, 3], &[0, 0], &[0, 3]);
        assert_eq!(common(&none, &none).count(), 0);
    }

    #[test]
    fn full_inner_axes_merge_into_long_runs() {
        assert_eq!(
            Region::block(0, 8, &[3, 4, 5], &[1, 0, 0], &[2, 4, 5]),
            Region::run(160, 320)
        );
        assert_eq!(
            Region::block(0, 1, &[2, 3], &[0, 1], &[2, 2]),
            Region {
                start: 1,
                run: 2,
                loops: vec![(2, 3)]
            }
        );
    }

    #[test]
    fn regions_that_overflow_are_outside() {
        let region = Region {
            start: 8,
            run: 8,
            loops: vec![(usize::MAX, usize::MAX)],
        };
        assert!(!region.is_inside(0, usize::MAX));
        assert!(!Region::run(8, 8).is_inside(0, 15));
        assert!(!Region::run(8, 8).is_inside(9, 16));
        assert!(
            !Region {
                start: 0,
                run: 0,
                loops: vec![(0, 1)]
            }
            .is_inside(0, 100)
        );
    }
}
