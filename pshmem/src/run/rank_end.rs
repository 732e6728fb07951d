//! The end of a rank: it leaves its `Comm`s and locks, also those whose handles were leaked.

use crate::comm::{rank_state, thread_state};
use crate::live::LiveMark;
use crate::lock::raw_lock;

/// What a rank has created since this value was made is left when it ends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RankEnd {
    comms: LiveMark,
    locks: LiveMark,
}

/// Leaves everything that this thread has created.
#[cfg(feature = "mpi")]
pub(crate) fn leave_all() {
    RankEnd {
        comms: LiveMark::FIRST,
        locks: LiveMark::FIRST,
    }
    .leave(None);
}

impl RankEnd {
    /// To be called before the world of the rank is made. What the thread has created before belongs to an outer `run`.
    pub(crate) fn new() -> Self {
        RankEnd {
            comms: rank_state::live_mark(),
            locks: raw_lock::live_mark(),
        }
    }

    /// The rank ends. Ranks that wait for it get `failure`, if it has failed.
    pub(crate) fn leave(self, failure: Option<String>) {
        thread_state::set_failure(failure);
        raw_lock::leave_since(self.locks);
        rank_state::leave_since(self.comms);
        thread_state::set_failure(None);
    }
}
