//! The table of a batch: which task is taken, by a protocol over a few atomic words that every worker may change.
//!
//! The words lie in node memory where all ranks share a node, or with the host of a table (`hosted.rs`), which runs the same
//! code on behalf of others. Fresh words are zero: nothing has been claimed, and all tasks are open.
//!
//! ```text
//! cursor            tasks handed out so far, in order; counts on after the last one
//! stack             tasks that were opened rerun: number of changes in the high half, first task + 1 in the low half
//! a line per worker how many of its ranks have ended their task, who was the first to fail, and its reason
//! a word per task   state, attempts, and the next task on the stack
//! a word per place  the task that comes at this place, where the order is not that of their numbers
//! ```
//!
//! A claim takes a place with one fetch-and-add and its task with one compare-and-swap. Whoever wins the swap from OPEN to
//! RUNNING has the task, whichever way it was found, so a task may at any time be both ahead of the cursor and on the stack.
//! Only the rank that sets the STACKED bit links a task in, and only the rank that takes it off the stack clears that bit:
//! a task is on the stack once.

pub(crate) mod client;
pub(crate) mod home_table;
mod rma_words;

use crate::sync::atomic::{AtomicU64, Ordering};

/// The words, wherever they are. Every change of one is seen with all changes that its maker had seen before.
pub(crate) trait TableWords {
    fn fetch_add(&self, at: usize, by: u64) -> u64;
    /// The same, of which nobody waits to see the outcome.
    fn add(&self, at: usize, by: u64) {
        self.fetch_add(at, by);
    }
    /// The word that was found, as an error when it was not `old`.
    fn compare_exchange(&self, at: usize, old: u64, new: u64) -> Result<u64, u64>;
    fn load(&self, at: usize) -> u64;
    fn store(&self, at: usize, value: u64);
}

impl TableWords for &[AtomicU64] {
    fn fetch_add(&self, at: usize, by: u64) -> u64 {
        self[at].fetch_add(by, Ordering::AcqRel)
    }

    fn compare_exchange(&self, at: usize, old: u64, new: u64) -> Result<u64, u64> {
        self[at].compare_exchange(old, new, Ordering::AcqRel, Ordering::Acquire)
    }

    fn load(&self, at: usize) -> u64 {
        self[at].load(Ordering::Acquire)
    }

    fn store(&self, at: usize, value: u64) {
        self[at].store(value, Ordering::Release);
    }
}

const CURSOR: usize = 0;
const STACK: usize = 8;
const WORKERS: usize = 16;

/// What is added to the cursor when no more tasks are to be handed out.
const CLOSED: u64 = 1 << 62;

/// In the lines of a worker: ranks that have ended, with those that failed in the high half.
const TALLY: usize = 0;
/// The rank that was the first to fail, plus 1.
const BLAMED: usize = 1;
const REASON_LEN: usize = 2;
/// Tasks that the worker has done, and those that have failed for good.
const DONE: usize = 3;
const FAILED: usize = 4;
const REASON: usize = 8;
const REASON_WORDS: usize = 32;
/// Bytes of a reason that are kept.
pub(crate) const REASON_BYTES: usize = REASON_WORDS * 8;
const WORKER_WORDS: usize = REASON + REASON_WORDS;

/// The states that a task's word can have; zero is what fresh memory holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u64)]
pub(crate) enum SlotState {
    Open = 0,
    Running = 1,
    Done = 2,
    Failed = 3,
    Invalid = 4,
    /// Was found RUNNING and may be claimed, because only its lease tells whether somebody runs it.
    Unsure = 5,
}

impl SlotState {
    pub(crate) fn of(word: u64) -> Self {
        match word & STATE {
            0 => SlotState::Open,
            1 => SlotState::Running,
            2 => SlotState::Done,
            3 => SlotState::Failed,
            5 => SlotState::Unsure,
            _ => SlotState::Invalid,
        }
    }
}

const STATE: u64 = 0x7;
const STACKED: u64 = 0x80;
const ATTEMPT: u64 = 0x100;
const ATTEMPTS: u64 = 0xff00;
const NEXT: u64 = 0xffff_ffff_0000_0000;

fn attempts(word: u64) -> u32 {
    ((word & ATTEMPTS) / ATTEMPT) as u32
}

/// What the table of a batch has room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) tasks: usize,
    pub(crate) workers: usize,
    /// Whether tasks come in an order of their own.
    pub(crate) ordered: bool,
}

/// The most tasks that a table can have: one more than their numbers must fit half a word.
pub(crate) const MOST_TASKS: usize = u32::MAX as usize - 1;

impl Layout {
    /// Number of words. `None` when there cannot be so many.
    pub(crate) fn words(&self) -> Option<usize> {
        let lists = if self.ordered { 2 } else { 1 };
        let tasks = self.tasks.checked_mul(lists)?;
        let workers = self.workers.checked_mul(WORKER_WORDS)?;
        tasks.checked_add(workers)?.checked_add(WORKERS)
    }

    fn task(&self, task: usize) -> usize {
        WORKERS + self.workers * WORKER_WORDS + task
    }

    fn place(&self, place: usize) -> usize {
        self.task(self.tasks) + place
    }
}

/// A task that a worker has taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Claimed {
    pub(crate) task: u32,
    /// Which attempt this is, from 1.
    pub(crate) attempt: u32,
}

/// How the last rank of a worker that ends its task finds it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) enum Ended {
    Well,
    /// With the rank of the worker that was the first to fail, and its reason.
    Failed(usize, String),
}

/// The protocol, over the words of one batch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TaskTable<W> {
    pub(crate) layout: Layout,
    pub(crate) words: W,
}

impl<W: TableWords> TaskTable<W> {
    /// Writes how the batch begins: what tasks are at first, and which one comes at which place. Before anybody else looks.
    pub(crate) fn fill(
        &self,
        slot_states: impl Iterator<Item = SlotState>,
        order: impl Iterator<Item = usize>,
    ) {
        for (task, slot_state) in slot_states.enumerate() {
            self.words.store(self.layout.task(task), slot_state as u64);
        }
        for (place, task) in order.enumerate() {
            self.words.store(self.layout.place(place), task as u64);
        }
    }

    /// The next task that is open.
    pub(crate) fn claim(&self) -> Option<Claimed> {
        loop {
            let place = self.words.fetch_add(CURSOR, 1);
            if place >= CLOSED {
                return None;
            }
            if place >= self.layout.tasks as u64 {
                return self.pop();
            }
            let place = place as usize;
            let task = if self.layout.ordered {
                self.words.load(self.layout.place(place)) as usize
            } else {
                place
            };
            if let Some(claimed) = self.start(task) {
                return Some(claimed);
            }
        }
    }

    /// Hands out no more tasks.
    pub(crate) fn close(&self) {
        if self.words.load(CURSOR) < CLOSED {
            self.words.fetch_add(CURSOR, CLOSED);
        }
    }

    /// Takes a task if it is open.
    fn start(&self, task: usize) -> Option<Claimed> {
        let at = self.layout.task(task);
        // Most tasks are as the batch began.
        let mut word = SlotState::Open as u64;
        loop {
            if !matches!(SlotState::of(word), SlotState::Open | SlotState::Unsure) {
                return None;
            }
            match self.words.compare_exchange(at, word, started(word)) {
                Ok(_) => return Some(claimed(task, started(word))),
                Err(found) => word = found,
            }
        }
    }

    /// Takes the first task off the stack that is still open.
    fn pop(&self) -> Option<Claimed> {
        loop {
            let head = self.words.load(STACK);
            let task = (head as u32).checked_sub(1)? as usize;
            let at = self.layout.task(task);
            // As long as the stack has not changed, this task is its first and the link stands.
            let next = self.words.load(at) >> 32;
            if self
                .words
                .compare_exchange(STACK, head, stack(head, next))
                .is_err()
            {
                continue;
            }
            let mut word = self.words.load(at);
            loop {
                let is_open = matches!(SlotState::of(word), SlotState::Open | SlotState::Unsure);
                let off = word & !(STACKED | NEXT);
                let new = if is_open { started(off) } else { off };
                match self.words.compare_exchange(at, word, new) {
                    Ok(_) if is_open => return Some(claimed(task, new)),
                    Ok(_) => break,
                    Err(found) => word = found,
                }
            }
        }
    }

    /// Ends a claim.
    pub(crate) fn finish(&self, claim: Claimed, slot_state: SlotState) {
        let at = self.layout.task(claim.task as usize);
        let usual = SlotState::Running as u64 | (u64::from(claim.attempt) * ATTEMPT);
        let mut word = usual;
        while let Err(found) =
            self.words
                .compare_exchange(at, word, (word & !STATE) | slot_state as u64)
        {
            word = found;
        }
    }

    pub(crate) fn slot_state(&self, task: usize) -> SlotState {
        SlotState::of(self.words.load(self.layout.task(task)))
    }

    /// Changes a task whatever it is now. One that is opened will be handed out, also if its place has been passed.
    pub(crate) fn set(&self, task: usize, slot_state: SlotState) {
        let at = self.layout.task(task);
        let opens = slot_state == SlotState::Open;
        let mut word = self.words.load(at);
        loop {
            let mut new = (word & !STATE) | slot_state as u64;
            if opens {
                new |= STACKED;
            }
            match self.words.compare_exchange(at, word, new) {
                Ok(_) if opens && word & STACKED == 0 => return self.push(task),
                Ok(_) => return,
                Err(found) => word = found,
            }
        }
    }

    /// Links a task in whose STACKED bit the caller has set.
    fn push(&self, task: usize) {
        let at = self.layout.task(task);
        loop {
            let head = self.words.load(STACK);
            let next = (head & 0xffff_ffff) << 32;
            let mut word = self.words.load(at);
            // Others may change its state meanwhile.
            while let Err(found) = self.words.compare_exchange(at, word, (word & !NEXT) | next) {
                word = found;
            }
            let new = stack(head, task as u64 + 1);
            if self.words.compare_exchange(STACK, head, new).is_ok() {
                return;
            }
        }
    }

    fn worker(worker: usize, word: usize) -> usize {
        WORKERS + worker * WORKER_WORDS + word
    }

    /// Makes a worker's line ready for its next task, when all its ranks have ended the one before.
    pub(crate) fn open_line(&self, worker: usize) {
        for word in [TALLY, BLAMED, REASON_LEN] {
            self.words.store(Self::worker(worker, word), 0);
        }
    }

    /// One of `size` ranks of a worker has ended its task, with a reason if it failed. The last one learns how it went.
    pub(crate) fn end(
        &self,
        worker: usize,
        size: usize,
        (rank, failure): (usize, Option<&str>),
    ) -> Option<Ended> {
        let at = |word| Self::worker(worker, word);
        let mut by = 1;
        if let Some(reason) = failure {
            by |= 1 << 32;
            let mine = rank as u64 + 1;
            if self.words.compare_exchange(at(BLAMED), 0, mine).is_ok() {
                // [ENDED] release: the reason is complete when this rank counts itself below.
                self.put(worker, reason);
            }
        }
        // [ENDED] acquire: the last rank sees what all others did before they counted themselves.
        let tally = self.words.fetch_add(at(TALLY), by) + by;
        if (tally & 0xffff_ffff) as usize != size {
            return None;
        }
        Some(match self.words.load(at(BLAMED)) {
            0 => Ended::Well,
            blamed => Ended::Failed(blamed as usize - 1, self.reason(worker)),
        })
    }

    fn put(&self, worker: usize, reason: &str) {
        let bytes = &reason.as_bytes()[..reason.len().min(REASON_BYTES)];
        for (word, chunk) in bytes.chunks(8).enumerate() {
            let mut value = [0; 8];
            value[..chunk.len()].copy_from_slice(chunk);
            let at = Self::worker(worker, REASON + word);
            self.words.store(at, u64::from_le_bytes(value));
        }
        let len = Self::worker(worker, REASON_LEN);
        self.words.store(len, bytes.len() as u64);
    }

    fn reason(&self, worker: usize) -> String {
        let len = self.words.load(Self::worker(worker, REASON_LEN)) as usize;
        let len = len.min(REASON_BYTES);
        let word = |word| self.words.load(Self::worker(worker, REASON + word));
        let words = (0..len.div_ceil(8)).flat_map(|at| word(at).to_le_bytes());
        let bytes: Vec<u8> = words.take(len).collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Counts a task that a worker has ended.
    pub(crate) fn count(&self, worker: usize, well: bool) {
        let at = Self::worker(worker, if well { DONE } else { FAILED });
        self.words.add(at, 1);
    }

    /// Tasks that all workers together have done, and that have failed.
    pub(crate) fn counts(&self) -> (u64, u64) {
        let of = |word| {
            let counts =
                (0..self.layout.workers).map(|worker| self.words.load(Self::worker(worker, word)));
            counts.sum()
        };
        (of(DONE), of(FAILED))
    }
}

fn stack(head: u64, first: u64) -> u64 {
    let changes = (head >> 32).wrapping_add(1);
    (changes << 32) | first
}

fn started(word: u64) -> u64 {
    // The count stays at its largest value rather than start anew.
    let more = if word & ATTEMPTS == ATTEMPTS {
        0
    } else {
        ATTEMPT
    };
    ((word & !STATE) | SlotState::Running as u64) + more
}

fn claimed(task: usize, word: u64) -> Claimed {
    Claimed {
        task: task as u32,
        attempt: attempts(word),
    }
}

#[cfg(all(test, loom))]
mod models;
#[cfg(all(test, not(loom)))]
mod tests;
