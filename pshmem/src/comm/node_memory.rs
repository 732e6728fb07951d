//! How the ranks of a node get memory together: the leader finds a place in the arena, or all map a new chunk.
//!
//! Whether there is room is asked, and agreed over all nodes, before any is taken; what was taken is populated by its ranks
//! in parallel before anybody relies on it. Either every node has the memory afterwards, or none.

use crate::comm::collective::agreement::AGREEMENT_BYTES;
use crate::comm::collective::call::{Call, Step};
use crate::comm::collective::contribution::Contribution;
use crate::comm::collective::control::Control;
use crate::comm::collective::round::Agreed;
use crate::comm::rank_state::RankState;
use crate::comm::usage::ObjectUse;
use crate::error::{Error, Result};
use crate::layout::identity::Described;
use crate::layout::placer::{PAGE, round_up};
use crate::memory::arena::{self, Allocation, Allocator};
use crate::memory::{Chunk, Segment};
use serde::{Deserialize, Serialize};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

/// Room that a new mapping leaves for others, such as the MPI library's own segments.
const SLACK: usize = 1 << 20;

/// Memory for one object on one node.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AllocRequest {
    pub(crate) bytes: usize,
    pub(crate) align: usize,
    /// Ranks of the node that will let go of it.
    pub(crate) ranks: usize,
}

/// Bytes to allocate for the control block of `ranks` ranks, so that its block also holds a first chunk for small objects.
pub(crate) fn control_block_bytes(ranks: usize) -> usize {
    const SMALL_OBJECTS: usize = 8 << 10;
    arena::block_bytes(Control::bytes(ranks) + SMALL_OBJECTS, 64) - arena::BLOCK_HEAD
}

/// The chunks of one `Comm` on this node.
#[derive(Debug, Default)]
pub(crate) struct NodeMemory {
    /// The same list on every rank of the node.
    chunks: RefCell<Vec<Chunk>>,
    /// The leader's account of them; empty on other ranks.
    book: RefCell<Allocator>,
    /// Mappings asked for so far: a key that no two of them share.
    asked: Cell<u64>,
    /// Objects of which this rank has a handle, by number.
    objects: RefCell<BTreeMap<u64, Held>>,
}

/// What is known about an object that lives.
#[derive(Debug)]
struct Held {
    type_name: &'static str,
    bytes: usize,
    own_mapping: usize,
}

/// What a leader tells its node about the places it has found.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Allocations {
    found: Vec<Allocation>,
    /// Bytes of the chunk to be mapped first, or 0.
    grow: usize,
}

impl NodeMemory {
    /// Memory that begins with what a control block leaves of its segment.
    ///
    /// # Safety
    /// The segment was placed for [`control_block_bytes`] of `node_size`, zeroed, and every rank of the node does this
    /// with the same one.
    pub(crate) unsafe fn beside_control(
        control: &Rc<Segment>,
        node_size: usize,
        is_leader: bool,
    ) -> Self {
        let chunk = Chunk::of_segment(control, Control::bytes(node_size));
        let mut book = Allocator::default();
        if is_leader {
            // SAFETY: passed on from the caller.
            unsafe { book.add(chunk.clone()) };
        }
        NodeMemory {
            chunks: RefCell::new(vec![chunk]),
            book: RefCell::new(book),
            ..NodeMemory::default()
        }
    }

    /// Enters a new object in the list.
    pub(crate) fn hold(&self, number: u64, type_name: &'static str, segment: &Segment) {
        let held = Held {
            type_name,
            bytes: segment.len(),
            own_mapping: segment.own_mapping(),
        };
        self.objects.borrow_mut().insert(number, held);
    }

    /// Strikes an object off the list.
    pub(crate) fn drop_held(&self, number: u64) {
        self.objects.borrow_mut().remove(&number);
    }

    /// All objects of which this rank has a handle.
    pub(crate) fn objects(&self) -> Vec<ObjectUse> {
        let objects = self.objects.borrow();
        let entry = |(&number, held): (&u64, &Held)| ObjectUse {
            number,
            type_name: held.type_name,
            bytes: held.bytes,
        };
        objects.iter().map(entry).collect()
    }

    /// Bytes mapped for them, and for more of them.
    pub(crate) fn mapped(&self) -> usize {
        let chunks: usize = self.chunks.borrow().iter().map(Chunk::len).sum();
        let objects = self.objects.borrow();
        let own: usize = objects.values().map(|held| held.own_mapping).sum();
        chunks + own
    }

    fn next_key(&self) -> u64 {
        self.asked.set(self.asked.get() + 1);
        self.asked.get()
    }
}

impl RankState {
    /// All ranks meet for `call`; if they describe the same object, every node finds room for its `requests` and this rank gets
    /// the one with number `mine`, zeroed. Only the leader's list of requests counts.
    pub(crate) fn place(
        &self,
        call: Call,
        object: Option<&Described>,
        requests: &[AllocRequest],
        mine: Option<usize>,
    ) -> Result<Option<Segment>> {
        // Objects are as large on every node, so all ranks take the same way; control blocks are not.
        let large = object.is_some()
            && matches!(requests, [request] if !arena::is_small(request.bytes, request.align));
        let mut found = if self.topology.is_leader() && !large {
            self.find(requests)
        } else {
            None
        };
        let grow = self.topology.is_leader() && !large && found.is_none();
        let mut contribution = Contribution {
            needs_chunk: grow,
            ..Contribution::default()
        };
        match object.map(Described::key) {
            Some(key) if key.len() > AGREEMENT_BYTES => contribution.compare_in_pieces = true,
            key => contribution.must_match = key.map(<[u8]>::to_vec),
        }
        let agreed = self.agree_with(call, contribution, |agreed| {
            let grow = if grow { self.next_chunk(requests) } else { 0 };
            // A comparison that takes longer, or nodes that must grow first, leave the places for later.
            let found = if agreed.needs_chunk || agreed.compare_in_pieces {
                Vec::new()
            } else {
                found.take().unwrap_or_default()
            };
            encode(&Allocations { found, grow })
        });
        self.give_back(found);
        let Agreed {
            merged,
            from_leader,
        } = agreed?;
        if merged.compare_in_pieces {
            let identity = object.map(|object| object.identity().encode());
            self.compare(call, &identity.unwrap_or_default())?;
        }
        if large {
            return self.place_large(call, requests[0]).map(Some);
        }
        let mut places = decode(&from_leader);
        if merged.needs_chunk || merged.compare_in_pieces {
            places = self.grow(call, places.grow, requests)?;
        }
        Ok(mine.map(|mine| self.segment(places.found[mine], requests[mine].bytes)))
    }

    /// Every node that needs a new chunk maps it; then every leader places its requests.
    fn grow(&self, call: Call, bytes: usize, requests: &[AllocRequest]) -> Result<Allocations> {
        // A node that need not grow maps nothing, but all nodes learn whether any of them has failed.
        let chunk = self.map_agreed(call, bytes)?;
        if let Some(chunk) = chunk {
            self.memory.chunks.borrow_mut().push(chunk.clone());
            if self.topology.is_leader() {
                // SAFETY: fresh and zeroed, and the next chunk on every rank of the node: all agreed to it.
                unsafe { self.memory.book.borrow_mut().add(chunk) };
            }
        }
        let agreed = self.agree_with(call.step(Step::Allocate), Contribution::default(), |_| {
            let found = self
                .find(requests)
                .expect("a chunk for exactly these requests was added");
            encode(&Allocations { found, grow: 0 })
        })?;
        Ok(decode(&agreed.from_leader))
    }

    fn place_large(&self, call: Call, request: AllocRequest) -> Result<Segment> {
        let too_large = || Error::TooLarge {
            what: "the object".to_owned(),
            extents: vec![request.bytes],
            size: 1,
        };
        let bytes = round_up(request.bytes, PAGE).ok_or_else(too_large)?;
        let mapping = self
            .map_agreed(call, bytes)?
            .expect("every node maps a large object");
        Ok(Segment::whole(mapping, request.bytes))
    }

    /// Maps `bytes` (0 for a node that needs none), once all nodes have room, and populates them. All nodes succeed or none.
    fn map_agreed(&self, call: Call, bytes: usize) -> Result<Option<Chunk>> {
        let node_ranks = self.topology.node_ranks.len();
        let fault = if bytes > 0 && self.topology.is_leader() {
            self.check_room(bytes).err()
        } else {
            None
        };
        self.agree(call.step(Step::CheckRoom), Contribution::fault(fault))?;
        let mapped = if bytes > 0 {
            let key = (self.id << 24) | self.memory.next_key();
            self.world
                .transport
                .map_shared(&self.topology.node_addresses(), key, bytes)
                .map(Some)
        } else {
            Ok(None)
        };
        let (mapping, fault) = match mapped {
            Ok(Some(mapping)) => {
                // SAFETY: the mapping is fresh, so it holds zeros and no rank uses its bytes before all have agreed below.
                let populated = unsafe { mapping.populate(self.topology.local_rank, node_ranks) };
                (
                    Some(Chunk::of_mapping(mapping)),
                    populated.err().map(|_| self.no_room(bytes)),
                )
            }
            Ok(None) => (None, None),
            Err(error) => (None, Some(error.clipped())),
        };
        self.agree(call.step(Step::Populate), Contribution::fault(fault))?;
        Ok(mapping)
    }

    fn check_room(&self, bytes: usize) -> Result<()> {
        let memory = self
            .world
            .transport
            .free_memory(self.topology.node_ranks.len())?;
        let needed = bytes.saturating_add(SLACK);
        if needed <= memory.free {
            return Ok(());
        }
        let host = self.world.transport.host().to_owned();
        Err(Error::NoRoom {
            host,
            place: memory.place.to_owned(),
            needed,
            free: memory.free,
        })
    }

    fn no_room(&self, needed: usize) -> Error {
        let host = self.world.transport.host().to_owned();
        match self
            .world
            .transport
            .free_memory(self.topology.node_ranks.len())
        {
            Ok(memory) => Error::NoRoom {
                host,
                place: memory.place.to_owned(),
                needed,
                free: memory.free,
            },
            Err(error) => error,
        }
    }

    /// Allocations all requests, or none.
    fn find(&self, requests: &[AllocRequest]) -> Option<Vec<Allocation>> {
        let mut book = self.memory.book.borrow_mut();
        let mut found = Vec::with_capacity(requests.len());
        for request in requests {
            let Some(place) = book.allocate_zeroed(request.bytes, request.align, request.ranks)
            else {
                for place in found {
                    book.free(place);
                }
                return None;
            };
            found.push(place);
        }
        Some(found)
    }

    fn give_back(&self, places: Option<Vec<Allocation>>) {
        let mut book = self.memory.book.borrow_mut();
        places
            .into_iter()
            .flatten()
            .for_each(|place| book.free(place));
    }

    /// Bytes of the next chunk: larger than the ones before, and large enough for these requests. Where the node has no room
    /// for that, only what these requests need.
    fn next_chunk(&self, requests: &[AllocRequest]) -> usize {
        let needed: usize = requests
            .iter()
            .map(|request| arena::block_bytes(request.bytes, request.align))
            .sum();
        let usual = arena::chunk_bytes(self.memory.chunks.borrow().len());
        let needed = (needed + PAGE).next_multiple_of(PAGE);
        if needed < usual && self.check_room(usual).is_ok() {
            usual
        } else {
            needed
        }
    }

    fn segment(&self, place: Allocation, bytes: usize) -> Segment {
        let chunk = self.memory.chunks.borrow()[place.chunk as usize].clone();
        // SAFETY: the leader's book of these chunks made the placement for these bytes, and this rank is one of those that
        // it counted; it makes one segment of it.
        unsafe { Segment::in_chunk(chunk, place, bytes) }
    }
}

fn encode(places: &Allocations) -> Vec<u8> {
    postcard::to_allocvec(places).expect("places are plain data and always encode")
}

fn decode(bytes: &[u8]) -> Allocations {
    postcard::from_bytes(bytes).expect("places that this executable encoded")
}
