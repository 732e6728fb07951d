//! Ranks that exit before the end of the sequence, and the errors that the other ranks then get.
//!
//! The other ranks continue. A `Comm` without a rank that has exited must still work. On any other `Comm`, every call must fail
//! with an error that names such a rank, and change nothing. The ranks of a node always get the same error. The errors of
//! different nodes are equal after one exit, except on a node whose lowest rank has exited, because only that rank exchanges
//! messages with other nodes. After several exits, each node may name another rank.

use std::panic::resume_unwind;

use pshmem::{Error, Result};

use super::group::Group;
use super::locks;
use super::ops::Op;
use super::state::State;
use crate::report::Outcome;

/// How a rank has exited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exit {
    /// It returned from the closure of the cluster.
    Returned,
    /// It panicked outside all closures of calls.
    Panicked,
}

/// How the message of a deliberate panic or failure begins.
pub(super) const DELIBERATE: &str = "deliberate";
/// The library's message about a rank that is still unwinding.
const UNWINDING: &str = "it panicked";

/// A fatal error that a call on one rank returned.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct FatalError {
    operation: usize,
    /// Whether the call was on the world itself.
    on_world: bool,
    /// Ranks of the `Comm`.
    ranks: Vec<usize>,
    /// The lowest rank of the node, where the error need not be that of other nodes.
    node: Option<usize>,
    error: String,
}

impl FatalError {
    /// What is equal on all ranks that must have got the same error.
    fn call(&self) -> (usize, bool, &[usize], Option<usize>) {
        (self.operation, self.on_world, &self.ranks, self.node)
    }
}

/// One rank of the world exits.
pub(super) fn exit(state: &mut State<'_>, op: &Op) -> Outcome {
    let rank = op.target % state.exits.len();
    if state.exits[rank].is_some() {
        return Ok(());
    }
    let exit = if op.seed.is_multiple_of(2) {
        Exit::Returned
    } else {
        Exit::Panicked
    };
    // Locks that are never released lose memory.
    let with_lock = exit == Exit::Panicked || op.seed % 64 < 8;
    let with_lock = with_lock && locks::settle_before_exit(state, op)?;
    state.exits[rank] = Some(exit);
    if rank == state.world.rank() {
        if with_lock {
            locks::exit_with_lock(state, op, exit);
        }
        if op.seed % 1024 < 2 {
            // A leaked handle must not keep the others waiting. It is rare, because its memory is lost.
            let comm = op.root % state.comms.len().max(1);
            std::mem::forget(state.comms.get(comm).map(|entry| entry.comm.clone()));
        }
        if exit == Exit::Panicked {
            resume_unwind(Box::new(format!("{DELIBERATE}, on rank {rank}")));
        }
    }
    Ok(())
}

impl State<'_> {
    /// Whether this rank has exited.
    pub(super) fn has_this_rank_exited(&self) -> bool {
        self.exits[self.world.rank()].is_some()
    }

    /// Whether a rank of a group has exited.
    pub(super) fn has_exited(&self, group: &Group) -> bool {
        group.world_ranks().any(|rank| self.exits[rank].is_some())
    }

    /// Checks that a call has failed because a rank of the group has exited.
    pub(super) fn expect_exit_error<R>(&mut self, group: &Group, result: Result<R>) -> Outcome {
        let Err(error) = result else {
            return Err("a call succeeded although a rank has exited".into());
        };
        let exits: Vec<_> = group.world_ranks().map(|rank| self.exits[rank]).collect();
        let is_expected = match &error {
            Error::RankFailed { rank, message, .. } => {
                exits[*rank] == Some(Exit::Panicked)
                    && (message.starts_with(DELIBERATE) || message == UNWINDING)
            }
            Error::Diverged { what } => {
                exits.contains(&Some(Exit::Returned))
                    && what.contains("has dropped its last handle")
            }
            _ => false,
        };
        if !is_expected {
            return Err(format!("exits were {exits:?}, but the call returned {error:?}").into());
        }
        let leader = group.leader_of(self.world.rank());
        let differs_by_node = self.exits[leader].is_some() || exits.iter().flatten().count() > 1;
        self.record(group, differs_by_node.then_some(leader), &error);
        Ok(())
    }

    /// Records a fatal error, to be compared with those of other ranks. `node` is the lowest rank of this node, where the error
    /// need not be that of other nodes.
    pub(super) fn record(&mut self, group: &Group, node: Option<usize>, error: &Error) {
        self.fatal_errors.push(FatalError {
            operation: self.at,
            on_world: std::ptr::eq(group, &raw const *self.group),
            ranks: group.world_ranks().collect(),
            node,
            error: format!("{error:?}"),
        });
    }

    /// Checks that every `Comm` still works, or fails as it must.
    pub(super) fn finish(&mut self) -> Outcome {
        for at in 0..self.comms.len() {
            self.at += 1;
            let entry = self.comms[at].clone();
            let result = entry.comm.barrier();
            if self.has_exited(&entry.group) {
                self.expect_exit_error(&entry.group, result)?;
            } else {
                result?;
            }
        }
        Ok(())
    }
}

/// Checks that all ranks of a `Comm` got the same error from the same call.
pub(super) fn compare(errors: &[FatalError]) -> std::result::Result<(), String> {
    let mut sorted: Vec<&FatalError> = errors.iter().collect();
    sorted.sort();
    let differ = |pair: &&[&FatalError]| {
        let [one, other] = pair else { return false };
        one.error != other.error && one.call() == other.call()
    };
    match sorted.windows(2).find(differ) {
        None => Ok(()),
        Some(pair) => Err(format!("errors differ: {:?} and {:?}", pair[0], pair[1])),
    }
}
