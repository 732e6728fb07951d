//! Checks and reports of a rank's wait in a collective call: which ranks are missing, what they do, and deadlocks.

use crate::comm::check::Level;
use crate::comm::obligations::Awaited;
use crate::comm::protocol::call::Call;
use crate::comm::rank_sync::RankSync;
use crate::comm::thread_state;
use crate::comm::wait::reporter::WaitReporter;
use crate::comm::wait_table::{MissingRank, PostedWait, WaitKind};
use crate::stderr::report;
use std::fmt::Write;
use std::time::{Duration, Instant};

/// How long a rank that has a lock must have waited before that is reported.
const WITH_LOCK: Duration = Duration::from_secs(5);

/// The checks and reports of one wait.
pub(super) struct WaitMonitor<'a> {
    call: AwaitedCall<'a>,
    reporter: WaitReporter<'a>,
    /// How long the wait must have lasted before this rank looks again whether others wait for its locks.
    next_look_at_locks: Duration,
    /// The missing rank that is posted.
    missing: Option<MissingRank>,
    /// How many ranks of the node had arrived at the last check.
    arrived: usize,
}

impl<'a> WaitMonitor<'a> {
    /// `node` is the node whose message is waited for, if any.
    pub(super) fn new(sync: &'a RankSync, n: u64, call: Call, node: Option<usize>) -> Self {
        let comm = sync.group.id;
        let awaited = Awaited::Arrivals { comm, n };
        WaitMonitor {
            call: AwaitedCall {
                sync,
                n,
                call,
                node,
            },
            reporter: WaitReporter::new(&sync.group.world, Some(awaited)),
            next_look_at_locks: WITH_LOCK,
            missing: None,
            arrived: 0,
        }
    }

    /// Called between two polls. Checks the wait if it is time for that, and returns whether it was.
    pub(super) fn check(&mut self, now: Instant) -> bool {
        let Some(waited) = self.reporter.check_due(now) else {
            return false;
        };
        let call = self.call;
        let missing = call.missing_rank();
        if missing != self.missing || !self.reporter.is_posted() {
            self.missing = missing;
            self.reporter
                .post(missing, WaitKind::default(), &call.reason());
        }
        let arrived = call.arrived();
        if arrived != self.arrived {
            self.arrived = arrived;
            self.reporter.search_soon(waited);
        }
        // One rank of the node searches for all that wait in the call.
        let may_search = call.is_reporting_rank();
        let next_rank = || call.next_rank();
        if !self
            .reporter
            .report_deadlock(waited, may_search, &next_rank)
        {
            self.report_locks(waited);
        }
        // One rank of the node reports and ends the job. Another one does so only if that one is a second late.
        let late = Duration::from_secs(1);
        self.reporter.report_if_overdue(waited, |overdue| {
            let is_late = overdue.past_abort.is_some_and(|past| past >= late);
            (call.is_reporting_rank() || is_late).then(|| call.report(overdue.waited))
        });
        true
    }
}

impl WaitMonitor<'_> {
    /// Reports once that others wait for a lock which this rank holds while it waits itself. They may be the ranks that are
    /// missing; over several nodes, nobody knows both waits.
    fn report_locks(&mut self, waited: Duration) {
        let call = self.call;
        if waited < self.next_look_at_locks || !call.sync.checks(Level::Reports) {
            return;
        }
        self.next_look_at_locks = waited + WITH_LOCK;
        if thread_state::held_locks(true).is_empty() {
            return;
        }
        self.next_look_at_locks = Duration::MAX;
        report(format_args!(
            "rank {} on {} has waited for {:.0} s in {}; other ranks wait for this lock, and cannot make the call meanwhile",
            call.sync.group.topology.rank,
            call.sync.group.host(),
            waited.as_secs_f64(),
            call.reason(),
        ));
    }
}

/// The call that a rank waits in.
#[derive(Clone, Copy)]
struct AwaitedCall<'a> {
    sync: &'a RankSync,
    n: u64,
    call: Call,
    node: Option<usize>,
}

impl AwaitedCall<'_> {
    /// The call, with the locks that this rank holds.
    fn reason(&self) -> String {
        thread_state::while_holding(self.sync.call_text(self.call))
    }

    fn has_arrived(&self, local_rank: usize) -> bool {
        self.sync.control().arrival(local_rank).0 >= self.n
    }

    fn first_missing(&self) -> Option<usize> {
        let ranks = 0..self.sync.group.topology.node_ranks.len();
        ranks
            .into_iter()
            .find(|&local_rank| !self.has_arrived(local_rank))
    }

    /// How many ranks of this node have arrived.
    fn arrived(&self) -> usize {
        let ranks = 0..self.sync.group.topology.node_ranks.len();
        ranks.filter(|&rank| self.has_arrived(rank)).count()
    }

    /// The rank of the world to ask why this call does not go on: one of this node that is missing and waits elsewhere, or a
    /// leader that knows more.
    fn next_rank(&self) -> Option<usize> {
        let topology = &self.sync.group.topology;
        if let Some(missing) = self.first_missing() {
            return self.wait_of(missing).map(|_| self.world_rank(missing));
        }
        if topology.is_leader() {
            return self.node.map(|node| topology.leader_address(node));
        }
        Some(topology.leader_address(topology.node()))
    }

    /// World rank of a rank of this node.
    fn world_rank(&self, local_rank: usize) -> usize {
        let topology = &self.sync.group.topology;
        topology.address(topology.node_ranks[local_rank] as usize)
    }

    /// The first rank of this node that is missing, as the wait table names it.
    fn missing_rank(&self) -> Option<MissingRank> {
        let table = &self.sync.group.world.wait_table;
        let missing = self.first_missing()?;
        let local_rank = table.local_rank(self.world_rank(missing))?;
        let arrivals = table.arrivals(local_rank);
        // Checked again after the count was read: if the rank is still missing, its arrival will be counted later.
        let missing_rank = MissingRank {
            local_rank,
            arrivals,
        };
        (!self.has_arrived(missing)).then_some(missing_rank)
    }

    /// Whether this rank reports for its node: the lowest one that waits in this call does.
    fn is_reporting_rank(&self) -> bool {
        (0..self.sync.group.topology.local_rank)
            .all(|local_rank| !self.has_arrived(local_rank) || self.wait_of(local_rank).is_none())
    }

    /// The wait of a rank of this node. One that has arrived and does not wait runs the closure of the call.
    fn wait_of(&self, local_rank: usize) -> Option<PostedWait> {
        let table = &self.sync.group.world.wait_table;
        table.wait_of(self.world_rank(local_rank))
    }

    fn report(&self, waited: Duration) -> String {
        let (group, topology) = (&self.sync.group, &self.sync.group.topology);
        let mut text = format!(
            "call {} on a Comm of {} ranks has waited for {:.0} s on {}",
            self.n,
            topology.size(),
            waited.as_secs_f64(),
            group.host(),
        );
        for local_rank in 0..topology.node_ranks.len() {
            text += "\n  ";
            text += &self.report_on(local_rank);
        }
        let _ = match self.node {
            Some(node) => write!(
                text,
                "\n  no message from node {node} (rank {}): ranks are missing there, or it has not forwarded",
                topology.leaders[node]
            ),
            None if group.is_multi_node() && self.first_missing().is_none() => write!(
                text,
                "\n  all ranks of this node have arrived; other nodes have not"
            ),
            None => Ok(()),
        };
        if (0..topology.node_ranks.len()).any(|local_rank| self.is_elsewhere(local_rank)) {
            text += "\n  does the call stand inside `if comm.rank() == ..`, or has a rank returned before it?";
        }
        text
    }

    /// Whether a rank of this node has not made the call, and waits in no other one.
    fn is_elsewhere(&self, local_rank: usize) -> bool {
        !self.has_arrived(local_rank) && self.wait_of(local_rank).is_none()
    }

    /// What a rank of this node does.
    fn report_on(&self, local_rank: usize) -> String {
        let control = self.sync.control();
        let rank = self.sync.group.topology.node_ranks[local_rank];
        let wait = self.wait_of(local_rank);
        match control.arrival(local_rank) {
            (done, _) if done >= self.n => {
                let activity = if wait.is_some() {
                    "waits"
                } else {
                    "runs its closure"
                };
                format!("{} and {activity}", self.sync.describe(local_rank))
            }
            (done, true) => format!("rank {rank} has left after call {done}"),
            (done, false) => {
                let last = match self.sync.last_call_text(local_rank) {
                    Some(call) => format!("{done}: {call}"),
                    None => "none yet".to_owned(),
                };
                let activity = match wait {
                    None => "is in the program".to_owned(),
                    Some(wait) if wait.is_for_lock => {
                        let holder = wait.missing.map_or(String::new(), |holder| {
                            format!(", which rank {holder} of the world has")
                        });
                        format!("waits in {}{holder}", wait.reason)
                    }
                    Some(wait) => format!("waits on another Comm in {}", wait.reason),
                };
                format!("rank {rank} is missing (last call: {last}) and {activity}")
            }
        }
    }
}
