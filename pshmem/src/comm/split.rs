//! New `Comm`s from old ones. Their control blocks lie in the chunks of the parent, so no MPI object is made.

use crate::comm::Comm;
use crate::comm::collective::allgather::AllgatherItem;
use crate::comm::group::Group;
use crate::comm::node_memory::{AllocRequest, control_block_bytes};
use crate::comm::protocol::call::{Call, Kind, Step};
use crate::comm::protocol::contribution::Contribution;
use crate::comm::protocol::control::Control;
use crate::comm::rank_state::RankState;
use crate::comm::topology::Topology;
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::panic::Location;
use std::rc::Rc;

/// Which new `Comm` a rank asks to be in, and where.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct SplitRequest {
    color: Option<u64>,
    key: u64,
    /// The rank's node in the new `Comm`, by any numbers that the ranks of a color share.
    node: u64,
}

impl AllgatherItem for SplitRequest {
    // Three numbers of up to ten bytes, and two flags.
    const BYTES: usize = 32;
}

impl Comm {
    /// Divides the ranks into one new `Comm` for each color. The ranks of a new `Comm` are ordered by `key`, and by their old
    /// rank if keys are equal. A rank that passes no color is in no new `Comm`.
    ///
    /// ```
    /// use pshmem::local::Cluster;
    ///
    /// // Rows of a grid of 2 x 2 ranks.
    /// let sizes = Cluster::new(&[4]).run(|comm| {
    ///     let row = comm.split(Some(comm.rank() / 2), comm.rank()).unwrap().expect("every rank has a row");
    ///     row.size()
    /// });
    /// assert_eq!(sizes, [2, 2, 2, 2]);
    /// ```
    ///
    /// # Collective
    /// Over all ranks. Colors and keys may differ. Takes one round for each 169 ranks and two more, or five more if a node must
    /// map memory, and one more for each 256 new `Comm`s on a node after the first 256. No MPI communicator is made.
    ///
    /// # Errors
    /// Those of [`barrier`](Comm::barrier), and [`Error::NoRoom`].
    #[track_caller]
    pub fn split(&self, color: Option<usize>, key: usize) -> Result<Option<Comm>> {
        let _call = self.core.enter(Kind::Split.name(), Location::caller())?;
        let request = SplitRequest {
            color: color.map(|color| color as u64),
            key: key as u64,
            node: self.node().index as u64,
        };
        let call = Call::new(Kind::Split);
        let everybody: Vec<usize> = (0..self.size()).collect();
        let requests = self
            .core
            .allgather(call.step(Step::Members), &everybody, Some(&request))?;
        self.create_comms(call, &requests)
    }

    /// A `Comm` of the ranks of this rank's node.
    ///
    /// ```
    /// let sizes = pshmem::local::Cluster::new(&[1, 2]).run(|comm| comm.node_comm().unwrap().size());
    /// assert_eq!(sizes, [1, 2, 2]);
    /// ```
    ///
    /// # Collective
    /// As [`split`](Comm::split).
    ///
    /// # Errors
    /// As [`split`](Comm::split).
    #[track_caller]
    pub fn node_comm(&self) -> Result<Comm> {
        let node = self.node().index;
        Ok(self
            .split(Some(node), self.rank())?
            .expect("a rank with a color gets a Comm"))
    }

    /// A `Comm` of the same ranks in the same order, in which each node is divided into nodes of `n` ranks; the last one may be
    /// smaller. To try several nodes on one machine, or for memory domains that [`with_domains`](Comm::with_domains) cannot find.
    /// The environment variable `PSHMEM_RANKS_PER_NODE` does the same to the `Comm` that [`run`](crate::run) passes.
    ///
    /// ```
    /// let counts = pshmem::local::Cluster::new(&[5]).run(|comm| comm.with_ranks_per_node(2).unwrap().node().count);
    /// assert_eq!(counts, [3; 5]);
    /// ```
    ///
    /// # Collective
    /// Over all ranks, with the same `n`. Takes three rounds, or six if a node must map memory.
    ///
    /// # Errors
    /// - [`Error::InvalidSetting`] if `n` is 0, and [`Error::Mismatch`] if ranks pass different numbers.
    /// - Those of [`split`](Comm::split).
    #[track_caller]
    pub fn with_ranks_per_node(&self, n: usize) -> Result<Comm> {
        let call = Call::new(Kind::RanksPerNode);
        let _call = self
            .core
            .enter(Kind::RanksPerNode.name(), Location::caller())?;
        let number = Contribution::must_match(&(n as u64).to_le_bytes());
        self.core.agree(call, number)?;
        if n == 0 {
            return Err(Error::InvalidSetting {
                name: "ranks per node".to_owned(),
                value: n.to_string(),
                reason: "a node has at least one rank: use 1 or more".to_owned(),
            });
        }
        let topology = &self.core.group.topology;
        let mut part = vec![0; self.size()];
        for ranks in topology.ranks_of_nodes() {
            for (local_rank, rank) in ranks.into_iter().enumerate() {
                part[rank] = (local_rank / n) as u32;
            }
        }
        self.divide_nodes(call, |rank| part[rank])
    }

    /// A `Comm` of the same ranks in the same order, in which the ranks of a node for which `part` returns the same number share
    /// a node. `part` is the same on all ranks. Inside a call, after its first round.
    pub(super) fn divide_nodes(&self, call: Call, part: impl Fn(usize) -> u32) -> Result<Comm> {
        let topology = &self.core.group.topology;
        let request = |rank| SplitRequest {
            color: Some(0),
            key: rank as u64,
            node: ((topology.node_of(rank) as u64) << 32) | u64::from(part(rank)),
        };
        let requests: Vec<SplitRequest> = (0..self.size()).map(request).collect();
        Ok(self
            .create_comms(call, &requests)?
            .expect("a rank with a color gets a Comm"))
    }

    /// Creates the `Comm`s for the requests of all ranks. Returns the one of this rank, if it has asked for one.
    fn create_comms(&self, call: Call, requests: &[SplitRequest]) -> Result<Option<Comm>> {
        let parent = &self.core;
        let mine = requests[self.rank()];
        let id = self.agree_on_id(call)?;
        if mine.color.is_some() {
            // A faster rank may send messages to the new `Comm` before this one has made it.
            parent.group.world.mailbox.open(id);
        }
        let blocks = self.control_blocks(requests);
        let allocations: Vec<AllocRequest> = blocks
            .iter()
            .map(|block| AllocRequest {
                bytes: control_block_bytes(block.ranks),
                align: 64,
                ranks: block.ranks,
            })
            .collect();
        let index = blocks
            .iter()
            .position(|block| mine.color == Some(block.color) && mine.node == block.node);
        let segment = parent.allocate(call.step(Step::Place), None, &allocations, index)?;
        let (Some(segment), Some(index)) = (segment, index) else {
            return Ok(None);
        };
        let topology = self.topology_of(blocks[index].color, requests);
        let group = Group::new(&parent.group.world, id, topology);
        let chunk = Control::bytes(blocks[index].ranks);
        // SAFETY: allocated, zeroed, for the control block of as many ranks as share this node, and more. Each of them does the
        // same.
        let core = unsafe { RankState::new(group, Rc::new(segment), chunk) };
        Ok(Some(Comm { core }))
    }

    /// The control blocks of all new `Comm`s on this rank's node. Ranks that share one have the same color, and share a node in
    /// the new `Comm`.
    fn control_blocks(&self, requests: &[SplitRequest]) -> Vec<ControlBlock> {
        let mut blocks: Vec<ControlBlock> = Vec::new();
        let mut index = HashMap::new();
        for &rank in &self.core.group.topology.node_ranks {
            let SplitRequest { color, node, .. } = requests[rank as usize];
            let Some(color) = color else {
                continue;
            };
            let index = *index.entry((color, node)).or_insert_with(|| {
                blocks.push(ControlBlock {
                    color,
                    node,
                    ranks: 0,
                });
                blocks.len() - 1
            });
            blocks[index].ranks += 1;
        }
        blocks
    }

    /// The topology of this rank's new `Comm`.
    fn topology_of(&self, color: u64, requests: &[SplitRequest]) -> Topology {
        let topology = &self.core.group.topology;
        let mut members: Vec<usize> = (0..requests.len())
            .filter(|&rank| requests[rank].color == Some(color))
            .collect();
        members.sort_by_key(|&rank| (requests[rank].key, rank));
        let rank = members
            .iter()
            .position(|&rank| rank == topology.rank)
            .expect("a rank is in its own Comm");
        let world = members.iter().map(|&rank| topology.world[rank]).collect();
        let nodes: Vec<u64> = members.iter().map(|&rank| requests[rank].node).collect();
        Topology::new(rank, world, &nodes)
    }

    /// A number that no `Comm` of any of these ranks has.
    fn agree_on_id(&self, call: Call) -> Result<u64> {
        let mailbox = &self.core.group.world.mailbox;
        let contribution = Contribution {
            maximum: Some(mailbox.next_comm()),
            ..Contribution::default()
        };
        let agreed = self.core.agree(call.step(Step::CommId), contribution)?;
        let id = agreed.maximum.expect("every rank has passed one");
        mailbox.used_comm(id);
        Ok(id)
    }
}

/// A control block on this rank's node.
struct ControlBlock {
    color: u64,
    node: u64,
    ranks: usize,
}
