//! The `Comm`s and objects of one rank, and how an operation changes them.
//!
//! The lists have the same length on all ranks of the world. An entry may be a different `Comm` on different ranks, as after a
//! split; all ranks of one `Comm` have the same entry.

use std::rc::Rc;

use pshmem::{Comm, Domain, Result};

use super::early_exits::{Exit, FatalError};
use super::group::Group;
use super::locks::{AllHolders, LockEntry};
use super::object::{AnyObject, create, on_array};
use super::ops::{Op, OpKind};
use super::rng::Rng;
use super::{batches, early_exits, fatal_calls, invalid_calls, locks, pairs, values};
use crate::collective::split;
use crate::report::Outcome;
use crate::values::number;

/// The largest length of a list: a further entry replaces the first.
const MAX_ENTRIES: usize = 6;

/// One `Comm`.
#[derive(Clone)]
pub(super) struct CommEntry {
    pub(super) comm: Comm,
    /// Unique among the entries, and the same on all ranks of the world.
    pub(super) id: usize,
    /// Differs between `Comm`s with the same id, so that they create different calls.
    pub(super) salt: usize,
    pub(super) group: Rc<Group>,
}

/// One object, and the `Comm` on which it was created.
pub(super) struct ObjectEntry {
    pub(super) object: Box<dyn AnyObject>,
    pub(super) comm_id: usize,
    pub(super) salt: usize,
    pub(super) group: Rc<Group>,
}

/// What a call on a `Comm` has created.
enum Created {
    Nothing,
    Object(Box<dyn AnyObject>),
    Lock(LockEntry),
    /// A `Comm`, its salt and its group.
    Comm(Comm, usize, Group),
}

/// The `Comm`s and objects of one rank.
pub(super) struct State<'a> {
    pub(super) world: &'a Comm,
    /// The group of the world.
    pub(super) group: Rc<Group>,
    pub(super) comms: Vec<CommEntry>,
    pub(super) objects: Vec<ObjectEntry>,
    pub(super) locks: Vec<LockEntry>,
    /// The holders of locks, for all ranks.
    pub(super) holders: &'a AllHolders,
    /// The number of `Comm`s created so far.
    created: usize,
    /// How each rank of the world has exited, if it has.
    pub(super) exits: Vec<Option<Exit>>,
    /// The index of the current operation.
    pub(super) at: usize,
    /// The fatal errors that calls on this rank have returned.
    pub(super) fatal_errors: Vec<FatalError>,
}

impl<'a> State<'a> {
    pub(super) fn new(world: &'a Comm, group: Group, holders: &'a AllHolders) -> Self {
        State {
            world,
            group: Rc::new(group),
            comms: Vec::new(),
            objects: Vec::new(),
            locks: Vec::new(),
            holders,
            created: 0,
            exits: vec![None; world.size()],
            at: 0,
            fatal_errors: Vec::new(),
        }
    }

    /// Creates a `Comm` of all ranks when the list is empty. Nothing else uses the world, so it fails only when a rank exits.
    pub(super) fn refill(&mut self) -> Outcome {
        if !self.comms.is_empty() {
            return Ok(());
        }
        let group = self.group.clone();
        let all = self.world.split(Some(0), 0);
        if self.has_exited(&group) {
            return self.expect_exit_error(&group, all);
        }
        let all = all?.expect("a rank with a color gets a Comm");
        self.add_comm(all, 0, Rc::new((*group).clone()))
    }

    fn add_comm(&mut self, comm: Comm, salt: usize, group: Rc<Group>) -> Outcome {
        group.check(&comm, self.world.rank())?;
        self.created += 1;
        if self.comms.len() == MAX_ENTRIES {
            self.comms.remove(0);
        }
        self.comms.push(CommEntry {
            comm,
            id: self.created,
            salt,
            group,
        });
        Ok(())
    }

    /// Removes a `Comm`, and the objects and locks on it, from the lists. The objects are compared with their models once more.
    pub(super) fn remove(&mut self, entry: CommEntry) -> impl Sized + use<> {
        let id = entry.id;
        let is_on_it = |object: &mut ObjectEntry| object.comm_id == id;
        let objects: Vec<_> = self.objects.extract_if(.., is_on_it).collect();
        let is_on_it = |lock: &mut LockEntry| lock.comm_id == id;
        let locks: Vec<_> = self.locks.extract_if(.., is_on_it).collect();
        for object in &objects {
            object.object.check();
        }
        self.comms.retain(|comm| comm.id != id);
        (objects, locks, entry)
    }

    fn add_object(&mut self, object: Box<dyn AnyObject>, entry: &CommEntry) {
        if self.objects.len() == MAX_ENTRIES {
            self.objects.remove(0);
        }
        self.objects.push(ObjectEntry {
            object,
            comm_id: entry.id,
            salt: entry.salt,
            group: entry.group.clone(),
        });
    }

    /// Runs one operation, and compares all objects with their models.
    pub(super) fn run(&mut self, at: usize, op: &Op) -> Outcome {
        self.at = at;
        self.act(op)?;
        self.objects.iter().for_each(|entry| entry.object.check());
        Ok(())
    }

    fn act(&mut self, op: &Op) -> Outcome {
        use OpKind::{
            AllGather, AllReduce, AllReduceInto, Barrier, Batch, Broadcast, Diverge, Domains,
            DropComm, DropInside, DropLock, ExclusiveScan, Exit, FromRoot, GatherValues, Invalid,
            Leave, New, NewLock, NodeComm, PoisonLock, RanksPerNode, Split, UseLock,
        };
        match op.kind {
            New | FromRoot | NewLock | Split | NodeComm | RanksPerNode | Domains | Barrier
            | DropComm | Broadcast | AllGather | GatherValues | AllReduce | AllReduceInto
            | ExclusiveScan => self.act_on_comm(op),
            UseLock => locks::run(self, op, false),
            PoisonLock => locks::run(self, op, true),
            DropLock => {
                if let Some(at) = op.target.checked_rem(self.locks.len()) {
                    self.locks.remove(at);
                }
                Ok(())
            }
            Batch => batches::run(self, op),
            DropInside => pairs::drop_inside(self, op),
            Invalid => invalid_calls::run(self, op),
            Diverge => fatal_calls::diverge(self, op),
            Leave => fatal_calls::leave(self, op),
            Exit => early_exits::exit(self, op),
            _ => self.act_on_object(op),
        }
    }

    fn act_on_comm(&mut self, op: &Op) -> Outcome {
        if self.comms.is_empty() {
            // Only after the world has failed.
            return self.refill();
        }
        let at = op.target % self.comms.len();
        if op.kind == OpKind::DropComm {
            self.comms.remove(at);
            return self.refill();
        }
        let entry = self.comms[at].clone();
        let created = if op.kind == OpKind::NewLock {
            locks::create(self, op, &entry).map(Created::Lock)
        } else {
            create_on(&entry, op)
        };
        if self.has_exited(&entry.group) {
            return self.expect_exit_error(&entry.group, created);
        }
        let created = created?;
        if self.exits.iter().any(Option::is_some) {
            // Another `Comm` with the same id may have failed, and lists must stay equally long on all ranks.
            if let Created::Object(object) = created {
                object.check();
            }
            return Ok(());
        }
        match created {
            Created::Object(object) => self.add_object(object, &entry),
            Created::Lock(lock) => {
                if self.locks.len() == MAX_ENTRIES {
                    self.locks.remove(0);
                }
                self.locks.push(lock);
            }
            Created::Comm(comm, salt, group) => {
                self.add_comm(comm, salt, Rc::new(group))?;
            }
            Created::Nothing => {}
        }
        Ok(())
    }

    fn act_on_object(&mut self, op: &Op) -> Outcome {
        if self.objects.is_empty() {
            return Ok(());
        }
        let at = op.target % self.objects.len();
        let group = self.objects[at].group.clone();
        let has_exited = self.has_exited(&group);
        if let OpKind::Drop | OpKind::Close = op.kind {
            let entry = self.objects.remove(at);
            if op.kind == OpKind::Close {
                let closed = entry.object.close();
                if has_exited {
                    return self.expect_exit_error(&group, closed);
                }
                closed?;
            }
            return Ok(());
        }
        let entry = &mut self.objects[at];
        let rng = Rng::new(op.seed ^ entry.salt);
        let root = op.root % entry.object.comm().size();
        if has_exited {
            let result = unchanged(&mut *entry.object, |object| {
                write(object, op.kind, root, rng)
            });
            return self.expect_exit_error(&group, result);
        }
        write(&mut *entry.object, op.kind, root, rng)?;
        Ok(())
    }
}

/// A call that creates something on a `Comm`, or passes values, or a barrier.
fn create_on(entry: &CommEntry, op: &Op) -> Result<Created> {
    let (comm, group, salt) = (&entry.comm, &entry.group, entry.salt);
    let rng = Rng::new(op.seed ^ salt);
    let (me, size) = (comm.rank(), comm.size());
    Ok(match op.kind {
        OpKind::New => Created::Object(create(comm, None, rng)?),
        OpKind::FromRoot => Created::Object(create(comm, Some(op.root % size), rng)?),
        OpKind::Split => {
            let color = |rank: usize| (rank ^ op.seed) % (1 + op.seed % 3);
            let key = |rank: usize| {
                if op.seed.is_multiple_of(2) {
                    rank
                } else {
                    size - rank
                }
            };
            let part = split(comm, color(me), key(me))?;
            let salt = number(salt, color(me)) as usize;
            Created::Comm(part, salt, group.split(me, color, key))
        }
        OpKind::NodeComm => {
            let part = comm.node_comm()?;
            let salt = number(salt, comm.node().index) as usize;
            Created::Comm(part, salt, group.of_node(me))
        }
        OpKind::RanksPerNode => {
            let n = 1 + op.seed % 3;
            Created::Comm(
                comm.with_ranks_per_node(n)?,
                salt,
                group.with_ranks_per_node(n),
            )
        }
        OpKind::Domains => {
            let domain = |rank: usize| (rank ^ op.seed) % (1 + op.seed % 3);
            Created::Comm(
                comm.with_made_up_domains(Domain::L3, Ok(domain(me) as u32))?,
                salt,
                group.divided(domain),
            )
        }
        OpKind::Barrier => {
            comm.barrier()?;
            Created::Nothing
        }
        _ => {
            values::pass(comm, op.kind, op.root % size, rng)?;
            Created::Nothing
        }
    })
}

/// A call that writes an object and its model.
pub(super) fn write(object: &mut dyn AnyObject, kind: OpKind, root: usize, rng: Rng) -> Result<()> {
    match kind {
        OpKind::UpdateWhole => return object.update_whole(root, rng),
        OpKind::Resize => return object.resize(rng),
        OpKind::CopyFrom | OpKind::Swap => return pairs::copy_or_swap(object, kind, rng),
        _ => {}
    }
    let choice = rng.clone().next() as usize;
    on_array(object, choice, |array| match kind {
        OpKind::Set => array.set(root, rng),
        OpKind::SetWith => array.set_with(root, rng),
        OpKind::Assign => array.assign(root, rng),
        OpKind::Fill => array.fill(rng),
        OpKind::Update => array.update(root, rng, &mut || {}),
        OpKind::UpdateParts => array.update_parts(rng, &mut || {}),
        OpKind::Gather => array.gather(rng),
        OpKind::Reduce => array.reduce(rng),
        OpKind::Scatter => array.scatter(rng),
        OpKind::DynamicLoop => array.dynamic_loop(rng),
        _ => array.update_per_node(rng),
    })
}

/// Makes a call that must fail and write nothing: the model stays unchanged.
pub(super) fn unchanged(
    object: &mut dyn AnyObject,
    call: impl FnOnce(&mut dyn AnyObject) -> Result<()>,
) -> Result<()> {
    object.save_model();
    let result = call(object);
    object.restore_model();
    result
}
