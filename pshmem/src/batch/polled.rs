//! A question whose answer becomes yes at some time and stays so, and which is not asked too often.

use std::cell::Cell;
use std::time::{Duration, Instant};

/// Time between two questions.
const PERIOD: Duration = Duration::from_millis(100);

/// The last answer.
#[derive(Debug, Default)]
pub(super) struct Polled {
    is_true: Cell<bool>,
    /// When it was asked last.
    asked: Cell<Option<Instant>>,
}

impl Polled {
    /// The answer, which is asked for unless it is yes or has been asked for within the last tenth of a second.
    pub(super) fn get(&self, ask: impl FnOnce() -> bool) -> bool {
        let is_recent = |at: Instant| at.elapsed() < PERIOD;
        if !self.is_true.get() && !self.asked.get().is_some_and(is_recent) {
            self.is_true.set(ask());
            self.asked.set(Some(Instant::now()));
        }
        self.is_true.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yes_is_final_and_no_is_asked_again_after_a_while() {
        let polled = Polled::default();
        assert!(!polled.get(|| false));
        let answered = Instant::now();
        while !polled.get(|| true) {}
        assert!(answered.elapsed() > PERIOD / 2);
        assert!(polled.get(|| unreachable!("it has been answered")));
    }
}
