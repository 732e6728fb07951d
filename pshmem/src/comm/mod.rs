//! `Comm`: which ranks share what, and how they meet.
//!
//! - `topology` who is on which node · `core` one rank's state · `split` new `Comm`s from old
//! - `call`, `note` what ranks post · `control` the words of a node · `meet` the two ways to meet
//! - `letter`, `tree`, `carry` what goes between nodes · `exchange` tables that all ranks get
//! - `memory` how ranks get memory together · `usage` what it is used for
//! - `check` how much is checked
//! - `wait` how ranks wait · `pace` how ranks of a node work in turns · `guard` what a rank may not do right now

pub(crate) mod check;
pub(crate) mod closure;
pub(crate) mod collective;
pub(crate) mod node_memory;
pub(crate) mod rank_state;
mod split;
pub(crate) mod thread_state;
pub(crate) mod topology;
pub(crate) mod transfer;
pub(crate) mod usage;
pub(crate) mod wait;
pub(crate) mod world;

use self::rank_state::RankState;
use crate::error::{Error, Result};
use crate::layout::placer::PAGE;
use crate::memory::arena;
use crate::memory::{Chunk, Segment};
use crate::transport::Transport;
use crate::transport::threads::{ThreadWorld, Threads};
use collective::call::{Call, Kind};
use node_memory::control_block_bytes;
use std::fmt;
use std::panic::Location;
use std::rc::Rc;
use topology::Topology;
use world::{WORLD_ID, World};

/// A group of ranks that make collective calls together.
///
/// A `Comm` knows which of its ranks share a node; objects made on it live once per node. It is cheap to clone (a
/// reference count) and belongs to the thread of its rank: it is neither `Send` nor `Sync`.
///
/// All collective calls on one `Comm` must be made by all its ranks in the same order. If they are not, all of them get
/// [`Error::Diverged`] and the `Comm` refuses further calls; different `Comm`s are independent.
///
/// ```
/// let sums = pshmem::local::Cluster::new(&[2, 1]).run(|comm| {
///     let node = comm.node();
///     (comm.rank(), node.index, node.rank, node.size)
/// });
/// assert_eq!(sums, [(0, 0, 0, 2), (1, 0, 1, 2), (2, 1, 0, 1)]);
/// ```
#[derive(Clone)]
pub struct Comm {
    pub(crate) core: Rc<RankState>,
}

/// Where a rank is: its node, and its place on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct NodeInfo {
    /// Which node of the `Comm`, numbered by their lowest ranks.
    pub index: usize,
    /// Number of nodes.
    pub count: usize,
    /// This rank among the ranks of its node.
    pub rank: usize,
    /// Number of ranks on this node.
    pub size: usize,
}

impl Comm {
    /// A `Comm` of one rank that needs no launcher and no MPI.
    ///
    /// Every call works, returns at once and may also be made inside the closures of other collectives.
    ///
    /// ```
    /// let comm = pshmem::Comm::solo();
    /// assert_eq!((comm.rank(), comm.size()), (0, 1));
    /// ```
    ///
    /// # Panics
    /// When the system has not even a few hundred kilobytes left.
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
        let node_ranks = topology.node_ranks.len();
        let bytes = arena::chunk_bytes(0).max(control_block_bytes(node_ranks));
        let bytes = bytes.next_multiple_of(PAGE);
        let mapping = transport.map_shared(&topology.node_addresses(), WORLD_ID << 24, bytes)?;
        // SAFETY: fresh, so it holds zeros, and nobody uses it before all have met in `all_true`.
        let populated = unsafe { mapping.populate(topology.local_rank, node_ranks) };
        if !transport.all_true(populated.is_ok())? {
            let memory = transport.free_memory(node_ranks)?;
            let (host, place) = (transport.host().to_owned(), memory.place.to_owned());
            return Err(Error::NoRoom {
                host,
                place,
                needed: bytes,
                free: memory.free,
            });
        }
        let control = Rc::new(Segment::whole(Chunk::of_mapping(mapping), bytes));
        // SAFETY: the mapping has room for the control block of these ranks and more, holds zeros, and every rank of the node
        // does the same.
        let world = unsafe { World::new(transport, &topology, control.clone()) };
        // SAFETY: as above.
        let core = unsafe { RankState::new(&world, WORLD_ID, topology, control) };
        core.agree_on_level()?;
        Ok(Comm { core })
    }

    /// This rank, from 0 to `size() - 1`.
    #[must_use]
    pub fn rank(&self) -> usize {
        self.core.topology.rank
    }

    /// Number of ranks.
    #[must_use]
    pub fn size(&self) -> usize {
        self.core.topology.size()
    }

    /// Where this rank is.
    ///
    /// ```
    /// let node = pshmem::Comm::solo().node();
    /// assert_eq!((node.index, node.count, node.rank, node.size), (0, 1, 0, 1));
    /// ```
    #[must_use]
    pub fn node(&self) -> NodeInfo {
        let topology = &self.core.topology;
        NodeInfo {
            index: topology.node(),
            count: topology.nodes(),
            rank: topology.local_rank,
            size: topology.node_ranks.len(),
        }
    }

    /// Name of this rank's host.
    ///
    /// ```
    /// println!("running on {}", pshmem::Comm::solo().host());
    /// ```
    #[must_use]
    pub fn host(&self) -> &str {
        self.core.world.transport.host()
    }

    /// Bytes of objects that this rank has sent to other nodes so far, on this `Comm` and all others of its world.
    ///
    /// Each node passes on what it receives, so every rank may send: sum over the ranks for the traffic of a call.
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
        self.core.world.mailbox.bytes_sent()
    }

    /// Waits until all ranks have come here.
    ///
    /// Objects need no barrier: every collective call orders itself. Barriers are for what happens outside, such as
    /// printing in turn.
    ///
    /// ```
    /// pshmem::local::Cluster::new(&[3]).run(|comm| {
    ///     for rank in 0..comm.size() {
    ///         if rank == comm.rank() {
    ///             println!("rank {rank} speaks");
    ///         }
    ///         comm.barrier().unwrap();
    ///     }
    /// });
    /// ```
    ///
    /// # Collective
    /// Over all ranks. On one node, two cache lines travel per rank; over N nodes, 2 (N - 1) messages in all, in
    /// 2 log2(N) steps.
    ///
    /// # Errors
    /// [`Error::Diverged`], [`Error::RankFailed`],
    /// [`Error::Nested`], [`Error::MpiFinalized`].
    #[track_caller]
    pub fn barrier(&self) -> Result<()> {
        self.core.enter(Kind::Barrier.name(), Location::caller())?;
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
