//! Bytes of node memory that are only read from now on. They need no handle and no `Comm`, and belong to no thread.

use crate::memory::Segment;
use crate::memory::arena;
use crate::memory::map::Mapping;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// Bytes up to which each rank gets a copy of its own: a mapping costs more than that.
const COPIED: usize = 64 << 10;

/// How many bytes an object needs whose first `len` bytes are to be frozen. More than `len`, if the object would otherwise be a
/// block of the arena, which only handles keep alive.
pub(crate) fn object_bytes(len: usize) -> usize {
    if len <= COPIED {
        return len;
    }
    len.max(arena::LARGEST_BLOCK)
}

/// Bytes that never change again. Clones share them; they stay mapped as long as one of them lives.
#[derive(Clone)]
pub(crate) struct FrozenBytes(Storage);

#[derive(Clone)]
enum Storage {
    /// A copy of this rank.
    Private(Arc<[u8]>),
    /// The first `len` bytes of node memory, which no rank of the node writes any more.
    Node { mapping: Arc<Mapping>, len: usize },
}

impl FrozenBytes {
    /// The bytes of an object; a copy of them if the object has no mapping for itself.
    ///
    /// # Safety
    /// All bytes of the segment are initialised. No rank of the node writes them any more, or has a reference through which it
    /// could, and what was written before has been made visible to this rank.
    pub(crate) unsafe fn of_segment(segment: &Segment) -> Self {
        let len = segment.len();
        if let Some(mapping) = segment.mapping() {
            let mapping = mapping.clone();
            return FrozenBytes(Storage::Node { mapping, len });
        }
        // SAFETY: valid for the segment's length as long as the segment is borrowed, initialised, and not written any more
        // (caller's duties).
        let bytes = unsafe { std::slice::from_raw_parts(segment.start().as_ptr(), len) };
        FrozenBytes(Storage::Private(bytes.into()))
    }
}

impl Default for FrozenBytes {
    fn default() -> Self {
        FrozenBytes::from(Vec::new())
    }
}

impl From<Vec<u8>> for FrozenBytes {
    fn from(bytes: Vec<u8>) -> Self {
        FrozenBytes(Storage::Private(bytes.into()))
    }
}

impl Deref for FrozenBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.0 {
            Storage::Private(bytes) => bytes,
            // SAFETY: the first `len` bytes of the mapping are those of the segment that `of_segment` was called for:
            // initialised, and not written any more (its caller's duties). They stay mapped as long as `self` is borrowed,
            // because `mapping` lives as long. That any thread may read them follows from the same duties: there is no write
            // that a read could race with, and the thread that passed `self` on has seen all writes before.
            Storage::Node { mapping, len } => unsafe {
                std::slice::from_raw_parts(mapping.start().as_ptr(), *len)
            },
        }
    }
}

impl fmt::Debug for FrozenBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FrozenBytes({} bytes)", self.len())
    }
}
