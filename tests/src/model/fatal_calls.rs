//! Operations after which a `Comm` has failed: ranks that make different calls, and ranks that drop all their handles.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use pshmem::{Comm, Domain, Error, Result, Shared};

use super::early_exits::DELIBERATE;
use super::object::on_array;
use super::ops::{Op, OpKind};
use super::rng::Rng;
use super::state::{CommEntry, ObjectEntry, State, unchanged, write};
use crate::report::Outcome;
use crate::values::number;

/// The ranks of a `Comm` make different calls: one rank another call than the others, or each rank a random one.
pub(super) fn diverge(state: &mut State<'_>, op: &Op) -> Outcome {
    let Some(entry) = target(state, op) else {
        return Ok(());
    };
    let (rank, size) = (entry.comm.rank(), entry.comm.size());
    if size == 1 {
        return discard(state, entry);
    }
    let calls = number_of_calls(state, &entry);
    let outlier = op.root % size;
    let choice = if op.seed.is_multiple_of(4) {
        let random = |rank: usize| number(op.seed, rank) as usize % calls;
        let all_equal = (1..size).all(|rank| random(rank) == random(0));
        random(rank) + usize::from(all_equal && rank == outlier)
    } else if rank == outlier {
        op.seed
    } else {
        op.seed + 1 + op.seed / 16 % (calls - 1)
    };
    let result = call(state, &entry, op, choice % calls);
    if state.has_exited(&entry.group) {
        check_fatal(&result)?;
    } else if let Err(error @ Error::Diverged { .. }) = &result {
        state.record(&entry.group, None, error);
    } else {
        return Err(format!("after a divergence: {result:?}").into());
    }
    check_failed(&entry.comm)?;
    discard(state, entry)
}

/// One rank drops a `Comm` and all objects on it while the other ranks make a call; the drop may be part of a panic.
pub(super) fn leave(state: &mut State<'_>, op: &Op) -> Outcome {
    let Some(entry) = target(state, op) else {
        return Ok(());
    };
    let size = entry.comm.size();
    let panics = op.seed.is_multiple_of(2);
    if entry.comm.rank() == op.root % size {
        if !panics {
            return discard(state, entry);
        }
        let handles = state.remove(entry);
        let unwound = catch_unwind(AssertUnwindSafe(move || {
            let _dropped_while_unwinding = handles;
            resume_unwind(Box::new(DELIBERATE));
        }));
        return unwound.or_else(|_| state.refill());
    }
    let calls = number_of_calls(state, &entry);
    let result = call(state, &entry, op, op.seed % calls);
    let is_expected = match &result {
        Err(Error::Diverged { .. }) => !panics,
        Err(Error::RankFailed { rank, .. }) => panics && *rank == op.root % size,
        _ => false,
    };
    if state.has_exited(&entry.group) {
        check_fatal(&result)?;
    } else if let (true, Err(error)) = (is_expected, &result) {
        let has_left = entry.group.world_ranks().nth(op.root % size);
        let leader = entry.group.leader_of(state.world.rank());
        let node = (Some(leader) == has_left).then_some(leader);
        state.record(&entry.group, node, error);
    } else {
        return Err(format!("after a rank has left: {result:?}").into());
    }
    check_failed(&entry.comm)?;
    discard(state, entry)
}

/// The `Comm` that the operation is about.
fn target(state: &State<'_>, op: &Op) -> Option<CommEntry> {
    let at = op.target.checked_rem(state.comms.len())?;
    Some(state.comms[at].clone())
}

/// An object on this `Comm`.
fn object_on<'a>(state: &'a mut State<'_>, entry: &CommEntry) -> Option<&'a mut ObjectEntry> {
    let mut objects = state.objects.iter_mut();
    objects.find(|object| object.comm_id == entry.id)
}

/// The number of calls that [`call`] chooses from: more where the `Comm` has an object.
fn number_of_calls(state: &mut State<'_>, entry: &CommEntry) -> usize {
    if object_on(state, entry).is_some() {
        19
    } else {
        11
    }
}

/// Makes one of several calls that all differ in kind, root or object.
fn call(state: &mut State<'_>, entry: &CommEntry, op: &Op, choice: usize) -> Result<()> {
    let comm = &entry.comm;
    let (one, other) = (op.root % comm.size(), (op.root + 1) % comm.size());
    let kinds = [
        OpKind::Set,
        OpKind::Update,
        OpKind::Fill,
        OpKind::Assign,
        OpKind::UpdatePerNode,
    ];
    match choice {
        0 => return comm.barrier(),
        1 => return comm.split(Some(0), 0).map(drop),
        2 => return Shared::<u64>::from_root(comm, one, || 1).map(drop),
        3 => return Shared::<u64>::from_root(comm, other, || 1).map(drop),
        4 => return Shared::<u64>::from_root(comm, comm.size() + 2, || 1).map(drop),
        5 => return Shared::<[u8]>::new(comm, 3).map(drop),
        6 if op.seed.is_multiple_of(2) => return comm.with_domains(Domain::Node).map(drop),
        6 => return comm.with_ranks_per_node(1).map(drop),
        7 => return comm.broadcast(one, || op.seed).map(drop),
        8 => return comm.gather(other, vec![1_u8; op.seed]).map(drop),
        9 => return comm.all_gather(op.seed).map(drop),
        10 => return comm.all_reduce(pshmem::Op::sum(), 1_u64).map(drop),
        _ => {}
    }
    let object = object_on(state, entry).expect("a `Comm` with an object");
    let rng = Rng::new(op.seed);
    // Nothing may be written, so the model must not change.
    unchanged(&mut *object.object, |object| match choice {
        11 => on_array(object, op.seed, |array| array.set_out_of_bounds(other)),
        12 => on_array(object, op.seed, |array| {
            array.set_out_of_bounds(comm.size() + 2)
        }),
        13 => write(object, OpKind::Update, other, rng),
        _ => write(object, kinds[choice - 14], one, rng),
    })
}

fn check_fatal(result: &Result<()>) -> Outcome {
    match result {
        Err(Error::Diverged { .. } | Error::RankFailed { .. }) => Ok(()),
        other => Err(format!("a rank of the `Comm` has exited, but: {other:?}").into()),
    }
}

/// Checks that later calls return the same error at once.
fn check_failed(comm: &Comm) -> Outcome {
    match (comm.barrier(), Shared::<u64>::new(comm, ())) {
        (Err(one), Err(other)) if one == other => Ok(()),
        (one, other) => Err(format!("a failed `Comm` returns {one:?} and {other:?}").into()),
    }
}

/// Drops a `Comm` and the objects on it.
fn discard(state: &mut State<'_>, entry: CommEntry) -> Outcome {
    drop(state.remove(entry));
    state.refill()
}
