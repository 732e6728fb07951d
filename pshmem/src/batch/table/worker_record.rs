//! The records of workers in the task table: how the ranks of a worker end a task together, and what it has ended so far.

use crate::batch::table::table_layout::{
    BLAMED, DONE, FAILED, IN_A_ROW, REASON, REASON_BYTES, REASON_LEN, TALLY, worker_word,
};
use crate::batch::table::task_table::{ClaimEnd, TaskTable};
use crate::home::atomic_words::AtomicWords;

/// How all ranks of a worker have ended a task.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) enum TaskEnd {
    Done,
    /// At least one rank has put it back, and none has failed.
    PutBack,
    /// The first rank of the worker that failed, and its reason.
    Failed(usize, String),
}

/// How one rank of a worker ends a task.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) enum RankEnd {
    Done,
    PutBack,
    /// With this reason.
    Failed(String),
}

/// Added to the tally for a rank that puts its task back, besides 1. Ranks that fail are in the word of the one to blame.
const PUT_BACK: u64 = 1 << 32;

impl<W: AtomicWords> TaskTable<W> {
    /// Resets the record of a worker for its next task. All of its ranks have ended the one before.
    pub(crate) fn reset_worker(&self, worker: usize) {
        for word in [TALLY, BLAMED, REASON_LEN] {
            self.words.store(worker_word(worker, word), 0);
        }
    }

    /// One of the `size` ranks of a worker ends its task. The last one learns how all did.
    pub(crate) fn end(
        &self,
        worker: usize,
        size: usize,
        rank: usize,
        end: &RankEnd,
    ) -> Option<TaskEnd> {
        let at = |word| worker_word(worker, word);
        let by = match end {
            RankEnd::Done => 1,
            RankEnd::PutBack => 1 | PUT_BACK,
            RankEnd::Failed(reason) => {
                let mine = rank as u64 + 1;
                if self.words.compare_exchange(at(BLAMED), 0, mine).is_ok() {
                    self.write_reason(worker, reason);
                }
                1
            }
        };
        // [ENDED] release: what this rank has written, its reason included, is complete before it counts itself.
        // [ENDED] acquire: the last rank sees what the others wrote before they counted themselves.
        let tally = self.words.fetch_add(at(TALLY), by) + by;
        if (tally % PUT_BACK) as usize != size {
            return None;
        }
        Some(match self.words.load(at(BLAMED)) {
            0 if tally < PUT_BACK => TaskEnd::Done,
            0 => TaskEnd::PutBack,
            blamed => TaskEnd::Failed(blamed as usize - 1, self.read_reason(worker)),
        })
    }

    fn write_reason(&self, worker: usize, reason: &str) {
        let bytes = &reason.as_bytes()[..reason.len().min(REASON_BYTES)];
        for (word, chunk) in bytes.chunks(8).enumerate() {
            let mut value = [0; 8];
            value[..chunk.len()].copy_from_slice(chunk);
            let at = worker_word(worker, REASON + word);
            self.words.store(at, u64::from_le_bytes(value));
        }
        let len = worker_word(worker, REASON_LEN);
        self.words.store(len, bytes.len() as u64);
    }

    fn read_reason(&self, worker: usize) -> String {
        let len = self.words.load(worker_word(worker, REASON_LEN)) as usize;
        let len = len.min(REASON_BYTES);
        let word = |word| self.words.load(worker_word(worker, REASON + word));
        let words = (0..len.div_ceil(8)).flat_map(|at| word(at).to_le_bytes());
        let bytes: Vec<u8> = words.take(len).collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Counts a claim that a worker has ended.
    #[inline]
    pub(super) fn count(&self, worker: usize, end: ClaimEnd) {
        let at = |word| worker_word(worker, word);
        match end {
            ClaimEnd::Done | ClaimEnd::EndedElsewhere { is_done: true } => {
                self.words.add(at(DONE), 1);
            }
            ClaimEnd::Failed | ClaimEnd::EndedElsewhere { is_done: false } => {
                self.words.add(at(FAILED), 1);
            }
            _ => {}
        }
        if self.layout.halt_after > 0 {
            // One rank of the worker ends the claim, before any of them claims the next one.
            match end {
                ClaimEnd::Done => self.words.store(at(IN_A_ROW), 0),
                ClaimEnd::Failed | ClaimEnd::Retry => self.words.add(at(IN_A_ROW), 1),
                _ => {}
            }
        }
    }

    /// Numbers of tasks that all workers together have done, and that have failed.
    pub(crate) fn counts(&self) -> (u64, u64) {
        let sum = |word| {
            let workers = 0..self.layout.workers;
            workers
                .map(|worker| self.words.load(worker_word(worker, word)))
                .sum()
        };
        (sum(DONE), sum(FAILED))
    }
}
