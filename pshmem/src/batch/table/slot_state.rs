//! The states of a task as its slot in the table holds them.

use crate::batch::task_state::TaskState;

/// The bits of a slot that hold the state.
pub(super) const STATE: u64 = 0x7;

/// The state of a task in the table. `Open` is zero, which fresh memory holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u64)]
pub(crate) enum SlotState {
    Open = 0,
    Running = 1,
    Done = 2,
    Failed = 3,
    Invalid = 4,
    /// RUNNING, DONE or FAILED, but may be claimed, to be run again. With a state directory, only that tells whether it is still
    /// to be run: another job may run it, or have ended it.
    RerunRunning = 5,
    RerunDone = 6,
    RerunFailed = 7,
}

impl SlotState {
    /// The state that a slot holds.
    pub(crate) fn of(slot: u64) -> Self {
        match slot & STATE {
            0 => SlotState::Open,
            1 => SlotState::Running,
            2 => SlotState::Done,
            3 => SlotState::Failed,
            4 => SlotState::Invalid,
            5 => SlotState::RerunRunning,
            6 => SlotState::RerunDone,
            _ => SlotState::RerunFailed,
        }
    }

    /// Whether a worker may claim the task.
    pub(crate) fn is_claimable(self) -> bool {
        matches!(
            self,
            SlotState::Open
                | SlotState::RerunRunning
                | SlotState::RerunDone
                | SlotState::RerunFailed
        )
    }

    /// The state of a task that may be claimed although it is in this one.
    pub(crate) fn to_be_rerun(state: TaskState) -> Self {
        match state {
            TaskState::Invalid | TaskState::Open => SlotState::Open,
            TaskState::Running => SlotState::RerunRunning,
            TaskState::Done => SlotState::RerunDone,
            TaskState::Failed => SlotState::RerunFailed,
        }
    }

    /// The state that the program is told.
    pub(crate) fn task_state(self) -> TaskState {
        match self {
            SlotState::Open => TaskState::Open,
            SlotState::Running | SlotState::RerunRunning => TaskState::Running,
            SlotState::Done | SlotState::RerunDone => TaskState::Done,
            SlotState::Failed | SlotState::RerunFailed => TaskState::Failed,
            SlotState::Invalid => TaskState::Invalid,
        }
    }
}

impl From<TaskState> for SlotState {
    fn from(state: TaskState) -> Self {
        match state {
            TaskState::Open => SlotState::Open,
            TaskState::Running => SlotState::Running,
            TaskState::Done => SlotState::Done,
            TaskState::Failed => SlotState::Failed,
            TaskState::Invalid => SlotState::Invalid,
        }
    }
}
