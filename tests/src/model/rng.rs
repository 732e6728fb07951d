//! Pseudo-random numbers, extents, blocks and arrays.

use crate::values::number;
use ndarray::ArrayD;

/// A pseudo-random number generator: the same numbers on all ranks that use the same seed.
#[derive(Debug, Clone)]
pub(super) struct Rng {
    seed: usize,
    /// Numbers generated so far.
    count: usize,
}

impl Rng {
    pub(super) fn new(seed: usize) -> Self {
        Rng { seed, count: 0 }
    }

    pub(super) fn next(&mut self) -> u64 {
        self.count += 1;
        number(self.seed, self.count)
    }

    /// A number below `limit`.
    pub(super) fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    /// Extents: mostly small, some of them 0, and sometimes so large that the transfer takes another path.
    pub(super) fn extents(&mut self, dimensions: usize) -> Vec<usize> {
        let first = match self.below(256) {
            0 => 30_000 + self.below(20_000),
            1..=8 => 500 + self.below(500),
            _ => return (0..dimensions).map(|_| self.below(6)).collect(),
        };
        (0..dimensions)
            .map(|axis| if axis == 0 { first } else { 3 })
            .collect()
    }

    /// Extents that differ from `extents` a little.
    pub(super) fn other_extents(&mut self, extents: &[usize]) -> Vec<usize> {
        let other = |&extent: &usize| (extent + self.below(4)).saturating_sub(2);
        extents.iter().map(other).collect()
    }

    /// Offset and extents of a block within `shape`.
    pub(super) fn block(&mut self, shape: &[usize]) -> (Vec<usize>, Vec<usize>) {
        let parts = shape.iter().map(|&extent| {
            let len = self.below(extent + 1);
            (self.below(extent - len + 1), len)
        });
        parts.unzip()
    }

    /// `parts` numbers whose sum is at most `total`.
    pub(super) fn partition(&mut self, total: usize, parts: usize) -> Vec<usize> {
        let mut rest = total;
        let mut next = || {
            let part = self.below(rest + 1);
            rest -= part;
            part
        };
        (0..parts).map(|_| next()).collect()
    }

    pub(super) fn array<T: ModelElement>(&mut self, shape: &[usize]) -> ArrayD<T> {
        ArrayD::from_shape_simple_fn(shape, || T::from_number(self.next()))
    }
}

/// Element types that can be made from a random number.
pub(super) trait ModelElement: pshmem::Element + PartialEq + std::fmt::Debug {
    fn from_number(number: u64) -> Self;
}

impl ModelElement for u64 {
    fn from_number(number: u64) -> Self {
        number
    }
}

impl ModelElement for f32 {
    fn from_number(number: u64) -> Self {
        f32::from(number as u16) * 0.25
    }
}

impl ModelElement for [u8; 3] {
    fn from_number(number: u64) -> Self {
        let [a, b, c, ..] = number.to_le_bytes();
        [a, b, c]
    }
}
