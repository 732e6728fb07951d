//! The memory of one object on this rank's node, and the larger chunk that it may be a block of.

use crate::memory::arena::{self, Allocation};
use crate::memory::cast::{self, AtomicBlock};
use crate::memory::map::Mapping;
use std::ptr::NonNull;
use std::rc::Rc;
use std::sync::Arc;

/// Memory that an allocator divides into blocks, as this rank sees it: a mapping, or the rest of another segment.
#[derive(Debug, Clone)]
pub(crate) struct Chunk {
    /// Keeps the memory mapped as long as this value lives.
    owner: Owner,
    /// First of `len` bytes that stay valid as long as `owner` lives; aligned to 64.
    start: NonNull<u8>,
    len: usize,
}

/// What keeps the memory of a chunk mapped.
#[derive(Debug, Clone)]
enum Owner {
    Mapping(Arc<Mapping>),
    Segment(#[allow(dead_code, reason = "held for its drop")] Rc<Segment>),
}

impl Chunk {
    pub(crate) fn of_mapping(mapping: Mapping) -> Self {
        let (start, len) = (mapping.start(), mapping.len());
        Chunk {
            owner: Owner::Mapping(Arc::new(mapping)),
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
            owner: Owner::Segment(segment.clone()),
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

    /// The block of atomics at an offset.
    ///
    /// # Safety
    /// `offset` is a multiple of the alignment of `T`, which is at most 64. The bytes there were zeroed before the first rank
    /// used them, and every rank of the node uses them as a `T` only.
    pub(super) unsafe fn get<T: AtomicBlock>(&self, offset: usize) -> &T {
        let end = offset.checked_add(size_of::<T>());
        assert!(
            end.is_some_and(|end| end <= self.len),
            "a block of atomics lies inside its chunk"
        );
        // SAFETY: inside the chunk, as checked.
        let start = unsafe { self.start.add(offset) };
        // SAFETY: aligned, because the chunk is aligned to 64 (caller's duty); valid as long as `self`, which keeps the memory
        // mapped; the rest is the caller's duty, passed on.
        unsafe { cast::get(start) }
    }
}

/// The memory of one object on this rank's node. Dropping it is local: it does not wait for the other ranks.
#[derive(Debug)]
pub(crate) struct Segment {
    /// Keeps the memory mapped as long as this value lives.
    chunk: Chunk,
    /// Number of the block inside the chunk, or `None` for the whole of it.
    block: Option<u32>,
    /// First byte of the object, from the start of the chunk.
    data: usize,
    len: usize,
}

impl Segment {
    /// The first `len` bytes of a chunk that holds nothing else.
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

    /// A block that the node's leader has allocated in a chunk.
    ///
    /// # Safety
    /// The leader's allocator of this chunk made the allocation for `len` bytes and for as many ranks as make a segment of
    /// it; this rank makes one.
    pub(crate) unsafe fn in_chunk(chunk: Chunk, allocation: Allocation, len: usize) -> Self {
        let data = allocation.data as usize;
        assert!(
            data + len <= chunk.len(),
            "a block of the arena lies inside its chunk"
        );
        Segment {
            chunk,
            block: Some(allocation.block),
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

    /// The mapping that this segment has for itself, and whose first byte is its own; `None` for a block of the arena.
    pub(crate) fn mapping(&self) -> Option<&Arc<Mapping>> {
        match &self.chunk.owner {
            Owner::Mapping(mapping) if self.block.is_none() => Some(mapping),
            _ => None,
        }
    }

    /// Bytes of the mapping that this segment has for itself, 0 for a block of the arena.
    pub(crate) fn own_mapping(&self) -> usize {
        if self.block.is_none() {
            self.chunk.len()
        } else {
            0
        }
    }

    /// The block of atomics at an offset.
    ///
    /// # Safety
    /// As for [`slice`](Segment::slice), with one block.
    #[inline]
    pub(crate) unsafe fn get<T: AtomicBlock>(&self, offset: usize) -> &T {
        // SAFETY: passed on from the caller.
        let blocks = unsafe { self.slice::<T>(offset, 1) };
        &blocks[0]
    }

    /// Consecutive blocks of atomics from an offset on.
    ///
    /// # Safety
    /// `offset` is a multiple of the alignment of `T`, and the segment was allocated with at least that alignment. The bytes
    /// there were zeroed before the first rank used them, and every rank of the node uses them as these blocks only.
    #[inline]
    pub(crate) unsafe fn slice<T: AtomicBlock>(&self, offset: usize, len: usize) -> &[T] {
        let end = len
            .checked_mul(size_of::<T>())
            .and_then(|bytes| bytes.checked_add(offset));
        assert!(
            end.is_some_and(|end| end <= self.len),
            "blocks of atomics lie inside their segment"
        );
        // SAFETY: inside the segment, as checked.
        let start = unsafe { self.start().add(offset) };
        // SAFETY: aligned, zeroed and used as these blocks only (caller's duties); inside the segment, as checked, and valid as
        // long as `self`, which keeps the memory mapped.
        unsafe { cast::slice(start, len) }
    }
}

impl Drop for Segment {
    fn drop(&mut self) {
        if let Some(block) = self.block {
            // SAFETY: the block is one of this chunk's allocator, and this rank has not dropped its reference before (duties
            // of `in_chunk`).
            unsafe { arena::drop_ref(&self.chunk, block) };
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::layout::placer::PAGE;
    use crate::memory::map::Heap;

    #[test]
    fn segments_and_chunks_lie_inside_each_other() {
        let chunk = Chunk::of_mapping(Mapping::heap(Arc::new(Heap::new(1000, PAGE).unwrap())));
        let capacity = chunk.len();
        assert!(capacity >= 1000);
        let whole = Rc::new(Segment::whole(chunk.clone(), 1000));
        assert_eq!((whole.start(), whole.len()), (chunk.start(), 1000));
        assert_eq!(whole.own_mapping(), capacity);
        assert!(
            whole
                .mapping()
                .is_some_and(|mapping| mapping.start() == whole.start())
        );
        let rest = Chunk::of_segment(&whole, 640);
        assert_eq!(rest.len(), 360);
        let distance = rest.start().addr().get() - whole.start().addr().get();
        assert_eq!(distance, 640);
    }

    #[test]
    fn blocks_of_a_chunk_have_no_mapping_of_their_own() {
        let chunk = Chunk::of_mapping(Mapping::heap(Arc::new(Heap::new(1 << 20, PAGE).unwrap())));
        let mut allocator = arena::Allocator::default();
        // SAFETY: new, zeroed, and used through this allocator only.
        unsafe { allocator.add(chunk.clone()) };
        let allocation = allocator.allocate_zeroed(100, 8, 1).unwrap();
        // SAFETY: allocated for one rank, in this chunk.
        let segment = unsafe { Segment::in_chunk(chunk.clone(), allocation, 100) };
        assert_eq!((segment.len(), segment.own_mapping()), (100, 0));
        assert!(segment.mapping().is_none());
        let distance = segment.start().addr().get() - chunk.start().addr().get();
        assert_eq!(distance as u64, allocation.data);
    }
}
