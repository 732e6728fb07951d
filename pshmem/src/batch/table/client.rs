//! One rank's access to the task table of a batch, wherever its words are.

use crate::batch::table::home_table::{HomeTable, TableReply, TableRequest};
use crate::batch::table::table_backend::{TableBackend, table_words};
use crate::batch::table::{
    Claim, ClaimEnd, ClaimOutcome, InitialTable, RankEnd, SlotState, TableLayout, TaskEnd,
    TaskTable,
};
use crate::comm::Comm;
use crate::comm::protocol::call::Call;
use crate::error::{Error, Result};
use crate::home::atomic_words::AtomicWords;
use crate::home::direct_words::{DirectWords, RmaWords};
use crate::home::engine::Engine;
use crate::transport::rpc::HomeObject;
use std::time::Duration;

/// One rank's access to the table.
#[derive(Debug)]
pub(crate) struct TableClient {
    /// The batch's own `Comm`, of all its ranks.
    pub(crate) comm: Comm,
    pub(crate) layout: TableLayout,
    backend: TableBackend,
}

impl TableClient {
    /// Gives all ranks of `comm` access to the same table, which begins as `initial` returns on the root. Collective.
    pub(crate) fn new(
        comm: &Comm,
        call: Call,
        root: usize,
        layout: TableLayout,
        initial: impl FnOnce() -> Result<InitialTable>,
    ) -> Result<Self> {
        Ok(TableClient {
            comm: comm.clone(),
            layout,
            backend: TableBackend::create(&comm.core, call, root, layout, initial)?,
        })
    }

    pub(crate) fn engine(&self) -> Engine {
        match &self.backend {
            TableBackend::Node(_) => Engine::NodeAtomics,
            TableBackend::Rma(_) => Engine::OneSided,
            TableBackend::Home { engine, .. } => *engine,
        }
    }

    /// The table, where this rank changes its words itself.
    #[inline]
    fn table(&self) -> Option<TaskTable<DirectWords<'_>>> {
        let layout = self.layout;
        let words = match &self.backend {
            TableBackend::Node(segment) => {
                // SAFETY: allocated for the words of this layout, zeroed, and used as them only (`TableBackend::Node`).
                DirectWords::Node(unsafe { table_words(segment, layout) })
            }
            TableBackend::Rma(words) => DirectWords::Rma(RmaWords {
                atomics: words.atomics()?,
                first: words.first(),
            }),
            TableBackend::Home { .. } => return None,
        };
        Some(TaskTable { layout, words })
    }

    /// Claims the next open task for a worker of `size` ranks, all of which have ended the previous one. `now` is the age
    /// of the batch.
    #[inline]
    pub(crate) fn claim(&self, worker: usize, size: usize, now: Duration) -> Result<ClaimOutcome> {
        if let Some(table) = self.table() {
            if size > 1 {
                table.reset_worker(worker);
            }
            return Ok(table.next(worker, now));
        }
        match self.request("next_task", &TableRequest::Claim { worker, now })? {
            Some(TableReply::Claimed(outcome)) => Ok(outcome),
            _ => Ok(ClaimOutcome::Empty),
        }
    }

    /// Ends a claim of a worker. `now` is the age of the batch.
    #[inline]
    pub(crate) fn end_claim(
        &self,
        worker: usize,
        claim: Claim,
        end: ClaimEnd,
        now: Duration,
    ) -> Result<()> {
        if let Some(table) = self.table() {
            table.end_claim(worker, claim, end, now);
            return Ok(());
        }
        let request = TableRequest::EndClaim {
            worker,
            claim,
            end,
            now,
        };
        self.request("done", &request).map(|_| ())
    }

    pub(crate) fn slot_state(&self, task: usize) -> Result<SlotState> {
        if let Some(table) = self.table() {
            return Ok(table.slot_state(task));
        }
        match self.request("state", &TableRequest::SlotState { task })? {
            Some(TableReply::SlotState(slot_state)) => Ok(SlotState::of(slot_state)),
            _ => Ok(SlotState::Invalid),
        }
    }

    pub(crate) fn set(&self, task: usize, slot_state: SlotState) -> Result<()> {
        if let Some(table) = self.table() {
            match slot_state {
                SlotState::Open => table.open(task),
                _ => table.set(task, slot_state),
            }
            return Ok(());
        }
        let slot_state = slot_state as u64;
        self.request("set_state", &TableRequest::Set { task, slot_state })
            .map(|_| ())
    }

    /// One of the `size` ranks of a worker ends its task. The last one learns how all did.
    pub(crate) fn end(
        &self,
        worker: usize,
        size: usize,
        rank: usize,
        end: &RankEnd,
    ) -> Result<Option<TaskEnd>> {
        if let Some(table) = self.table() {
            return Ok(table.end(worker, size, rank, end));
        }
        let request = TableRequest::End {
            worker,
            size,
            rank,
            end: end.clone(),
        };
        match self.request("done", &request)? {
            Some(TableReply::Ended(ended)) => Ok(ended),
            _ => Ok(None),
        }
    }

    /// Whether the table hands out no more tasks.
    pub(crate) fn is_closed(&self) -> Result<bool> {
        if let Some(table) = self.table() {
            return Ok(table.is_closed());
        }
        match self.request("stop", &TableRequest::IsClosed)? {
            Some(TableReply::IsClosed(is_closed)) => Ok(is_closed),
            _ => Ok(false),
        }
    }

    /// Makes the table hand out no more tasks.
    pub(crate) fn close(&self) -> Result<()> {
        if let Some(table) = self.table() {
            table.close();
            return Ok(());
        }
        self.request("stop", &TableRequest::Stop).map(|_| ())
    }

    /// Numbers of tasks that have been done, and that have failed.
    pub(crate) fn counts(&self) -> Result<(u64, u64)> {
        if let Some(table) = self.table() {
            return Ok(table.counts());
        }
        match self.request("counts", &TableRequest::Counts)? {
            Some(TableReply::Counts(done, failed)) => Ok((done, failed)),
            _ => Ok((0, 0)),
        }
    }

    /// Waits until the home rank has what this rank has sent and written to it.
    pub(crate) fn settle(&self) -> Result<()> {
        match &self.backend {
            TableBackend::Node(_) => Ok(()),
            TableBackend::Rma(words) => {
                if let Some(atomics) = words.atomics() {
                    atomics.complete(words.first().rank);
                }
                Ok(())
            }
            // Requests of one rank are handled in their order.
            TableBackend::Home { .. } => self.counts().map(|_| ()),
        }
    }

    /// The states of all tasks. To be called on the root, which reads them without requests.
    pub(crate) fn slot_states(&self) -> Vec<SlotState> {
        fn all<W: AtomicWords>(table: &TaskTable<W>) -> Vec<SlotState> {
            let tasks = 0..table.layout.tasks;
            tasks.map(|task| table.slot_state(task)).collect()
        }
        let layout = self.layout;
        match &self.backend {
            TableBackend::Home { own_words, .. } => own_words.as_ref().map(|words| {
                let words = &words[..];
                all(&TaskTable { layout, words })
            }),
            TableBackend::Node(_) | TableBackend::Rma(_) => self.table().as_ref().map(all),
        }
        .unwrap_or_default()
    }

    /// Sends a request to the home rank, and waits for the reply if there is to be one.
    fn request(&self, name: &'static str, request: &TableRequest) -> Result<Option<TableReply>> {
        let client = match &self.backend {
            TableBackend::Node(_) => return Ok(None),
            TableBackend::Home { client, .. } if client.is_open() => client,
            // With one-sided operations: they have ended with MPI, or this rank would use them.
            TableBackend::Rma(_) | TableBackend::Home { .. } => {
                return Err(Error::MpiFinalized {
                    call: name.to_owned(),
                });
            }
        };
        let number = client.send(request);
        if !HomeTable::has_reply(request) {
            return Ok(None);
        }
        client.wait_with_reports(&self.comm.core, "the batch", name, number)
    }
}
