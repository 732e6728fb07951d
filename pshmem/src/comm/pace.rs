//! In step: ranks of a node that work on the same bytes in turns inside one call, without a meeting at every turn.
//!
//! Each rank counts the steps that it has done, in a word of its slot that others read. The counts go on from call to call:
//! every rank of the node does as many steps as the others in each call, so that all of them begin at the same count.

use crate::comm::call::Call;
use crate::comm::core::Core;

/// This rank's steps in one call.
pub(crate) struct Pace<'a> {
    core: &'a Core,
    call: Call,
    /// Steps of all calls before.
    base: u64,
    done: u64,
}

impl<'a> Pace<'a> {
    /// To be made by all ranks of the node inside one call, at which all of them have arrived.
    pub(crate) fn new(core: &'a Core, call: Call) -> Self {
        Pace {
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
            .step(core.topology.slot, self.base + self.done);
    }

    /// Whether the rank in a slot has done that many steps; what it wrote in them may be read then.
    pub(crate) fn has_done(&self, slot: usize, steps: usize) -> bool {
        self.core.control().steps(slot) >= self.base + steps as u64
    }

    /// Waits for that.
    pub(crate) fn wait_for(&self, slot: usize, steps: usize) {
        // All have arrived at the call that they are in.
        let mut wait = self.core.wait(self.core.done.get(), self.call);
        wait.until(|| self.has_done(slot, steps).then_some(()));
    }
}

impl Drop for Pace<'_> {
    fn drop(&mut self) {
        self.core.steps.set(self.base + self.done);
    }
}
