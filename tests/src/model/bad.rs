//! Calls that must fail alike on all ranks of the group and change nothing but what a failed closure has written.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use ndarray::Array2;
use pshmem::{Comm, Error, Result, Shared};

use super::dice::Dice;
use super::ends::ON_PURPOSE;
use super::object::Held;
use super::ops::Op;
use super::state::State;
use crate::collective::{error_of_others, gather_texts, same_error};
use crate::report::Outcome;

/// Kinds of calls on an object, and on a `Comm`.
const ON_OBJECT: usize = 17;
const ON_COMM: usize = 8;

/// Plays a bad call on an object or on the `Comm` of one.
pub(super) fn play(state: &mut State<'_>, op: &Op) -> Outcome {
    if state.things.is_empty() {
        return Ok(());
    }
    let at = op.target % state.things.len();
    let thing = &mut state.things[at];
    let comm = thing.held.comm().clone();
    if state.ended.iter().any(Option::is_some) {
        let members = thing.members.clone();
        let result = thing.held.set_past_the_edge(op.root % comm.size());
        if state.is_doomed(&members) {
            return state.expect_doom(&members, result);
        }
        return expect(&comm, result, |e| matches!(e, Error::OutOfBounds { .. }));
    }
    let kind = op.seed % (ON_OBJECT + ON_COMM);
    if let Some(kind) = kind.checked_sub(ON_OBJECT) {
        return on_comm(&comm, kind, op);
    }
    let dice = Dice::new(op.seed ^ thing.flavor);
    // A call inside the closure of another, on whatever the rank has.
    let inner = op.root.checked_rem(state.groups.len());
    let inner = inner.map_or(&comm, |at| &state.groups[at].comm);
    on_object(&mut *thing.held, kind, op, dice, inner)
}

fn on_object(held: &mut dyn Held, kind: usize, op: &Op, dice: Dice, inner: &Comm) -> Outcome {
    let comm = held.comm().clone();
    let (root, size) = (op.root % comm.size(), comm.size());
    let fail = || ON_PURPOSE.to_owned();
    let panics = || -> String { resume_unwind(Box::new(ON_PURPOSE)) };
    let nested = || nested(inner, op.seed / 32);
    let is_nested =
        |error: &Error| matches!(error, Error::Closure { message, .. } if message == NESTED);
    let no_such_rank = |error: &Error| matches!(error, Error::NoSuchRank { .. });
    let holders = |error: &Error| matches!(error, Error::Holders { .. });
    match kind {
        0 => expect(&comm, held.set_past_the_edge(root), |e| {
            matches!(e, Error::OutOfBounds { .. })
        }),
        1 => expect(&comm, held.set_nothing(root), |e| {
            matches!(e, Error::NoData { .. })
        }),
        2 => expect(&comm, held.set_past_the_edge(size + root), no_such_rank),
        3 => expect(&comm, held.update_by_nobody(size + root), no_such_rank),
        4 => expect(&comm, held.update_by_nobody(usize::MAX), no_such_rank),
        5 => expect(&comm, held.assign_by(&[]), holders),
        6 if size > 1 => expect(&comm, held.assign_by(&[root, (root + 1) % size]), holders),
        7 if size > 1 => expect(&comm, held.fill_differently(root), |e| {
            matches!(e, Error::Mismatch { .. })
        }),
        8 => expect(&comm, held.failing_update(root, dice, &fail), is_closure),
        9 => expect(&comm, held.failing_per_node(&fail), is_closure),
        10 | 11 => expect_panic(&comm, root, || held.failing_update(root, dice, &panics)),
        12 => expect_panic(&comm, root, || held.panicking_set_with(root)),
        13 => expect_panics_of_leaders(&comm, || held.failing_per_node(&panics)),
        14 | 15 if size > 1 => expect(&comm, held.failing_update(root, dice, &nested), is_nested),
        16 if size > 1 => expect(&comm, held.failing_per_node(&nested), is_nested),
        _ => Ok(()),
    }
}

fn on_comm(comm: &Comm, kind: usize, op: &Op) -> Outcome {
    let (root, size) = (op.root % comm.size(), comm.size());
    let odd = usize::from(comm.rank() == root);
    match kind {
        0 => expect_panic(comm, root, || {
            Shared::<u64>::from_root(comm, root, || resume_unwind(Box::new(ON_PURPOSE)))
        }),
        1 => {
            let made = Shared::<u64>::try_from_root(comm, root, || Err::<u64, _>(ON_PURPOSE));
            expect(comm, made, is_closure)
        }
        2 => {
            let made = Shared::<u64>::from_root(comm, size + root, || 1);
            expect(comm, made, |e| matches!(e, Error::NoSuchRank { .. }))
        }
        3 if size > 1 => {
            let made = Shared::<[u8]>::new(comm, 10 + odd * op.seed.max(1));
            expect(comm, made, |e| matches!(e, Error::Mismatch { .. }))
        }
        4 => expect(
            comm,
            Shared::<Array2<u64>>::new(comm, [usize::MAX, 0]),
            |e| matches!(e, Error::TooLarge { .. }),
        ),
        5 => expect(comm, Shared::<[u8]>::new(comm, 1 << 50), |e| {
            matches!(e, Error::NoRoom { .. })
        }),
        6 => expect(comm, comm.with_ranks_per_node(0), |e| {
            matches!(e, Error::InvalidSetting { .. })
        }),
        7 if size > 1 => expect(comm, comm.with_ranks_per_node(1 + odd), |e| {
            matches!(e, Error::Mismatch { .. })
        }),
        _ => Ok(()),
    }
}

/// What `nested` says when all is well.
const NESTED: &str = "refused";

/// Makes a collective call inside the closure of another.
fn nested(inner: &Comm, kind: usize) -> String {
    let result = match kind % 5 {
        0 => inner.barrier(),
        1 => inner.split(Some(0), 0).map(drop),
        2 => inner.with_ranks_per_node(1).map(drop),
        3 => Shared::<[u8]>::new(inner, 9).map(drop),
        _ => Shared::<u64>::from_root(inner, 0, || 7).map(drop),
    };
    match result {
        // A rank that is alone has nobody to wait for.
        Ok(()) if inner.size() == 1 => NESTED.to_owned(),
        Err(Error::Nested { .. }) if inner.size() > 1 => NESTED.to_owned(),
        other => format!("{other:?}"),
    }
}

fn is_closure(error: &Error) -> bool {
    matches!(error, Error::Closure { message, .. } if message.contains(ON_PURPOSE))
}

fn expect<R>(comm: &Comm, result: Result<R>, is: impl Fn(&Error) -> bool) -> Outcome {
    let error = same_error(comm, result)?;
    if is(&error) {
        Ok(())
    } else {
        Err(format!("another error than expected: {error:?}").into())
    }
}

fn expect_panic<R>(comm: &Comm, root: usize, call: impl FnOnce() -> Result<R>) -> Outcome {
    // What the call has borrowed is in order after a panic: that is what is tested.
    let error = catch_unwind(AssertUnwindSafe(call))
        .ok()
        .and_then(Result::err);
    match error_of_others(comm, root, error)? {
        Some(error) if !is_closure(&error) => {
            Err(format!("another error than expected: {error:?}").into())
        }
        _ => Ok(()),
    }
}

/// The closure panics on the lowest rank of each node; the others get an error.
fn expect_panics_of_leaders(comm: &Comm, call: impl FnOnce() -> Result<()>) -> Outcome {
    let error = catch_unwind(AssertUnwindSafe(call))
        .ok()
        .and_then(Result::err);
    let panicked = comm.node().rank == 0;
    if panicked != error.is_none() || error.as_ref().is_some_and(|error| !is_closure(error)) {
        return Err(format!("to panic here: {panicked}, but: {error:?}").into());
    }
    let texts = gather_texts(
        comm,
        &error.map_or_else(String::new, |error| format!("{error:?}")),
    )?;
    let mut errors = texts.iter().filter(|text| !text.is_empty());
    let first = errors.next();
    match errors.find(|text| Some(*text) != first) {
        None => Ok(()),
        Some(other) => Err(format!("errors differ: {first:?} and {other:?}").into()),
    }
}
