//! HomeTables that a rank hosts for ranks of other nodes: what can be asked, and who answers what.
//!
//! The host runs the protocol of `table.rs` on words of its own, one request after the other, at its server
//! (`lock/server.rs`). A claim is one request and one answer; what is finished is one message.

use crate::batch::table::{Claim, SlotState, TableLayout, TaskEnd, TaskTable};
use crate::sync::atomic::AtomicU64;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// What a rank asks of a table's host.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum TableRequest {
    /// The next task, for a worker of which all ranks have ended the one before.
    Claim { worker: usize },
    /// To end a claim and to count it, unless it is to be run rerun. Not answered.
    Finish {
        worker: usize,
        claim: Claim,
        slot_state: u64,
        counts: bool,
    },
    /// To know what a task is.
    SlotState { task: usize },
    /// To change what a task is.
    Set { task: usize, slot_state: u64 },
    /// To count a rank of a worker that has ended its task.
    End {
        worker: usize,
        size: usize,
        rank: usize,
        failure: Option<String>,
    },
    /// That no more tasks are handed out.
    Stop,
    /// To know how many tasks have been done, and have failed.
    Counts,
    /// Never to use it rerun. Not answered.
    Close,
}

impl TableRequest {
    pub(crate) fn is_answered(&self) -> bool {
        !matches!(self, TableRequest::Finish { .. } | TableRequest::Close)
    }
}

/// What the host answers.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum TableReply {
    Claimed(Option<Claim>),
    SlotState(u64),
    Ended(Option<TaskEnd>),
    Counts(u64, u64),
}

/// All tables of one host.
#[derive(Debug, Default)]
pub(crate) struct HomeTables(HashMap<u64, HomeTable>);

#[derive(Debug)]
struct HomeTable {
    layout: TableLayout,
    words: Vec<AtomicU64>,
    /// Ranks that have not closed it.
    users: usize,
}

impl HomeTables {
    /// Begins to host a table that `users` ranks will close. `None` when there is no memory for it.
    pub(crate) fn open(
        &mut self,
        number: u64,
        layout: TableLayout,
        users: usize,
    ) -> Option<TaskTable<&[AtomicU64]>> {
        let len = layout.words()?;
        let mut words = Vec::new();
        words.try_reserve_exact(len).ok()?;
        words.resize_with(len, || AtomicU64::new(0));
        let hosted = HomeTable {
            layout,
            words,
            users,
        };
        self.0.insert(number, hosted);
        self.table(number)
    }

    /// Hosts a table no longer, because it has never come to be.
    pub(crate) fn remove(&mut self, number: u64) {
        self.0.remove(&number);
    }

    pub(crate) fn table(&self, number: u64) -> Option<TaskTable<&[AtomicU64]>> {
        self.0.get(&number).map(HomeTable::table)
    }

    #[cfg(feature = "mpi")]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Does what is asked; the answer, where there is one.
    pub(crate) fn handle(&mut self, number: u64, request: TableRequest) -> Option<TableReply> {
        let hosted = self.0.get_mut(&number)?;
        let table = hosted.table();
        match request {
            TableRequest::Claim { worker } => {
                table.reset_worker(worker);
                return Some(TableReply::Claimed(table.claim()));
            }
            TableRequest::Finish {
                worker,
                claim,
                slot_state,
                counts,
            } => {
                let slot_state = SlotState::of(slot_state);
                table.finish(claim, slot_state);
                if counts {
                    table.count(worker, slot_state == SlotState::Done);
                }
            }
            TableRequest::SlotState { task } => {
                return Some(TableReply::SlotState(table.slot_state(task) as u64));
            }
            TableRequest::Set { task, slot_state } => {
                table.set(task, SlotState::of(slot_state));
                return Some(TableReply::SlotState(slot_state));
            }
            TableRequest::End {
                worker,
                size,
                rank,
                failure,
            } => {
                let ended = table.end(worker, size, (rank, failure.as_deref()));
                return Some(TableReply::Ended(ended));
            }
            TableRequest::Stop => {
                table.close();
                return Some(TableReply::Counts(0, 0));
            }
            TableRequest::Counts => {
                let (done, failed) = table.counts();
                return Some(TableReply::Counts(done, failed));
            }
            TableRequest::Close => {
                hosted.users -= 1;
                if hosted.users == 0 {
                    self.0.remove(&number);
                }
            }
        }
        None
    }
}

impl HomeTable {
    fn table(&self) -> TaskTable<&[AtomicU64]> {
        TaskTable {
            layout: self.layout,
            words: &self.words,
        }
    }
}
