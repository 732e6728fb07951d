//! Ranks that end before the sequence does, and what the others then get from the `Comm`s that they shared with them.
//!
//! The others play on: a `Comm` without a rank that has ended must work as ever; on any other, every call must fail with an
//! error that names such a rank, and change nothing. The ranks of a node always get the same error. So do those of different
//! nodes after one end, unless it was that of their node's lowest rank, which alone talks to other nodes; after several ends,
//! each node may have heard of another one.

use std::panic::resume_unwind;

use pshmem::{Error, Result};

use super::members::Members;
use super::ops::Op;
use super::state::State;
use crate::report::Outcome;

/// How a rank has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// It returned from `main`.
    Returned,
    /// It panicked outside all closures.
    Panicked,
}

/// How the text of a panic on purpose begins.
pub(super) const ON_PURPOSE: &str = "on purpose";
/// What a rank that is unwinding says of itself when it has not come to the end of its `main` yet.
const UNWINDING: &str = "it panicked";

/// A fatal error as one rank has got it.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Found {
    operation: usize,
    /// The call was on the world itself.
    on_world: bool,
    /// Ranks of the `Comm`.
    ranks: Vec<usize>,
    /// The node, if it is on its own.
    node: Option<usize>,
    error: String,
}

impl Found {
    /// All that says which ranks must have got the same.
    fn call(&self) -> (usize, bool, &[usize], Option<usize>) {
        (self.operation, self.on_world, &self.ranks, self.node)
    }
}

/// One rank of the world ends.
pub(super) fn end(state: &mut State<'_>, op: &Op) {
    let who = op.target % state.ended.len();
    if state.ended[who].is_some() {
        return;
    }
    let how = if op.seed.is_multiple_of(2) {
        End::Returned
    } else {
        End::Panicked
    };
    state.ended[who] = Some(how);
    if who == state.world.rank() {
        if op.seed % 1024 < 2 {
            // A handle that is never dropped must not keep the others waiting. Seldom, because its memory is lost.
            let group = op.root % state.groups.len().max(1);
            std::mem::forget(state.groups.get(group).map(|group| group.comm.clone()));
        }
        if how == End::Panicked {
            resume_unwind(Box::new(format!("{ON_PURPOSE}, on rank {who}")));
        }
    }
}

impl State<'_> {
    /// Whether this rank has ended.
    pub(super) fn is_over(&self) -> bool {
        self.ended[self.world.rank()].is_some()
    }

    /// Whether a rank of a group has ended.
    pub(super) fn is_doomed(&self, members: &Members) -> bool {
        members.world_ranks().any(|rank| self.ended[rank].is_some())
    }

    /// The call fails because a rank of the group has ended.
    pub(super) fn expect_doom<R>(&mut self, members: &Members, result: Result<R>) -> Outcome {
        let Err(error) = result else {
            return Err("a call went well without a rank that has ended".into());
        };
        let ended: Vec<_> = members.world_ranks().map(|rank| self.ended[rank]).collect();
        let fits = match &error {
            Error::RankFailed { rank, message, .. } => {
                ended[*rank] == Some(End::Panicked)
                    && (message.starts_with(ON_PURPOSE) || message == UNWINDING)
            }
            Error::Diverged { what } => {
                ended.contains(&Some(End::Returned)) && what.contains("let go of its last handle")
            }
            _ => false,
        };
        if !fits {
            return Err(format!("ends were {ended:?}, but the call returned {error:?}").into());
        }
        let leader = members.leader_of(self.world.rank());
        let is_alone = self.ended[leader].is_some() || ended.iter().flatten().count() > 1;
        self.note(members, is_alone.then_some(leader), &error);
        Ok(())
    }

    /// Keeps a fatal error, to be compared with what the other ranks have got; `node` names the node if it is on its own.
    pub(super) fn note(&mut self, members: &Members, node: Option<usize>, error: &Error) {
        self.found.push(Found {
            operation: self.at,
            on_world: std::ptr::eq(members, &raw const *self.members),
            ranks: members.world_ranks().collect(),
            node,
            error: format!("{error:?}"),
        });
    }

    /// Every group still works, or fails as it must.
    pub(super) fn finish(&mut self) -> Outcome {
        for at in 0..self.groups.len() {
            self.at += 1;
            let (comm, members) = (
                self.groups[at].comm.clone(),
                self.groups[at].members.clone(),
            );
            let result = comm.barrier();
            if self.is_doomed(&members) {
                self.expect_doom(&members, result)?;
            } else {
                result?;
            }
        }
        Ok(())
    }
}

/// All ranks of a `Comm` must have got the same error from the same call.
pub(super) fn compare(found: &[Found]) -> std::result::Result<(), String> {
    let mut sorted: Vec<&Found> = found.iter().collect();
    sorted.sort();
    let differ = |pair: &&[&Found]| {
        let [one, other] = pair else { return false };
        one.error != other.error && one.call() == other.call()
    };
    match sorted.windows(2).find(differ) {
        None => Ok(()),
        Some(pair) => Err(format!("errors differ: {:?} and {:?}", pair[0], pair[1])),
    }
}
