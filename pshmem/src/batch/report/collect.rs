//! Collects the report: each rank sends to all others what it has recorded.

use crate::batch::Batch;
use crate::batch::report::records::{AttemptRecord, AttemptRecords};
use crate::batch::report::{BatchReport, TaskReport};
use crate::batch::table::SlotState;
use crate::batch::task_state::TaskState;
use crate::comm::protocol::call::{Call, Kind, Step};
use crate::comm::protocol::contribution::Contribution;
use crate::error::{Error, Result};
use crate::shared::Shared;
use serde::{Deserialize, Serialize};
use std::panic::Location;

/// What one rank adds to the report.
#[derive(Debug, Serialize, Deserialize)]
struct RankReport {
    worker: usize,
    records: AttemptRecords,
    /// On the root: the states of all tasks in the table.
    slot_states: Vec<u8>,
}

impl Batch {
    /// What has become of every task so far, for programs that loop over [`next_task`](Batch::next_task) themselves.
    ///
    /// ```
    /// use pshmem::{Batch, Comm};
    ///
    /// let batch = Batch::builder(&Comm::solo(), 2).build()?;
    /// batch.next_task()?.expect("both are open").done()?;
    /// println!("{}", batch.report()?);
    /// # Ok::<(), pshmem::Error>(())
    /// ```
    ///
    /// # Collective
    /// Over all ranks of the batch, as at the end of [`run`](Batch::run).
    ///
    /// # Errors
    /// Those of [`Comm::barrier`](crate::Comm::barrier), and [`Error::NoRoom`].
    #[track_caller]
    pub fn report(&self) -> Result<BatchReport> {
        self.collect_report(None, Location::caller())
    }

    /// The report, unless a rank has a failure. Collective.
    pub(in crate::batch) fn collect_report(
        &self,
        failure: Option<Error>,
        site: &'static Location<'static>,
    ) -> Result<BatchReport> {
        let comm = &self.rank.client.comm;
        let core = &comm.core;
        let call = Call::new(Kind::Report);
        let _call = core.enter(Kind::Report.name(), site)?;
        // Before the ranks synchronize, so that the table of the root has every end.
        let failure = failure.or(self.rank.client.settle().err());
        core.agree(call, Contribution::fault(failure.map(Error::clipped)))?;
        let mine = self.encode_rank_report();
        let everybody: Vec<usize> = (0..comm.size()).collect();
        let lens = core.allgather(
            call.step(Step::Gather),
            &everybody,
            Some(&(mine.len() as u64)),
        )?;
        let total: u64 = lens.iter().sum();
        let mut all = Shared::<[u8]>::new(comm, total as usize)?;
        let mut at = 0;
        for (rank, len) in lens.iter().enumerate() {
            all.set(rank, at, (rank == comm.rank()).then_some(&mine[..]))?;
            at += *len as usize;
        }
        let names = &self.rank.config.names;
        let mut report = BatchReport {
            tasks: (0..self.n_tasks())
                .map(|index| TaskReport::unknown(index, names.get(index)))
                .collect(),
            workers: self.n_workers(),
        };
        let mut rest = all.view();
        for len in &lens {
            let (encoded, others) = rest.split_at(*len as usize);
            rest = others;
            let rank_report: RankReport =
                postcard::from_bytes(encoded).expect("what this executable encoded");
            rank_report.merge_into(&mut report);
        }
        Ok(report)
    }

    fn encode_rank_report(&self) -> Vec<u8> {
        let is_root = self.rank.client.comm.rank() == self.rank.config.root;
        let slot_states = if is_root {
            self.rank.client.slot_states()
        } else {
            Vec::new()
        };
        let report = RankReport {
            worker: self.worker(),
            records: self.rank.records.borrow().clone(),
            slot_states: slot_states.into_iter().map(|state| state as u8).collect(),
        };
        postcard::to_allocvec(&report).expect("plain data always encodes")
    }
}

impl RankReport {
    fn merge_into(self, report: &mut BatchReport) {
        for (task, slot_state) in report.tasks.iter_mut().zip(self.slot_states) {
            task.state = SlotState::of(u64::from(slot_state)).task_state();
        }
        let mut reasons = self.records.reasons.into_iter().peekable();
        for (index, record) in self.records.attempts.into_iter().enumerate() {
            let reason = reasons.next_if(|(of, _)| *of as usize == index);
            let AttemptRecord {
                task,
                attempt,
                seconds,
            } = record;
            let task = &mut report.tasks[task as usize];
            // Different ranks may have recorded attempts at one task; the last attempt counts.
            if u32::from(attempt) >= task.attempts {
                task.attempts = u32::from(attempt);
                task.worker = Some(self.worker);
                task.seconds = f64::from(seconds);
                task.error = reason.map(|(_, reason)| reason);
            }
        }
    }
}

impl TaskReport {
    /// A task of which no rank has reported anything.
    fn unknown(index: usize, name: Option<&String>) -> Self {
        TaskReport {
            index,
            name: name.map_or_else(|| index.to_string(), Clone::clone),
            state: TaskState::Open,
            worker: None,
            seconds: 0.0,
            attempts: 0,
            error: None,
        }
    }
}
