//! Many objects in few mappings.
//!
//! The leader of a node keeps a book of the chunks that its `Comm` has mapped and decides where each block goes; the other
//! ranks learn the place with the outcome of the call that creates the object. Letting go is one atomic decrement by each
//! rank; the last one pushes the block onto the chunk's list of freed blocks, which the leader takes as a whole when it
//! looks for room. There is no lock that a killed rank could hold.
//!
//! ```text
//! chunk:   | head: freed | block | block | ...
//! block:   | head: refs, next | data: aligned as the object asks | rest up to a power of two
//! ```

use crate::layout::placer::{PAGE, round_up};
use crate::memory::{BLOCK_HEAD, CHUNK_HEAD, Chunk, cast};
use crate::sync::atomic::{AtomicU32, Ordering};
use serde::{Deserialize, Serialize};

/// Blocks are counted in lines, so that a number of 32 bits reaches 256 GiB.
const LINE: usize = 64;

/// The largest block that goes into a chunk; larger objects get a mapping of their own and give it back to the system.
pub(crate) const LARGEST_BLOCK: usize = 1 << 18;

/// The first bytes of a chunk.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct ChunkHead {
    /// Number of the block that was freed last, 0 for none.
    freed: AtomicU32,
}

/// The first bytes of a block.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct BlockHead {
    /// Ranks that have not let go.
    refs: AtomicU32,
    /// The next block of the freed list.
    next: AtomicU32,
    /// Its size class, written once by the leader.
    class: AtomicU32,
}

/// Where the leader put a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Allocation {
    /// Which chunk of the `Comm`.
    pub(crate) chunk: u32,
    /// Number of the block's first line in the chunk.
    pub(crate) block: u32,
    /// First byte of the data in the chunk.
    pub(crate) data: u32,
}

/// One rank lets go of a block.
pub(crate) fn let_go(chunk: &ChunkHead, block: &BlockHead, number: u32) {
    // [LET-GO] release: this rank's last use of the data. Acquire: that of the ranks before, passed on by the push below.
    if block.refs.fetch_sub(1, Ordering::AcqRel) != 1 {
        return;
    }
    let mut first = chunk.freed.load(Ordering::Relaxed);
    loop {
        block.next.store(first, Ordering::Relaxed);
        // [FREED] release: `next`, and every rank's last use. The list is only ever taken as a whole, so the same number
        // cannot come back between the load and here with another `next`.
        match chunk
            .freed
            .compare_exchange_weak(first, number, Ordering::Release, Ordering::Relaxed)
        {
            Ok(_) => return,
            Err(now) => first = now,
        }
    }
}

/// Takes the freed blocks of a chunk, newest first.
pub(crate) fn take_freed<'a>(chunk: &ChunkHead, head: impl Fn(u32) -> &'a BlockHead) -> Vec<u32> {
    let mut blocks = Vec::new();
    // [FREED] acquire.
    let mut number = chunk.freed.swap(0, Ordering::Acquire);
    while number != 0 {
        blocks.push(number);
        number = head(number).next.load(Ordering::Relaxed);
    }
    blocks
}

/// Gives a block to `ranks` ranks.
pub(crate) fn hand_out(block: &BlockHead, ranks: u32) {
    // Published to the others with the outcome of the call that creates the object.
    block.refs.store(ranks, Ordering::Relaxed);
}

/// Size class of a block: the exponent of the power of two that holds head, data and what alignment may waste. `None` for
/// sizes that no chunk reaches.
fn class(size: usize, align: usize) -> Option<u32> {
    const REACH: usize = 1 << 32;
    let bytes = BLOCK_HEAD
        .checked_add(size)?
        .checked_add(align.saturating_sub(LINE))?;
    (bytes <= REACH).then(|| bytes.next_power_of_two().trailing_zeros())
}

/// Whether an object lies in a chunk, and not in a mapping of its own.
pub(crate) fn is_small(size: usize, align: usize) -> bool {
    class(size, align).is_some_and(|class| 1 << class <= LARGEST_BLOCK)
}

/// Bytes that a block takes from a chunk.
pub(crate) fn block_bytes(size: usize, align: usize) -> usize {
    class(size, align).map_or(0, |class| 1 << class)
}

/// Size of a `Comm`'s `index`-th chunk: they double, so that few are needed, up to 8 MiB.
pub(crate) fn chunk_bytes(index: usize) -> usize {
    (4 * LARGEST_BLOCK) << index.min(3)
}

/// The leader's account of the chunks of one `Comm`.
#[derive(Debug, Default)]
pub(crate) struct Allocator {
    chunks: Vec<ChunkEntry>,
    /// Free blocks by class.
    free: Vec<Vec<(u32, u32)>>,
}

#[derive(Debug)]
struct ChunkEntry {
    chunk: Chunk,
    /// First byte that belongs to no block.
    end: usize,
}

impl Allocator {
    /// Adds a chunk that is fresh and zeroed.
    ///
    /// # Safety
    /// The chunk is the next one of the same `Comm` on every rank of the node, and used through its book only.
    pub(crate) unsafe fn add(&mut self, chunk: Chunk) {
        self.chunks.push(ChunkEntry {
            chunk,
            end: CHUNK_HEAD,
        });
    }

    /// Places a block for `ranks` ranks, or says that a chunk must be added first.
    ///
    /// The data is not cleared.
    pub(crate) fn place(&mut self, size: usize, align: usize, ranks: usize) -> Option<Allocation> {
        let class = class(size, align)?;
        let (chunk, block) = self.find(class)?;
        let page = &self.chunks[chunk as usize];
        // SAFETY: `find` returns blocks of this book.
        hand_out(
            unsafe { cast::block_head(&page.chunk, block) },
            ranks as u32,
        );
        // Only the offset inside a page is common to all ranks, and no alignment is larger than a page.
        let skew = page.chunk.start().addr().get() % PAGE;
        let data = round_up(skew + block as usize * LINE + BLOCK_HEAD, align.max(LINE))? - skew;
        Some(Allocation {
            chunk,
            block,
            data: data as u32,
        })
    }

    /// Like `place`, with the data cleared.
    pub(crate) fn place_zeroed(
        &mut self,
        size: usize,
        align: usize,
        ranks: usize,
    ) -> Option<Allocation> {
        let placement = self.place(size, align, ranks)?;
        let chunk = &self.chunks[placement.chunk as usize].chunk;
        // SAFETY: the data of a block that was just placed is inside the chunk.
        let data = unsafe { chunk.start().add(placement.data as usize) };
        // SAFETY: `size` bytes there belong to the block, and no rank uses them yet: of a reused block, all ranks have let go
        // ([LET-GO], [FREED]).
        unsafe { data.write_bytes(0, size) };
        Some(placement)
    }

    /// Takes a block back that no rank has used.
    pub(crate) fn take_back(&mut self, place: Allocation) {
        let chunk = &self.chunks[place.chunk as usize].chunk;
        // SAFETY: the placement is one of this book.
        let class = unsafe { cast::block_head(chunk, place.block) }
            .class
            .load(Ordering::Relaxed);
        self.free[class as usize].push((place.chunk, place.block));
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
        for (number, page) in self.chunks.iter_mut().enumerate().rev() {
            if page.end + bytes <= page.chunk.len() {
                let block = (page.end / LINE) as u32;
                page.end += bytes;
                // SAFETY: the block is inside the chunk, whose memory is zeroed and unused from `end` on.
                let head = unsafe { cast::block_head(&page.chunk, block) };
                head.class.store(class, Ordering::Relaxed);
                return Some((number as u32, block));
            }
        }
        None
    }

    /// Files the blocks that all ranks have let go of under their class.
    fn reclaim(&mut self) {
        for number in 0..self.chunks.len() {
            let chunk = self.chunks[number].chunk.clone();
            // SAFETY: every page of the book is a chunk.
            let head = unsafe { cast::chunk_head(&chunk) };
            // SAFETY: only blocks of this book are on its freed list.
            let block_head = |block| unsafe { cast::block_head(&chunk, block) };
            for block in take_freed(head, block_head) {
                let class = block_head(block).class.load(Ordering::Relaxed);
                self.free[class as usize].push((number as u32, block));
            }
        }
    }
}

#[cfg(all(test, loom))]
mod models {
    //! The freed list under the model checker.
    use super::*;
    use loom::sync::Arc;

    fn block(refs: u32) -> BlockHead {
        BlockHead {
            refs: AtomicU32::new(refs),
            next: AtomicU32::new(0),
            class: AtomicU32::new(0),
        }
    }

    /// Two ranks let go of two blocks while the leader looks for freed ones: each block is found exactly once, and the
    /// leader then sees every use that the ranks made of it.
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
                        // SAFETY: the leader writes only after both ranks have let go.
                        unsafe { *data }
                    });
                    let_go(&chunk, &blocks[0], 1);
                    let_go(&chunk, &blocks[1], 2);
                })
            };
            let_go(&chunk, &blocks[0], 1);
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
