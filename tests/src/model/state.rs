//! All that one rank has, and how an operation changes it.
//!
//! Lists have the same length on all ranks of the world. An entry may stand for different groups on different ranks, as after
//! a split; within a group, everything is the same.

use pshmem::Comm;

use super::dice::Dice;
use super::object::{Held, make};
use super::ops::{Op, What};
use super::{bad, deaths};
use crate::check::number;
use crate::report::Outcome;

/// Entries of each list; further ones replace the first.
const MOST: usize = 6;

/// One group of ranks.
pub(super) struct Group {
    pub(super) comm: Comm,
    /// Which entry of the sequence made it, unique on all ranks.
    pub(super) id: usize,
    /// Differs between groups of the same entry.
    pub(super) flavor: usize,
}

/// One object, and the group on which it lives.
pub(super) struct Thing {
    pub(super) held: Box<dyn Held>,
    pub(super) group: usize,
    pub(super) flavor: usize,
}

/// All that one rank has.
pub(super) struct State<'a> {
    world: &'a Comm,
    pub(super) groups: Vec<Group>,
    pub(super) things: Vec<Thing>,
    made: usize,
}

impl<'a> State<'a> {
    pub(super) fn new(world: &'a Comm) -> pshmem::Result<Self> {
        let mut state = State {
            world,
            groups: Vec::new(),
            things: Vec::new(),
            made: 0,
        };
        state.refill()?;
        Ok(state)
    }

    /// A group of all ranks when there is none. The world itself is never used for anything else, so it cannot die.
    pub(super) fn refill(&mut self) -> pshmem::Result<()> {
        if self.groups.is_empty() {
            let all = self.world.split(Some(0), 0)?;
            self.add_group(all, 0);
        }
        Ok(())
    }

    fn add_group(&mut self, comm: Option<Comm>, flavor: usize) {
        if let Some(comm) = comm {
            self.made += 1;
            if self.groups.len() == MOST {
                self.groups.remove(0);
            }
            self.groups.push(Group {
                comm,
                id: self.made,
                flavor,
            });
        }
    }

    fn add_thing(&mut self, held: Box<dyn Held>, (group, flavor): (usize, usize)) {
        if self.things.len() == MOST {
            self.things.remove(0);
        }
        self.things.push(Thing {
            held,
            group,
            flavor,
        });
    }

    /// Plays one operation and checks everything after it.
    pub(super) fn play(&mut self, op: &Op) -> Outcome {
        self.act(op)?;
        self.things.iter().for_each(|thing| thing.held.check());
        Ok(())
    }

    fn act(&mut self, op: &Op) -> Outcome {
        use What::{
            Bad, Barrier, Diverge, DropComm, FromRoot, Leave, New, NodeComm, RanksPerNode, Split,
        };
        match op.what {
            New | FromRoot | Split | NodeComm | RanksPerNode | Barrier | DropComm => {
                self.act_on_group(op)
            }
            Bad => bad::play(self, op),
            Diverge => deaths::diverge(self, op),
            Leave => deaths::leave(self, op),
            _ => self.act_on_thing(op),
        }
    }

    fn act_on_group(&mut self, op: &Op) -> Outcome {
        let at = op.target % self.groups.len();
        let Group { comm, id, flavor } = &self.groups[at];
        let (comm, id, flavor) = (comm.clone(), *id, *flavor);
        let dice = Dice::new(op.seed ^ flavor);
        match op.what {
            What::New => self.add_thing(make(&comm, None, dice)?, (id, flavor)),
            What::FromRoot => self.add_thing(
                make(&comm, Some(op.root % comm.size()), dice)?,
                (id, flavor),
            ),
            What::Split => {
                let color = (comm.rank() ^ op.seed) % (1 + op.seed % 3);
                let key = if op.seed.is_multiple_of(2) {
                    comm.rank()
                } else {
                    comm.size() - comm.rank()
                };
                let part = comm.split(Some(color), key)?;
                self.add_group(part, number(flavor, color) as usize);
            }
            What::NodeComm => {
                let flavor = number(flavor, comm.node().index) as usize;
                let part = comm.node_comm()?;
                self.add_group(Some(part), flavor);
            }
            What::RanksPerNode => {
                let part = comm.with_ranks_per_node(1 + op.seed % 3)?;
                self.add_group(Some(part), flavor);
            }
            What::DropComm => drop(self.groups.remove(at)),
            _ => comm.barrier()?,
        }
        self.refill()?;
        Ok(())
    }

    fn act_on_thing(&mut self, op: &Op) -> Outcome {
        if self.things.is_empty() {
            return Ok(());
        }
        let at = op.target % self.things.len();
        if let What::Drop | What::Close = op.what {
            let thing = self.things.remove(at);
            if op.what == What::Close {
                thing.held.close()?;
            }
            return Ok(());
        }
        let thing = &mut self.things[at];
        let (held, dice) = (&mut thing.held, Dice::new(op.seed ^ thing.flavor));
        let root = op.root % held.comm().size();
        match op.what {
            What::Set => held.set(root, dice)?,
            What::SetWith => held.set_with(root, dice)?,
            What::Assign => held.assign(root, dice)?,
            What::Fill => held.fill(dice)?,
            What::Update => held.update(root, dice, false)?,
            What::UpdateThroughField => held.update(root, dice, true)?,
            _ => held.update_per_node(dice)?,
        }
        Ok(())
    }
}
