//! In step: ranks of a node that work on the same bytes in turns inside one call, without a meeting at every turn.
//!
//! Each rank counts the steps that it has done, in a word of its local_rank that others read. The counts go on from call to call:
//! every rank of the node does as many steps as the others in each call, so that all of them begin at the same count.

use crate::comm::collective::call::Call;
use crate::comm::rank_state::RankState;

/// This rank's steps in one call.
pub(crate) struct TurnCounter<'a> {
    core: &'a RankState,
    call: Call,
    /// Steps of all calls before.
    base: u64,
    done: u64,
}

impl<'a> TurnCounter<'a> {
    /// To be made by all ranks of the node inside one call, at which all of them have arrived.
    pub(crate) fn new(core: &'a RankState, call: Call) -> Self {
        TurnCounter {
            core,
            call,
            base: core.steps.get(),
            done: 0,
        }
    }

    /// This rank has done one more step: what it wrote is for whoever waits for that.
    pub(crate) fn step(&mut self) {
        self.done += 1;
        let core = self.core;
        core.control()
            .step(core.topology.local_rank, self.base + self.done);
    }

    /// Whether the rank in a local_rank has done that many steps; what it wrote in them may be read then.
    pub(crate) fn has_done(&self, local_rank: usize, steps: usize) -> bool {
        self.core.control().steps(local_rank) >= self.base + steps as u64
    }

    /// Waits for that.
    pub(crate) fn wait_for(&self, local_rank: usize, steps: usize) {
        // All have arrived at the call that they are in.
        let mut wait = self.core.wait(self.core.done.get(), self.call);
        wait.until(|| self.has_done(local_rank, steps).then_some(()));
    }
}

impl Drop for TurnCounter<'_> {
    fn drop(&mut self) {
        self.core.steps.set(self.base + self.done);
    }
}
