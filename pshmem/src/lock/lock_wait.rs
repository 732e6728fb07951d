//! How a rank waits for a lock: spinning shortly, then yielding and driving progress, then asleep for moments.

use crate::comm::wait::TROUBLE;
use crate::comm::wait::monitor::{self, ABORT};
use crate::lock::raw_lock::{LockStatus, RawLock};
use crate::stderr::report;
use std::panic::Location;
use std::time::{Duration, Instant};

/// LockStatus at a word before the core is given away, where no rank needs it.
const SPINS: u32 = 300;
/// Yields before the first sleep; few where ranks outnumber cores and the holder needs one.
const YIELDS: u32 = 2000;
const YIELDS_CROWDED: u32 = 8;
/// The longest sleep without progress: what a peer may have to wait for this rank's half of a handshake.
const SLEEP: Duration = Duration::from_micros(500);
/// How long a report waits for what the host knows.
const ANSWER: Duration = Duration::from_secs(1);

/// How long a rank wants to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deadline {
    None,
    Until(Instant),
    Forever,
}

impl Deadline {
    /// Whether it has ended.
    pub(crate) fn is_over(self) -> bool {
        match self {
            Deadline::None => true,
            Deadline::Until(end) => Instant::now() >= end,
            Deadline::Forever => false,
        }
    }
}

/// One wait of one rank.
pub(crate) struct LockWait<'a> {
    raw: &'a RawLock,
    name: &'static str,
    site: &'static Location<'static>,
    deadline: Deadline,
    spins: u32,
    yields: u32,
    /// When it began to look like a long wait, and when it was last looked after.
    since: Option<Instant>,
    looked: Option<Instant>,
    /// Whether others can read on the board where this rank waits.
    posted: bool,
    reports: u32,
}

impl<'a> LockWait<'a> {
    pub(crate) fn new(
        raw: &'a RawLock,
        name: &'static str,
        deadline: Deadline,
        site: &'static Location<'static>,
    ) -> Self {
        let crowded = raw.comm.core.crowded;
        LockWait {
            raw,
            name,
            site,
            deadline,
            spins: if crowded { 0 } else { SPINS },
            yields: if crowded { YIELDS_CROWDED } else { YIELDS },
            since: None,
            looked: None,
            posted: false,
            reports: 0,
        }
    }

    /// Whether it is time to give up.
    pub(crate) fn is_over(&self) -> bool {
        self.spins == 0 && self.deadline.is_over()
    }

    /// Lets a moment pass; gives the time to sleep when it is better to sleep on the word that is waited for.
    pub(crate) fn pause(&mut self) -> Option<Duration> {
        if self.spins > 0 {
            self.spins -= 1;
            std::hint::spin_loop();
            return None;
        }
        self.raw.comm.core.world.mailbox.progress();
        if self.yields > 0 {
            self.yields -= 1;
            std::thread::yield_now();
            return None;
        }
        Some(match self.deadline {
            Deadline::Until(end) => end.saturating_duration_since(Instant::now()).min(SLEEP),
            _ => SLEEP,
        })
    }

    /// Lets a moment pass in which a message may come.
    pub(crate) fn pause_for_reply(&mut self) {
        self.spins = 0;
        self.raw.comm.core.world.mailbox.progress();
        std::thread::yield_now();
    }

    /// Now and then: reports a wait that goes on. Whether it is time to look for trouble.
    pub(crate) fn is_time_to_look(&mut self) -> bool {
        if self.spins > 0 {
            return false;
        }
        let now = Instant::now();
        let since = *self.since.get_or_insert(now);
        if now - *self.looked.get_or_insert(now) < TROUBLE {
            return false;
        }
        self.looked = Some(now);
        self.look(now - since);
        true
    }

    #[cold]
    fn look(&mut self, waited: Duration) {
        let core = &self.raw.comm.core;
        if core.topology.size() == 1 {
            return;
        }
        if !self.posted {
            self.posted = true;
            core.world.wait_table.post_wait_reason(&self.wait_reason());
        }
        let limits = monitor::wait_limits();
        let is_late = waited >= limits.report * (self.reports + 1);
        let is_over = limits.abort.is_some_and(|abort| waited >= abort);
        if !is_late && !is_over {
            return;
        }
        self.reports += 1;
        // A host that does not answer must not keep the report back.
        let answer = Instant::now().checked_add(ANSWER);
        let looks = self
            .raw
            .look(answer.map_or(Deadline::None, Deadline::Until));
        let is_next = looks.as_ref().is_none_or(|looks| looks.is_next);
        // One rank speaks for all that wait.
        if is_next || is_over {
            report(self.report(waited, looks.as_ref()));
        }
        if is_over {
            report(format_args!("{ABORT} is over, ending the job"));
            core.world.transport.abort();
        }
    }

    fn wait_reason(&self) -> String {
        format!("`{}` of {} at {}", self.name, self.raw.name(), self.site)
    }

    /// `looks` is `None` when the host of the lock has not answered.
    fn report(&self, waited: Duration, looks: Option<&LockStatus>) -> String {
        let comm = &self.raw.comm;
        let holder = match looks.map(|looks| looks.holder) {
            Some(Some((rank, since))) => {
                let held = super::backend::server::now().saturating_sub(since) / 1000;
                let host = comm.core.host_of(rank);
                format!("rank {rank} on {host} has it for {held} s")
            }
            Some(None) => "no rank has it for writing".to_owned(),
            None => "its host does not answer".to_owned(),
        };
        format!(
            "rank {} on {} has waited for {:.0} s in {}; {holder}",
            comm.rank(),
            comm.host(),
            waited.as_secs_f64(),
            self.wait_reason(),
        )
    }
}

impl Drop for LockWait<'_> {
    fn drop(&mut self) {
        if self.posted {
            self.raw.comm.core.world.wait_table.clear();
        }
    }
}
