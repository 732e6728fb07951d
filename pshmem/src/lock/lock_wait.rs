//! How long a rank waits for a lock, and the reports of a wait that lasts too long.

use crate::comm::obligations::Awaited;
use crate::comm::rank_state::RankState;
use crate::comm::thread_state;
use crate::comm::wait::reporter::WaitReporter;
use crate::comm::wait_table::{MissingRank, WaitKind};
use crate::lock::backend::clock::now;
use crate::lock::backend::{LockBackend, LockStatus};
use std::panic::Location;
use std::time::{Duration, Instant};

/// How long a report waits for the status of the lock.
const STATUS_LIMIT: Duration = Duration::from_secs(1);
/// The same for an answer to a rank that searches for a deadlock.
const ANSWER_LIMIT: Duration = Duration::from_millis(100);

/// When a rank stops to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deadline {
    /// At once: it does not wait.
    Now,
    Until(Instant),
    Never,
}

impl Deadline {
    /// The deadline of a wait that begins now. A time that no clock reaches is no limit.
    pub(crate) fn after(limit: Duration) -> Self {
        let end = Instant::now().checked_add(limit);
        end.map_or(Deadline::Never, Deadline::Until)
    }

    pub(crate) fn is_over(self) -> bool {
        match self {
            Deadline::Now => true,
            Deadline::Until(end) => Instant::now() >= end,
            Deadline::Never => false,
        }
    }
}

/// The call of one rank that waits for a lock.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LockCall<'a> {
    /// Its name.
    pub(crate) name: &'static str,
    pub(crate) site: &'static Location<'static>,
    pub(crate) deadline: Deadline,
    /// Number and type of the lock.
    pub(crate) lock: &'a str,
    pub(crate) number: u64,
}

/// One wait of one rank.
pub(crate) struct LockWait<'a> {
    pub(crate) call: LockCall<'a>,
    core: &'a RankState,
    backend: &'a dyn LockBackend,
    reporter: WaitReporter<'a>,
    /// The holder that is posted.
    posted_holder: Option<MissingRank>,
}

impl<'a> LockWait<'a> {
    pub(crate) fn new(
        core: &'a RankState,
        backend: &'a dyn LockBackend,
        call: LockCall<'a>,
    ) -> Self {
        // With a limit, it ends also when nobody releases the lock.
        let awaited = (call.deadline == Deadline::Never).then_some(Awaited::Release {
            comm: core.group.id,
            lock: call.number,
        });
        LockWait {
            call,
            core,
            backend,
            reporter: WaitReporter::new(&core.group.world, awaited),
            posted_holder: None,
        }
    }

    /// The rank of this node that holds the lock, as the wait table names it, where that can be read.
    fn holder(&self) -> Option<MissingRank> {
        let group = &self.core.group;
        let table = &group.world.wait_table;
        let holder = self.backend.holder_on_node()?;
        let local_rank = table.local_rank(group.topology.address(holder))?;
        let arrivals = table.arrivals(local_rank);
        // Read again after the count: see `wait_table`.
        (self.backend.holder_on_node() == Some(holder)).then_some(MissingRank {
            local_rank,
            arrivals,
        })
    }

    /// Whether this rank has to give up.
    pub(crate) fn is_over(&self) -> bool {
        self.call.deadline.is_over()
    }

    /// Called between two polls. Checks the wait now and then; whether it was time for that.
    pub(crate) fn check(&mut self) -> bool {
        let Some(waited) = self.reporter.check_due(Instant::now()) else {
            return false;
        };
        let (core, backend, call) = (self.core, self.backend, self.call);
        if core.group.topology.size() == 1 {
            return true;
        }
        let holder = self.holder();
        if holder != self.posted_holder || !self.reporter.is_posted() {
            self.posted_holder = holder;
            let kind = WaitKind {
                is_for_lock: true,
                has_limit: call.deadline != Deadline::Never,
            };
            self.reporter.post(holder, kind, &call.reason());
        }
        let next_rank = || {
            let holder = backend
                .status(Deadline::after(ANSWER_LIMIT))?
                .holder_ahead()?;
            Some(core.group.topology.address(holder))
        };
        self.reporter.report_deadlock(waited, true, &next_rank);
        self.reporter.report_if_overdue(waited, |overdue| {
            // A home rank that does not reply must not delay the report for ever.
            let status = backend.status(Deadline::after(STATUS_LIMIT));
            // One rank reports for all that wait.
            let is_next = status.as_ref().is_none_or(|status| status.is_next);
            let may_report = is_next || overdue.past_abort.is_some();
            may_report.then(|| call.report(core, waited, status.as_ref()))
        });
        true
    }
}

impl LockCall<'_> {
    /// `lock` of lock 3 at src/main.rs:7:5
    pub(crate) fn text(&self) -> String {
        format!("`{}` of {} at {}", self.name, self.lock, self.site)
    }

    /// The same, with the locks that this rank holds.
    fn reason(&self) -> String {
        thread_state::while_holding(self.text())
    }

    /// `status` is `None` when the home rank of the lock has not replied.
    fn report(&self, core: &RankState, waited: Duration, status: Option<&LockStatus>) -> String {
        let holder = match status.map(|status| status.holder) {
            Some(Some((rank, since))) => {
                let held = now().saturating_sub(since) / 1000;
                let host = core.group.host_of(rank);
                format!("rank {rank} on {host} has it for {held} s")
            }
            Some(None) => "no rank has it for writing".to_owned(),
            None => "its home rank does not reply".to_owned(),
        };
        format!(
            "rank {} on {} has waited for {:.0} s in {}; {holder}",
            core.group.topology.rank,
            core.group.world.transport.host(),
            waited.as_secs_f64(),
            self.text(),
        )
    }
}
