//! Calls that must fail with the same error on all ranks, and change nothing but what a failed closure has written.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use ndarray::Array2;
use pshmem::{Comm, Error, Result, Shared};

use super::early_exits::DELIBERATE;
use super::object::AnyObject;
use super::ops::Op;
use super::rng::Rng;
use super::state::State;
use crate::collective::{error_of_others, gather_texts, same_error};
use crate::report::Outcome;

/// The numbers of kinds of calls on an object, and on a `Comm`.
const ON_OBJECT: usize = 17;
const ON_COMM: usize = 8;

/// Makes an invalid call on an object or on the `Comm` of one.
pub(super) fn run(state: &mut State<'_>, op: &Op) -> Outcome {
    if state.objects.is_empty() {
        return Ok(());
    }
    let at = op.target % state.objects.len();
    let entry = &mut state.objects[at];
    let comm = entry.object.comm().clone();
    if state.exits.iter().any(Option::is_some) {
        let group = entry.group.clone();
        let result = entry.object.set_out_of_bounds(op.root % comm.size());
        if state.has_exited(&group) {
            return state.expect_exit_error(&group, result);
        }
        return expect(&comm, result, |e| matches!(e, Error::OutOfBounds { .. }));
    }
    let kind = op.seed % (ON_OBJECT + ON_COMM);
    if let Some(kind) = kind.checked_sub(ON_OBJECT) {
        return on_comm(&comm, kind, op);
    }
    let rng = Rng::new(op.seed ^ entry.salt);
    // For a call inside the closure of another: any `Comm` of the rank.
    let inner = op.root.checked_rem(state.comms.len());
    let inner = inner.map_or(&comm, |at| &state.comms[at].comm);
    on_object(&mut *entry.object, kind, op, rng, inner)
}

fn on_object(object: &mut dyn AnyObject, kind: usize, op: &Op, rng: Rng, inner: &Comm) -> Outcome {
    let comm = object.comm().clone();
    let (root, size) = (op.root % comm.size(), comm.size());
    let fail = || DELIBERATE.to_owned();
    let panics = || -> String { resume_unwind(Box::new(DELIBERATE)) };
    let nested = || nested(inner, op.seed / 32);
    let is_nested =
        |error: &Error| matches!(error, Error::Closure { message, .. } if message == NESTED);
    let no_such_rank = |error: &Error| matches!(error, Error::NoSuchRank { .. });
    let several_or_none = |error: &Error| matches!(error, Error::Holders { .. });
    match kind {
        0 => expect(&comm, object.set_out_of_bounds(root), |e| {
            matches!(e, Error::OutOfBounds { .. })
        }),
        1 => expect(&comm, object.set_without_data(root), |e| {
            matches!(e, Error::NoData { .. })
        }),
        2 => expect(&comm, object.set_out_of_bounds(size + root), no_such_rank),
        3 => expect(&comm, object.update_without_root(size + root), no_such_rank),
        4 => expect(&comm, object.update_without_root(usize::MAX), no_such_rank),
        5 => expect(&comm, object.assign_from(&[]), several_or_none),
        6 if size > 1 => expect(
            &comm,
            object.assign_from(&[root, (root + 1) % size]),
            several_or_none,
        ),
        7 if size > 1 => expect(&comm, object.fill_differently(root), |e| {
            matches!(e, Error::Mismatch { .. })
        }),
        8 => expect(&comm, object.failing_update(root, rng, &fail), is_closure),
        9 => expect(&comm, object.failing_per_node(&fail), is_closure),
        10 | 11 => expect_panic(&comm, root, || object.failing_update(root, rng, &panics)),
        12 => expect_panic(&comm, root, || object.panicking_set_with(root)),
        13 => expect_panic_on_each_node(&comm, || object.failing_per_node(&panics)),
        14 | 15 if size > 1 => expect(&comm, object.failing_update(root, rng, &nested), is_nested),
        16 if size > 1 => expect(&comm, object.failing_per_node(&nested), is_nested),
        _ => Ok(()),
    }
}

fn on_comm(comm: &Comm, kind: usize, op: &Op) -> Outcome {
    let (root, size) = (op.root % comm.size(), comm.size());
    let differing = usize::from(comm.rank() == root);
    match kind {
        0 => expect_panic(comm, root, || {
            Shared::<u64>::from_root(comm, root, || resume_unwind(Box::new(DELIBERATE)))
        }),
        1 => {
            let made = Shared::<u64>::try_from_root(comm, root, || Err::<u64, _>(DELIBERATE));
            expect(comm, made, is_closure)
        }
        2 => {
            let made = Shared::<u64>::from_root(comm, size + root, || 1);
            expect(comm, made, |e| matches!(e, Error::NoSuchRank { .. }))
        }
        3 if size > 1 => {
            let made = Shared::<[u8]>::new(comm, 10 + differing * op.seed.max(1));
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
        7 if size > 1 => expect(comm, comm.with_ranks_per_node(1 + differing), |e| {
            matches!(e, Error::Mismatch { .. })
        }),
        _ => Ok(()),
    }
}

/// What `nested` returns when the call was rejected.
const NESTED: &str = "rejected";

/// Makes a collective call, to be used inside the closure of another one.
fn nested(inner: &Comm, kind: usize) -> String {
    let result = match kind % 5 {
        0 => inner.barrier(),
        1 => inner.split(Some(0), 0).map(drop),
        2 => inner.with_ranks_per_node(1).map(drop),
        3 => Shared::<[u8]>::new(inner, 9).map(drop),
        _ => Shared::<u64>::from_root(inner, 0, || 7).map(drop),
    };
    match result {
        // A call on a `Comm` of one rank waits for nobody, and is allowed.
        Ok(()) if inner.size() == 1 => NESTED.to_owned(),
        Err(Error::Nested { .. }) if inner.size() > 1 => NESTED.to_owned(),
        other => format!("{other:?}"),
    }
}

fn is_closure(error: &Error) -> bool {
    matches!(error, Error::Closure { message, .. } if message.contains(DELIBERATE))
}

fn expect<R>(comm: &Comm, result: Result<R>, is: impl Fn(&Error) -> bool) -> Outcome {
    let error = same_error(comm, result)?;
    if is(&error) {
        Ok(())
    } else {
        Err(format!("unexpected error: {error:?}").into())
    }
}

fn expect_panic<R>(comm: &Comm, root: usize, call: impl FnOnce() -> Result<R>) -> Outcome {
    // What the call has borrowed is valid after a panic: that is what is tested.
    let error = catch_unwind(AssertUnwindSafe(call))
        .ok()
        .and_then(Result::err);
    match error_of_others(comm, root, error)? {
        Some(error) if !is_closure(&error) => Err(format!("unexpected error: {error:?}").into()),
        _ => Ok(()),
    }
}

/// The closure panics on the lowest rank of each node; the other ranks get an error.
fn expect_panic_on_each_node(comm: &Comm, call: impl FnOnce() -> Result<()>) -> Outcome {
    let error = catch_unwind(AssertUnwindSafe(call))
        .ok()
        .and_then(Result::err);
    let panicked = comm.node().rank == 0;
    if panicked != error.is_none() || error.as_ref().is_some_and(|error| !is_closure(error)) {
        return Err(format!("should panic here: {panicked}, but: {error:?}").into());
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
