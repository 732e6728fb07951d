//! The state of a task, in the words and numbers of the Python package.

use crate::error::Error;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Where a task of a batch stands.
///
/// The words, which state files hold, and the numbers are those of the Python package.
///
/// ```
/// use pshmem::TaskState;
///
/// assert_eq!(TaskState::Done.to_string(), "DONE");
/// assert_eq!("FAILED".parse(), Ok(TaskState::Failed));
/// assert_eq!(TaskState::Invalid as i32, -1);
/// assert!("done".parse::<TaskState>().is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[repr(i32)]
pub enum TaskState {
    /// No state at all. A task that is found in this state counts as open.
    Invalid = -1,
    /// Nobody has begun it.
    Open = 0,
    /// A worker runs it, or a job that has ended did.
    Running = 1,
    /// It has ended well.
    Done = 2,
    /// It has ended with an error.
    Failed = 3,
}

impl TaskState {
    /// Every state, in the order of the numbers.
    pub(crate) const ALL: [TaskState; 5] = [
        TaskState::Invalid,
        TaskState::Open,
        TaskState::Running,
        TaskState::Done,
        TaskState::Failed,
    ];

    /// The word that stands in a state file.
    pub(crate) fn word(self) -> &'static str {
        match self {
            TaskState::Invalid => "INVALID",
            TaskState::Open => "OPEN",
            TaskState::Running => "RUNNING",
            TaskState::Done => "DONE",
            TaskState::Failed => "FAILED",
        }
    }
}

impl fmt::Display for TaskState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl FromStr for TaskState {
    type Err = Error;

    /// # Errors
    /// [`Error::InvalidSetting`] for any other word.
    fn from_str(word: &str) -> Result<Self, Error> {
        TaskState::ALL
            .into_iter()
            .find(|state| state.word() == word)
            .ok_or_else(|| Error::InvalidSetting {
                name: "task state".to_owned(),
                value: format!("{word:?}"),
                reason: "write INVALID, OPEN, RUNNING, DONE or FAILED".to_owned(),
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_numbers_are_those_of_the_python_package() {
        let numbers = TaskState::ALL.map(|state| state as i32);
        assert_eq!(numbers, [-1, 0, 1, 2, 3]);
        for state in TaskState::ALL {
            assert_eq!(state.to_string().parse(), Ok(state));
        }
        assert_eq!(format!("{:8}|", TaskState::Done), "DONE    |");
        for word in ["", "done", "DONE\n", " DONE", "DON"] {
            assert!(word.parse::<TaskState>().is_err(), "{word:?}");
        }
    }
}
