//! Why a batch begins no more tasks although some are open: it was asked to stop, or too little time is left.

use crate::batch::Batch;
use crate::batch::signals::SignalWatch;
use crate::error::Result;
use std::cell::Cell;
use std::time::{Duration, Instant};

/// The conditions under which one rank begins no more tasks.
#[derive(Debug)]
pub(crate) struct StopConditions {
    /// Empty if no signal stops the batch.
    signals: SignalWatch,
    /// When the job will be ended.
    deadline: Option<Instant>,
    /// The longest task of this worker so far.
    longest: Cell<Duration>,
    /// The largest number of seconds for each unit of cost so far.
    longest_per_cost: Cell<f64>,
}

impl StopConditions {
    pub(crate) fn new(signals: SignalWatch, left: Option<Duration>) -> Self {
        StopConditions {
            signals,
            // A time beyond the range of the clock is no limit.
            deadline: left.and_then(|left| Instant::now().checked_add(left)),
            longest: Cell::default(),
            longest_per_cost: Cell::default(),
        }
    }

    /// Whether a signal asks all workers to stop.
    #[inline]
    pub(crate) fn is_requested(&self) -> bool {
        self.signals.is_raised()
    }

    /// Whether the time for tasks is over.
    #[inline]
    pub(crate) fn is_over(&self) -> bool {
        self.deadline
            .is_some_and(|deadline| Instant::now() >= deadline)
    }

    /// Whether the next task of this worker would end too late: if it took as long as the longest one so far, or, if its cost
    /// is known, as long for each unit of cost as any task so far.
    #[inline]
    pub(crate) fn is_late(&self, cost: Option<f64>) -> bool {
        self.deadline.is_some_and(|deadline| {
            let end = Instant::now().checked_add(self.estimate(cost));
            end.is_none_or(|end| end > deadline)
        })
    }

    fn estimate(&self, cost: Option<f64>) -> Duration {
        let by_cost = cost
            .filter(|_| self.longest_per_cost.get() > 0.0)
            .map(|cost| {
                let seconds = cost * self.longest_per_cost.get();
                Duration::try_from_secs_f64(seconds).unwrap_or_else(|_| {
                    // A negative cost takes no time; what overflows takes for ever. NaN is no estimate.
                    match seconds > 0.0 {
                        true => Duration::MAX,
                        false if seconds.is_nan() => self.longest.get(),
                        false => Duration::ZERO,
                    }
                })
            });
        by_cost.unwrap_or(self.longest.get())
    }

    /// Takes the duration of a task into account.
    #[inline]
    pub(crate) fn note_duration(&self, elapsed: Duration, cost: Option<f64>) {
        self.longest.set(self.longest.get().max(elapsed));
        if let Some(cost) = cost.filter(|&cost| cost > 0.0) {
            let per_cost = elapsed.as_secs_f64() / cost;
            self.longest_per_cost
                .set(self.longest_per_cost.get().max(per_cost));
        }
    }
}

impl Batch {
    /// Stops the batch: from now on, no worker of this job begins a task. Tasks that run are finished.
    ///
    /// ```
    /// use pshmem::{Batch, Comm};
    ///
    /// let batch = Batch::builder(&Comm::solo(), 5).build()?;
    /// batch.next_task()?.expect("there are five").done()?;
    /// batch.stop()?;
    /// assert!(batch.next_task()?.is_none());
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    ///
    /// # Collective
    /// No. Any rank may call it; it waits for no other rank than the home rank of the task table.
    ///
    /// # Errors
    /// [`Error::MpiFinalized`](crate::Error::MpiFinalized) after MPI has been finalized.
    pub fn stop(&self) -> Result<()> {
        self.rank.client.close()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    #[test]
    fn no_task_begins_that_would_end_after_the_walltime() {
        let stop = StopConditions::new(SignalWatch::default(), Some(HOUR));
        assert!(!stop.is_late(None) && !stop.is_requested() && !stop.is_over());
        stop.note_duration(HOUR / 2, None);
        assert!(!stop.is_late(None));
        stop.note_duration(HOUR * 2, None);
        assert!(stop.is_late(None) && !stop.is_over());
        // The longest task counts, not the last one.
        stop.note_duration(HOUR / 4, None);
        assert!(stop.is_late(None));
        let stop = StopConditions::new(SignalWatch::default(), Some(Duration::ZERO));
        assert!(stop.is_late(None) && stop.is_over());
    }

    #[test]
    fn the_cost_of_a_task_tells_how_long_it_takes() {
        let stop = StopConditions::new(SignalWatch::default(), Some(HOUR));
        // As long as nothing is known, a task is begun.
        assert!(!stop.is_late(Some(1e300)));
        stop.note_duration(HOUR / 2, Some(10.0));
        assert!(!stop.is_late(Some(10.0)) && !stop.is_late(Some(0.0)) && !stop.is_late(Some(-1e9)));
        assert!(stop.is_late(Some(21.0)) && stop.is_late(Some(f64::INFINITY)));
        // A cost that is no number tells nothing.
        assert!(!stop.is_late(Some(f64::NAN)));
        stop.note_duration(HOUR * 2, Some(f64::NAN));
        assert!(stop.is_late(Some(f64::NAN)) && !stop.is_late(Some(10.0)));
    }

    #[test]
    fn without_a_walltime_it_is_never_late() {
        for left in [None, Some(Duration::MAX)] {
            let stop = StopConditions::new(SignalWatch::default(), left);
            stop.note_duration(HOUR * 1000, Some(1.0));
            assert!(!stop.is_late(None) && !stop.is_late(Some(1e9)) && !stop.is_over());
        }
    }
}
