//! The protocol by which workers claim tasks, over the atomic words of one batch.
//!
//! - A claim takes a position with one fetch-and-add of the cursor, and the task there with one compare-and-swap of its slot.
//!   After the last position it takes tasks off the stack.
//! - Whoever swaps a slot from OPEN to RUNNING has the task, whichever way it was found. A task may therefore be ahead of the
//!   cursor and on the stack at the same time.
//! - Only the rank that sets the `STACKED` bit of a slot links its task in, and only the rank that takes the task off the
//!   stack clears the bit. A task is therefore on the stack at most once.
//! - The stack word counts its changes, so that a swap cannot succeed on a stack that has changed and changed back.
//! - A task that is to be retried waits on the stack: for a while for another worker than the one on which it has failed, and for
//!   twice as long for that one. All ranks count the time from when they made the batch together, each with its own clock.

use crate::batch::table::slot_state::{STATE, SlotState};
use crate::batch::table::table_layout::{
    CLOSED, CURSOR, IN_A_ROW, NEXT, STACK, STACKED, TableLayout, attempts, put_back, running,
    stack, started, worker_word,
};
use crate::home::atomic_words::AtomicWords;
use std::time::Duration;

/// The low half of a word.
const LOW: u64 = 0xffff_ffff;
/// Tasks of the stack that are looked at below the top, for one that need not wait.
const MAX_DEPTH: usize = 64;

/// A task that a worker has claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Claim {
    pub(crate) task: u32,
    /// How often the task has been claimed, this time included.
    pub(crate) attempt: u32,
    /// The bits of its cost, a number with a fraction, of which half a word is enough; 0 if it is not known.
    pub(crate) cost: u32,
    /// Whether it was OPEN at first, and has not been claimed before.
    pub(crate) is_new: bool,
}

/// What a worker gets that asks for a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) enum ClaimOutcome {
    Claimed(Claim),
    /// No task is open.
    Empty,
    /// Tasks are to be retried, but not yet or not by this worker.
    Delayed,
    /// No more tasks are handed out.
    Closed,
    /// Too many tasks have failed in a row on this worker.
    Halted,
}

/// How a claim ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) enum ClaimEnd {
    Done,
    Failed,
    /// Failed, and is to be run again.
    Retry,
    /// Is handed out again: the attempt does not count.
    PutBack,
    /// The same, but not handed out again: it would take too long.
    Skipped,
    /// Another job runs it.
    RunElsewhere,
    /// Another job has ended it so.
    EndedElsewhere {
        is_done: bool,
    },
    /// Another job has opened it again, and it is none of this job's.
    OpenElsewhere,
}

/// The protocol, over the words of one batch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TaskTable<W> {
    pub(crate) layout: TableLayout,
    pub(crate) words: W,
}

impl<W: AtomicWords> TaskTable<W> {
    /// Writes the first states of the tasks and their order. Called before any other rank can reach the table.
    pub(crate) fn fill(
        &self,
        slot_states: impl Iterator<Item = SlotState>,
        order: impl Iterator<Item = usize>,
        costs: impl Iterator<Item = f64>,
    ) {
        for (task, slot_state) in slot_states.enumerate() {
            self.words.store(self.layout.slot(task), slot_state as u64);
        }
        for (position, task) in order.enumerate() {
            self.words
                .store(self.layout.position(position), task as u64);
        }
        if self.layout.has_costs {
            for (task, cost) in costs.enumerate() {
                #[expect(clippy::cast_possible_truncation, reason = "an estimate")]
                let cost = (cost as f32).to_bits();
                self.words.store(self.layout.cost(task), u64::from(cost));
            }
        }
    }

    /// Claims the next open task for a worker. `now` is the age of the batch.
    pub(crate) fn next(&self, worker: usize, now: Duration) -> ClaimOutcome {
        let halt_after = u64::from(self.layout.halt_after);
        if halt_after > 0 && self.words.load(worker_word(worker, IN_A_ROW)) >= halt_after {
            return ClaimOutcome::Halted;
        }
        loop {
            let position = self.words.fetch_add(CURSOR, 1);
            if position >= CLOSED {
                return ClaimOutcome::Closed;
            }
            if position >= self.layout.tasks as u64 {
                return match self.layout.retry_pause {
                    None => self
                        .pop()
                        .map_or(ClaimOutcome::Empty, ClaimOutcome::Claimed),
                    Some(pause) => self.pop_unless_delayed(worker, now, pause),
                };
            }
            let position = position as usize;
            let task = if self.layout.ordered {
                self.words.load(self.layout.position(position)) as usize
            } else {
                position
            };
            if let Some(claim) = self.start(task) {
                return ClaimOutcome::Claimed(claim);
            }
        }
    }

    /// Claims any open task.
    #[cfg(test)]
    pub(crate) fn claim(&self) -> Option<Claim> {
        match self.next(0, Duration::MAX) {
            ClaimOutcome::Claimed(claim) => Some(claim),
            _ => None,
        }
    }

    /// Stops handing out tasks.
    pub(crate) fn close(&self) {
        let mut cursor = self.words.load(CURSOR);
        while cursor < CLOSED {
            match self.words.compare_exchange(CURSOR, cursor, cursor | CLOSED) {
                Ok(_) => return,
                Err(found) => cursor = found,
            }
        }
    }

    /// Whether no more tasks are handed out.
    pub(crate) fn is_closed(&self) -> bool {
        self.words.load(CURSOR) >= CLOSED
    }

    /// Claims one task if it is open.
    fn start(&self, task: usize) -> Option<Claim> {
        let at = self.layout.slot(task);
        // A guess that saves a load: most slots are as they were at first.
        let mut slot = SlotState::Open as u64;
        loop {
            if !SlotState::of(slot).is_claimable() {
                return None;
            }
            match self.words.compare_exchange(at, slot, started(slot)) {
                Ok(_) => return Some(self.claimed(task, slot)),
                Err(found) => slot = found,
            }
        }
    }

    /// Takes tasks off the stack until one of them is open, and claims it.
    fn pop(&self) -> Option<Claim> {
        loop {
            let head = self.words.load(STACK);
            let task = (head as u32).checked_sub(1)? as usize;
            if let Some(claim) = self.take(head, task) {
                return Some(claim);
            }
        }
    }

    /// Takes the task off the stack that is the top of `head`, if that still is the stack, and claims it if it is open.
    fn take(&self, head: u64, task: usize) -> Option<Claim> {
        let at = self.layout.slot(task);
        // Valid if the swap below succeeds: the link of a task does not change while it is on the stack.
        let next = self.words.load(at) >> 32;
        self.words
            .compare_exchange(STACK, head, stack(head, next))
            .ok()?;
        let mut slot = self.words.load(at);
        loop {
            let is_open = SlotState::of(slot).is_claimable();
            let off = slot & !(STACKED | NEXT);
            let new = if is_open { started(off) } else { off };
            match self.words.compare_exchange(at, slot, new) {
                Ok(_) => return is_open.then(|| self.claimed(task, slot)),
                Err(found) => slot = found,
            }
        }
    }

    /// Claims a task on the stack that need not wait any longer for this worker.
    fn pop_unless_delayed(&self, worker: usize, now: Duration, pause: Duration) -> ClaimOutcome {
        let must_wait = |task: usize| {
            let failed = self.words.load(self.layout.failed_on(task));
            let is_own = failed & LOW == worker as u64 + 1 && self.layout.workers > 1;
            let pause = if is_own {
                pause.saturating_mul(2)
            } else {
                pause
            };
            // Of two ranks that made the batch together, one may be a little early.
            failed > 0 && now.saturating_sub(Duration::from_millis(failed >> 32)) < pause
        };
        loop {
            let head = self.words.load(STACK);
            let Some(top) = (head as u32).checked_sub(1) else {
                return ClaimOutcome::Empty;
            };
            let slot = self.words.load(self.layout.slot(top as usize));
            if !SlotState::of(slot).is_claimable() || !must_wait(top as usize) {
                match self.take(head, top as usize) {
                    Some(claim) => return ClaimOutcome::Claimed(claim),
                    None => continue,
                }
            }
            // Below the top a task is claimed where it is. Links that change meanwhile may lead astray, but not for long.
            let mut next = slot >> 32;
            for _ in 0..MAX_DEPTH {
                let Some(task) = next.checked_sub(1) else {
                    break;
                };
                if !must_wait(task as usize)
                    && let Some(claim) = self.start(task as usize)
                {
                    return ClaimOutcome::Claimed(claim);
                }
                next = self.words.load(self.layout.slot(task as usize)) >> 32;
            }
            return ClaimOutcome::Delayed;
        }
    }

    /// Ends a claim of a worker, and counts it. `now` is the age of the batch.
    #[inline]
    pub(crate) fn end_claim(&self, worker: usize, claim: Claim, end: ClaimEnd, now: Duration) {
        if end == ClaimEnd::Done {
            self.finish(claim, SlotState::Done);
            self.count(worker, end);
        } else {
            self.end_undone(worker, claim, end, now);
        }
    }

    fn end_undone(&self, worker: usize, claim: Claim, end: ClaimEnd, now: Duration) {
        let task = claim.task as usize;
        match end {
            ClaimEnd::Done | ClaimEnd::EndedElsewhere { is_done: true } => {
                self.finish(claim, SlotState::Done);
            }
            ClaimEnd::Failed | ClaimEnd::Retry | ClaimEnd::EndedElsewhere { is_done: false } => {
                self.finish(claim, SlotState::Failed);
            }
            ClaimEnd::RunElsewhere => self.finish(claim, SlotState::Running),
            ClaimEnd::PutBack | ClaimEnd::Skipped | ClaimEnd::OpenElsewhere => {
                let at = self.layout.slot(task);
                let mut slot = running(claim.attempt);
                while let Err(found) = self.words.compare_exchange(at, slot, put_back(slot)) {
                    slot = found;
                }
            }
        }
        self.count(worker, end);
        match end {
            ClaimEnd::Retry => {
                // An age beyond the range is never reached: 49 days.
                let now = now.as_millis().min(u128::from(LOW)) as u64;
                let failed = (now << 32) | (worker as u64 + 1);
                self.words.store(self.layout.failed_on(task), failed);
                self.set(task, SlotState::Open);
            }
            ClaimEnd::PutBack => self.open(task),
            _ => {}
        }
    }

    /// Changes the state of a task that has been claimed.
    pub(crate) fn finish(&self, claim: Claim, slot_state: SlotState) {
        let at = self.layout.slot(claim.task as usize);
        // A guess that saves a load: nobody else has changed the slot since it was claimed.
        let mut slot = running(claim.attempt);
        while let Err(found) =
            self.words
                .compare_exchange(at, slot, (slot & !STATE) | slot_state as u64)
        {
            slot = found;
        }
    }

    pub(crate) fn slot_state(&self, task: usize) -> SlotState {
        SlotState::of(self.words.load(self.layout.slot(task)))
    }

    /// Opens a task, whatever its state is now. It need not wait as a retry does.
    pub(crate) fn open(&self, task: usize) {
        if self.layout.retry_pause.is_some() {
            self.words.store(self.layout.failed_on(task), 0);
        }
        self.set(task, SlotState::Open);
    }

    /// Sets the state of a task, whatever it is now. A task that is opened is handed out, also if the cursor has passed it.
    pub(crate) fn set(&self, task: usize, slot_state: SlotState) {
        let at = self.layout.slot(task);
        let opens = slot_state == SlotState::Open;
        let mut slot = self.words.load(at);
        loop {
            let mut new = (slot & !STATE) | slot_state as u64;
            if opens {
                new |= STACKED;
            }
            match self.words.compare_exchange(at, slot, new) {
                Ok(_) if opens && slot & STACKED == 0 => return self.push(task),
                Ok(_) => return,
                Err(found) => slot = found,
            }
        }
    }

    /// Links in a task whose `STACKED` bit the caller has set.
    fn push(&self, task: usize) {
        let at = self.layout.slot(task);
        loop {
            let head = self.words.load(STACK);
            let next = (head & 0xffff_ffff) << 32;
            let mut slot = self.words.load(at);
            // Other ranks may change the state of the task meanwhile.
            while let Err(found) = self.words.compare_exchange(at, slot, (slot & !NEXT) | next) {
                slot = found;
            }
            let new = stack(head, task as u64 + 1);
            if self.words.compare_exchange(STACK, head, new).is_ok() {
                return;
            }
        }
    }

    /// The claim of a task, whose slot was this before.
    fn claimed(&self, task: usize, slot: u64) -> Claim {
        let cost = if self.layout.has_costs {
            self.words.load(self.layout.cost(task)) as u32
        } else {
            0
        };
        let is_open = SlotState::of(slot) == SlotState::Open;
        Claim {
            task: task as u32,
            attempt: attempts(started(slot)),
            cost,
            is_new: is_open && attempts(slot) == 0,
        }
    }
}
