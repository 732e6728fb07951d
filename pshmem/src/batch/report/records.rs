//! What a rank keeps of the tasks that it has recorded, for the report.

use crate::batch::table::Claim;
use crate::batch::task_state::TaskState;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How one attempt at a task ended. Small, because there may be millions.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) task: u32,
    pub(crate) attempt: u16,
    pub(crate) failed: bool,
    pub(crate) seconds: f32,
}

/// All of one rank.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
pub(crate) struct Records {
    pub(crate) ends: Vec<Record>,
    /// Why tasks failed, by their place in `ends`.
    pub(crate) reasons: Vec<(u32, String)>,
}

impl Records {
    #[inline]
    pub(crate) fn add(
        &mut self,
        claim: Claim,
        state: TaskState,
        took: Duration,
        reason: Option<&str>,
    ) {
        if let Some(reason) = reason {
            let place = self.ends.len() as u32;
            self.reasons.push((place, reason.to_owned()));
        }
        self.ends.push(Record {
            task: claim.task,
            attempt: claim.attempt as u16,
            failed: state != TaskState::Done,
            seconds: took.as_secs_f32(),
        });
    }
}
