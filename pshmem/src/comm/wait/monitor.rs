//! Waits that take too long: who is missing, where the others are, and circles of ranks that wait for each other.
//!
//! A rank that has waited for some milliseconds posts in the world's control block for whom it waits and in which call. That
//! wait_table serves reports on every `Comm` of the node, and shows deadlocks: if rank a waits for b, b for c and c for a, none
//! of them can ever go on, because a rank leaves its wait only after the one it waits for has arrived.
//!
//! A rank that was let go may be slow to wake and still be on the wait_table. So ranks count their arrivals, and a post says how
//! often the missing rank had arrived; a link of a circle holds only while that count stands. Looking at the circle twice
//! makes sure that all its links held at one moment.

use crate::comm::check::Level;
use crate::comm::collective::call::Call;
use crate::comm::collective::control::Control;
use crate::comm::rank_state::RankState;
use crate::comm::wait::reporter::WaitReporter;
use crate::memory::Segment;
use crate::stderr::report;
use std::cell::Cell;
use std::fmt::Write;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// The world's control block, as the place where its ranks post their waits.
#[derive(Debug)]
pub(crate) struct WaitTable {
    /// Placed for the world's control block of this node.
    control: Rc<Segment>,
    /// World ranks of the node, by local_rank.
    ranks: Vec<usize>,
    me: usize,
    /// Waits that this rank has posted.
    count: Cell<u64>,
}

impl WaitTable {
    /// # Safety
    /// As for [`Control::in_segment`], with one local_rank for each of `ranks`.
    pub(crate) unsafe fn new(control: Rc<Segment>, ranks: Vec<usize>, me: usize) -> Self {
        WaitTable {
            control,
            ranks,
            me,
            count: Cell::new(0),
        }
    }

    fn words(&self) -> Control<'_> {
        // SAFETY: duty of `new`, kept by the private fields.
        unsafe { Control::in_segment(&self.control, self.ranks.len()) }
    }

    /// Posts for whom this rank waits: a local_rank of the wait_table and how often its rank had arrived; or for nobody of this node.
    pub(super) fn post(&self, whom: Option<(usize, u64)>, call: &str) {
        self.count.set(self.count.get() + 1);
        let (local_rank, seen) =
            whom.map_or((0, 0), |(local_rank, seen)| (local_rank as u64 + 1, seen));
        self.words()
            .set_waits(self.me, (self.count.get() << 32) | local_rank, seen, call);
    }

    /// Counts an arrival of this rank.
    #[inline]
    pub(crate) fn count_arrival(&self) {
        self.words().count_arrival(self.me);
    }

    /// Takes back what this rank has posted.
    pub(super) fn clear(&self) {
        self.words().set_waits(self.me, 0, 0, "");
    }

    fn local_rank(&self, world: usize) -> Option<usize> {
        self.ranks.iter().position(|&rank| rank == world)
    }

    /// Where a world rank of this node waits, if it does.
    fn wait_reason(&self, world: usize) -> Option<String> {
        let (waits, _, call) = self.words().waits(self.local_rank(world)?);
        (waits != 0).then_some(call)
    }

    /// The circle that this rank's wait closes: node_size and the words that they had.
    fn circle(&self) -> Option<Vec<(usize, u64)>> {
        let words = self.words();
        let mut circle = Vec::new();
        let mut at = self.me;
        loop {
            let (waits, seen, _) = words.waits(at);
            let next = (waits & 0xffff_ffff).checked_sub(1)? as usize;
            circle.push((at, waits));
            // A path into a circle of which this rank is no part is for the others to find.
            if circle.len() > self.ranks.len() || next >= self.ranks.len() {
                return None;
            }
            // The next rank's own wait is read before its count, which it had raised before it posted that wait.
            let is_waiting = words.waits(next).0 != 0;
            if !is_waiting || words.arrivals(next) != seen {
                return None;
            }
            if next == self.me {
                return Some(circle);
            }
            at = next;
        }
    }

    fn deadlock(&self) -> Option<String> {
        let circle = self.circle()?;
        if circle.len() < 2 || self.circle()? != circle {
            return None;
        }
        let link = |&(local_rank, _): &(usize, u64)| {
            let rank = self.ranks[local_rank];
            format!(
                "rank {rank} of the world waits in {}",
                self.words().waits(local_rank).2
            )
        };
        // The circle as its lowest rank would tell it, so that all ranks tell the same.
        let lowest = circle
            .iter()
            .enumerate()
            .min_by_key(|(_, (local_rank, _))| *local_rank)?
            .0;
        let links: Vec<String> = circle[lowest..]
            .iter()
            .chain(&circle[..lowest])
            .map(link)
            .collect();
        Some(format!(
            "deadlock: {}, which waits for the first",
            links.join(", for which ")
        ))
    }
}

/// The checks and reports of one rank's wait in a collective call.
pub(crate) struct WaitMonitor<'a> {
    call: AwaitedCall<'a>,
    reporter: WaitReporter<'a>,
    has_reported_deadlock: bool,
    /// The missing rank that is posted: its local rank in the wait table, and how often it had arrived.
    whom: Option<(usize, u64)>,
}

impl<'a> WaitMonitor<'a> {
    /// `node` is the node whose message is waited for, if any.
    pub(super) fn new(core: &'a RankState, n: u64, call: Call, node: Option<usize>) -> Self {
        WaitMonitor {
            call: AwaitedCall {
                core,
                n,
                call,
                node,
            },
            reporter: WaitReporter::new(core),
            has_reported_deadlock: false,
            whom: None,
        }
    }

    /// Called between two polls. Checks the wait now and then; whether it was time for that.
    pub(super) fn check(&mut self, now: Instant) -> bool {
        let Some(waited) = self.reporter.check_due(now) else {
            return false;
        };
        let AwaitedCall { core, call, .. } = self.call;
        let whom = self.call.whom();
        if whom != self.whom || !self.reporter.is_posted() {
            self.whom = whom;
            self.reporter.post(whom, &core.wait_reason(call));
        }
        // Reported only: divergence on its own `Comm` may still end the wait of a rank of the circle.
        if !self.has_reported_deadlock
            && core.checks(Level::Reports)
            && waited >= Duration::from_secs(1)
            && let Some(circle) = core.world.wait_table.deadlock()
        {
            self.has_reported_deadlock = true;
            report(circle);
        }
        // One rank of the node reports and ends the job. Another one does so only if that one is a second late.
        let late = Duration::from_secs(1);
        let call = self.call;
        self.reporter.report_if_overdue(waited, |overdue| {
            let is_late = overdue.past_abort.is_some_and(|past| past >= late);
            (call.is_speaker() || is_late).then(|| call.report(overdue.waited))
        });
        true
    }
}

/// The call that a rank waits in.
#[derive(Clone, Copy)]
struct AwaitedCall<'a> {
    core: &'a RankState,
    n: u64,
    call: Call,
    node: Option<usize>,
}

impl AwaitedCall<'_> {
    /// The first rank of this node that is missing.
    fn whom(&self) -> Option<(usize, u64)> {
        let (core, wait_table) = (self.core, &self.core.world.wait_table);
        let missing = self.missing().next()?;
        let local_rank = wait_table.local_rank(
            core.topology
                .address(core.topology.node_ranks[missing] as usize),
        )?;
        let seen = wait_table.words().arrivals(local_rank);
        // Looked at again after the count was read: if it is still missing, its arrival will be counted later.
        (core.control().progress(missing).0 < self.n).then_some((local_rank, seen))
    }

    /// Slots of this node that have not arrived.
    fn missing(&self) -> impl Iterator<Item = usize> {
        let control = self.core.control();
        (0..self.core.topology.node_ranks.len())
            .filter(move |&local_rank| control.progress(local_rank).0 < self.n)
    }

    /// One rank of each node reports: the lowest of those that wait in this call.
    fn is_speaker(&self) -> bool {
        let control = self.core.control();
        (0..self.core.topology.local_rank)
            .all(|local_rank| control.progress(local_rank).0 < self.n || !self.waits(local_rank))
    }

    /// Whether a rank of this node waits for others. One that has arrived and does not runs the call's closure.
    fn waits(&self, local_rank: usize) -> bool {
        let topology = &self.core.topology;
        let world = topology.address(topology.node_ranks[local_rank] as usize);
        self.core.world.wait_table.wait_reason(world).is_some()
    }

    fn report(&self, waited: Duration) -> String {
        let (core, control) = (self.core, self.core.control());
        let mut text = format!(
            "call {} on a Comm of {} ranks has waited for {:.0} s on {}",
            self.n,
            core.topology.size(),
            waited.as_secs_f64(),
            core.world.transport.host(),
        );
        for (local_rank, &rank) in core.topology.node_ranks.iter().enumerate() {
            let (done, gone) = control.progress(local_rank);
            let _ = match (done >= self.n, gone) {
                (true, _) => {
                    let place = if self.waits(local_rank) {
                        "waits"
                    } else {
                        "is at work in it"
                    };
                    write!(text, "\n  {} and {place}", core.describe(local_rank))
                }
                (false, true) => write!(text, "\n  rank {rank} has gone after call {done}"),
                (false, false) => {
                    let last = if done == 0 {
                        "none yet".to_owned()
                    } else {
                        format!("{done}: {}", control.posted(local_rank).0.text())
                    };
                    let wait_reason = core
                        .world
                        .wait_table
                        .wait_reason(core.topology.address(rank as usize));
                    let place = wait_reason.map_or("is in the program".to_owned(), |call| {
                        format!("waits on another Comm in {call}")
                    });
                    write!(
                        text,
                        "\n  rank {rank} is missing (last call: {last}) and {place}"
                    )
                }
            };
        }
        if let Some(node) = self.node {
            let leader = core.topology.leaders[node];
            let _ = write!(
                text,
                "\n  node {node} (rank {leader}) has not gathered or not passed on"
            );
        } else if core.is_multi_node() && self.missing().next().is_none() {
            text += "\n  all ranks of this node are here; other nodes are not";
        }
        text
    }
}

impl RankState {
    /// The call as the wait_table and reports tell it.
    fn wait_reason(&self, call: Call) -> String {
        let site = self
            .site
            .get()
            .map_or(String::new(), |site| format!(" at {site}"));
        format!("{}{site}", call.text())
    }
}
