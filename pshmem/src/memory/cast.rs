//! The casts from raw node memory to typed atomics, all in one place.
//!
//! Memory that other processes change at any time may only be reached through atomics. Zero bytes are a valid value of
//! every integer atomic, and a reference to an atomic does not forbid other ranks to change it.

use crate::comm::collective::control::{Control, Head, RankBlock};
use crate::lock::backend::node_lock::{self, NodeLock};
use crate::memory::Chunk;
use crate::memory::arena::{BlockHead, ChunkHead};
use crate::sync::atomic::AtomicU64;
use std::ptr::NonNull;

/// Sees a control block in raw memory.
///
/// # Safety
/// `start` is aligned to 64 and points to memory for a `Head` and `ranks` `RankBlock`s, valid during `'a`, initialised, and used
/// as that control block only.
pub(super) unsafe fn control<'a>(start: NonNull<u8>, ranks: usize) -> Control<'a> {
    debug_assert!(start.addr().get().is_multiple_of(align_of::<Head>()));
    // SAFETY: aligned, valid, initialised (caller's duty); made of atomics only, so sharing it is sound.
    let head = unsafe { start.cast::<Head>().as_ref() };
    // SAFETY: ranks follow the head, whose size is a multiple of their alignment.
    let first = unsafe { start.add(size_of::<Head>()) }.cast::<RankBlock>();
    // SAFETY: as for the head, for `ranks` elements.
    let ranks = unsafe { std::slice::from_raw_parts(first.as_ptr(), ranks) };
    Control { head, ranks }
}

/// Sees a lock in raw memory, for the rank with the entry `me`.
///
/// # Safety
/// As for `control`, with the head of a lock and as many entries as `ranks`.
pub(super) unsafe fn node_lock<'a>(start: NonNull<u8>, ranks: usize, me: usize) -> NodeLock<'a> {
    debug_assert!(
        start
            .addr()
            .get()
            .is_multiple_of(align_of::<node_lock::Head>())
    );
    // SAFETY: as in `control`.
    let head = unsafe { start.cast::<node_lock::Head>().as_ref() };
    // SAFETY: as in `control`.
    let first = unsafe { start.add(size_of::<node_lock::Head>()) }.cast::<node_lock::Entry>();
    // SAFETY: as in `control`.
    let entries = unsafe { std::slice::from_raw_parts(first.as_ptr(), ranks) };
    NodeLock { head, entries, me }
}

/// Sees words in raw memory.
///
/// # Safety
/// As for `control`, with `len` words.
pub(super) unsafe fn words<'a>(start: NonNull<u8>, len: usize) -> &'a [AtomicU64] {
    debug_assert!(start.addr().get().is_multiple_of(align_of::<AtomicU64>()));
    // SAFETY: as in `control`.
    unsafe { std::slice::from_raw_parts(start.cast::<AtomicU64>().as_ptr(), len) }
}

/// Sees the head of a chunk and that of a block in it.
///
/// # Safety
/// The chunk has a book, and `block` is the number of a block that it has placed.
pub(super) unsafe fn heads(chunk: &Chunk, block: u32) -> (&ChunkHead, &BlockHead) {
    // SAFETY: passed on from the caller.
    (unsafe { chunk_head(chunk) }, unsafe {
        block_head(chunk, block)
    })
}

/// Sees the head of a chunk.
///
/// # Safety
/// The chunk has a book.
pub(super) unsafe fn chunk_head(chunk: &Chunk) -> &ChunkHead {
    // SAFETY: a chunk begins with its head, aligned to 64, zeroed; made of atomics only.
    unsafe { chunk.start().cast::<ChunkHead>().as_ref() }
}

/// Sees the head of a block.
///
/// # Safety
/// The chunk has a book, and `block` is the number of a block that it has placed.
pub(super) unsafe fn block_head(chunk: &Chunk, block: u32) -> &BlockHead {
    // SAFETY: block numbers count lines of 64 bytes from the start of the chunk, and the book places blocks inside it.
    let start = unsafe { chunk.start().add(block as usize * 64) };
    // SAFETY: aligned to 64, inside the chunk, initialised; made of atomics only.
    unsafe { start.cast::<BlockHead>().as_ref() }
}
