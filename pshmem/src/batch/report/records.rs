//! What one rank remembers of the attempts that it has recorded, for the report.

use crate::batch::table::Claim;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How one attempt at a task ended. Small, because there may be millions.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct AttemptRecord {
    pub(crate) task: u32,
    pub(crate) attempt: u32,
    pub(crate) seconds: f32,
}

/// The attempts that one rank has recorded.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
pub(crate) struct AttemptRecords {
    pub(crate) attempts: Vec<AttemptRecord>,
    /// Why attempts failed, with their index in `attempts`, in ascending order.
    pub(crate) reasons: Vec<(u32, String)>,
    /// Tasks that other jobs have begun, and how often.
    pub(crate) elsewhere: Vec<(u32, u32)>,
}

impl AttemptRecords {
    #[inline]
    pub(crate) fn add(&mut self, claim: Claim, elapsed: Duration, reason: Option<&str>) {
        if let Some(reason) = reason {
            let index = self.attempts.len() as u32;
            self.reasons.push((index, reason.to_owned()));
        }
        self.attempts.push(AttemptRecord {
            task: claim.task,
            attempt: claim.attempt,
            seconds: elapsed.as_secs_f32(),
        });
    }
}
