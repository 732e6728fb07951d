//! Random sequences of calls, on the library and on an `ndarray` model of what it must hold.
//!
//! An operation consists of raw numbers. What they mean follows from the state of the rank, which is the same on all ranks of a
//! `Comm`. So every sequence is valid, and stays valid when proptest removes operations from it.
//!
//! - `sequence` the sequence of a seed · `ops` operations and how to generate them · `state` the `Comm`s and objects of one rank
//! - `object` the calls on one object and its model · `with_model` how objects of all layouts make them · `one_array`, `record`, `tables`
//!   what each layout has of its own · `array` one array, which is an object or a field · `calls` what objects and arrays have in common ·
//!   `layout` conversions for each layout
//! - `values` values that ranks pass each other · `pairs` calls on two objects · `locks` locks that several ranks use · `batches` tasks that workers run
//! - `group` the ranks and nodes of a `Comm` · `rng` pseudo-random numbers and arrays
//! - `invalid_calls` calls that must fail · `fatal_calls` calls after which a `Comm` has failed · `early_exits` ranks that exit
//!   before the others

mod array;
mod batches;
mod calls;
mod early_exits;
mod fatal_calls;
mod group;
mod invalid_calls;
mod layout;
mod locks;
mod object;
mod one_array;
pub mod ops;
mod pairs;
mod record;
mod rng;
pub mod sequence;
mod state;
mod tables;
mod values;
mod with_model;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Mutex, PoisonError};

use pshmem::Comm;

use crate::report::{self, Failure};
use crate::shapes::Shape;
use crate::watchdog;
use early_exits::FatalError;
use group::Group;
use locks::AllHolders;
use ops::Op;
use state::State;

/// Runs a sequence on a cluster of threads. Every rank compares its objects with their models after each operation, and the
/// fatal errors of all ranks are compared at the end. A sequence that hangs ends the process, with `name` in the message.
///
/// # Errors
/// When a rank has failed, with its message.
pub fn run(name: &str, shape: &Shape, ops: &[Op]) -> Result<(), String> {
    let cluster = shape.cluster();
    let ranks = shape.nodes.iter().sum();
    let results = Mutex::new(vec![Ok(()); ranks]);
    let fatal_errors = Mutex::new(Vec::new());
    let holders = AllHolders::default();
    let what = format!("{name}{shape:?} with {ops:?}");
    let result = watchdog::guard(&what, || {
        let rank = |world: &Comm| {
            let result = on_rank(world, shape, ops, &fatal_errors, &holders);
            lock(&results)[world.rank()] = result;
        };
        catch_unwind(AssertUnwindSafe(|| cluster.run(rank)))
    });
    if let Err(payload) = result {
        // The panic of a rank that exits by it. Failures on a rank are results, not panics.
        let text = report::panic_message(payload.as_ref());
        if !text.starts_with(early_exits::DELIBERATE) {
            return Err(format!("outside all operations: {text}"));
        }
    }
    report::summary(&lock(&results))?;
    early_exits::compare(&lock(&fatal_errors))
}

/// Runs the sequence on one rank. A panic by which the rank exits is resumed.
fn on_rank(
    world: &Comm,
    shape: &Shape,
    ops: &[Op],
    fatal_errors: &Mutex<Vec<FatalError>>,
    holders: &AllHolders,
) -> Result<(), String> {
    let mut at = 0;
    let result = catch_unwind(AssertUnwindSafe(|| {
        let mut state = State::new(world, Group::of_world(&shape.nodes, shape.cyclic), holders);
        state.refill()?;
        for (index, op) in ops.iter().enumerate() {
            at = index;
            state.run(index, op)?;
            if state.has_this_rank_exited() {
                break;
            }
        }
        if !state.has_this_rank_exited() {
            state.finish()?;
        }
        lock(fatal_errors).append(&mut state.fatal_errors);
        Ok::<(), Failure>(())
    }));
    let text = match result {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(failure)) => format!("{failure:?}"),
        Err(payload) => {
            let text = report::panic_message(payload.as_ref());
            if text.starts_with(early_exits::DELIBERATE) {
                resume_unwind(payload);
            }
            text
        }
    };
    Err(format!("in operation {at}, {:?}: {text}", ops.get(at)))
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
