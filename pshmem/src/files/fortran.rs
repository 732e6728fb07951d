//! Files in Fortran order, whose first axis varies fastest: read in pieces, and stored in row-major order.
//!
//! A file is cut along the last axis of the leaf. All elements with some indices of this axis are a slab: one run of the file for
//! each scalar of an element, and a block with regular strides in node memory.

use crate::comm::transfer::Target;
use crate::files::failure::Result;
use crate::files::find::FoundLeaf;
use crate::files::leaf_files::PlacedLeaf;
use crate::files::progress::Progress;
use crate::files::read::{check_values, read_exact, reverse, zero};
use crate::layout::region::Region;
use pshmem_format::PIECE_BYTES;
use std::fs::File;
use std::ops::Range;
use std::path::Path;

/// The slabs of a leaf.
pub(super) struct Slabs<'a> {
    placed: &'a PlacedLeaf<'a>,
    found: &'a FoundLeaf,
    /// All axes of the file: those of the leaf, then those of its elements.
    shape: Vec<usize>,
    /// The axis along which the file is cut. A leaf without axes is one slab.
    axis: Option<usize>,
    /// Bytes of what the shape counts.
    scalar: usize,
    /// Indices of the axis in one piece.
    per_piece: usize,
}

impl<'a> Slabs<'a> {
    pub(super) fn new(placed: &'a PlacedLeaf<'a>, found: &'a FoundLeaf) -> Self {
        let item = &placed.file.item;
        let shape = [&found.extents[..], &item.extents].concat();
        let axis = found.extents.len().checked_sub(1);
        let slab = axis.map_or(placed.leaf.bytes, |axis| {
            placed.leaf.bytes.checked_div(shape[axis]).unwrap_or(0)
        });
        Slabs {
            placed,
            found,
            shape,
            axis,
            scalar: item.dtype.size(),
            per_piece: PIECE_BYTES.checked_div(slab).unwrap_or(1).max(1),
        }
    }

    /// The number of indices along the axis.
    fn indices(&self) -> usize {
        self.axis.map_or(1, |axis| self.shape[axis])
    }

    pub(super) fn pieces(&self) -> usize {
        if self.placed.leaf.bytes == 0 {
            return 0;
        }
        self.indices().div_ceil(self.per_piece)
    }

    fn indices_of(&self, pieces: &Range<usize>) -> Range<usize> {
        pieces.start * self.per_piece..(pieces.end * self.per_piece).min(self.indices())
    }

    /// The bytes of the object that some pieces fill.
    pub(super) fn region(&self, pieces: &Range<usize>) -> Region {
        let indices = self.indices_of(pieces);
        let mut offset = vec![0; self.shape.len()];
        let mut block = self.shape.clone();
        if let Some(axis) = self.axis {
            (offset[axis], block[axis]) = (indices.start, indices.len());
        }
        Region::block(
            self.placed.leaf.offset,
            self.scalar,
            &self.shape,
            &offset,
            &block,
        )
    }

    /// Reads some pieces. After a failure, all of them are zero.
    ///
    /// # Safety
    /// As for [`Target::run_mut`], for the bytes of these pieces, until this returns.
    pub(super) unsafe fn read(
        &self,
        target: &Target<'_>,
        file: &File,
        path: &Path,
        pieces: Range<usize>,
        progress: &mut Progress,
    ) -> Result<()> {
        // SAFETY: passed on from the caller.
        let read = unsafe { self.read_runs(target, file, path, &pieces, progress) };
        // SAFETY: passed on from the caller.
        let read = read.and_then(|()| unsafe { self.check(target, path, &pieces) });
        if read.is_err() {
            // SAFETY: passed on from the caller.
            unsafe { zero(target, &self.region(&pieces)) };
        }
        read
    }

    /// # Safety
    /// As for `read`.
    unsafe fn read_runs(
        &self,
        target: &Target<'_>,
        file: &File,
        path: &Path,
        pieces: &Range<usize>,
        progress: &mut Progress,
    ) -> Result<()> {
        let indices = self.indices_of(pieces);
        // Elements between two indices of the axis, in the file.
        let below: usize = self.shape[..self.axis.unwrap_or(0)].iter().product();
        let inner: usize = self.placed.file.item.extents.iter().product();
        let scalars = (PIECE_BYTES / self.scalar).max(1);
        // The swaps of an element are those of its first scalar, repeated.
        let all = self.found.swaps.iter().copied();
        let swaps: Vec<_> = all.filter(|&(at, _)| at < self.scalar).collect();
        let mut buffer = vec![0; scalars.min(below * indices.len()) * self.scalar];
        for at_inner in 0..inner {
            let first = below * (indices.start + self.indices() * at_inner);
            let end = first + below * indices.len();
            let mut place = Place::of(first, &self.shape);
            for from in (first..end).step_by(scalars) {
                let count = scalars.min(end - from);
                let bytes = &mut buffer[..count * self.scalar];
                let at = self.found.data_at + (from * self.scalar) as u64;
                read_exact(file, path, bytes, at)?;
                reverse(bytes, self.scalar, &swaps);
                for scalar in bytes.chunks_exact(self.scalar) {
                    let offset = self.placed.leaf.offset + place.row_major * self.scalar;
                    // SAFETY: passed on from the caller: the place is in these pieces.
                    unsafe { target.write(offset, scalar) };
                    place.step(&self.shape);
                }
                progress.add(bytes.len());
            }
        }
        Ok(())
    }

    /// # Safety
    /// As for `read`.
    unsafe fn check(&self, target: &Target<'_>, path: &Path, pieces: &Range<usize>) -> Result<()> {
        if self.placed.file.any_bits {
            return Ok(());
        }
        let region = self.region(pieces);
        for start in region.runs(0) {
            // A run has whole elements, because the axes of an element are the last ones, and not cut.
            // SAFETY: passed on from the caller.
            let bytes = unsafe { target.run_mut(start, region.run) };
            let from = start - self.placed.leaf.offset;
            check_values(self.placed, path, from, bytes)?;
        }
        Ok(())
    }
}

/// A place in an array that is walked in Fortran order.
struct Place {
    index: Vec<usize>,
    /// Number of the element in row-major order.
    row_major: usize,
    strides: Vec<usize>,
}

impl Place {
    /// The `number`-th element in Fortran order.
    fn of(number: usize, shape: &[usize]) -> Self {
        let mut strides = vec![1; shape.len()];
        for axis in (1..shape.len()).rev() {
            strides[axis - 1] = strides[axis] * shape[axis];
        }
        let mut rest = number;
        let mut index = Vec::with_capacity(shape.len());
        for &extent in shape {
            index.push(rest % extent.max(1));
            rest /= extent.max(1);
        }
        let row_major = index.iter().zip(&strides).map(|(at, stride)| at * stride);
        Place {
            row_major: row_major.sum(),
            index,
            strides,
        }
    }

    /// The next element in Fortran order. After the last one, the first.
    fn step(&mut self, shape: &[usize]) {
        let axes = self.index.iter_mut().zip(shape).zip(&self.strides);
        for ((index, &extent), stride) in axes {
            *index += 1;
            self.row_major += stride;
            if *index < extent {
                return;
            }
            self.row_major -= stride * extent;
            *index = 0;
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn places_follow_each_other_in_fortran_order() {
        let shape = [2, 3, 2];
        let mut place = Place::of(0, &shape);
        for number in 0..12 {
            assert_eq!(place.row_major, Place::of(number, &shape).row_major);
            let (i, j, k) = (number % 2, number / 2 % 3, number / 6);
            assert_eq!(place.row_major, i * 6 + j * 2 + k);
            place.step(&shape);
        }
        assert_eq!(place.row_major, 0);
    }
}
