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
}

impl StopConditions {
    pub(crate) fn new(signals: SignalWatch, left: Option<Duration>) -> Self {
        StopConditions {
            signals,
            // A time beyond the range of the clock is no limit.
            deadline: left.and_then(|left| Instant::now().checked_add(left)),
            longest: Cell::default(),
        }
    }

    /// Whether a signal asks all workers to stop.
    #[inline]
    pub(crate) fn is_requested(&self) -> bool {
        self.signals.is_raised()
    }

    /// Whether the next task of this worker would end too late if it took as long as the longest one so far.
    #[inline]
    pub(crate) fn is_late(&self) -> bool {
        self.deadline
            .is_some_and(|deadline| Instant::now() + self.longest.get() > deadline)
    }

    /// Takes the duration of a task into account.
    #[inline]
    pub(crate) fn note_duration(&self, elapsed: Duration) {
        self.longest.set(self.longest.get().max(elapsed));
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
        assert!(!stop.is_late() && !stop.is_requested());
        stop.note_duration(HOUR / 2);
        assert!(!stop.is_late());
        stop.note_duration(HOUR * 2);
        assert!(stop.is_late());
        // The longest task counts, not the last one.
        stop.note_duration(HOUR / 4);
        assert!(stop.is_late());
        assert!(StopConditions::new(SignalWatch::default(), Some(Duration::ZERO)).is_late());
    }

    #[test]
    fn without_a_walltime_it_is_never_late() {
        for left in [None, Some(Duration::MAX)] {
            let stop = StopConditions::new(SignalWatch::default(), left);
            stop.note_duration(HOUR * 1000);
            assert!(!stop.is_late());
        }
    }
}
