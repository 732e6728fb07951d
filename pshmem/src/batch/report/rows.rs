//! What became of all tasks, as bytes that ranks of a node share.
//!
//! ```text
//! | one `Row` for each task | errors of the tasks that have one, one behind the other | zeros |
//! ```

use crate::batch::names::TaskNames;
use crate::batch::report::TaskReport;
use crate::batch::table::SlotState;
use crate::batch::task_state::TaskState;
use crate::memory::frozen::FrozenBytes;
use bytemuck::{Pod, Zeroable};
use std::borrow::Cow;

/// Bytes of a row.
pub(super) const ROW: usize = size_of::<Row>();

/// What became of one task. All zeros, and no worker: nothing is known of it.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(super) struct Row {
    /// Where its error ends among all errors. It begins where that of the task before ends.
    pub(super) error_end: u64,
    /// The worker that has run it last, or [`NO_WORKER`].
    pub(super) worker: u32,
    pub(super) attempts: u32,
    pub(super) seconds: f32,
    /// Its state in the table.
    pub(super) slot_state: u16,
    /// 1 if it has an error.
    pub(super) has_error: u16,
}

/// In place of a worker.
const NO_WORKER: u32 = u32::MAX;

impl Row {
    /// A task of which no rank has reported anything.
    pub(super) const UNKNOWN: Row = Row {
        error_end: 0,
        worker: NO_WORKER,
        attempts: 0,
        seconds: 0.0,
        slot_state: SlotState::Open as u16,
        has_error: 0,
    };

    fn state(&self) -> TaskState {
        SlotState::of(u64::from(self.slot_state)).task_state()
    }
}

/// The rows of all tasks, and their names.
#[derive(Debug)]
pub(super) struct Rows {
    count: usize,
    bytes: FrozenBytes,
    names: TaskNames,
}

/// What became of one task, where it lies.
#[derive(Debug)]
pub(super) struct TaskRow<'a> {
    pub(super) index: usize,
    name: Option<&'a str>,
    pub(super) state: TaskState,
    pub(super) worker: Option<usize>,
    pub(super) seconds: f64,
    pub(super) attempts: u32,
    pub(super) error: Option<&'a str>,
}

impl Rows {
    /// Rows of so many tasks, as [`MergedReports`](super::merge::MergedReports) writes them.
    pub(super) fn new(count: usize, bytes: FrozenBytes, names: TaskNames) -> Self {
        assert!(
            count * ROW <= bytes.len(),
            "there is a row for each of {count} tasks"
        );
        Rows {
            count,
            bytes,
            names,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.count
    }

    fn row(&self, task: usize) -> Row {
        bytemuck::pod_read_unaligned(&self.bytes[task * ROW..][..ROW])
    }

    /// The state of each task.
    pub(super) fn states(&self) -> impl Iterator<Item = TaskState> {
        (0..self.count).map(|task| self.row(task).state())
    }

    /// What became of each task.
    pub(super) fn iter(&self) -> impl Iterator<Item = TaskRow<'_>> {
        (0..self.count).map(|task| self.get(task))
    }

    fn get(&self, task: usize) -> TaskRow<'_> {
        let row = self.row(task);
        let before = task.checked_sub(1).map(|before| self.row(before));
        let start = before.map_or(0, |before| before.error_end as usize);
        let errors = &self.bytes[self.count * ROW..];
        let error = (row.has_error == 1).then(|| &errors[start..row.error_end as usize]);
        let error =
            error.map(|text| std::str::from_utf8(text).expect("errors are copied as a whole"));
        TaskRow {
            index: task,
            name: self.names.get(task),
            state: row.state(),
            worker: (row.worker != NO_WORKER).then_some(row.worker as usize),
            seconds: f64::from(row.seconds),
            attempts: row.attempts,
            error,
        }
    }
}

impl<'a> TaskRow<'a> {
    /// Its name; its number as text if it has none.
    pub(super) fn name(&self) -> Cow<'a, str> {
        let number = || Cow::Owned(self.index.to_string());
        self.name.map_or_else(number, Cow::Borrowed)
    }
}

impl From<TaskRow<'_>> for TaskReport {
    fn from(row: TaskRow<'_>) -> Self {
        TaskReport {
            index: row.index,
            name: row.name().into_owned(),
            state: row.state,
            worker: row.worker,
            seconds: row.seconds,
            attempts: row.attempts,
            error: row.error.map(str::to_owned),
        }
    }
}
