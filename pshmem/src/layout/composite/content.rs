//! What is known of a composite when only the bytes of its leaves are at hand: after a transfer, in a save or a load.

use crate::layout::composite::Composite;
use std::ops::Range;

/// A composite in the plan of an object.
#[derive(Debug, Clone)]
pub(crate) struct PlacedComposite {
    /// Its leaves, by their numbers in the object.
    pub(crate) leaves: Range<usize>,
    /// Its extents, as `encode_dims` writes them.
    pub(crate) dims: Vec<usize>,
    pub(crate) content: Content,
}

/// The functions of a [`Composite`] that need no type.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Content {
    lengths: fn(&[usize], &[&[u8]]) -> Vec<usize>,
    check_lengths: fn(&[usize], &[usize]) -> Result<(), String>,
    check: Check,
    complete: Complete,
}

type Check = fn(&[usize], &[&[u8]]) -> Result<(), String>;
type Complete = fn(&[usize], &[usize], &mut [&mut [u8]]) -> Result<(), String>;

impl Content {
    pub(crate) fn of<C: Composite>() -> Self {
        Content {
            lengths: |dims, leaves| C::lengths(&decode::<C>(dims), leaves),
            check_lengths: |dims, lengths| C::check_lengths(&decode::<C>(dims), lengths),
            check: |dims, leaves| C::check(&decode::<C>(dims), leaves),
            complete: |dims, lengths, leaves| C::complete(&decode::<C>(dims), lengths, leaves),
        }
    }
}

fn decode<C: Composite>(dims: &[usize]) -> C::Dims {
    C::decode_dims(&mut dims.iter().copied()).expect("as many numbers as were written")
}

impl PlacedComposite {
    /// Where its leaves are in a list that has an entry for each of the leaves `all`.
    pub(crate) fn among(&self, all: &Range<usize>) -> Range<usize> {
        self.leaves.start - all.start..self.leaves.end - all.start
    }

    /// How many elements of each leaf are in use.
    pub(crate) fn lengths(&self, leaves: &[&[u8]]) -> Vec<usize> {
        (self.content.lengths)(&self.dims, leaves)
    }

    /// Whether leaves of which so many elements are in use can be consistent.
    pub(crate) fn check_lengths(&self, lengths: &[usize]) -> Result<(), String> {
        (self.content.check_lengths)(&self.dims, lengths)
    }

    /// Whether the leaves are consistent.
    pub(crate) fn check(&self, leaves: &[&[u8]]) -> Result<(), String> {
        (self.content.check)(&self.dims, leaves)
    }

    /// Computes the leaves that files do not contain, and checks all.
    pub(crate) fn complete(
        &self,
        lengths: &[usize],
        leaves: &mut [&mut [u8]],
    ) -> Result<(), String> {
        (self.content.complete)(&self.dims, lengths, leaves)
    }
}
