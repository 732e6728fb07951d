//! The records of workers in the task table: how the ranks of a worker end a task together, and what it has ended so far.

use crate::batch::table::table_layout::{
    BLAMED, DONE, FAILED, REASON, REASON_BYTES, REASON_LEN, TALLY, worker_word,
};
use crate::batch::table::task_table::TaskTable;
use crate::batch::table::words::TableWords;

/// How all ranks of a worker have ended a task.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) enum TaskEnd {
    Done,
    /// The first rank of the worker that failed, and its reason.
    Failed(usize, String),
}

impl<W: TableWords> TaskTable<W> {
    /// Resets the record of a worker for its next task. All of its ranks have ended the one before.
    pub(crate) fn reset_worker(&self, worker: usize) {
        for word in [TALLY, BLAMED, REASON_LEN] {
            self.words.store(worker_word(worker, word), 0);
        }
    }

    /// One of the `size` ranks of a worker ends its task, with a reason if it failed. The last one learns how all did.
    pub(crate) fn end(
        &self,
        worker: usize,
        size: usize,
        (rank, failure): (usize, Option<&str>),
    ) -> Option<TaskEnd> {
        let at = |word| worker_word(worker, word);
        let mut by = 1;
        if let Some(reason) = failure {
            by |= 1 << 32;
            let mine = rank as u64 + 1;
            if self.words.compare_exchange(at(BLAMED), 0, mine).is_ok() {
                self.write_reason(worker, reason);
            }
        }
        // [ENDED] release: what this rank has written, its reason included, is complete before it counts itself.
        // [ENDED] acquire: the last rank sees what the others wrote before they counted themselves.
        let tally = self.words.fetch_add(at(TALLY), by) + by;
        if (tally & 0xffff_ffff) as usize != size {
            return None;
        }
        Some(match self.words.load(at(BLAMED)) {
            0 => TaskEnd::Done,
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

    /// Counts a task that a worker has ended.
    pub(crate) fn count(&self, worker: usize, is_done: bool) {
        let at = worker_word(worker, if is_done { DONE } else { FAILED });
        self.words.add(at, 1);
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
