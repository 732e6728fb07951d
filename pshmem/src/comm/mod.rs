//! `Comm`: groups of ranks that make collective calls together and share node memory.
//!
//! From the bottom up:
//!
//! - `protocol` what ranks write for each other · `topology` ranks, nodes and leaders · `check` how much is checked
//! - `world` what a rank has once for all its `Comm`s · `wait_table` who waits for whom on a node · `obligations` what others may
//!   wait for on this rank · `cpu_list` lists of CPUs · `cores` whether ranks share cores
//! - `group` who belongs to a `Comm` · `rank_sync` one rank's part in its calls · `thread_state` whether calls may begin
//! - `wait` how ranks wait, and reports of long waits · `turns` turns of the ranks of a node inside a call
//! - `transfer` bytes between nodes · `node_memory` memory of objects · `object_list` which objects there are · `collective` the calls
//! - `closure` users' closures inside calls · `abort` ends the process where a panic would leave other ranks waiting
//! - `rank_state` what a `Comm` offers to the objects on it · `settings` what all ranks of a world read from the environment
//! - `split` new `Comm`s · `domains` nodes divided by memory domains
//! - `usage` how much memory objects use · `memory_limit` how much they may use

pub(crate) mod abort;
pub(crate) mod check;
pub(crate) mod closure;
pub(crate) mod collective;
mod cores;
mod cpu_list;
pub(crate) mod domains;
mod group;
mod memory_limit;
pub(crate) mod node_memory;
pub(crate) mod object_list;
pub(crate) mod obligations;
pub(crate) mod protocol;
pub(crate) mod rank_state;
pub(crate) mod rank_sync;
pub(crate) mod settings;
mod split;
pub(crate) mod thread_state;
pub(crate) mod topology;
pub(crate) mod transfer;
pub(crate) mod turns;
pub(crate) mod usage;
pub(crate) mod wait;
pub(crate) mod wait_table;
pub(crate) mod world;

use crate::error::{Error, Result};
use crate::layout::placer::PAGE;
use crate::memory::{Chunk, Segment, arena};
use crate::rank_thread::stays_on_rank_thread;
use crate::transport::threads::{ThreadWorld, Threads};
use crate::transport::{MapRequest, NewMemory, Transport};
use group::Group;
use node_memory::control_block_bytes;
use protocol::call::{Call, Kind};
use protocol::control::Control;
use rank_state::RankState;
use std::fmt;
use std::panic::Location;
use std::rc::Rc;
use topology::Topology;
use world::{WORLD_ID, World};

/// A group of ranks that make collective calls together.
///
/// A `Comm` knows which of its ranks share a node. Objects that are made on it exist once per node. A clone is a handle to the
/// same `Comm`, and costs an increment of a reference count. A `Comm` is neither `Send` nor `Sync`: it belongs to the thread of
/// its rank.
///
/// ```
/// let ranks = pshmem::local::Cluster::new(&[2, 1]).run(|comm| {
///     let node = comm.node();
///     (comm.rank(), node.index, node.rank, node.size)
/// });
/// assert_eq!(ranks, [(0, 0, 0, 2), (1, 0, 1, 2), (2, 1, 0, 1)]);
/// ```
///
/// # Collective
/// All ranks of a `Comm` must make the collective calls on it, and on its objects, in the same order. If they do not, all of
/// them get [`Error::Diverged`], nothing is written, and later calls on this `Comm` return the same error. Calls on different
/// `Comm`s may be in any order, as long as no ranks wait for each other on two of them.
#[derive(Clone)]
pub struct Comm {
    pub(crate) core: Rc<RankState>,
}

stays_on_rank_thread!([] Comm);

impl Drop for Comm {
    #[inline]
    fn drop(&mut self) {
        if Rc::strong_count(&self.core) == 1 && thread_state::is_in_call() {
            // The last handle tells the other ranks that this one makes no further call. Not before the call has ended.
            let core = self.core.clone();
            thread_state::after_call(move || drop(core));
        }
    }
}

/// The node of a rank, as [`Comm::node`] returns it.
///
/// ```
/// let nodes = pshmem::local::Cluster::new(&[1, 2]).run(|comm| comm.node());
/// assert_eq!((nodes[2].index, nodes[2].count), (1, 2)); // the second of two nodes
/// assert_eq!((nodes[2].rank, nodes[2].size), (1, 2)); // the second of its two ranks
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct NodeInfo {
    /// Number of the node. Nodes are numbered from 0, in the order of their lowest ranks.
    pub index: usize,
    /// Number of nodes of the `Comm`.
    pub count: usize,
    /// Number of the rank among the ranks of its node, from 0.
    pub rank: usize,
    /// Number of ranks of the node.
    pub size: usize,
}

impl Comm {
    /// A `Comm` of one rank. It needs no launcher and no MPI.
    ///
    /// Its calls wait for nobody, and may also be made inside the closures of other collective calls.
    ///
    /// ```
    /// let comm = pshmem::Comm::solo();
    /// assert_eq!((comm.rank(), comm.size()), (0, 1));
    /// ```
    ///
    /// # Panics
    /// If the system cannot map a megabyte of memory.
    #[must_use]
    pub fn solo() -> Self {
        let transport: Rc<dyn Transport> = Rc::new(Threads::new(ThreadWorld::new(vec![0]), 0));
        Self::world(transport).expect("memory for one control block")
    }

    /// The `Comm` of all ranks that `transport` reaches. Collective over them.
    pub(crate) fn world(transport: Rc<dyn Transport>) -> Result<Self> {
        let nodes: Vec<u64> = transport
            .node_of()
            .iter()
            .map(|&node| u64::from(node))
            .collect();
        let topology = Topology::new(transport.rank(), (0..nodes.len() as u32).collect(), &nodes);
        let segment = Self::map_world(&*transport, &topology)?;
        // The control block, what all `Comm`s of the world share, and the first chunk for small objects.
        let node_ranks = topology.node_ranks.len();
        let shared = Control::bytes(node_ranks);
        let chunk = shared + World::bytes(node_ranks);
        // SAFETY: the segment has room for it, is page-aligned and zeroed, and every rank of the node does the same.
        let world = unsafe { World::new(transport, &topology, segment.clone(), shared) };
        let group = Group::new(&world, WORLD_ID, topology);
        // SAFETY: as above; the control block and what the world shares are before the chunk.
        let core = unsafe { RankState::new(group, segment, chunk) };
        let comm = Comm { core };
        comm.agree_on_settings()?;
        Ok(comm)
    }

    /// Maps and populates the first memory of the ranks of this node. All nodes succeed or none.
    fn map_world(transport: &dyn Transport, topology: &Topology) -> Result<Rc<Segment>> {
        let ranks = topology.node_ranks.len();
        let bytes = control_block_bytes(ranks) + World::bytes(ranks);
        let bytes = arena::chunk_bytes(0).max(bytes).next_multiple_of(PAGE);
        let request = MapRequest {
            key: WORLD_ID << 24,
            len: bytes,
            align: PAGE,
        };
        let group = topology.node_addresses();
        let mapped = transport.map_shared(&group, &request, &NewMemory::Together);
        let mapped = mapped.and_then(|mapping| {
            // SAFETY: fresh, so it holds zeros, and no rank uses it before all have agreed that it is populated.
            if unsafe { mapping.populate(topology.local_rank, ranks, false) }.is_ok() {
                return Ok(mapping);
            }
            let memory = transport.free_memory(ranks, usize::MAX)?;
            Err(Error::NoRoom {
                host: transport.host().to_owned(),
                place: memory.place.into_owned(),
                needed: bytes,
                free: memory.free,
            })
        });
        // A rank that returned before would leave the others waiting.
        transport.agree(mapped.as_ref().err().cloned())?;
        let mapping = mapped?;
        Ok(Rc::new(Segment::whole(Chunk::of_mapping(mapping), bytes)))
    }

    /// Number of this rank, from 0 to `size() - 1`.
    ///
    /// ```
    /// let ranks = pshmem::local::Cluster::new(&[2]).run(|comm| comm.rank());
    /// assert_eq!(ranks, [0, 1]);
    /// ```
    #[must_use]
    pub fn rank(&self) -> usize {
        self.core.group.topology.rank
    }

    /// Number of ranks of this `Comm`.
    ///
    /// ```
    /// let sizes = pshmem::local::Cluster::new(&[2, 1]).run(|comm| comm.size());
    /// assert_eq!(sizes, [3, 3, 3]);
    /// ```
    #[must_use]
    pub fn size(&self) -> usize {
        self.core.group.topology.size()
    }

    /// The node of this rank, and its number there.
    ///
    /// ```
    /// let node = pshmem::Comm::solo().node();
    /// assert_eq!((node.index, node.count, node.rank, node.size), (0, 1, 0, 1));
    /// ```
    #[must_use]
    pub fn node(&self) -> NodeInfo {
        let topology = &self.core.group.topology;
        NodeInfo {
            index: topology.node(),
            count: topology.nodes(),
            rank: topology.local_rank,
            size: topology.node_ranks.len(),
        }
    }

    /// Name of the host on which this rank runs.
    ///
    /// ```
    /// println!("running on {}", pshmem::Comm::solo().host());
    /// ```
    #[must_use]
    pub fn host(&self) -> &str {
        self.core.group.host()
    }

    /// Bytes of objects that this rank has sent to other nodes so far, on this `Comm` and on all others.
    ///
    /// Nodes forward what they receive, so any rank may send; a short block counts on the rank that passes it. The traffic of a call is
    /// the sum over all ranks.
    ///
    /// ```
    /// use pshmem::{Shared, local::Cluster};
    ///
    /// let sent = Cluster::new(&[1, 1]).run(|comm| {
    ///     let mut table = Shared::<[u8]>::new(comm, 5000).unwrap();
    ///     table.set_with(0, 10, || [7; 3]).unwrap();
    ///     comm.bytes_sent()
    /// });
    /// assert_eq!(sent, [3, 0]); // the block, once
    /// ```
    #[must_use]
    pub fn bytes_sent(&self) -> u64 {
        self.core.group.world.mailbox.bytes_sent()
    }

    /// Messages that this rank has sent to other nodes so far, on this `Comm` and on all others.
    ///
    /// They are those of collective calls: what these cost says the documentation of each call. Requests to locks and counters are
    /// not among them.
    ///
    /// ```
    /// let sent = pshmem::local::Cluster::new(&[2, 2, 2, 2]).run(|comm| {
    ///     let before = comm.messages_sent();
    ///     comm.barrier().unwrap();
    ///     comm.messages_sent() - before
    /// });
    /// assert_eq!(sent.iter().sum::<u64>(), 2 * (4 - 1));
    /// ```
    #[must_use]
    pub fn messages_sent(&self) -> u64 {
        self.core.group.world.mailbox.messages_sent()
    }

    /// Waits until all ranks have made this call.
    ///
    /// Objects need no barriers, because each collective call synchronizes the ranks. A barrier orders other things, such as
    /// output.
    ///
    /// ```
    /// pshmem::local::Cluster::new(&[3]).run(|comm| {
    ///     for rank in 0..comm.size() {
    ///         if rank == comm.rank() {
    ///             println!("rank {rank}");
    ///         }
    ///         comm.barrier().unwrap();
    ///     }
    /// });
    /// ```
    ///
    /// # Collective
    /// Over all ranks. On one node, two cache lines move per rank. On N nodes, 2 (N - 1) messages are sent, in 2 log2(N) steps.
    ///
    /// # Errors
    /// - [`Error::Diverged`] if another rank makes a different call, or none any more.
    /// - [`Error::RankFailed`] if another rank has panicked, or returned an error from [`run`](crate::run)'s closure.
    /// - [`Error::Nested`] inside the closure of another collective call, and [`Error::MpiFinalized`] after `MPI_Finalize`.
    ///
    /// All other collective calls return these errors, too.
    #[track_caller]
    pub fn barrier(&self) -> Result<()> {
        let _call = self.core.enter(Kind::Barrier.name(), Location::caller())?;
        self.core.barrier(Call::new(Kind::Barrier))
    }
}

impl fmt::Debug for Comm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let node = self.node();
        write!(
            f,
            "Comm(rank {} of {}, node {} of {})",
            self.rank(),
            self.size(),
            node.index,
            node.count
        )
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_node_that_cannot_map_is_the_same_error_on_all_nodes() {
        for failing in [0, 1] {
            let world = ThreadWorld::new(vec![0, 0, 1, 1]);
            world.failing_node.get_or_init(|| failing);
            let errors: Vec<Error> = std::thread::scope(|scope| {
                let start = |rank| {
                    let world = world.clone();
                    scope.spawn(move || {
                        let started = Comm::world(Rc::new(Threads::new(world, rank)));
                        started.map(drop).unwrap_err()
                    })
                };
                let ranks: Vec<_> = (0..4).map(start).collect();
                ranks.into_iter().map(|rank| rank.join().unwrap()).collect()
            });
            let is_of = |rank| matches!(errors[0], Error::System { rank: of, .. } if of == rank);
            assert!(is_of(2 * failing as usize), "{errors:?}");
            assert!(errors.iter().all(|error| *error == errors[0]), "{errors:?}");
        }
    }
}
