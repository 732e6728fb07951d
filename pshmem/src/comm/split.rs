//! New `Comm`s from old ones. Their control blocks lie in the arena of the parent, so that making one needs no MPI object.

use crate::comm::Comm;
use crate::comm::collective::allgather::AllgatherItem;
use crate::comm::collective::call::{Call, Kind, Step};
use crate::comm::collective::contribution::Contribution;
use crate::comm::node_memory::{AllocRequest, control_block_bytes};
use crate::comm::rank_state::RankState;
use crate::comm::topology::Topology;
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use std::panic::Location;
use std::rc::Rc;

/// What a rank says about the `Comm` that it requests to be in.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Wish {
    color: Option<u64>,
    key: u64,
    /// The node of the new `Comm`, in any numbering that the ranks of a color share.
    place: u64,
}

impl AllgatherItem for Wish {
    // Three numbers of up to ten bytes, and two flags.
    const BYTES: usize = 32;
}

impl Comm {
    /// Cuts this `Comm` into one for each color. Ranks of a new `Comm` are ordered by `key`, then by old rank; a rank that
    /// passes no color is in none.
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
    /// Over all ranks; colors and keys may differ. It costs one meeting for each 169 ranks and two for the memory of the
    /// new control blocks; no MPI communicator is made.
    ///
    /// # Errors
    /// As [`barrier`](Comm::barrier), and [`Error::NoRoom`].
    #[track_caller]
    pub fn split(&self, color: Option<usize>, key: usize) -> Result<Option<Comm>> {
        let call = Call::new(Kind::Split);
        self.core.enter(Kind::Split.name(), Location::caller())?;
        let place = self.core.topology.node() as u64;
        self.divide(
            call,
            Wish {
                color: color.map(|color| color as u64),
                key: key as u64,
                place,
            },
        )
    }

    /// The ranks of this rank's node only.
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

    /// The same ranks in the same order, with each node cut into nodes of `n` ranks (the last one may be smaller): for NUMA
    /// domains, or to try several nodes on one machine. The environment variable `PSHMEM_RANKS_PER_NODE` does it to the world.
    ///
    /// ```
    /// let counts = pshmem::local::Cluster::new(&[5]).run(|comm| comm.with_ranks_per_node(2).unwrap().node().count);
    /// assert_eq!(counts, [3; 5]);
    /// ```
    ///
    /// # Collective
    /// Over all ranks, with the same `n`. Costs as [`split`](Comm::split).
    ///
    /// # Errors
    /// [`Error::InvalidSetting`] when `n` is 0, [`Error::Mismatch`] when ranks pass different numbers; else as [`split`](Comm::split).
    #[track_caller]
    pub fn with_ranks_per_node(&self, n: usize) -> Result<Comm> {
        let call = Call::new(Kind::RanksPerNode);
        let name = Kind::RanksPerNode.name();
        self.core.enter(name, Location::caller())?;
        self.core
            .agree(call, Contribution::must_match(&(n as u64).to_le_bytes()))?;
        if n == 0 {
            let reason = "a node has at least one rank: use 1 or more".to_owned();
            return Err(Error::InvalidSetting {
                name: "ranks per node".to_owned(),
                value: n.to_string(),
                reason,
            });
        }
        let topology = &self.core.topology;
        let place = ((topology.node() as u64) << 32) | (topology.local_rank / n) as u64;
        let wish = Wish {
            color: Some(0),
            key: topology.rank as u64,
            place,
        };
        Ok(self
            .divide(call, wish)?
            .expect("a rank with a color gets a Comm"))
    }

    fn divide(&self, call: Call, wish: Wish) -> Result<Option<Comm>> {
        let core = &self.core;
        let topology = &core.topology;
        let everybody: Vec<usize> = (0..self.size()).collect();
        let wishes = core.allgather(call.step(Step::Members), &everybody, Some(&wish))?;
        let id = self.agree_on_id(call)?;
        if wish.color.is_some() {
            // A faster rank may write to the new Comm before this one has made it.
            core.world.mailbox.open(id);
        }
        // Every group of ranks with the same color that shares a node in the new Comm shares a control block.
        let mut blocks: Vec<(u64, u64, usize)> = Vec::new();
        for &mate in &topology.node_ranks {
            let Wish {
                color: Some(color),
                place,
                ..
            } = wishes[mate as usize]
            else {
                continue;
            };
            match blocks
                .iter_mut()
                .find(|block| (block.0, block.1) == (color, place))
            {
                Some(block) => block.2 += 1,
                None => blocks.push((color, place, 1)),
            }
        }
        let request = |&(_, _, ranks): &(u64, u64, usize)| AllocRequest {
            bytes: control_block_bytes(ranks),
            align: 64,
            ranks,
        };
        let requests: Vec<AllocRequest> = blocks.iter().map(request).collect();
        let mine = wish.color.and_then(|color| {
            blocks
                .iter()
                .position(|&(of, place, _)| of == color && place == wish.place)
        });
        let segment = core.place(call.step(Step::Place), None, &requests, mine)?;
        let (Some(segment), Some(color)) = (segment, wish.color) else {
            return Ok(None);
        };
        let mut members: Vec<usize> = (0..wishes.len())
            .filter(|&rank| wishes[rank].color == Some(color))
            .collect();
        members.sort_by_key(|&rank| (wishes[rank].key, rank));
        let rank = members
            .iter()
            .position(|&rank| rank == topology.rank)
            .expect("a rank is in its own group");
        let world = members.iter().map(|&rank| topology.world[rank]).collect();
        let places: Vec<u64> = members.iter().map(|&rank| wishes[rank].place).collect();
        let topology = Topology::new(rank, world, &places);
        // SAFETY: the block was placed, zeroed, for a control block of as many node_size as ranks share this place, and each of
        // them does the same.
        let core = unsafe { RankState::new(&core.world, id, topology, Rc::new(segment)) };
        Ok(Some(Comm { core }))
    }

    /// A number that no `Comm` of any of these ranks has.
    fn agree_on_id(&self, call: Call) -> Result<u64> {
        let mailbox = &self.core.world.mailbox;
        let id = Some(mailbox.next_comm());
        let agreed = self.core.agree(
            call.step(Step::CommId),
            Contribution {
                maximum: id,
                ..Contribution::default()
            },
        )?;
        let id = agreed.maximum.expect("every rank passed one");
        mailbox.used_comm(id);
        Ok(id)
    }
}
