//! One wait's part in searches for deadlocks: it answers the questions of other ranks, and begins searches of its own.

use crate::comm::obligations::Awaited;
use crate::comm::wait::deadlock::BOX;
use crate::comm::wait::deadlock::message::{Answer, Message, Question, WaitDescription};
use crate::comm::wait::deadlock::search::{Search, Step};
use crate::comm::wait::limits::within_report;
use crate::comm::wait_table::{WaitInCircle, deadlock_text};
use crate::comm::world::World;
use crate::error::clip;
use std::time::Duration;

/// How long a wait must have lasted before its first search.
const FIRST: Duration = Duration::from_millis(500);
/// Bytes of the text of a wait.
const REASON: usize = 600;

/// Finds the rank to ask next, of the world: one that seems to block the wait, or to know who does.
pub(in crate::comm::wait) type NextRank<'f> = &'f dyn Fn() -> Option<usize>;

/// The part of one wait.
pub(in crate::comm::wait) struct Detection<'a> {
    world: &'a World,
    /// What answers say of the wait.
    wait: WaitDescription,
    search: Option<Search>,
    next_search: Duration,
    pause: Duration,
    /// Whether the wait is part of a deadlock that this rank has reported.
    has_reported: bool,
    /// Whether it is part of one that some rank reports.
    is_known: bool,
}

impl<'a> Detection<'a> {
    /// Of a wait that ends only as `awaited` says.
    pub(in crate::comm::wait) fn new(world: &'a World, awaited: Awaited) -> Self {
        // From now on, other ranks get answers.
        world.mailbox.open(BOX);
        Detection {
            world,
            wait: WaitDescription {
                number: world.obligations.next_number(),
                awaited,
                reason: String::new(),
                host: world.transport.host().to_owned(),
                is_in_table: false,
            },
            search: None,
            next_search: within_report(FIRST),
            pause: within_report(FIRST),
            has_reported: false,
            is_known: false,
        }
    }

    /// Sets what answers say: the call, and whether the wait table shows whom this rank waits for.
    pub(in crate::comm::wait) fn post(&mut self, reason: &str, is_in_table: bool) {
        self.wait.reason = clip(reason, REASON);
        self.wait.is_in_table = is_in_table;
    }

    /// Whether the wait is part of a deadlock that is reported.
    pub(in crate::comm::wait) fn is_known(&self) -> bool {
        self.is_known
    }

    /// The next search begins soon: a rank has come to this wait, with which a circle may be closed.
    pub(in crate::comm::wait) fn search_soon(&mut self, waited: Duration) {
        self.pause = within_report(FIRST);
        self.next_search = self.next_search.min(waited + self.pause);
    }

    /// Called now and then: answers, goes on with a search, and begins one if it is time and `may_search`. Returns the report of
    /// a deadlock, if it is for this rank to report one.
    pub(in crate::comm::wait) fn check(
        &mut self,
        waited: Duration,
        may_search: bool,
        next: NextRank<'_>,
    ) -> Option<String> {
        let mut deadlock = None;
        let world = self.world;
        let take = || {
            world
                .mailbox
                .take(BOX, |from, message| Some((from, message)))
        };
        while let Some((from, message)) = take() {
            match message {
                Message::Question(question) => {
                    let answer = self.answer(&question, next);
                    deadlock = self.report(&question, &answer).or(deadlock);
                    self.send(from, &Message::Answer(answer));
                }
                Message::Answer(answer) => {
                    let search = self.search.as_mut();
                    let step = search.and_then(|search| search.advance(from, answer));
                    deadlock = step.and_then(|step| self.perform(step, next)).or(deadlock);
                }
            }
        }
        if may_search && !self.is_known && waited >= self.next_search {
            self.pause *= 2;
            self.next_search = waited + self.pause;
            let step = self.begin(next);
            deadlock = self.perform(step, next).or(deadlock);
        }
        deadlock
    }

    fn begin(&mut self, next: NextRank<'_>) -> Step {
        let (me, wait) = (self.world.transport.rank(), self.wait.clone());
        let number = self.world.obligations.next_number();
        let (search, step) = Search::begin(number, me, wait, next());
        self.search = Some(search);
        step
    }

    /// Does what a search asks for, until it waits for another rank or has ended. Returns the report of a deadlock, if it is for
    /// this rank to report it.
    fn perform(&mut self, mut step: Step, next: NextRank<'_>) -> Option<String> {
        loop {
            match step {
                Step::Ask(rank, question) if rank == self.world.transport.rank() => {
                    let answer = self.answer(&question, next);
                    if let Some(deadlock) = self.report(&question, &answer) {
                        self.search = None;
                        return Some(deadlock);
                    }
                    step = self.search.as_mut()?.advance(rank, answer)?;
                }
                Step::Ask(rank, question) => {
                    self.send(rank, &Message::Question(question));
                    return None;
                }
                Step::End => {
                    self.search = None;
                    return None;
                }
            }
        }
    }

    fn answer(&mut self, question: &Question, next: NextRank<'_>) -> Answer {
        let blocks = self.world.obligations.block(question.awaited);
        let knows_more = blocks || question.awaited == self.wait.awaited;
        self.is_known |= question.is_last;
        Answer {
            search: question.search,
            blocks,
            wait: self.wait.clone(),
            next: if knows_more { next() } else { None },
        }
    }

    /// The report of the circle of a question, unless this rank has reported before or is no longer in it.
    fn report(&mut self, question: &Question, answer: &Answer) -> Option<String> {
        let lowest = question.circle.first()?;
        if self.has_reported || !answer.confirms(lowest) {
            return None;
        }
        self.has_reported = true;
        let waits: Vec<WaitInCircle> = question
            .circle
            .iter()
            .map(|member| WaitInCircle {
                rank: format!("rank {} on {}", member.rank, member.wait.host),
                reason: member.wait.reason.clone(),
                is_for_lock: matches!(member.wait.awaited, Awaited::Release { .. }),
            })
            .collect();
        Some(deadlock_text(&waits))
    }

    fn send(&self, to: usize, message: &Message) {
        // Its receiver may go on, and never take it.
        self.world.mailbox.send_unacknowledged(to, BOX, message);
    }
}

impl Drop for Detection<'_> {
    fn drop(&mut self) {
        // What arrives later is dropped.
        self.world.mailbox.close(BOX);
    }
}
