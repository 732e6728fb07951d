//! Operations after which a `Comm` is dead: ranks that make different calls, and ranks that leave.

use pshmem::{Comm, Error, Result, Shared};

use super::object::Held;
use super::ops::Op;
use super::state::State;
use crate::report::Outcome;

/// One rank makes another call than the others of its group.
pub(super) fn diverge(state: &mut State<'_>, op: &Op) -> Outcome {
    let (comm, id) = group(state, op);
    if comm.size() > 1 {
        let odd = comm.rank() == op.root % comm.size();
        let pick = if odd {
            op.seed
        } else {
            op.seed / 8 + usize::from(op.seed / 8 % 5 == op.seed % 5)
        };
        let result = call(state, &comm, id, pick);
        if !matches!(result, Err(Error::Diverged { .. })) {
            return Err(format!("after a divergence: {result:?}").into());
        }
        dead(&comm)?;
    }
    bury(state, id)
}

/// One rank lets go of a group and of all its objects while the others make a call.
pub(super) fn leave(state: &mut State<'_>, op: &Op) -> Outcome {
    let (comm, id) = group(state, op);
    let gone = comm.rank() == op.root % comm.size();
    if comm.size() > 1 && !gone {
        let result = call(state, &comm, id, op.seed);
        if !matches!(
            result,
            Err(Error::Diverged { .. } | Error::RankFailed { .. })
        ) {
            return Err(format!("after a rank has left: {result:?}").into());
        }
        dead(&comm)?;
    }
    drop(comm);
    bury(state, id)
}

fn group(state: &State<'_>, op: &Op) -> (Comm, usize) {
    let group = &state.groups[op.target % state.groups.len()];
    (group.comm.clone(), group.id)
}

/// One of five calls that all differ.
fn call(state: &mut State<'_>, comm: &Comm, id: usize, pick: usize) -> Result<()> {
    let mut things = state.things.iter_mut().filter(|thing| thing.group == id);
    match pick % 5 {
        0 => comm.barrier(),
        1 => comm.split(Some(0), 0).map(drop),
        2 => Shared::<u64>::from_root(comm, 0, || 1).map(drop),
        3 => Shared::<[u8]>::new(comm, 3).map(drop),
        // The model must not change: past the edge, nothing would be written, were it not for the divergence.
        _ => things.next().map_or_else(
            || comm.with_ranks_per_node(1).map(drop),
            |thing| refused(&mut *thing.held),
        ),
    }
}

fn refused(held: &mut dyn Held) -> Result<()> {
    held.set_past_the_edge(0)
}

/// Later calls return the same error at once.
fn dead(comm: &Comm) -> Outcome {
    match (comm.barrier(), Shared::<u64>::new(comm, ())) {
        (Err(one), Err(other)) if one == other => Ok(()),
        (one, other) => Err(format!("a dead Comm says {one:?} and {other:?}").into()),
    }
}

/// Drops what belongs to the group. Its objects have been there until now, and are checked once more.
fn bury(state: &mut State<'_>, id: usize) -> Outcome {
    state
        .things
        .iter()
        .filter(|thing| thing.group == id)
        .for_each(|thing| thing.held.check());
    state.things.retain(|thing| thing.group != id);
    state.groups.retain(|group| group.id != id);
    state.refill()?;
    Ok(())
}
