//! Calls that must fail alike on all ranks of the group and change nothing but what a failed closure has written.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use ndarray::Array2;
use pshmem::{Comm, Error, Result, Shared};

use super::dice::Dice;
use super::ops::Op;
use super::state::State;
use crate::check::{others_error, same_error};
use crate::report::Outcome;

/// Plays a bad call on an object or on the `Comm` of one.
pub(super) fn play(state: &mut State<'_>, op: &Op) -> Outcome {
    if state.things.is_empty() {
        return Ok(());
    }
    let at = op.target % state.things.len();
    let thing = &mut state.things[at];
    let dice = Dice::new(op.seed ^ thing.flavor);
    let held = &mut *thing.held;
    let comm = held.comm().clone();
    let (root, size) = (op.root % comm.size(), comm.size());
    let fail = || "on purpose".to_owned();
    let panics = || -> String { resume_unwind(Box::new("on purpose")) };
    match op.seed % 16 {
        0 => expect(&comm, held.set_past_the_edge(root), |e| {
            matches!(e, Error::OutOfBounds { .. })
        }),
        1 => expect(&comm, held.set_nothing(root), |e| {
            matches!(e, Error::NoData { .. })
        }),
        2 => expect(&comm, held.set_past_the_edge(size + root), |e| {
            matches!(e, Error::NoSuchRank { .. })
        }),
        3 => expect(&comm, held.assign_by(&[]), |e| {
            matches!(e, Error::Holders { .. })
        }),
        4 if size > 1 => {
            let others = [root, (root + 1) % size];
            expect(&comm, held.assign_by(&others), |e| {
                matches!(e, Error::Holders { .. })
            })
        }
        5 if size > 1 => expect(&comm, held.fill_differently(root), |e| {
            matches!(e, Error::Mismatch { .. })
        }),
        6 => expect(&comm, held.failing_update(root, dice, &fail), is_closure),
        7 => expect(&comm, held.failing_per_node(&fail), is_closure),
        8 => expect_panic(&comm, root, || held.failing_update(root, dice, &panics)),
        9 => expect_panic(&comm, root, || held.panicking_set_with(root)),
        10 => expect_panic(&comm, root, || {
            Shared::<u64>::from_root(&comm, root, || resume_unwind(Box::new("on purpose")))
        }),
        11 => {
            let made = Shared::<u64>::try_from_root(&comm, root, || Err::<u64, _>(fail()));
            expect(&comm, made, is_closure)
        }
        12 if size > 1 => {
            let odd = usize::from(comm.rank() == root);
            let made = Shared::<[u8]>::new(&comm, 10 + odd * op.seed);
            expect(&comm, made, |e| matches!(e, Error::Mismatch { .. }))
        }
        13 => expect(
            &comm,
            Shared::<Array2<u64>>::new(&comm, [usize::MAX, 0]),
            |e| matches!(e, Error::TooLarge { .. }),
        ),
        14 => expect(&comm, Shared::<[u8]>::new(&comm, 1 << 50), |e| {
            matches!(e, Error::NoRoom { .. })
        }),
        _ if size > 1 => {
            let inner = comm.clone();
            let nested = move || {
                inner
                    .barrier()
                    .err()
                    .map_or_else(String::new, |error| format!("{error:?}"))
            };
            let result = held.failing_update(root, dice, &nested);
            expect(
                &comm,
                result,
                |e| matches!(e, Error::Closure { message, .. } if message.starts_with("Nested")),
            )
        }
        _ => Ok(()),
    }
}

fn is_closure(error: &Error) -> bool {
    matches!(error, Error::Closure { message, .. } if message.contains("on purpose"))
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
    match others_error(comm, root, error)? {
        Some(error) if !is_closure(&error) => {
            Err(format!("another error than expected: {error:?}").into())
        }
        _ => Ok(()),
    }
}
