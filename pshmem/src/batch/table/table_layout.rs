//! Which word of a task table holds what.
//!
//! ```text
//! word                 holds
//! CURSOR               tasks handed out in order so far; keeps counting after the last one
//! STACK                tasks that were opened again: changes so far (high half), number of the top task + 1 (low half)
//! a record per worker  how many of its ranks have ended their task, the first failure and its reason, totals
//! a slot per task      its state, its attempts, and the task below it on the stack
//! a word per position  the task that is handed out at this position; only where tasks have an order of their own
//! a word per task      its cost, a number with a fraction; only where it is needed to estimate how long the task takes
//! a word per task      where it is to be retried: 1 + the worker on which it has failed, and when (high half); only where there
//!                      are retries
//! ```
//!
//! Words of zeros are a valid table: no task has been claimed, and all are open.

use crate::batch::table::slot_state::{STATE, SlotState};
use std::time::Duration;

/// The cursor and the stack have a cache line each, because all workers change them.
pub(super) const CURSOR: usize = 0;
pub(super) const STACK: usize = 8;
const WORKERS: usize = 16;

/// Added to the cursor when no more tasks are to be handed out.
pub(super) const CLOSED: u64 = 1 << 62;

/// In a worker's record: ranks that have ended the task (low half), and those of them that failed (high half).
pub(super) const TALLY: usize = 0;
/// The first rank that failed, plus 1.
pub(super) const BLAMED: usize = 1;
/// Length of its reason in bytes.
pub(super) const REASON_LEN: usize = 2;
/// Tasks that this worker has done, and tasks that have failed for good.
pub(super) const DONE: usize = 3;
pub(super) const FAILED: usize = 4;
/// Attempts of this worker that have failed in a row.
pub(super) const IN_A_ROW: usize = 5;
/// The bytes of the reason.
pub(super) const REASON: usize = 8;
const REASON_WORDS: usize = 32;
/// Bytes of a reason that are kept.
pub(super) const REASON_BYTES: usize = REASON_WORDS * 8;
const WORKER_WORDS: usize = REASON + REASON_WORDS;

/// The largest number of tasks: a number plus one must fit half a word.
pub(crate) const MAX_TASKS: usize = u32::MAX as usize - 1;

/// What a task table has room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TableLayout {
    pub(crate) tasks: usize,
    pub(crate) workers: usize,
    /// Whether the tasks are handed out in an order other than that of their numbers.
    pub(crate) ordered: bool,
    /// Whether the costs of the tasks are kept.
    pub(crate) has_costs: bool,
    /// How long the retry of a task has to wait; `None` where there are no retries.
    pub(crate) retry_pause: Option<Duration>,
    /// After how many failures in a row a worker gets no more tasks; 0 for no limit.
    pub(crate) halt_after: u32,
}

impl TableLayout {
    /// Number of words. `None` when it overflows.
    pub(crate) fn words(&self) -> Option<usize> {
        let has_retries = self.retry_pause.is_some();
        let lists =
            1 + usize::from(self.ordered) + usize::from(self.has_costs) + usize::from(has_retries);
        let tasks = self.tasks.checked_mul(lists)?;
        let workers = self.workers.checked_mul(WORKER_WORDS)?;
        tasks.checked_add(workers)?.checked_add(WORKERS)
    }

    /// Index of the slot of a task.
    pub(super) fn slot(&self, task: usize) -> usize {
        WORKERS + self.workers * WORKER_WORDS + task
    }

    /// Index of the word that holds the task at a position of the order.
    pub(super) fn position(&self, position: usize) -> usize {
        self.slot(self.tasks) + position
    }

    /// Index of the word that holds the cost of a task.
    pub(super) fn cost(&self, task: usize) -> usize {
        self.position(if self.ordered { self.tasks } else { 0 }) + task
    }

    /// Index of the word that tells on which worker, and when, a task has failed that is to be retried.
    pub(super) fn failed_on(&self, task: usize) -> usize {
        self.cost(if self.has_costs { self.tasks } else { 0 }) + task
    }
}

/// Index of a word in the record of a worker.
pub(super) fn worker_word(worker: usize, word: usize) -> usize {
    WORKERS + worker * WORKER_WORDS + word
}

/// Bits of a slot besides [`STATE`]: whether the task is on the stack, how often it was claimed, and the next task of the stack.
pub(super) const STACKED: u64 = 0x80;
const ATTEMPT: u64 = 0x100;
const ATTEMPTS: u64 = 0xffff_ff00;
pub(super) const NEXT: u64 = 0xffff_ffff_0000_0000;

/// The largest number of attempts that is counted.
pub(crate) const MAX_ATTEMPTS: u32 = (ATTEMPTS / ATTEMPT) as u32;

/// How often the task of this slot has been claimed.
pub(super) fn attempts(slot: u64) -> u32 {
    ((slot & ATTEMPTS) / ATTEMPT) as u32
}

/// The slot of a task that is RUNNING and has been claimed so often.
pub(super) fn running(attempts: u32) -> u64 {
    SlotState::Running as u64 | (u64::from(attempts) * ATTEMPT)
}

/// The slot after one more claim. The count of attempts stays at its largest value rather than wrap around.
pub(super) fn started(slot: u64) -> u64 {
    let more = if slot & ATTEMPTS == ATTEMPTS {
        0
    } else {
        ATTEMPT
    };
    ((slot & !STATE) | SlotState::Running as u64) + more
}

/// The slot of a task that is put back: OPEN, as if it had not been claimed this time.
pub(super) fn put_back(slot: u64) -> u64 {
    let less = if attempts(slot) == 0 { 0 } else { ATTEMPT };
    ((slot & !STATE) | SlotState::Open as u64) - less
}

/// The stack word with another top, which counts one more change.
pub(super) fn stack(head: u64, top: u64) -> u64 {
    let changes = (head >> 32).wrapping_add(1);
    (changes << 32) | top
}
