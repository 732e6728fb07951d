//! A task table at the server of its home rank, and the requests about it.
//!
//! The server runs the protocol of the table on words in its own memory, one request after the other. A claim takes one
//! request and one reply; ending a task takes one message.

use crate::batch::table::{
    Claim, ClaimEnd, ClaimOutcome, RankEnd, SlotState, TableLayout, TaskEnd, TaskTable,
};
use crate::sync::atomic::AtomicU64;
use crate::transport::rpc::{HomeObject, RequestId};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;

/// A request of one rank.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum TableRequest {
    /// Claims the next task for a worker, all of whose ranks have ended the previous one.
    Claim { worker: usize, now: Duration },
    /// Ends a claim. Has a reply only where the worker's next claim must find it ended.
    EndClaim {
        worker: usize,
        claim: Claim,
        end: ClaimEnd,
        now: Duration,
    },
    /// Asks for the state of a task.
    SlotState { task: usize },
    /// Sets the state of a task.
    Set { task: usize, slot_state: u64 },
    /// Counts a rank of a worker that has ended its task.
    End {
        worker: usize,
        size: usize,
        rank: usize,
        end: RankEnd,
    },
    /// Hands out no more tasks.
    Stop,
    /// Asks whether more tasks are handed out.
    IsClosed,
    /// Asks how many tasks have been done, and have failed.
    Counts,
}

/// The reply to a request.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum TableReply {
    Claimed(ClaimOutcome),
    SlotState(u64),
    Ended(Option<TaskEnd>),
    IsClosed(bool),
    ClaimEnded,
    Counts(u64, u64),
}

/// A table at its home rank.
#[derive(Debug)]
pub(crate) struct HomeTable {
    layout: TableLayout,
    words: Arc<Vec<AtomicU64>>,
}

impl HomeTable {
    /// A table on words that have been filled.
    pub(super) fn new(layout: TableLayout, words: Arc<Vec<AtomicU64>>) -> Self {
        HomeTable { layout, words }
    }
}

impl HomeObject for HomeTable {
    type Request = TableRequest;
    type Reply = TableReply;

    fn has_reply(request: &TableRequest) -> bool {
        match request {
            TableRequest::EndClaim { end, .. } => is_awaited(*end),
            _ => true,
        }
    }

    fn handle(&mut self, from: RequestId, request: TableRequest) -> Vec<(RequestId, TableReply)> {
        let table = TaskTable {
            layout: self.layout,
            words: &self.words[..],
        };
        let reply = match request {
            TableRequest::Claim { worker, now } => {
                table.reset_worker(worker);
                TableReply::Claimed(table.next(worker, now))
            }
            TableRequest::EndClaim {
                worker,
                claim,
                end,
                now,
            } => {
                table.end_claim(worker, claim, end, now);
                if !is_awaited(end) {
                    return Vec::new();
                }
                TableReply::ClaimEnded
            }
            TableRequest::SlotState { task } => {
                TableReply::SlotState(table.slot_state(task) as u64)
            }
            TableRequest::Set { task, slot_state } => {
                match SlotState::of(slot_state) {
                    SlotState::Open => table.open(task),
                    slot_state => table.set(task, slot_state),
                }
                TableReply::SlotState(slot_state)
            }
            TableRequest::End {
                worker,
                size,
                rank,
                end,
            } => TableReply::Ended(table.end(worker, size, rank, &end)),
            TableRequest::Stop => {
                table.close();
                TableReply::Counts(0, 0)
            }
            TableRequest::IsClosed => TableReply::IsClosed(table.is_closed()),
            TableRequest::Counts => {
                let (done, failed) = table.counts();
                TableReply::Counts(done, failed)
            }
        };
        vec![(from, reply)]
    }
}

/// Whether the rank that ends a claim waits until the home rank knows. Another rank of its worker may claim next, and requests of
/// different ranks may overtake each other: a task that is opened again must not be missed, nor a failure that counts.
fn is_awaited(end: ClaimEnd) -> bool {
    matches!(end, ClaimEnd::Failed | ClaimEnd::Retry | ClaimEnd::PutBack)
}
