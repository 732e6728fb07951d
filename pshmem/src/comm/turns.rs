//! Turns inside one call: ranks of a node that work on the same bytes one after the other, without a round for each turn.
//!
//! Each rank counts the turns that it has finished, in a word of its control block that the others read. Counts go on from
//! call to call. In each call, every rank of the node has the same number of turns, so that all of them begin a call at the
//! same count.

use crate::comm::protocol::call::Call;
use crate::comm::rank_sync::RankSync;
use crate::comm::wait::Wait;

/// This rank's turns in one call.
pub(crate) struct TurnCounter<'a> {
    sync: &'a RankSync,
    call: Call,
    /// Turns of all calls before.
    base: u64,
    finished: u64,
}

impl<'a> TurnCounter<'a> {
    /// To be made by all ranks of the node inside one call, at which all of them have arrived.
    pub(crate) fn new(sync: &'a RankSync, call: Call) -> Self {
        TurnCounter {
            sync,
            call,
            base: sync.turns.get(),
            finished: 0,
        }
    }

    /// This rank has finished a turn. What it has written is visible to ranks that wait for that.
    pub(crate) fn finish(&mut self) {
        self.finished += 1;
        let me = self.sync.group.topology.local_rank;
        self.sync.control().set_turns(me, self.base + self.finished);
    }

    /// Whether a rank of the node has finished so many turns. If so, what it has written in them may be read.
    pub(crate) fn has_finished(&self, local_rank: usize, turns: usize) -> bool {
        self.sync.control().turns(local_rank) >= self.base + turns as u64
    }

    /// Waits until a rank of the node has finished so many turns.
    pub(crate) fn wait_for(&self, local_rank: usize, turns: usize) {
        Wait::new(self.sync, self.sync.done(), self.call)
            .until(|| self.has_finished(local_rank, turns).then_some(()));
    }
}

impl Drop for TurnCounter<'_> {
    fn drop(&mut self) {
        self.sync.turns.set(self.base + self.finished);
    }
}
