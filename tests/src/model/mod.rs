//! Random sequences of calls, on the library and on an `ndarray` model of what it must hold.
//!
//! An operation carries nothing but raw numbers; what they mean follows from the state in which it is played, which is the
//! same on all ranks of a group. So any sequence is valid, and a shrunk one is valid, too.
//!
//! - `ops` operations and how to generate them · `dice` random contents · `form` layouts · `object` one object beside its
//!   model · `members` who is in a group · `state` all of one rank · `bad` calls that must fail · `deaths` calls that end a
//!   `Comm` · `ends` ranks that end before the others

mod bad;
mod deaths;
mod dice;
mod ends;
mod form;
mod members;
mod object;
pub mod ops;
mod state;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Mutex, PoisonError};

use pshmem::Comm;
use pshmem::local::Cluster;

use crate::report::{self, Failure};
use crate::watchdog;
use ends::Found;
use members::Members;
use ops::{Op, Shape};
use state::State;

/// Plays a sequence on a cluster of threads; every rank compares all its objects with the model after each operation, and the
/// fatal errors of all ranks are compared at the end. A sequence that hangs ends the process, and tells `name`.
///
/// # Errors
/// What went wrong, with the first lines of each rank.
pub fn play(name: &str, shape: &Shape, ops: &[Op]) -> Result<(), String> {
    let cluster = Cluster::new(&shape.nodes);
    let cluster = if shape.cyclic {
        cluster.cyclic()
    } else {
        cluster
    };
    let ranks = shape.nodes.iter().sum();
    let results = Mutex::new(vec![Ok(()); ranks]);
    let found = Mutex::new(Vec::new());
    let what = format!("{name}{shape:?} with {ops:?}");
    let ended = watchdog::guard(&what, || {
        let rank = |world: &Comm| {
            let result = on_rank(world, shape, ops, &found);
            lock(&results)[world.rank()] = result;
        };
        catch_unwind(AssertUnwindSafe(|| cluster.run(rank)))
    });
    if let Err(payload) = ended {
        // Of a rank that was to end so. What goes wrong on a rank is a text, not a panic.
        let text = report::panic_message(payload.as_ref());
        if !text.starts_with(ends::ON_PURPOSE) {
            return Err(format!("outside all operations: {text}"));
        }
    }
    report::summary(&lock(&results))?;
    ends::compare(&lock(&found))
}

/// One rank's part, and what went wrong in it. A panic that was to end the rank goes on.
fn on_rank(
    world: &Comm,
    shape: &Shape,
    ops: &[Op],
    found: &Mutex<Vec<Found>>,
) -> Result<(), String> {
    let mut at = 0;
    let played = catch_unwind(AssertUnwindSafe(|| {
        let mut state = State::new(world, Members::of_world(&shape.nodes, shape.cyclic));
        state.refill()?;
        for (index, op) in ops.iter().enumerate() {
            at = index;
            state.play(index, op)?;
            if state.is_over() {
                break;
            }
        }
        if !state.is_over() {
            state.finish()?;
        }
        lock(found).append(&mut state.found);
        Ok::<(), Failure>(())
    }));
    let text = match played {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(failure)) => format!("{failure:?}"),
        Err(payload) => {
            let text = report::panic_message(payload.as_ref());
            if text.starts_with(ends::ON_PURPOSE) {
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
