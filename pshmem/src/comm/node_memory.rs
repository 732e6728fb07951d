//! The node memory of one `Comm`, as one rank sees it: the chunks in which small objects lie.

use crate::comm::protocol::control::Control;
use crate::layout::placer::PAGE;
use crate::memory::arena::{self, Allocation, Allocator};
use crate::memory::{Chunk, Segment};
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// Memory for one object on one node.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AllocRequest {
    pub(crate) bytes: usize,
    pub(crate) align: usize,
    /// Ranks of the node that hold a reference to it.
    pub(crate) ranks: usize,
}

/// Bytes to allocate for the control block of `ranks` ranks, so that a first chunk for small objects fits behind it.
pub(crate) fn control_block_bytes(ranks: usize) -> usize {
    const SMALL_OBJECTS: usize = 8 << 10;
    arena::block_bytes(Control::bytes(ranks) + SMALL_OBJECTS, 64) - arena::BLOCK_HEAD
}

/// The chunks of one `Comm` on this node.
#[derive(Debug)]
pub(crate) struct NodeMemory {
    /// The same list on every rank of the node.
    chunks: RefCell<Vec<Chunk>>,
    /// Decides where blocks lie in the chunks. The leader's is used; those of other ranks stay empty.
    allocator: RefCell<Allocator>,
    /// Mappings that were asked for: a number that no two of them share.
    mappings: Cell<u64>,
    /// Numbers of objects that have been given out.
    numbers: Cell<u64>,
    /// Memory that calls use while they run; see `collective::scratch`. The same on all ranks.
    scratch: RefCell<Option<Rc<Segment>>>,
}

impl NodeMemory {
    /// Memory whose first chunk is the rest of the segment of a control block, from the byte `start` on.
    ///
    /// # Safety
    /// The segment was zeroed, its bytes from `start` on are used as this chunk only, and every rank of the node does this
    /// with the same segment.
    pub(crate) unsafe fn behind_control(
        control: &Rc<Segment>,
        start: usize,
        is_leader: bool,
    ) -> Self {
        let memory = NodeMemory {
            chunks: RefCell::default(),
            allocator: RefCell::default(),
            mappings: Cell::new(0),
            numbers: Cell::new(0),
            scratch: RefCell::default(),
        };
        // SAFETY: passed on from the caller.
        unsafe { memory.add_chunk(Chunk::of_segment(control, start), is_leader) };
        memory
    }

    /// Adds a chunk for small objects.
    ///
    /// # Safety
    /// The chunk is zeroed and used by nobody. It is the next chunk of this `Comm` on every rank of the node.
    pub(super) unsafe fn add_chunk(&self, chunk: Chunk, is_leader: bool) {
        self.chunks.borrow_mut().push(chunk.clone());
        if is_leader {
            // SAFETY: passed on from the caller.
            unsafe { self.allocator.borrow_mut().add(chunk) };
        }
    }

    /// On the leader: allocates all requests, zeroed, or none.
    pub(super) fn allocate(&self, requests: &[AllocRequest]) -> Option<Vec<Allocation>> {
        let mut allocator = self.allocator.borrow_mut();
        let mut allocations = Vec::with_capacity(requests.len());
        for request in requests {
            let AllocRequest {
                bytes,
                align,
                ranks,
            } = *request;
            let Some(allocation) = allocator.allocate_zeroed(bytes, align, ranks) else {
                for allocation in allocations {
                    allocator.free(allocation);
                }
                return None;
            };
            allocations.push(allocation);
        }
        Some(allocations)
    }

    /// On the leader: frees allocations that the other ranks have not learned of.
    pub(super) fn free(&self, allocations: Vec<Allocation>) {
        let mut allocator = self.allocator.borrow_mut();
        for allocation in allocations {
            allocator.free(allocation);
        }
    }

    /// Bytes of the next chunk: larger than the ones before, and large enough for these requests. If the node has no room for
    /// that, only as large as the requests need.
    pub(super) fn next_chunk_bytes(
        &self,
        requests: &[AllocRequest],
        has_room: impl FnOnce(usize) -> bool,
    ) -> usize {
        let needed: usize = requests
            .iter()
            .map(|request| arena::block_bytes(request.bytes, request.align))
            .sum();
        let needed = (needed + PAGE).next_multiple_of(PAGE);
        let usual = arena::chunk_bytes(self.chunks.borrow().len());
        if needed < usual && has_room(usual) {
            usual
        } else {
            needed
        }
    }

    /// This rank's view of memory that the leader has allocated.
    ///
    /// # Safety
    /// The leader's allocator of these chunks has made the allocation, for `bytes` and for as many ranks as call this. This
    /// rank calls it once.
    pub(super) unsafe fn segment(&self, allocation: Allocation, bytes: usize) -> Segment {
        let chunk = self.chunks.borrow()[allocation.chunk as usize].clone();
        // SAFETY: passed on from the caller.
        unsafe { Segment::in_chunk(chunk, allocation, bytes) }
    }

    /// A number that no mapping of this `Comm` has had.
    pub(super) fn next_mapping(&self) -> u64 {
        self.mappings.set(self.mappings.get() + 1);
        self.mappings.get()
    }

    /// A number that no object of this `Comm` has had.
    pub(crate) fn next_object(&self) -> u64 {
        self.numbers.set(self.numbers.get() + 1);
        self.numbers.get()
    }

    /// The memory that is kept for calls, if there is any.
    pub(super) fn scratch(&self) -> Option<Rc<Segment>> {
        self.scratch.borrow().clone()
    }

    /// Keeps other memory for calls, or none.
    pub(super) fn keep_scratch(&self, scratch: Option<Rc<Segment>>) {
        self.scratch.replace(scratch);
    }

    /// Bytes mapped for small objects and for calls.
    pub(crate) fn mapped(&self) -> usize {
        let chunks: usize = self.chunks.borrow().iter().map(Chunk::len).sum();
        let scratch = self.scratch.borrow();
        chunks + scratch.as_ref().map_or(0, |scratch| scratch.own_mapping())
    }
}
