//! Random sequences of calls, on the library and on an `ndarray` model of what it must hold.
//!
//! An operation carries nothing but raw numbers; what they mean follows from the state in which it is played, which is the
//! same on all ranks of a group. So any sequence is valid, and a shrunk one is valid, too.
//!
//! - `ops` operations and how to generate them · `dice` random contents · `form` layouts · `object` one object beside its
//!   model · `state` all of one rank · `bad` calls that must fail · `deaths` calls that end a `Comm`

mod bad;
mod deaths;
mod dice;
mod form;
mod object;
pub mod ops;
mod state;

use std::panic::{AssertUnwindSafe, catch_unwind};

use pshmem::local::Cluster;

use crate::{report, watchdog};
use ops::{Op, Shape};

/// Plays a sequence on a cluster of threads; every rank compares all its objects with the model after each operation.
///
/// # Errors
/// What went wrong, with the first lines of each rank.
pub fn play(shape: &Shape, ops: &[Op]) -> Result<(), String> {
    let cluster = Cluster::new(&shape.nodes);
    let cluster = if shape.cyclic {
        cluster.cyclic()
    } else {
        cluster
    };
    let what = format!("{shape:?} with {ops:?}");
    let texts = watchdog::guard(&what, || {
        cluster.run(|world| {
            let mut at = 0;
            let played = catch_unwind(AssertUnwindSafe(|| {
                let mut state = state::State::new(world)?;
                for (index, op) in ops.iter().enumerate() {
                    at = index;
                    state.play(op)?;
                }
                Ok::<(), report::Failure>(())
            }));
            let text = match played {
                Ok(Ok(())) => return String::new(),
                Ok(Err(failure)) => format!("{failure:?}"),
                Err(payload) => report::panic_text(payload.as_ref()),
            };
            format!("in operation {at}, {:?}: {text}", ops[at])
        })
    });
    report::summary(&texts)
}
