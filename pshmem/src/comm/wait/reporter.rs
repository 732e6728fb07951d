//! What all long waits have in common: they are checked now and then, posted in the wait table, reported on stderr, and end
//! the job when they exceed the limit.

use crate::comm::check::Level;
use crate::comm::obligations::Awaited;
use crate::comm::wait::deadlock::{Detection, NextRank};
use crate::comm::wait::limits::{ABORT, wait_limits, within_report};
use crate::comm::wait_table::{MissingRank, WaitKind};
use crate::comm::world::World;
use crate::stderr::report;
use std::time::{Duration, Instant};

/// How long a rank waits before it checks its wait for the first time, and between two checks.
const INTERVAL: Duration = Duration::from_millis(5);

/// How long a wait must have lasted before the wait table is searched for a deadlock.
const DEADLOCK: Duration = Duration::from_secs(1);

/// The checks and reports of one wait.
pub(crate) struct WaitReporter<'a> {
    world: &'a World,
    /// When `check_due` was first called.
    since: Option<Instant>,
    next_check: Option<Instant>,
    reports: u32,
    is_posted: bool,
    has_reported_deadlock: bool,
    /// What alone ends the wait, where it may be part of a deadlock.
    awaited: Option<Awaited>,
    /// Once the wait is posted.
    detection: Option<Detection<'a>>,
}

/// A wait that has exceeded a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Overdue {
    pub(crate) waited: Duration,
    /// How much it exceeds the limit that ends the job, if it does.
    pub(crate) past_abort: Option<Duration>,
}

impl<'a> WaitReporter<'a> {
    /// `awaited` is what ends the wait; `None` where something else may, such as a time limit.
    pub(crate) fn new(world: &'a World, awaited: Option<Awaited>) -> Self {
        WaitReporter {
            awaited,
            detection: None,
            world,
            since: None,
            next_check: None,
            reports: 0,
            is_posted: false,
            has_reported_deadlock: false,
        }
    }

    /// Called between two polls. Returns how long the wait has lasted when it is time to check it.
    pub(crate) fn check_due(&mut self, now: Instant) -> Option<Duration> {
        let since = *self.since.get_or_insert(now);
        if now < *self.next_check.get_or_insert(now + INTERVAL) {
            return None;
        }
        self.next_check = Some(now + INTERVAL);
        Some(now - since)
    }

    /// Posts for whom this rank waits and in which call, until the wait ends.
    pub(crate) fn post(&mut self, missing: Option<MissingRank>, kind: WaitKind, reason: &str) {
        self.is_posted = true;
        self.world.wait_table.post(missing, kind, reason);
        if self.world.level.get() < Level::Reports {
            return;
        }
        if let Some(awaited) = self.awaited {
            let new = || Detection::new(self.world, awaited);
            let detection = self.detection.get_or_insert_with(new);
            detection.post(reason, missing.is_some());
        }
    }

    /// Answers other ranks that search for a deadlock, searches for one if `may_search` and it is time, and reports one that it
    /// has found, once. Whether this rank is part of a deadlock that has been reported. `next_rank` returns a rank of the world
    /// that seems to keep this one waiting, or to know who does.
    ///
    /// Reported only: an error on another `Comm` may still end the wait of a rank of the circle.
    pub(crate) fn report_deadlock(
        &mut self,
        waited: Duration,
        may_search: bool,
        next_rank: NextRank<'_>,
    ) -> bool {
        if let Some(detection) = &mut self.detection
            && let Some(deadlock) = detection.check(waited, may_search, next_rank)
        {
            report(deadlock);
        }
        if !self.has_reported_deadlock
            && self.world.level.get() >= Level::Reports
            && waited >= within_report(DEADLOCK)
            && let Some(deadlock) = self.world.wait_table.deadlock()
        {
            self.has_reported_deadlock = true;
            report(deadlock);
        }
        let is_known = |detection: &Detection<'_>| detection.is_known();
        self.has_reported_deadlock || self.detection.as_ref().is_some_and(is_known)
    }

    /// A rank has come to this wait, with which a deadlock may have begun.
    pub(crate) fn search_soon(&mut self, waited: Duration) {
        if let Some(detection) = &mut self.detection {
            detection.search_soon(waited);
        }
    }

    pub(crate) fn is_posted(&self) -> bool {
        self.is_posted
    }

    /// Prints a report if the wait has exceeded a limit, and ends the job if it is the limit for that. `text` returns the
    /// report, or `None` if it is for another rank to report this wait and to end the job.
    pub(crate) fn report_if_overdue(
        &mut self,
        waited: Duration,
        text: impl FnOnce(Overdue) -> Option<String>,
    ) {
        let limits = wait_limits();
        let is_late = waited >= limits.report * (self.reports + 1);
        let past_abort = limits.abort.and_then(|abort| waited.checked_sub(abort));
        if !is_late && past_abort.is_none() {
            return;
        }
        if is_late {
            self.reports += 1;
        }
        let Some(text) = text(Overdue { waited, past_abort }) else {
            return;
        };
        if past_abort.is_some() {
            report(format_args!(
                "{text}\npshmem: {ABORT} is over, ending the job"
            ));
            self.world.transport.abort();
        }
        report(text);
    }
}

impl Drop for WaitReporter<'_> {
    fn drop(&mut self) {
        if self.is_posted {
            self.world.wait_table.clear();
        }
    }
}
