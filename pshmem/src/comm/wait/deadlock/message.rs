//! What ranks that wait ask each other.

use crate::comm::obligations::Awaited;
use serde::{Deserialize, Serialize};

/// A message between two ranks that wait.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Message {
    Question(Question),
    Answer(Answer),
}

/// A question of one search.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Question {
    /// Number of the search on the rank that asks.
    pub(super) search: u64,
    /// What the rank before in the chain waits for.
    pub(super) awaited: Awaited,
    /// Whether the search has found a circle with the rank that is asked, and asks for the last time.
    pub(super) is_last: bool,
    /// To the rank that is asked last of all: the circle to report, if that rank is still in it.
    pub(super) circle: Vec<Member>,
}

/// A rank of the world with its wait.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Member {
    pub(super) rank: usize,
    pub(super) wait: WaitDescription,
}

/// The answer of a rank that waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Answer {
    pub(super) search: u64,
    /// Whether that wait cannot end before this rank acts.
    pub(super) blocks: bool,
    pub(super) wait: WaitDescription,
    /// The rank of the world to ask next: one that seems to block this wait, or to know who does. `None` where nobody is known.
    pub(super) next: Option<usize>,
}

impl Answer {
    /// Whether a circle goes through this rank in the same wait as `member`.
    pub(super) fn confirms(&self, member: &Member) -> bool {
        let is_queued = match self.wait.awaited {
            Awaited::Arrivals { .. } => true,
            // The home rank has just said so.
            Awaited::Release { .. } => self.next.is_some(),
        };
        self.blocks && self.wait.number == member.wait.number && is_queued
    }
}

/// One wait of one rank.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct WaitDescription {
    /// Unique among the waits of the rank.
    pub(super) number: u64,
    pub(super) awaited: Awaited,
    /// The call, with the locks that the rank holds.
    pub(super) reason: String,
    pub(super) host: String,
    /// Whether the wait table of its node shows whom it waits for.
    pub(super) is_in_table: bool,
}
