//! Node memory: mappings, the arena that many objects share, and the segment of one object.

pub(crate) mod arena;
mod cast;
pub(crate) mod map;
pub(crate) mod room;

use crate::comm::control::{Control, Head, Slot};
use arena::Placement;
#[cfg(not(loom))]
use arena::{BlockHead, ChunkHead};
use map::Mapping;
use std::ptr::NonNull;
use std::rc::Rc;

/// Bytes before the first block of a chunk.
pub(crate) const CHUNK_HEAD: usize = 64;
/// Bytes before the data of a block.
pub(crate) const BLOCK_HEAD: usize = 64;

#[cfg(not(loom))]
const _: () = assert!(size_of::<ChunkHead>() <= CHUNK_HEAD && size_of::<BlockHead>() <= BLOCK_HEAD);

/// The memory of one object on this rank's node. Letting go is local: it waits for nobody.
#[derive(Debug)]
pub(crate) struct Segment {
    /// Keeps the memory mapped as long as this value lives.
    mapping: Rc<Mapping>,
    /// The block inside a chunk, or `None` for a mapping of its own.
    block: Option<u32>,
    /// First byte of the object, from the start of the mapping.
    data: usize,
    len: usize,
}

impl Segment {
    /// The whole of a mapping.
    pub(crate) fn whole(mapping: Rc<Mapping>, len: usize) -> Self {
        debug_assert!(len <= mapping.len());
        Segment {
            mapping,
            block: None,
            data: 0,
            len,
        }
    }

    /// A block that the node's leader has placed in a chunk.
    ///
    /// # Safety
    /// The leader's book of this chunk made the placement for `len` bytes and for as many ranks as make a segment of it;
    /// this rank makes it once.
    pub(crate) unsafe fn in_chunk(chunk: Rc<Mapping>, placement: Placement, len: usize) -> Self {
        let data = placement.data as usize;
        assert!(
            data + len <= chunk.len(),
            "a block of the arena lies inside its chunk"
        );
        Segment {
            mapping: chunk,
            block: Some(placement.block),
            data,
            len,
        }
    }

    /// The first byte. Valid for `len` bytes as long as this value lives.
    pub(crate) fn start(&self) -> NonNull<u8> {
        // SAFETY: `data + len` is inside the mapping (checked in both constructors).
        unsafe { self.mapping.start().add(self.data) }
    }

    /// The control block that lies in this segment.
    ///
    /// # Safety
    /// The segment was placed for [`Segment::control_bytes`] of `slots` slots, was zeroed before the first rank used it,
    /// and is only used as a control block of that many slots.
    pub(crate) unsafe fn control(&self, slots: usize) -> Control<'_> {
        assert!(
            Self::control_bytes(slots) <= self.len,
            "a control block fits its segment"
        );
        // SAFETY: room was checked; the rest is the caller's duty, passed on. The references live as long as `self`, which
        // keeps the memory mapped.
        unsafe { cast::control(self.start(), slots) }
    }

    pub(crate) fn control_bytes(slots: usize) -> usize {
        size_of::<Head>() + slots * size_of::<Slot>()
    }
}

impl Drop for Segment {
    fn drop(&mut self) {
        if let Some(block) = self.block {
            // SAFETY: the placement came from the book of this chunk (`in_chunk`), so a chunk head is at its start and a
            // block head at `block`; the mapping lives as long as `self`.
            let (chunk, head) = unsafe { cast::heads(&self.mapping, block) };
            arena::let_go(chunk, head, block);
        }
    }
}
