//! Writing in place: a closure on the root, or on one rank of each node.

use crate::comm::check::Level;
use crate::comm::collective::call::{Kind, Step};
use crate::comm::collective::contribution::Contribution;
use crate::comm::thread_state::{self, Ended, Payload};
use crate::error::{Error, Result, clip};
use crate::layout::{Field, SharedLayout};
use crate::shared::create::MESSAGE;
use std::panic::{Location, resume_unwind};

impl<L: SharedLayout + ?Sized> Field<'_, L> {
    /// `write` runs on the root only and changes its node's copy; what it touched is carried to the other nodes, also when it
    /// fails, so that all copies stay equal.
    pub(super) fn update_on_root<R>(
        &mut self,
        root: usize,
        site: &'static Location<'static>,
        write: impl FnOnce(L::ViewMut<'_>) -> Result<R, String>,
    ) -> Result<Option<R>> {
        let core = self.core();
        core.enter(Kind::Update.name(), site)?;
        let span = L::span(self.plan());
        let call = self.handle().call(Kind::Update, &span).root(root);
        core.check_root(call, root)?;
        // SAFETY: every rank that arrives at this call holds its handle to these leaves mutably, as here.
        let target = unsafe { self.handle().target(&span) };
        let mut result = None;
        let mut panic = None;
        let written = core.write(call, Some(&target), |regions| {
            let before = core
                .checks(Level::Copies)
                .then(|| self.handle().sums(&target, &span));
            let ended = self.run(write);
            if core.is_multi_node() {
                regions.extend(self.handle().touched(&span));
            }
            result = Some(settle(ended, root, &mut panic)?);
            if let Some(before) = before {
                self.handle().check_untouched(&target, &span, &before)?;
            }
            Ok(Vec::new())
        });
        if let Some(payload) = panic {
            resume_unwind(payload);
        }
        written.map(|_| result)
    }

    /// `write` runs on one rank of each node; nothing travels.
    pub(super) fn update_on_leaders<R>(
        &mut self,
        site: &'static Location<'static>,
        write: impl FnOnce(L::ViewMut<'_>) -> Result<R, String>,
    ) -> Result<Option<R>> {
        let core = self.core();
        core.enter(Kind::UpdatePerNode.name(), site)?;
        let call = self
            .handle()
            .call(Kind::UpdatePerNode, &L::span(self.plan()));
        core.barrier(call)?;
        let mut result = None;
        let mut panic = None;
        let mut fault = None;
        if core.topology.is_leader() {
            // All ranks of the node have arrived and wait in the next meeting, which does not end without this rank.
            match settle(self.run(write), core.topology.rank, &mut panic) {
                Ok(value) => result = Some(value),
                Err(error) => fault = Some(error),
            }
        }
        let agreed = core.agree(call.step(Step::Finish), Contribution::fault(fault));
        if let Some(payload) = panic {
            resume_unwind(payload);
        }
        agreed.map(|_| result)
    }

    /// Runs the closure on this node's copy. Between claim and release only.
    fn run<R>(&self, write: impl FnOnce(L::ViewMut<'_>) -> Result<R, String>) -> Ended<R> {
        self.handle().clear_flags();
        // SAFETY: the segment is laid out by the plan (`Field::new`). All ranks of the node are in this same call with their
        // handles to these leaves held mutably, so no view of them is alive, and none of them returns before this rank
        // releases the call.
        let view = unsafe { L::view_mut(self.plan(), self.handle().base_mut()) };
        thread_state::run_inside(|| write(view))
    }
}

/// A closure's end as a result that can be sent; a panic's payload is kept for this rank.
pub(super) fn settle<R>(ended: Ended<R>, rank: usize, panic: &mut Option<Payload>) -> Result<R> {
    let message = match ended {
        Ended::Well(value) => return Ok(value),
        Ended::Failed(message) => message,
        Ended::Panicked(payload) => {
            let text = thread_state::panicked(&payload);
            *panic = Some(payload);
            text
        }
    };
    Err(Error::Closure {
        rank,
        message: clip(&message, MESSAGE),
    })
}
