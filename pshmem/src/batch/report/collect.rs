//! Collects the report: what each rank has recorded is gathered on every node, where one rank merges it for all.

use crate::batch::Batch;
use crate::batch::report::merge::{MergedReports, RankReport};
use crate::batch::report::rows::Rows;
use crate::batch::report::{BatchReport, TaskReports};
use crate::comm::protocol::call::{Call, Kind};
use crate::comm::protocol::contribution::Contribution;
use crate::error::{Error, Result};
use crate::shared::Shared;
use std::borrow::Cow;
use std::panic::Location;

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
        self.rank.note_other_jobs();
        // Before the ranks synchronize, so that the table of the root has every end.
        let failure = failure.or(self.rank.client.settle().err());
        core.agree(call, Contribution::fault(failure.map(Error::clipped)))?;
        self.rank.merge_logs();
        self.rank.show_end();
        let (encoded, _) = Shared::<[u8]>::concat(comm, &self.encode_rank_report())?;
        // The same on every node, but the ranks of a node need not all do it.
        let is_leader = core.group.topology.is_leader();
        let merged = is_leader.then(|| MergedReports::of(self.n_tasks(), encoded.view()));
        drop(encoded);
        let len = merged.as_ref().map(MergedReports::bytes);
        let bytes = Shared::frozen_per_node(comm, call, site, len, |bytes| {
            merged.expect("only leaders write").write(bytes);
        })?;
        let rows = Rows::new(self.n_tasks(), bytes, self.rank.config.names.clone());
        Ok(BatchReport {
            tasks: TaskReports::new(rows),
            workers: self.n_workers(),
        })
    }

    fn encode_rank_report(&self) -> Vec<u8> {
        let is_root = self.rank.client.comm.rank() == self.rank.config.root;
        let slot_states = if is_root {
            self.rank.client.slot_states()
        } else {
            Vec::new()
        };
        let records = self.rank.records.borrow();
        let report = RankReport {
            worker: self.worker() as u32,
            records: Cow::Borrowed(&*records),
            slot_states: slot_states.into_iter().map(|state| state as u8).collect(),
        };
        report.encode()
    }
}
