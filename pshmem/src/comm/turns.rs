//! Turns inside one call: ranks of a node that work on the same bytes one after the other, without a round for each turn.
//!
//! Each rank counts the turns that it has finished, in a word of its control block that the others read. Counts go on from
//! call to call. In each call, every rank of the node has the same number of turns, so that all of them begin a call at the
//! same count. Where ranks take turns for several things that do not wait for each other, each has a lane of its own.

use crate::comm::protocol::call::Call;
use crate::comm::protocol::control_block::LANES;
use crate::comm::rank_sync::RankSync;
use crate::comm::wait::Wait;

/// What is counted. Most calls count in the first lane only.
#[derive(Debug, Clone, Copy)]
#[repr(usize)]
pub(crate) enum Lane {
    /// Work on shared bytes.
    Work,
    /// Results that are in node memory.
    Result,
    /// Results that this rank has read there.
    Taken,
    /// Bytes that another rank sends to other nodes.
    Written,
}

const _: () = assert!(Lane::Written as usize + 1 == LANES);

/// This rank's turns in one lane of one call.
pub(crate) struct TurnCounter<'a> {
    sync: &'a RankSync,
    call: Call,
    lane: usize,
    /// Turns of all calls before.
    base: u64,
    finished: u64,
}

impl<'a> TurnCounter<'a> {
    /// To be made by all ranks of the node inside one call, at which all of them have arrived.
    pub(crate) fn new(sync: &'a RankSync, call: Call) -> Self {
        Self::in_lane(sync, call, Lane::Work)
    }

    /// The same in another lane.
    pub(crate) fn in_lane(sync: &'a RankSync, call: Call, lane: Lane) -> Self {
        let lane = lane as usize;
        TurnCounter {
            sync,
            call,
            lane,
            base: sync.turns[lane].get(),
            finished: 0,
        }
    }

    /// How many turns this rank has finished.
    pub(crate) fn finished(&self) -> usize {
        self.finished as usize
    }

    /// This rank has no more turns, and as many as others that count in this lane.
    pub(crate) fn skip_to(&mut self, turns: usize) {
        self.finished = turns as u64;
        self.publish();
    }

    /// This rank has finished a turn. What it has written is visible to ranks that wait for that.
    pub(crate) fn finish(&mut self) {
        self.finished += 1;
        self.publish();
    }

    fn publish(&self) {
        let me = self.sync.group.topology.local_rank;
        let turns = self.base + self.finished;
        self.sync.control().set_turns(me, self.lane, turns);
    }

    /// Whether a rank of the node has finished so many turns. If so, what it has written in them may be read.
    pub(crate) fn has_finished(&self, local_rank: usize, turns: usize) -> bool {
        self.sync.control().turns(local_rank, self.lane) >= self.base + turns as u64
    }

    /// Waits until a rank of the node has finished so many turns.
    pub(crate) fn wait_for(&self, local_rank: usize, turns: usize) {
        Wait::new(self.sync, self.sync.done(), self.call)
            .until(|| self.has_finished(local_rank, turns).then_some(()));
    }
}

impl Drop for TurnCounter<'_> {
    fn drop(&mut self) {
        self.sync.turns[self.lane].set(self.base + self.finished);
    }
}
