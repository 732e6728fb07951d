//! Implements `update` and `update_per_node`: closures that write in place.

use crate::comm::check::Level;
use crate::comm::closure::ClosureRunner;
use crate::comm::protocol::call::{Kind, Step};
use crate::comm::protocol::contribution::Contribution;
use crate::error::Result;
use crate::layout::{Field, SharedLayout};
use std::panic::Location;

impl<L: SharedLayout + ?Sized> Field<'_, L> {
    /// Runs `write` on the root, which changes its node's copy. What it touched is sent to the other nodes also when it fails,
    /// so that all copies stay equal.
    pub(super) fn update_on_root<R>(
        &mut self,
        root: usize,
        site: &'static Location<'static>,
        write: impl FnOnce(L::ViewMut<'_>) -> Result<R, String>,
    ) -> Result<Option<R>> {
        let core = self.core();
        let _call = core.enter(Kind::Update.name(), site)?;
        let leaves = self.leaves();
        let call = self.call(Kind::Update).root(root);
        core.check_root(call, root)?;
        // SAFETY: every rank that arrives at this call holds its handle to these leaves mutably, as here.
        let target = unsafe { self.handle().target(&leaves) };
        let mut closure = ClosureRunner::new(root);
        let mut result = None;
        let written = core.write(call, Some(&target), |regions| {
            let before = core
                .checks(Level::Copies)
                .then(|| self.handle().checksums(&target, &leaves));
            let written = self.run(&mut closure, write);
            if core.group.is_multi_node() {
                regions.extend(self.handle().touched(&target, &leaves));
            }
            result = Some(written?);
            if let Some(before) = before {
                self.handle().check_untouched(&target, &leaves, &before)?;
            }
            Ok(Vec::new())
        });
        closure.finish(written.map(|_| result))
    }

    /// Runs `write` on one rank of each node, and sends nothing.
    pub(super) fn update_on_leaders<R>(
        &mut self,
        site: &'static Location<'static>,
        write: impl FnOnce(L::ViewMut<'_>) -> Result<R, String>,
    ) -> Result<Option<R>> {
        let core = self.core();
        let _call = core.enter(Kind::UpdatePerNode.name(), site)?;
        let call = self.call(Kind::UpdatePerNode);
        core.barrier(call)?;
        let mut closure = ClosureRunner::new(core.group.topology.rank);
        let mut result = None;
        let mut fault = None;
        if core.group.topology.is_leader() {
            // All ranks of the node have arrived and wait in the next round, which does not end without this rank.
            match self.run(&mut closure, write) {
                Ok(value) => result = Some(value),
                Err(error) => fault = Some(error),
            }
        }
        let agreed = core.agree(call.step(Step::Finish), Contribution::fault(fault));
        closure.finish(agreed.map(|_| result))
    }

    /// Runs `write` on this node's copy. Between claim and release only, or inside a call that makes the object.
    pub(super) fn run<R>(
        &self,
        closure: &mut ClosureRunner,
        write: impl FnOnce(L::ViewMut<'_>) -> Result<R, String>,
    ) -> Result<R> {
        self.handle().clear_flags(&self.leaves());
        // SAFETY: the segment is laid out by the plan (`Field::new`). All ranks of the node are in this same call with their
        // handles to these leaves held mutably, so no view of them is alive, and none of them returns before this rank
        // releases the call.
        let view = unsafe { L::view_mut(self.plan(), self.handle().base_mut()) };
        closure.run(|| write(view))
    }
}
