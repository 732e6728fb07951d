//! `Base` and `BaseMut`: pointers to a segment. Only here does an offset become a pointer.

use crate::layout::placer::Leaf;
use std::cell::Cell;
use std::marker::PhantomData;
use std::ptr::NonNull;

/// Set when the closure of an update writes to a leaf.
pub(crate) type Flag = Cell<bool>;

/// The first byte of a segment, for reading.
#[derive(Debug, Clone, Copy)]
#[doc(hidden)]
pub struct Base<'a> {
    /// Valid for reads of the whole segment during `'a`. A raw pointer and not a `&[u8]`, because other ranks may write to the
    /// segment between calls.
    start: NonNull<u8>,
    life: PhantomData<&'a u8>,
}

impl Base<'_> {
    /// `start` is only ever dereferenced in functions that are `unsafe` themselves.
    pub(crate) fn new(start: NonNull<u8>) -> Self {
        Base {
            start,
            life: PhantomData,
        }
    }

    /// The first element of a leaf.
    ///
    /// # Safety
    /// The segment holds the leaf.
    pub(crate) unsafe fn leaf<T>(self, leaf: &Leaf) -> NonNull<T> {
        // SAFETY: `add` stays inside the segment's allocation, because the segment holds the leaf (caller's duty).
        unsafe { self.start.add(leaf.offset) }.cast()
    }
}

/// The first byte of a segment, for writing, with a flag for each leaf of the object.
#[derive(Debug, Clone, Copy)]
#[doc(hidden)]
pub struct BaseMut<'a> {
    /// Valid for reads and writes of the leaves that the holder was given, during `'a`.
    start: NonNull<u8>,
    flags: &'a [Flag],
}

impl<'a> BaseMut<'a> {
    /// `start` is only ever dereferenced in functions that are `unsafe` themselves.
    pub(crate) fn new(start: NonNull<u8>, flags: &'a [Flag]) -> Self {
        BaseMut { start, flags }
    }

    /// The first element of a leaf.
    ///
    /// # Safety
    /// The segment holds the leaf.
    pub(crate) unsafe fn leaf<T>(self, leaf: &Leaf) -> NonNull<T> {
        // SAFETY: as in `Base::leaf`.
        unsafe { self.start.add(leaf.offset) }.cast()
    }

    /// The flag that says whether the leaf was written.
    pub(crate) fn flag(self, leaf: &Leaf) -> &'a Flag {
        &self.flags[leaf.index]
    }
}
