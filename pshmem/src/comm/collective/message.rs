//! What node leaders and writers write to each other.

use crate::comm::collective::call::Call;
use crate::comm::collective::contribution::Contributions;
use crate::error::Error;
use crate::layout::region::Region;
use serde::{Deserialize, Serialize};

/// Why a rank makes no further call on a `Comm`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum LeaveReason {
    /// Its last handle was dropped, or it returned from `run`.
    Dropped,
    /// It ends with this panic or error.
    Failed(String),
    /// On the `Comm` of a worker: it has gone on to `next_task`.
    NextTask,
    /// On the `Comm` of a worker: it has ended this task with a failure.
    TaskFailed { task: usize, message: String },
}

/// The body of a letter between two nodes of a `Comm`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum NodeMessage {
    /// Up the tree: all ranks below have arrived at call `n`, or never will.
    Report(Report),
    /// Down the tree: what becomes of call `n`.
    Verdict {
        n: u64,
        verdict: Result<Contributions, Error>,
    },
    /// From the writer: the call is written; bytes follow for each region.
    Header(Header),
    /// A leader makes no call after its `done`-th.
    Gone {
        done: u64,
        rank: usize,
        host: String,
        why: LeaveReason,
    },
}

/// Who makes a call, from where. A sentence only when ranks differ: making one takes longer than a message.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Caller {
    pub(crate) rank: usize,
    pub(crate) host: String,
    pub(crate) site: String,
}

impl Caller {
    pub(crate) fn sentence(&self, call: Call) -> String {
        let Caller { rank, host, site } = self;
        // Without source lines at `PSHMEM_CHECK=0`.
        let at = if site.is_empty() { "" } else { " at " };
        format!("rank {rank} on {host} called {}{at}{site}", call.text())
    }
}

/// What a leader says about the ranks of its subtree.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Report {
    pub(crate) n: u64,
    pub(crate) call: Call,
    pub(crate) caller: Caller,
    pub(crate) notes: Contributions,
    /// Why the call cannot be completed, if so.
    pub(crate) conflict: Option<Error>,
}

/// What the writer of a call says to the other nodes.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Header {
    pub(crate) n: u64,
    pub(crate) outcome: Vec<u8>,
    pub(crate) regions: Vec<Region>,
    /// The bytes themselves when they are few; else they follow as messages of their own.
    pub(crate) bytes: Vec<u8>,
}
