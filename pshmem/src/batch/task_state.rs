//! The states of a task, with the words and numbers of the Python package.

use crate::error::Error;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The state of a task.
///
/// Its word, which state files hold, and its number are those of the Python package.
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
    /// No valid state. A task that is found in it counts as open.
    Invalid = -1,
    /// Not begun, or to be run again.
    Open = 0,
    /// Run by a worker, or by a job that has died.
    Running = 1,
    /// Ended with success.
    Done = 2,
    /// Ended with an error.
    Failed = 3,
}

impl TaskState {
    /// All states, in the order of their numbers.
    pub(crate) const ALL: [TaskState; 5] = [
        TaskState::Invalid,
        TaskState::Open,
        TaskState::Running,
        TaskState::Done,
        TaskState::Failed,
    ];

    /// The word in a state file.
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
