//! Runs the user's closures inside collective calls: an error or a panic becomes an error of the call.

use crate::comm::thread_state;
use crate::error::{Error, Result, clip, panic_text};
use std::any::Any;
use std::panic::resume_unwind;

/// Bytes of a closure's error or panic message that are sent to the other ranks.
const MESSAGE_BYTES: usize = 400;

/// Runs the closures of one collective call on one rank.
///
/// A panic must not unwind through the call, because the other ranks wait for its end. It is kept until
/// [`finish`](ClosureRunner::finish).
#[must_use = "`finish` continues a panic"]
pub(crate) struct ClosureRunner {
    rank: usize,
    panic: Option<Box<dyn Any + Send>>,
}

impl ClosureRunner {
    /// For this rank, which errors name.
    pub(crate) fn new(rank: usize) -> Self {
        ClosureRunner { rank, panic: None }
    }

    /// Runs a closure, inside which other collectives return [`Error::Nested`].
    ///
    /// # Errors
    /// [`Error::Closure`] when it fails or panics.
    pub(crate) fn run<R>(&mut self, closure: impl FnOnce() -> Result<R, String>) -> Result<R> {
        let message = match thread_state::run_inside(closure) {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(message)) => message,
            Err(payload) => {
                let message = format!("panicked: {}", panic_text(payload.as_ref()));
                self.panic = Some(payload);
                message
            }
        };
        Err(Error::Closure {
            rank: self.rank,
            message: clip(&message, MESSAGE_BYTES),
        })
    }

    /// Ends the call on this rank: continues the panic of a closure, or gives the result back.
    pub(crate) fn finish<R>(self, result: Result<R>) -> Result<R> {
        match self.panic {
            Some(payload) => resume_unwind(payload),
            None => result,
        }
    }
}
