//! Allocation of node memory by all ranks together: the leader of each node finds a block in a chunk, or all ranks of the node
//! map a new chunk.
//!
//! All nodes check that there is room before any of them maps, and agree on it. What was mapped is populated by all ranks of
//! the node in parallel, before any of them relies on it. So either every node has the memory afterwards, or none.

use crate::comm::collective::agree::{Agreed, agree, agree_with};
use crate::comm::collective::agreement::{AGREEMENT_BYTES, compare};
use crate::comm::node_memory::{AllocRequest, NodeMemory};
use crate::comm::protocol::call::{Call, Step};
use crate::comm::protocol::contribution::Contribution;
use crate::comm::rank_sync::RankSync;
use crate::comm::thread_state;
use crate::error::{Error, Result};
use crate::events;
use crate::layout::identity::Described;
use crate::layout::placer::{PAGE, whole_pages};
use crate::memory::arena::{self, Allocation};
use crate::memory::free_memory::FreeMemory;
use crate::memory::huge_pages::HUGE_PAGE;
use crate::memory::map::Mapping;
use crate::memory::node_usage::{Account, OverLimit, Reservation};
use crate::memory::source::MemorySource;
use crate::memory::{Chunk, Segment};
use crate::transport::{MapRequest, NewMemory};
use serde::{Deserialize, Serialize};

/// Room that a new mapping leaves for others, such as the segments of the MPI library.
const SLACK: usize = 1 << 20;

/// Allocations that one outcome holds, of up to 20 bytes each.
const PER_ROUND: usize = 256;

/// What a leader tells its node.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Allocations {
    /// The first ones, in the order of requests; none if a chunk must be mapped first. More follow in further rounds.
    allocations: Vec<Allocation>,
    /// Bytes of that chunk, or 0.
    chunk: usize,
}

impl Allocations {
    fn encode(&self) -> Vec<u8> {
        postcard::to_allocvec(self).expect("plain data always encodes")
    }

    fn decode(bytes: &[u8]) -> Self {
        postcard::from_bytes(bytes).expect("allocations that this executable encoded")
    }
}

/// All ranks take part in `call`. If they describe the same object, every node allocates its requests, and this rank gets the
/// one with the index `mine`, zeroed. Requests are those of the node's leader; other ranks pass the same.
pub(crate) fn allocate(
    sync: &RankSync,
    memory: &NodeMemory,
    call: Call,
    object: Option<&Described>,
    requests: &[AllocRequest],
    mine: Option<usize>,
) -> Result<Option<Segment>> {
    let is_leader = sync.group.topology.is_leader();
    // All ranks must come to the same result here. Objects are equally large on every node; control blocks are not.
    let is_common = object.is_some() || !sync.group.is_multi_node();
    let is_large = is_common
        && matches!(requests, [request] if !arena::is_small(request.bytes, request.align));
    let mut found = (is_leader && !is_large)
        .then(|| memory.allocate(requests))
        .flatten();
    let needs_chunk = is_leader && !is_large && found.is_none();
    let rounds = requests.len().div_ceil(PER_ROUND);
    let mut contribution = Contribution {
        needs_chunk,
        // Nodes may have different numbers of requests, but make the same number of calls.
        maximum: (rounds > 1).then_some(rounds as u64),
        ..Contribution::default()
    };
    // On the leader: what it has allocated for all requests.
    let mut made = Vec::new();
    match object.map(Described::key) {
        Some(key) if key.len() > AGREEMENT_BYTES => contribution.compare_in_pieces = true,
        key => contribution.must_match = key.map(<[u8]>::to_vec),
    }
    let agreed = agree_with(sync, call, contribution, |agreed| {
        let chunk = if needs_chunk {
            memory.next_chunk_bytes(requests, |bytes| check_room(sync, bytes).is_ok())
        } else {
            0
        };
        // After a longer comparison, or a new chunk on any node, all leaders allocate anew.
        if !agreed.needs_chunk && !agreed.compare_in_pieces {
            made = found.take().unwrap_or_default();
        }
        let allocations = of_round(&made, 0);
        Allocations { allocations, chunk }.encode()
    });
    if let Some(unused) = found {
        memory.free(unused);
    }
    let Agreed {
        merged,
        from_leader,
    } = agreed?;
    if merged.compare_in_pieces {
        let identity = object.map(|object| object.identity().encode());
        compare(sync, call, &identity.unwrap_or_default())?;
    }
    if is_large {
        return map_large(sync, memory, call, requests[0]).map(Some);
    }
    let mut node = Allocations::decode(&from_leader);
    if merged.needs_chunk || merged.compare_in_pieces {
        node = allocate_in_new_chunk(sync, memory, call, node.chunk, requests, &mut made)?;
    }
    let mut allocations = node.allocations;
    for round in 1..merged.maximum.unwrap_or(1) as usize {
        let call = call.step(Step::MoreAllocations);
        let agreed = agree_with(sync, call, Contribution::default(), |_| {
            Allocations {
                allocations: of_round(&made, round),
                chunk: 0,
            }
            .encode()
        })?;
        allocations.extend(Allocations::decode(&agreed.from_leader).allocations);
    }
    // SAFETY: the leader has made the allocation for this request, which counts the ranks that have it as `mine`.
    Ok(mine.map(|mine| unsafe { memory.segment(allocations[mine], requests[mine].bytes) }))
}

/// The allocations that the leader tells its node in one round.
fn of_round(made: &[Allocation], round: usize) -> Vec<Allocation> {
    let of_round = made.chunks(PER_ROUND).nth(round);
    of_round.unwrap_or_default().to_vec()
}

/// Every node that needs a new chunk maps it. Then every leader allocates its requests, as `made`.
fn allocate_in_new_chunk(
    sync: &RankSync,
    memory: &NodeMemory,
    call: Call,
    bytes: usize,
    requests: &[AllocRequest],
    made: &mut Vec<Allocation>,
) -> Result<Allocations> {
    // A node that needs no chunk maps nothing, but all nodes learn whether any of them has failed.
    let chunk = map_on_all_nodes(sync, memory, call, bytes)?;
    if let Some(chunk) = chunk {
        let is_leader = sync.group.topology.is_leader();
        // SAFETY: fresh, so it is zeroed and used by nobody; all ranks of the node have agreed on it as their next chunk.
        unsafe { memory.add_chunk(chunk, is_leader) };
    }
    let call = call.step(Step::Allocate);
    let agreed = agree_with(sync, call, Contribution::default(), |_| {
        *made = memory
            .allocate(requests)
            .expect("a chunk for exactly these requests was added");
        Allocations {
            allocations: of_round(made, 0),
            chunk: 0,
        }
        .encode()
    })?;
    Ok(Allocations::decode(&agreed.from_leader))
}

/// An object in a mapping of its own.
fn map_large(
    sync: &RankSync,
    memory: &NodeMemory,
    call: Call,
    request: AllocRequest,
) -> Result<Segment> {
    let bytes = whole_pages(request.bytes)?;
    let mapping =
        map_on_all_nodes(sync, memory, call, bytes)?.expect("every node maps a large object");
    Ok(Segment::whole(mapping, request.bytes))
}

/// Memory in a mapping of its own, on each node as much as its ranks pass; none on nodes whose ranks pass 0. All nodes succeed, or
/// none.
pub(super) fn map_for_call(
    sync: &RankSync,
    memory: &NodeMemory,
    call: Call,
    bytes: usize,
) -> Result<Option<Segment>> {
    let mapped = map_on_all_nodes(sync, memory, call, bytes.next_multiple_of(PAGE))?;
    Ok(mapped.map(|mapping| Segment::whole(mapping, bytes)))
}

/// Maps `bytes` (0 on a node that needs none) when all nodes have room, and populates them. All nodes succeed, or none.
fn map_on_all_nodes(
    sync: &RankSync,
    memory: &NodeMemory,
    call: Call,
    bytes: usize,
) -> Result<Option<Chunk>> {
    let topology = &sync.group.topology;
    let request = (bytes > 0).then(|| map_request(sync, memory, bytes));
    let made = match &request {
        Some(request) if topology.is_leader() => make(sync, request).map(Some),
        _ => Ok(None),
    };
    let fault = made.as_ref().err().cloned();
    let call = call.step(Step::CheckRoom);
    let agreed = agree_with(sync, call, Contribution::fault(fault), |_| {
        let made = made.as_ref().ok().and_then(Option::as_ref);
        let announcement = made.and_then(|(_, memory)| memory.announcement());
        postcard::to_allocvec(&announcement).expect("plain data always encodes")
    })?;
    let (reservation, new) = if let Some((reservation, new)) = made? {
        (Some(reservation), new)
    } else {
        let announcement = postcard::from_bytes(&agreed.from_leader);
        let announcement = announcement.expect("what this executable encoded");
        (None, NewMemory::announced(announcement))
    };
    let mapped = map_together(sync, call.step(Step::Populate), request, new)?;
    let Some((request, mut mapping)) = mapped else {
        return Ok(None);
    };
    if let Some(reservation) = reservation {
        reservation.keep();
        tell(sync, request.len);
    }
    if request.has_huge_pages() {
        mapping.enter_pages();
    }
    let account = Account {
        usage: sync.group.world.node_usage.clone(),
        bytes: request.len,
        ranks: topology.node_ranks.len(),
    };
    // SAFETY: longer than a page by what was asked for, zeroed, and all ranks of the node do the same with the same memory.
    unsafe { mapping.count(account) };
    Ok(Some(Chunk::of_mapping(mapping)))
}

/// All ranks of all nodes map and populate what their nodes need. `new` stays open until all have done so.
#[expect(
    clippy::needless_pass_by_value,
    reason = "it is dropped when all ranks have mapped it"
)]
fn map_together(
    sync: &RankSync,
    call: Call,
    request: Option<MapRequest>,
    new: NewMemory,
) -> Result<Option<(MapRequest, Mapping)>> {
    let mapped = request.map(|request| (request, map(sync, &request, &new)));
    let fault = match &mapped {
        Some((_, Err(error) | Ok((_, Err(error))))) => Some(error.clone()),
        _ => None,
    };
    agree(sync, call, Contribution::fault(fault))?;
    Ok(match mapped {
        Some((request, Ok((mapping, _)))) => Some((request, mapping)),
        _ => None,
    })
}

/// Emits an event about new memory of this node.
fn tell(sync: &RankSync, bytes: usize) {
    let usage = &sync.group.world.node_usage;
    let (host, used, peak) = (sync.group.host().to_owned(), usage.used(), usage.peak());
    // After the call: who receives events is part of the program, and may panic.
    thread_state::after_call(move || events::debug!(host, bytes, used, peak, "memory mapped"));
}

/// What to map for `bytes`, a multiple of the page size: one page more, in which ranks count when they unmap it.
fn map_request(sync: &RankSync, memory: &NodeMemory, bytes: usize) -> MapRequest {
    let (group, world) = (&sync.group, &sync.group.world);
    let gives_huge_pages = world.transport.memory_source().0 != MemorySource::Window;
    let is_huge = gives_huge_pages && world.huge_pages.get().are_for(bytes);
    MapRequest {
        key: (group.id << 24) | memory.next_mapping(),
        len: bytes.saturating_add(PAGE),
        align: if is_huge { HUGE_PAGE } else { PAGE },
    }
}

/// The leader's part before its node maps memory.
fn make<'a>(sync: &'a RankSync, request: &MapRequest) -> Result<(Reservation<'a>, NewMemory)> {
    check_free_memory(sync, request.len)?;
    let (world, ranks) = (&sync.group.world, sync.group.topology.node_ranks.len());
    let reservation = world.node_usage.reserve(request.len);
    let reservation = reservation.map_err(|over| over_limit(sync, request.len, over))?;
    let made = world.transport.new_memory(ranks, request.len);
    Ok((reservation, made.map_err(Error::clipped)?))
}

/// This rank's part in mapping and populating memory. A mapping that could not be populated is kept until all ranks know.
fn map(sync: &RankSync, request: &MapRequest, new: &NewMemory) -> Result<(Mapping, Result<()>)> {
    let (group, topology) = (&sync.group, &sync.group.topology);
    let mapping = group
        .world
        .transport
        .map_shared(&topology.node_addresses(), request, new)
        .map_err(Error::clipped)?;
    let (part, parts) = (topology.local_rank, topology.node_ranks.len());
    // SAFETY: the mapping is fresh, so it holds zeros, and no rank uses it before all have agreed that it is populated.
    let populated = unsafe { mapping.populate(part, parts, request.has_huge_pages()) };
    let populated = populated.map_err(|_| match free_memory(sync, usize::MAX) {
        Ok(memory) => no_room(sync, request.len, &memory),
        Err(error) => error,
    });
    Ok((mapping, populated))
}

/// Whether this node has room for an object of these bytes. One that needs no mapping of its own may find room in a chunk.
pub(crate) fn check_room_for_object(sync: &RankSync, bytes: usize) -> Result<()> {
    if arena::is_small(bytes, PAGE) {
        return Ok(());
    }
    check_room(sync, bytes)
}

/// Whether this node has so many free bytes, and is allowed to use them.
fn check_room(sync: &RankSync, bytes: usize) -> Result<()> {
    check_free_memory(sync, bytes)?;
    let allowed = sync.group.world.node_usage.allows(bytes);
    allowed.map_err(|over| over_limit(sync, bytes, over))
}

fn check_free_memory(sync: &RankSync, bytes: usize) -> Result<()> {
    let needed = bytes.saturating_add(SLACK);
    let memory = free_memory(sync, needed)?;
    if needed <= memory.free {
        return Ok(());
    }
    Err(no_room(sync, needed, &memory))
}

/// Free memory for mappings of the ranks of this node. It is exact if it is less than `needed`.
fn free_memory(sync: &RankSync, needed: usize) -> Result<FreeMemory> {
    let ranks = sync.group.topology.node_ranks.len();
    sync.group.world.transport.free_memory(ranks, needed)
}

fn no_room(sync: &RankSync, needed: usize, memory: &FreeMemory) -> Error {
    Error::NoRoom {
        host: sync.group.host().to_owned(),
        place: memory.place.clone().into_owned(),
        needed,
        free: memory.free,
    }
}

/// The error for memory that the limit of this node does not allow.
pub(crate) fn over_limit(sync: &RankSync, needed: usize, over: OverLimit) -> Error {
    let error = Error::MemoryLimit {
        host: sync.group.host().to_owned(),
        needed,
        used: over.used,
        limit: over.limit,
        held: sync.group.world.objects.summary(),
    };
    error.clipped()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comm::protocol::call::Kind;
    use crate::run::cluster::Cluster;

    #[test]
    fn a_block_beyond_the_reach_of_a_chunk_is_an_error_on_all_ranks() {
        for bytes in [1 << 46, isize::MAX as usize] {
            let results = Cluster::new(&[2]).run(|comm| {
                let request = AllocRequest {
                    bytes,
                    align: 64,
                    ranks: 2,
                };
                let allocated =
                    comm.core
                        .allocate(Call::new(Kind::Lock), None, &[request], Some(0));
                let error = allocated.map(|_| ()).unwrap_err();
                comm.barrier().unwrap();
                error
            });
            let is_expected =
                |error: &Error| matches!(error, Error::NoRoom { .. } | Error::TooLarge { .. });
            assert!(is_expected(&results[0]), "{results:?}");
            assert_eq!(results[0], results[1]);
        }
    }
}
