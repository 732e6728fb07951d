//! Operations after which a `Comm` is dead: ranks that make different calls, and ranks that leave.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use pshmem::{Comm, Error, Result, Shared};

use super::dice::Dice;
use super::ends::ON_PURPOSE;
use super::ops::{Op, What};
use super::state::{Group, State, unchanged, write};
use crate::report::Outcome;
use crate::values::number;

/// Ranks of a group make different calls: one of them another than the rest, or each what it likes.
pub(super) fn diverge(state: &mut State<'_>, op: &Op) -> Outcome {
    let Some(group) = group(state, op) else {
        return Ok(());
    };
    let (rank, size) = (group.comm.rank(), group.comm.size());
    if size == 1 {
        return bury(state, group);
    }
    let calls = calls(state, &group);
    let odd = op.root % size;
    let pick = if op.seed.is_multiple_of(4) {
        let any = |rank: usize| number(op.seed, rank) as usize % calls;
        let all_equal = (1..size).all(|rank| any(rank) == any(0));
        any(rank) + usize::from(all_equal && rank == odd)
    } else if rank == odd {
        op.seed
    } else {
        op.seed + 1 + op.seed / 16 % (calls - 1)
    };
    let result = call(state, &group, op, pick % calls);
    if state.is_doomed(&group.members) {
        expect_fatal(&result)?;
    } else if let Err(error @ Error::Diverged { .. }) = &result {
        state.note(&group.members, None, error);
    } else {
        return Err(format!("after a divergence: {result:?}").into());
    }
    dead(&group.comm)?;
    bury(state, group)
}

/// One rank lets go of a group and of all its objects while the others make a call. It may be that it panics there.
pub(super) fn leave(state: &mut State<'_>, op: &Op) -> Outcome {
    let Some(group) = group(state, op) else {
        return Ok(());
    };
    let size = group.comm.size();
    let panics = op.seed.is_multiple_of(2);
    if group.comm.rank() == op.root % size {
        if !panics {
            return bury(state, group);
        }
        let all = take(state, group);
        let unwound = catch_unwind(AssertUnwindSafe(move || {
            let _dies_while_unwinding = all;
            resume_unwind(Box::new(ON_PURPOSE));
        }));
        return unwound.or_else(|_| state.refill());
    }
    let calls = calls(state, &group);
    let result = call(state, &group, op, op.seed % calls);
    let fits = match &result {
        Err(Error::Diverged { .. }) => !panics,
        Err(Error::RankFailed { rank, .. }) => panics && *rank == op.root % size,
        _ => false,
    };
    if state.is_doomed(&group.members) {
        expect_fatal(&result)?;
    } else if let (true, Err(error)) = (fits, &result) {
        let has_left = group.members.world_ranks().nth(op.root % size);
        let leader = group.members.leader_of(state.world.rank());
        let node = (Some(leader) == has_left).then_some(leader);
        state.note(&group.members, node, error);
    } else {
        return Err(format!("after a rank has left: {result:?}").into());
    }
    dead(&group.comm)?;
    bury(state, group)
}

fn group(state: &State<'_>, op: &Op) -> Option<Group> {
    let at = op.target.checked_rem(state.groups.len())?;
    Some(state.groups[at].clone())
}

/// The number of calls to choose from, which all differ. More where the group has an object.
fn calls(state: &State<'_>, group: &Group) -> usize {
    let has_object = state.things.iter().any(|thing| thing.group == group.id);
    if has_object { 15 } else { 7 }
}

/// Makes one of several calls that all differ in kind, root or object.
fn call(state: &mut State<'_>, group: &Group, op: &Op, pick: usize) -> Result<()> {
    let comm = &group.comm;
    let (one, other) = (op.root % comm.size(), (op.root + 1) % comm.size());
    let kinds = [
        What::Set,
        What::Update,
        What::Fill,
        What::Assign,
        What::UpdatePerNode,
    ];
    match pick {
        0 => return comm.barrier(),
        1 => return comm.split(Some(0), 0).map(drop),
        2 => return Shared::<u64>::from_root(comm, one, || 1).map(drop),
        3 => return Shared::<u64>::from_root(comm, other, || 1).map(drop),
        4 => return Shared::<u64>::from_root(comm, comm.size() + 2, || 1).map(drop),
        5 => return Shared::<[u8]>::new(comm, 3).map(drop),
        6 => return comm.with_ranks_per_node(1).map(drop),
        _ => {}
    }
    let things = &mut state.things;
    let thing = things.iter_mut().find(|thing| thing.group == group.id);
    let held = &mut *thing.expect("a group with an object").held;
    let dice = Dice::new(op.seed);
    // Nothing may be written, so the model must not change.
    unchanged(held, |held| match pick {
        7 => held.set_past_the_edge(other),
        8 => held.set_past_the_edge(comm.size() + 2),
        9 => write(held, What::Update, other, dice),
        _ => write(held, kinds[pick - 10], one, dice),
    })
}

fn expect_fatal(result: &Result<()>) -> Outcome {
    match result {
        Err(Error::Diverged { .. } | Error::RankFailed { .. }) => Ok(()),
        other => Err(format!("without a rank that has ended: {other:?}").into()),
    }
}

/// Later calls return the same error at once.
fn dead(comm: &Comm) -> Outcome {
    match (comm.barrier(), Shared::<u64>::new(comm, ())) {
        (Err(one), Err(other)) if one == other => Ok(()),
        (one, other) => Err(format!("a dead Comm says {one:?} and {other:?}").into()),
    }
}

/// Drops what belongs to the group. Its objects have been there until now, and are checked once more.
fn bury(state: &mut State<'_>, group: Group) -> Outcome {
    drop(take(state, group));
    state.refill()
}

/// All that this rank has of the group.
fn take(state: &mut State<'_>, group: Group) -> impl Sized + use<> {
    let id = group.id;
    let things: Vec<_> = state
        .things
        .extract_if(.., |thing| thing.group == id)
        .collect();
    for thing in &things {
        thing.held.check();
    }
    state.groups.retain(|group| group.id != id);
    (things, group)
}
