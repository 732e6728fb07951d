//! Messages between node leaders, from a writer to the leaders of other nodes, and between ranks that send each other buffers.

use crate::comm::protocol::call::Call;
use crate::comm::protocol::contribution::Contributions;
use crate::error::Error;
use crate::layout::region::Region;
use serde::{Deserialize, Serialize};

/// Why a rank makes no further call on a `Comm`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum LeaveReason {
    /// It has dropped its last handle, or returned from `run`.
    Dropped,
    /// It ends with this panic or error.
    Failed(String),
    /// The owner of the `Comm` has suspended it on this rank. The text says what the rank has done, for those that still call.
    Suspended(String),
    /// The owner of the `Comm` has ended it on this rank, with this error for those that still call.
    Ended(Error),
}

/// What all ranks have contributed to a call, or why it cannot be completed. In boxes, because moving both takes a good part of the
/// time that a call over several nodes takes.
pub(crate) type Verdict = Result<Box<Contributions>, Box<Error>>;

/// The body of a message between two nodes of a `Comm`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum NodeMessage {
    /// Up the tree: all ranks below have arrived at a call, or never will.
    Arrived(ArrivalReport),
    /// Down the tree: the result of call `n`.
    Verdict { n: u64, verdict: Verdict },
    /// From the writer: the call is written. Bytes may follow.
    Written(WriteHeader),
    /// A leader makes no call after its `done`-th.
    Left {
        done: u64,
        caller: Caller,
        /// Its last call, if it has made one.
        last: Option<Call>,
        reason: LeaveReason,
    },
    /// From one rank to another in call `n`: a buffer of so many bytes follows, or no more buffers.
    Buffer { n: u64, bytes: usize },
}

/// The rank that makes a call, and from where. Formatted only if ranks differ: that takes longer than sending a message.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Caller {
    pub(crate) rank: usize,
    pub(crate) host: String,
    /// Source line; empty at `PSHMEM_CHECK=0`.
    pub(crate) site: String,
}

impl Caller {
    /// `rank 1 on node0`
    pub(crate) fn name(&self) -> String {
        format!("rank {} on {}", self.rank, self.host)
    }

    /// The text of a call, with the source line from which this rank has made it.
    pub(crate) fn with_site(&self, call: &str) -> String {
        let at = if self.site.is_empty() { "" } else { " at " };
        format!("{call}{at}{}", self.site)
    }

    /// `rank 1 on node0 called ... at src/main.rs:7:5`, with the text of the call.
    pub(crate) fn sentence(&self, call: &str) -> String {
        format!("{} called {}", self.name(), self.with_site(call))
    }
}

/// What a leader reports of the ranks of its subtree.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ArrivalReport {
    pub(crate) n: u64,
    pub(crate) call: Call,
    pub(crate) caller: Caller,
    pub(crate) contributions: Box<Contributions>,
    /// Why the call cannot be completed, if it cannot.
    pub(crate) conflict: Option<Box<Error>>,
}

/// What the writer of a call sends to the other nodes before the bytes.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct WriteHeader {
    pub(crate) n: u64,
    #[serde(with = "serde_bytes")]
    pub(crate) outcome: Vec<u8>,
    /// Where the bytes go.
    pub(crate) regions: Vec<Region>,
    /// The bytes themselves if they are few. Otherwise they follow as messages of their own.
    #[serde(with = "serde_bytes")]
    pub(crate) bytes: Vec<u8>,
}
