//! Many small objects in few mappings: an allocator of blocks with reference counts.
//!
//! The leader of a node keeps the [`Allocator`] of the chunks that its `Comm` has mapped and decides where each block goes.
//! The other ranks learn the [`Allocation`] with the outcome of the call that creates the object. Each rank drops its
//! reference to the block by one atomic decrement. The last one pushes the block onto the free list of its chunk, which the
//! leader empties when it needs memory. There is no lock that a killed rank could hold.
//!
//! ```text
//! chunk:   | head: free list | block | block | ...
//! block:   | head: refs, next | data: aligned as the object requires | rest up to a power of two
//! ```

use crate::layout::placer::{PAGE, round_up};
use crate::memory::Chunk;
use crate::memory::cast::AtomicBlock;
use crate::sync::atomic::{AtomicU32, Ordering};
use serde::{Deserialize, Serialize};

/// Unit of block numbers and of alignment: with it, a number of 32 bits reaches 256 GiB.
const LINE: usize = 64;
/// Bytes before the first block of a chunk.
const CHUNK_HEAD: usize = LINE;
/// Bytes before the data of a block.
pub(crate) const BLOCK_HEAD: usize = LINE;

/// The largest block that goes into a chunk. Larger objects get a mapping of their own, which returns to the system.
pub(crate) const LARGEST_BLOCK: usize = 1 << 18;

/// The first bytes of a chunk.
#[derive(Debug)]
#[repr(C)]
struct ChunkHead {
    /// Number of the block that was freed last, 0 for none.
    freed: AtomicU32,
}

/// The first bytes of a block.
#[derive(Debug)]
#[repr(C)]
struct BlockHead {
    /// Ranks that have not dropped their reference.
    refs: AtomicU32,
    /// The next block of the free list.
    next: AtomicU32,
    /// Its size class, written once by the leader.
    class: AtomicU32,
}

#[cfg(not(loom))]
const _: () = assert!(size_of::<ChunkHead>() <= CHUNK_HEAD && size_of::<BlockHead>() <= BLOCK_HEAD);

// SAFETY: a `repr(C)` struct of atomic integers.
unsafe impl AtomicBlock for ChunkHead {}
// SAFETY: a `repr(C)` struct of atomic integers.
unsafe impl AtomicBlock for BlockHead {}

/// The head of a chunk.
///
/// # Safety
/// The chunk belongs to an allocator.
unsafe fn chunk_head(chunk: &Chunk) -> &ChunkHead {
    // SAFETY: `Allocator::add` takes zeroed chunks, and uses the first line of a chunk as its head only.
    unsafe { chunk.get(0) }
}

/// The head of a block.
///
/// # Safety
/// The chunk belongs to an allocator, and `block` is the number of one of its blocks.
unsafe fn block_head(chunk: &Chunk, block: u32) -> &BlockHead {
    // SAFETY: block numbers count lines from the start of the chunk. The first line of a block was zero when the block was
    // made, and is used as its head only: the data begins `BLOCK_HEAD` bytes later.
    unsafe { chunk.get(block as usize * LINE) }
}

/// Where the leader put a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Allocation {
    /// Index of the chunk among those of the `Comm`.
    pub(crate) chunk: u32,
    /// Number of the block's first line in the chunk.
    pub(crate) block: u32,
    /// First byte of the data in the chunk, which may be larger than 4 GiB.
    pub(crate) data: u64,
}

/// Drops this rank's reference to a block.
///
/// # Safety
/// The chunk belongs to an allocator, and `block` is one of its blocks, to which this rank holds a reference.
pub(super) unsafe fn drop_ref(chunk: &Chunk, block: u32) {
    // SAFETY: passed on from the caller.
    let chunk_head = unsafe { chunk_head(chunk) };
    // SAFETY: passed on from the caller.
    let block_head = unsafe { block_head(chunk, block) };
    release(chunk_head, block_head, block);
}

/// Drops one reference to a block, and frees the block if that was the last one.
fn release(chunk: &ChunkHead, block: &BlockHead, number: u32) {
    // [DROP] release: this rank's last use of the data. Acquire: that of the ranks before, passed on by the push below.
    if block.refs.fetch_sub(1, Ordering::AcqRel) != 1 {
        return;
    }
    let mut first = chunk.freed.load(Ordering::Relaxed);
    loop {
        block.next.store(first, Ordering::Relaxed);
        // [FREED] release: `next`, and every rank's last use. The list is only ever emptied as a whole, so the same number
        // cannot come back between the load and here with another `next`.
        match chunk
            .freed
            .compare_exchange_weak(first, number, Ordering::Release, Ordering::Relaxed)
        {
            Ok(_) => return,
            Err(found) => first = found,
        }
    }
}

/// Empties the free list of a chunk. Returns its blocks, the last freed one first.
fn take_freed<'a>(chunk: &ChunkHead, head: impl Fn(u32) -> &'a BlockHead) -> Vec<u32> {
    let mut blocks = Vec::new();
    // [FREED] acquire: `next` of each block, and every rank's last use of it.
    let mut number = chunk.freed.swap(0, Ordering::Acquire);
    while number != 0 {
        blocks.push(number);
        number = head(number).next.load(Ordering::Relaxed);
    }
    blocks
}

/// Size class of a block: the exponent of the power of two that holds the head, the data, and what alignment may waste.
/// `None` for sizes that no chunk reaches.
fn class(size: usize, align: usize) -> Option<u32> {
    const REACH: usize = 1 << 32;
    let bytes = BLOCK_HEAD
        .checked_add(size)?
        .checked_add(align.saturating_sub(LINE))?;
    (bytes <= REACH).then(|| bytes.next_power_of_two().trailing_zeros())
}

/// Whether an object goes into a chunk, not into a mapping of its own.
pub(crate) fn is_small(size: usize, align: usize) -> bool {
    class(size, align).is_some_and(|class| 1 << class <= LARGEST_BLOCK)
}

/// Bytes of a chunk that a block takes.
pub(crate) fn block_bytes(size: usize, align: usize) -> usize {
    class(size, align).map_or(0, |class| 1 << class)
}

/// Size of the `index`-th chunk of a `Comm`. Sizes double up to 8 MiB, so that there are few chunks.
pub(crate) fn chunk_bytes(index: usize) -> usize {
    (4 * LARGEST_BLOCK) << index.min(3)
}

/// Allocates blocks in the chunks of one `Comm`. Only the leader of the node has one.
#[derive(Debug, Default)]
pub(crate) struct Allocator {
    chunks: Vec<ChunkEntry>,
    /// Free blocks by class: chunk and number of each.
    free: Vec<Vec<(u32, u32)>>,
}

#[derive(Debug)]
struct ChunkEntry {
    chunk: Chunk,
    /// First byte that belongs to no block.
    end: usize,
}

impl Allocator {
    /// Adds a chunk that is new and zeroed.
    ///
    /// # Safety
    /// The chunk is the next one of the same `Comm` on every rank of the node. Its memory is used through this allocator only.
    pub(crate) unsafe fn add(&mut self, chunk: Chunk) {
        self.chunks.push(ChunkEntry {
            chunk,
            end: CHUNK_HEAD,
        });
    }

    /// Allocates a block for `ranks` ranks and clears its data. `None` when a chunk must be added first.
    pub(crate) fn allocate_zeroed(
        &mut self,
        size: usize,
        align: usize,
        ranks: usize,
    ) -> Option<Allocation> {
        let allocation = self.allocate(size, align, ranks)?;
        let chunk = &self.chunks[allocation.chunk as usize].chunk;
        // SAFETY: the data of a block is inside its chunk.
        let data = unsafe { chunk.start().add(allocation.data as usize) };
        // SAFETY: `size` bytes there belong to the block. No rank uses them: of a block that is used again, all ranks have
        // dropped their reference ([DROP], [FREED]).
        unsafe { data.write_bytes(0, size) };
        Some(allocation)
    }

    fn allocate(&mut self, size: usize, align: usize, ranks: usize) -> Option<Allocation> {
        let class = class(size, align)?;
        let (chunk, block) = self.find(class)?;
        let entry = &self.chunks[chunk as usize];
        // SAFETY: `find` returns blocks of this allocator.
        let head = unsafe { block_head(&entry.chunk, block) };
        // The other ranks see it with the outcome of the call that creates the object.
        head.refs.store(ranks as u32, Ordering::Relaxed);
        // Only the offset inside a page is the same on all ranks, and no alignment is larger than a page.
        let skew = entry.chunk.start().addr().get() % PAGE;
        let data = round_up(skew + block as usize * LINE + BLOCK_HEAD, align.max(LINE))? - skew;
        Some(Allocation {
            chunk,
            block,
            data: data as u64,
        })
    }

    /// Frees a block that no rank has used.
    pub(crate) fn free(&mut self, allocation: Allocation) {
        let chunk = &self.chunks[allocation.chunk as usize].chunk;
        // SAFETY: the allocation is one of this allocator.
        let head = unsafe { block_head(chunk, allocation.block) };
        let class = head.class.load(Ordering::Relaxed);
        self.free[class as usize].push((allocation.chunk, allocation.block));
    }

    fn find(&mut self, class: u32) -> Option<(u32, u32)> {
        let index = class as usize;
        if self.free.len() <= index {
            self.free.resize_with(index + 1, Vec::new);
        }
        if self.free[index].is_empty() {
            self.reclaim();
        }
        if let Some(found) = self.free[index].pop() {
            return Some(found);
        }
        let bytes = 1_usize << class;
        // Newer chunks are larger and emptier.
        for (number, entry) in self.chunks.iter_mut().enumerate().rev() {
            if entry.end + bytes <= entry.chunk.len() {
                let block = (entry.end / LINE) as u32;
                entry.end += bytes;
                // SAFETY: the block is inside the chunk, whose memory is zeroed and unused from `end` on.
                let head = unsafe { block_head(&entry.chunk, block) };
                head.class.store(class, Ordering::Relaxed);
                return Some((number as u32, block));
            }
        }
        None
    }

    /// Collects the blocks to which all ranks have dropped their reference.
    fn reclaim(&mut self) {
        for (number, ChunkEntry { chunk, .. }) in self.chunks.iter().enumerate() {
            // SAFETY: a chunk of this allocator.
            let chunk_head = unsafe { chunk_head(chunk) };
            // SAFETY: only blocks of this allocator are on its free lists.
            let block_head = |block| unsafe { block_head(chunk, block) };
            for block in take_freed(chunk_head, block_head) {
                let class = block_head(block).class.load(Ordering::Relaxed);
                self.free[class as usize].push((number as u32, block));
            }
        }
    }
}

#[cfg(all(test, loom))]
mod models {
    //! The free list under the model checker.
    use super::*;
    use loom::sync::Arc;

    fn block(refs: u32) -> BlockHead {
        BlockHead {
            refs: AtomicU32::new(refs),
            next: AtomicU32::new(0),
            class: AtomicU32::new(0),
        }
    }

    /// Two ranks drop their references to two blocks while the leader collects freed ones: it finds each block exactly once,
    /// and then sees every use that the ranks made of it.
    #[test]
    fn loom_each_block_is_freed_once() {
        loom::model(|| {
            let chunk = Arc::new(ChunkHead {
                freed: AtomicU32::new(0),
            });
            let blocks = Arc::new([block(2), block(1)]);
            let data = Arc::new(loom::cell::UnsafeCell::new(0_u32));
            let other = {
                let (chunk, blocks, data) = (chunk.clone(), blocks.clone(), data.clone());
                loom::thread::spawn(move || {
                    data.with(|data| {
                        // SAFETY: the leader writes only after both ranks have dropped their reference.
                        unsafe { *data }
                    });
                    release(&chunk, &blocks[0], 1);
                    release(&chunk, &blocks[1], 2);
                })
            };
            release(&chunk, &blocks[0], 1);
            let mut found = Vec::new();
            while found.len() < 2 {
                let freed = take_freed(&chunk, |number| &blocks[number as usize - 1]);
                if freed.contains(&1) {
                    // SAFETY: the model checker reports a race if the other rank's read is not ordered before this.
                    data.with_mut(|data| unsafe { *data = 1 });
                }
                found.extend(freed);
                loom::thread::yield_now();
            }
            found.sort_unstable();
            assert_eq!(found, [1, 2]);
            other.join().unwrap();
        });
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::memory::Segment;
    use crate::memory::map::{Heap, Mapping};
    use std::sync::Arc;

    /// A new chunk of zeros.
    fn chunk(bytes: usize) -> Chunk {
        Chunk::of_mapping(Mapping::heap(Arc::new(Heap::new(bytes, PAGE).unwrap())))
    }

    fn allocator(chunks: &[&Chunk]) -> Allocator {
        let mut allocator = Allocator::default();
        for chunk in chunks {
            // SAFETY: new, zeroed, and used through this allocator only.
            unsafe { allocator.add((*chunk).clone()) };
        }
        allocator
    }

    #[test]
    fn objects_lie_inside_their_blocks_whatever_their_alignment() {
        // A chunk may begin anywhere in a page, in lines.
        let whole = std::rc::Rc::new(Segment::whole(chunk(chunk_bytes(3)), chunk_bytes(3)));
        for skew in [0, 64, 192, PAGE - 64] {
            let chunk = Chunk::of_segment(&whole, skew);
            // SAFETY: as long as the chunk, and used by nobody now.
            unsafe { chunk.start().write_bytes(0, chunk.len()) };
            let mut allocator = allocator(&[&chunk]);
            let mut end = CHUNK_HEAD;
            for align in [1, 8, 64, 128, 512, PAGE] {
                for size in [1, 63, 64, 192, 1000, 1984, 4032, 8000] {
                    let Allocation { block, data, .. } =
                        allocator.allocate_zeroed(size, align, 1).unwrap();
                    let (start, data) = (block as usize * LINE, data as usize);
                    let place = format!("{size} B aligned to {align} at {data}, skew {skew}");
                    assert!(start >= end, "{place}");
                    end = start + block_bytes(size, align);
                    assert!(data >= start + BLOCK_HEAD && data + size <= end, "{place}");
                    let address = chunk.start().addr().get() + data;
                    assert!(address.is_multiple_of(align.max(LINE)), "{place}");
                }
            }
        }
    }

    #[test]
    fn blocks_are_used_again_when_all_ranks_have_dropped_them() {
        let chunk = chunk(chunk_bytes(0));
        let mut allocator = allocator(&[&chunk]);
        let first = allocator.allocate_zeroed(100, 8, 2).unwrap();
        // SAFETY: allocated for two ranks, in the one chunk.
        let segment = || unsafe { Segment::in_chunk(chunk.clone(), first, 100) };
        let ranks = [segment(), segment()];
        // SAFETY: inside the segment, which nobody else uses now.
        unsafe { ranks[0].start().write_bytes(7, 100) };
        let [one, other] = ranks;
        drop(one);
        let second = allocator.allocate_zeroed(100, 8, 2).unwrap();
        assert_ne!(second.block, first.block, "one rank still has it");
        drop(other);
        // Of another size, so of another class.
        let third = allocator.allocate_zeroed(1000, 8, 1).unwrap();
        assert_ne!(third.block, first.block);
        let again = allocator.allocate_zeroed(120, 64, 1).unwrap();
        assert_eq!((again.block, again.data), (first.block, first.data));
        // SAFETY: inside the chunk.
        let data = unsafe { chunk.start().add(again.data as usize) };
        // SAFETY: as above; nobody else uses the block.
        let bytes = unsafe { std::slice::from_raw_parts(data.as_ptr(), 120) };
        assert_eq!(bytes, [0; 120]);
        allocator.free(second);
        assert_eq!(allocator.allocate_zeroed(150, 8, 1), Some(second));
    }

    #[test]
    fn chunks_are_filled_and_the_next_one_is_asked_for() {
        let chunks = [chunk(chunk_bytes(0)), chunk(chunk_bytes(1))];
        let mut allocator = allocator(&[&chunks[0], &chunks[1]]);
        let largest = LARGEST_BLOCK - BLOCK_HEAD;
        let mut found = Vec::new();
        while let Some(allocation) = allocator.allocate_zeroed(largest, 8, 1) {
            let end = allocation.block as usize * LINE + LARGEST_BLOCK;
            assert!(end <= chunks[allocation.chunk as usize].len());
            found.push(allocation.chunk);
        }
        // The heads take some bytes, so one block fewer than the size allows; newer chunks first.
        assert_eq!(found, [[1; 7].as_slice(), &[0; 3]].concat());
        assert_eq!(chunk_bytes(0), 1 << 20);
        assert_eq!(
            [2, 3, 4, 9].map(chunk_bytes),
            [4, 8, 8, 8].map(|mib| mib << 20)
        );
    }

    #[test]
    fn large_objects_get_a_mapping_of_their_own() {
        assert!(is_small(LARGEST_BLOCK - BLOCK_HEAD, 64));
        assert!(!is_small(LARGEST_BLOCK - BLOCK_HEAD + 1, 64));
        assert!(!is_small(LARGEST_BLOCK - BLOCK_HEAD, 128));
        assert!(is_small(LARGEST_BLOCK - BLOCK_HEAD - 64, 128));
        assert_eq!(block_bytes(1 << 32, 64), 0, "no chunk is that large");
        assert_eq!(block_bytes((1 << 32) - BLOCK_HEAD, 64), 1 << 32);
        assert_eq!(block_bytes(usize::MAX, 64), 0);
        assert!(!is_small(usize::MAX - 100, 4096));
    }
}
