//! All that one rank has, and how an operation changes it.
//!
//! Lists have the same length on all ranks of the world. An entry may stand for different groups on different ranks, as after
//! a split; within a group, everything is the same.

use std::rc::Rc;

use pshmem::{Comm, Result};

use super::dice::Dice;
use super::ends::{End, Found};
use super::members::Members;
use super::object::{Held, make};
use super::ops::{Op, What};
use super::{bad, deaths, ends};
use crate::report::Outcome;
use crate::values::number;

/// Entries of each list; further ones replace the first.
const MOST: usize = 6;

/// One group of ranks.
#[derive(Clone)]
pub(super) struct Group {
    pub(super) comm: Comm,
    /// Which entry of the sequence made it, unique on all ranks.
    pub(super) id: usize,
    /// Differs between groups of the same entry.
    pub(super) flavor: usize,
    pub(super) members: Rc<Members>,
}

/// One object, and the group on which it lives.
pub(super) struct Thing {
    pub(super) held: Box<dyn Held>,
    pub(super) group: usize,
    pub(super) flavor: usize,
    pub(super) members: Rc<Members>,
}

/// What a call on a group has made.
enum Made {
    Nothing,
    Thing(Box<dyn Held>),
    /// With its flavor.
    Group(Comm, usize, Members),
}

/// All that one rank has.
pub(super) struct State<'a> {
    pub(super) world: &'a Comm,
    pub(super) members: Rc<Members>,
    pub(super) groups: Vec<Group>,
    pub(super) things: Vec<Thing>,
    made: usize,
    /// How each rank of the world has ended, if it has.
    pub(super) ended: Vec<Option<End>>,
    /// The operation that is being played.
    pub(super) at: usize,
    pub(super) found: Vec<Found>,
}

impl<'a> State<'a> {
    pub(super) fn new(world: &'a Comm, members: Members) -> Self {
        State {
            world,
            members: Rc::new(members),
            groups: Vec::new(),
            things: Vec::new(),
            made: 0,
            ended: vec![None; world.size()],
            at: 0,
            found: Vec::new(),
        }
    }

    /// A group of all ranks when there is none. The world itself is used for nothing else, so it dies only with a rank.
    pub(super) fn refill(&mut self) -> Outcome {
        if !self.groups.is_empty() {
            return Ok(());
        }
        let members = self.members.clone();
        let all = self.world.split(Some(0), 0);
        if self.is_doomed(&members) {
            return self.expect_doom(&members, all);
        }
        let all = all?.expect("a rank with a color gets a Comm");
        self.add_group(all, 0, Rc::new((*members).clone()))
    }

    fn add_group(&mut self, comm: Comm, flavor: usize, members: Rc<Members>) -> Outcome {
        members.check(&comm, self.world.rank())?;
        self.made += 1;
        if self.groups.len() == MOST {
            self.groups.remove(0);
        }
        self.groups.push(Group {
            comm,
            id: self.made,
            flavor,
            members,
        });
        Ok(())
    }

    fn add_thing(&mut self, held: Box<dyn Held>, group: &Group) {
        if self.things.len() == MOST {
            self.things.remove(0);
        }
        self.things.push(Thing {
            held,
            group: group.id,
            flavor: group.flavor,
            members: group.members.clone(),
        });
    }

    /// Plays one operation and checks everything after it.
    pub(super) fn play(&mut self, at: usize, op: &Op) -> Outcome {
        self.at = at;
        self.act(op)?;
        self.things.iter().for_each(|thing| thing.held.check());
        Ok(())
    }

    fn act(&mut self, op: &Op) -> Outcome {
        use What::{
            Bad, Barrier, Diverge, DropComm, End, FromRoot, Leave, New, NodeComm, RanksPerNode,
            Split,
        };
        match op.what {
            New | FromRoot | Split | NodeComm | RanksPerNode | Barrier | DropComm => {
                self.act_on_group(op)
            }
            Bad => bad::play(self, op),
            Diverge => deaths::diverge(self, op),
            Leave => deaths::leave(self, op),
            End => {
                ends::end(self, op);
                Ok(())
            }
            _ => self.act_on_thing(op),
        }
    }

    fn act_on_group(&mut self, op: &Op) -> Outcome {
        if self.groups.is_empty() {
            // Only when the world is dead, too.
            return self.refill();
        }
        let at = op.target % self.groups.len();
        if op.what == What::DropComm {
            self.groups.remove(at);
            return self.refill();
        }
        let group = self.groups[at].clone();
        let made = make_on(&group, op);
        if self.is_doomed(&group.members) {
            return self.expect_doom(&group.members, made);
        }
        let made = made?;
        if self.ended.iter().any(Option::is_some) {
            // Other groups of the same entry may have failed, and lists are to stay the same on all ranks.
            if let Made::Thing(held) = made {
                held.check();
            }
            return Ok(());
        }
        match made {
            Made::Thing(held) => self.add_thing(held, &group),
            Made::Group(comm, flavor, members) => {
                self.add_group(comm, flavor, Rc::new(members))?;
            }
            Made::Nothing => {}
        }
        Ok(())
    }

    fn act_on_thing(&mut self, op: &Op) -> Outcome {
        if self.things.is_empty() {
            return Ok(());
        }
        let at = op.target % self.things.len();
        let members = self.things[at].members.clone();
        let doomed = self.is_doomed(&members);
        if let What::Drop | What::Close = op.what {
            let thing = self.things.remove(at);
            if op.what == What::Close {
                let closed = thing.held.close();
                if doomed {
                    return self.expect_doom(&members, closed);
                }
                closed?;
            }
            return Ok(());
        }
        let thing = &mut self.things[at];
        let dice = Dice::new(op.seed ^ thing.flavor);
        let root = op.root % thing.held.comm().size();
        if doomed {
            let result = unchanged(&mut *thing.held, |held| write(held, op.what, root, dice));
            return self.expect_doom(&members, result);
        }
        write(&mut *thing.held, op.what, root, dice)?;
        Ok(())
    }
}

/// A call that makes something on a group, or a barrier.
fn make_on(group: &Group, op: &Op) -> Result<Made> {
    let (comm, members, flavor) = (&group.comm, &group.members, group.flavor);
    let dice = Dice::new(op.seed ^ flavor);
    let (me, size) = (comm.rank(), comm.size());
    Ok(match op.what {
        What::New => Made::Thing(make(comm, None, dice)?),
        What::FromRoot => Made::Thing(make(comm, Some(op.root % size), dice)?),
        What::Split => {
            let color = |rank: usize| (rank ^ op.seed) % (1 + op.seed % 3);
            let key = |rank: usize| {
                if op.seed.is_multiple_of(2) {
                    rank
                } else {
                    size - rank
                }
            };
            let part = comm.split(Some(color(me)), key(me))?;
            let part = part.expect("a rank with a color gets a Comm");
            let flavor = number(flavor, color(me)) as usize;
            Made::Group(part, flavor, members.split(me, color, key))
        }
        What::NodeComm => {
            let part = comm.node_comm()?;
            let flavor = number(flavor, comm.node().index) as usize;
            Made::Group(part, flavor, members.of_node(me))
        }
        What::RanksPerNode => {
            let n = 1 + op.seed % 3;
            Made::Group(comm.with_ranks_per_node(n)?, flavor, members.cut(n))
        }
        _ => {
            comm.barrier()?;
            Made::Nothing
        }
    })
}

/// A call that changes an object and its model.
pub(super) fn write(held: &mut dyn Held, what: What, root: usize, dice: Dice) -> Result<()> {
    match what {
        What::Set => held.set(root, dice),
        What::SetWith => held.set_with(root, dice),
        What::Assign => held.assign(root, dice),
        What::Fill => held.fill(dice),
        What::Update => held.update(root, dice, false),
        What::UpdateThroughField => held.update(root, dice, true),
        What::UpdateParts => held.update_parts(dice),
        What::Gather => held.gather(dice),
        What::Reduce => held.reduce(dice),
        What::Resize => held.resize(dice),
        _ => held.update_per_node(dice),
    }
}

/// Makes a call that must fail and write nothing: the model stays as it was.
pub(super) fn unchanged(
    held: &mut dyn Held,
    call: impl FnOnce(&mut dyn Held) -> Result<()>,
) -> Result<()> {
    held.keep_model();
    let result = call(held);
    held.restore_model();
    result
}
