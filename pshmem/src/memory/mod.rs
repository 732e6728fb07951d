//! Node memory: mappings, the arena that many objects share, and the segment of one object.

pub(crate) mod arena;
mod cast;
pub(crate) mod map;
pub(crate) mod room;

use crate::comm::collective::control::{Control, Head, RankBlock};
use crate::lock::backend::node_lock::{self, NodeLock};
use crate::sync::atomic::AtomicU64;
use arena::Allocation;
#[cfg(not(loom))]
use arena::{BlockHead, ChunkHead};
use map::Mapping;
use std::fmt::Debug;
use std::ptr::NonNull;
use std::rc::Rc;

/// Bytes before the first block of a chunk.
pub(crate) const CHUNK_HEAD: usize = 64;
/// Bytes before the data of a block.
pub(crate) const BLOCK_HEAD: usize = 64;

#[cfg(not(loom))]
const _: () = assert!(size_of::<ChunkHead>() <= CHUNK_HEAD && size_of::<BlockHead>() <= BLOCK_HEAD);

/// Memory that a book divides into blocks, as this rank sees it: a mapping, or a part of another segment.
#[derive(Debug, Clone)]
pub(crate) struct Chunk {
    /// Keeps the memory mapped as long as this value lives.
    #[allow(dead_code, reason = "held for its drop")]
    owner: Rc<dyn Debug>,
    /// First of `len` bytes that stay valid as long as `owner` lives; aligned to 64.
    start: NonNull<u8>,
    len: usize,
}

impl Chunk {
    pub(crate) fn of_mapping(mapping: Mapping) -> Self {
        let (start, len) = (mapping.start(), mapping.len());
        Chunk {
            owner: Rc::new(mapping),
            start,
            len,
        }
    }

    /// The bytes of a segment from `from` on, a multiple of 64.
    pub(crate) fn of_segment(segment: &Rc<Segment>, from: usize) -> Self {
        assert!(
            from <= segment.len && from.is_multiple_of(64),
            "a chunk lies inside its segment"
        );
        // SAFETY: inside the segment, as checked.
        let start = unsafe { segment.start().add(from) };
        Chunk {
            owner: segment.clone(),
            start,
            len: segment.len - from,
        }
    }

    pub(crate) fn start(&self) -> NonNull<u8> {
        self.start
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }
}

/// The memory of one object on this rank's node. Letting go is local: it waits for nobody.
#[derive(Debug)]
pub(crate) struct Segment {
    /// Keeps the memory mapped as long as this value lives.
    chunk: Chunk,
    /// The block inside the chunk, or `None` for the whole of it.
    block: Option<u32>,
    /// First byte of the object, from the start of the chunk.
    data: usize,
    len: usize,
}

impl Segment {
    /// The first `len` bytes of a mapping of its own.
    pub(crate) fn whole(chunk: Chunk, len: usize) -> Self {
        assert!(
            len <= chunk.len(),
            "an object fits the mapping that was made for it"
        );
        Segment {
            chunk,
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
    pub(crate) unsafe fn in_chunk(chunk: Chunk, placement: Allocation, len: usize) -> Self {
        let data = placement.data as usize;
        assert!(
            data + len <= chunk.len(),
            "a block of the arena lies inside its chunk"
        );
        Segment {
            chunk,
            block: Some(placement.block),
            data,
            len,
        }
    }

    /// The first byte. Valid for `len` bytes as long as this value lives.
    pub(crate) fn start(&self) -> NonNull<u8> {
        // SAFETY: `data + len` is inside the chunk (checked in both constructors).
        unsafe { self.chunk.start().add(self.data) }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Bytes of the mapping that this segment has for itself, 0 for a block of the arena.
    pub(crate) fn own_mapping(&self) -> usize {
        if self.block.is_none() {
            self.chunk.len()
        } else {
            0
        }
    }

    /// The control block that lies in this segment.
    ///
    /// # Safety
    /// The segment was placed for [`Segment::control_bytes`] of `ranks` ranks, was zeroed before the first rank used it,
    /// and is only used as a control block of that many ranks.
    pub(crate) unsafe fn control(&self, ranks: usize) -> Control<'_> {
        assert!(
            Self::control_bytes(ranks) <= self.len,
            "a control block fits its segment"
        );
        // SAFETY: room was checked; the rest is the caller's duty, passed on. The references live as long as `self`, which
        // keeps the memory mapped.
        unsafe { cast::control(self.start(), ranks) }
    }

    pub(crate) fn control_bytes(ranks: usize) -> usize {
        size_of::<Head>() + ranks * size_of::<RankBlock>()
    }

    /// The lock that lies in this segment, for the rank with the entry `me`.
    ///
    /// # Safety
    /// The segment was placed for [`Segment::lock_bytes`] of `ranks` and more, was zeroed before the first rank used it, and
    /// these bytes are only used as a lock of that many ranks.
    #[inline]
    pub(crate) unsafe fn lock(&self, ranks: usize, me: usize) -> NodeLock<'_> {
        assert!(
            Self::lock_bytes(ranks) <= self.len,
            "a lock fits its segment"
        );
        // SAFETY: room was checked; the rest is the caller's duty, passed on, as in `control`.
        unsafe { cast::node_lock(self.start(), ranks, me) }
    }

    /// Bytes of a lock; what it protects may follow.
    pub(crate) fn lock_bytes(ranks: usize) -> usize {
        size_of::<node_lock::Head>() + ranks * size_of::<node_lock::Entry>()
    }

    /// The words that lie in this segment.
    ///
    /// # Safety
    /// The segment was placed for [`Segment::words_bytes`] of `len`, was zeroed before the first rank used it, and is only
    /// used as that many words.
    #[inline]
    pub(crate) unsafe fn words(&self, len: usize) -> &[AtomicU64] {
        assert!(
            len <= self.len / size_of::<AtomicU64>(),
            "the words fit their segment"
        );
        // SAFETY: room was checked; the rest is the caller's duty, passed on, as in `control`.
        unsafe { cast::words(self.start(), len) }
    }

    /// Bytes of so many words. `None` when there cannot be so many.
    pub(crate) fn words_bytes(len: usize) -> Option<usize> {
        len.checked_mul(size_of::<AtomicU64>())
    }

    /// Bytes to ask for a control block of `ranks` ranks, so that its block also holds a first chunk for small objects.
    pub(crate) fn control_with_chunk(ranks: usize) -> usize {
        const SMALL_OBJECTS: usize = 8 << 10;
        arena::block_bytes(Self::control_bytes(ranks) + SMALL_OBJECTS, 64) - BLOCK_HEAD
    }
}

impl Drop for Segment {
    fn drop(&mut self) {
        if let Some(block) = self.block {
            // SAFETY: the placement came from the book of this chunk (`in_chunk`), so a chunk head is at its start and a
            // block head at `block`; the chunk lives as long as `self`.
            let (chunk, head) = unsafe { cast::heads(&self.chunk, block) };
            arena::let_go(chunk, head, block);
        }
    }
}
