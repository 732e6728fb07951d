//! Where the state of a lock lives, and how ranks change it.
//!
//! [`LockBackend`] is the contract; `RawLock` uses whichever backend [`create`] has chosen, the same on all ranks:
//!
//! | backend | ranks | state | protocol |
//! |---|---|---|---|
//! | [`node_backend`] | one node | node memory | [`node_lock`]: a queue of waiting ranks, asleep on a [`futex`] |
//! | [`rma_backend`] | several nodes | words of a home rank | [`ticket_lock`]: one-sided operations |
//! | [`home_backend`] | several nodes | server of a home rank | [`home_lock`] with a [`fifo_queue`]: requests |
//!
//! A new way to keep a lock is a new backend, chosen in [`create`]. A new order of service is a variant of
//! [`Fairness`] and its case in [`fifo_queue`]: the server serves in any order, the other two in order of request.

pub(crate) mod clock;
pub(crate) mod fifo_queue;
pub(crate) mod futex;
pub(crate) mod home_backend;
pub(crate) mod home_lock;
pub(crate) mod node_backend;
pub(crate) mod node_lock;
pub(crate) mod rma_backend;
pub(crate) mod ticket_lock;

use crate::comm::protocol::call::Call;
use crate::comm::protocol::contribution::Contribution;
use crate::comm::rank_state::RankState;
use crate::error::{Error, Result};
use crate::home::access::{self, HomeLink};
use crate::home::engine::Engine;
use crate::lock::Fairness;
use crate::lock::lock_wait::{Deadline, LockWait};
use home_backend::HomeBackend;
use home_lock::HomeLock;
use node_backend::NodeBackend;
use rma_backend::RmaBackend;
use serde::{Deserialize, Serialize};
use std::fmt::Debug;
use std::rc::Rc;

/// What a rank wants the lock for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[repr(u32)]
pub(crate) enum Mode {
    Write = 0,
    Read = 1,
}

/// How the release of a lock changes whether it is poisoned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Poison {
    /// Its holder panicked.
    Panicked,
    /// Its holder has repaired what a panic had left.
    Cleared,
}

/// What a rank gets with the lock.
#[derive(Debug)]
pub(crate) struct Acquired {
    /// The value, where it travels with the lock.
    pub(crate) value: Option<Vec<u8>>,
    /// The rank that panicked while it had the lock.
    pub(crate) poisoned: Option<usize>,
}

/// The state of a lock at one moment, for reports.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct LockStatus {
    /// The rank that has it for writing, and since when (milliseconds of the system's clock).
    pub(crate) holder: Option<(usize, u64)>,
    /// One of the ranks that have it to read.
    pub(crate) reader: Option<usize>,
    /// Whether this rank is the next to get it.
    pub(crate) is_next: bool,
    /// Whether this rank is in the queue.
    pub(crate) is_queued: bool,
    pub(crate) waiting: usize,
}

impl LockStatus {
    /// A rank that has the lock while this one is in the queue.
    pub(crate) fn holder_ahead(&self) -> Option<usize> {
        let holder = self.holder.map(|(rank, _)| rank).or(self.reader);
        holder.filter(|_| self.is_queued)
    }
}

/// What all ranks pass to create a lock.
pub(crate) struct LockConfig<'a> {
    /// The home rank, where the ranks are on several nodes.
    pub(crate) root: usize,
    pub(crate) fairness: Fairness,
    /// Name of the type of lock.
    pub(crate) kind: &'a str,
    /// What identifies the type of the value in this executable, as `layout::identity::type_bytes` gives it.
    pub(crate) value_type: &'a [u8],
    /// The first value.
    pub(crate) value: &'a [u8],
    pub(crate) align: usize,
    /// Whether ranks may also share the lock, to read.
    pub(crate) has_readers: bool,
}

/// One rank's part of the state of a lock. Ranks in arguments and results are those of the `Comm`.
pub(crate) trait LockBackend: Debug {
    fn engine(&self) -> Engine;

    /// Acquires the lock; `None` when the deadline of the wait ends before. The caller does not hold it.
    fn acquire(&self, mode: Mode, wait: LockWait<'_>) -> Result<Option<Acquired>>;

    /// Releases the lock, which the caller holds in this mode. `value` is what a writer leaves, where the value travels.
    fn release(&self, mode: Mode, value: Option<Vec<u8>>, poison: Option<Poison>);

    /// A rank that holds the lock, for writing or to read, where node memory shows it.
    fn holder_on_node(&self) -> Option<usize> {
        None
    }

    /// `None` when the home rank does not reply before the deadline.
    fn status(&self, deadline: Deadline) -> Option<LockStatus>;
}

/// The backend of one lock. An enum, so that the lock of a node is acquired without a virtual call.
#[derive(Debug)]
pub(crate) enum Backend {
    Node(NodeBackend),
    Rma(RmaBackend),
    Home(HomeBackend),
}

impl Backend {
    pub(crate) fn get(&self) -> &dyn LockBackend {
        match self {
            Backend::Node(backend) => backend,
            Backend::Rma(backend) => backend,
            Backend::Home(backend) => backend,
        }
    }
}

/// Creates the state of a lock with this number in the best way there is. Collective.
pub(crate) fn create(
    core: &Rc<RankState>,
    call: Call,
    config: &LockConfig<'_>,
    number: u64,
) -> Result<Backend> {
    if !core.group.is_multi_node() {
        agree_on(core, call, config, Contribution::default())?;
        return Ok(Backend::Node(NodeBackend::create(core, call, config)?));
    }
    let link = access::create(
        core,
        call,
        config.root,
        number,
        |home| {
            // The ticket lock serves in order of request and knows no readers.
            let is_simple = config.fairness == Fairness::Fifo && !config.has_readers;
            let words = is_simple.then(|| rma_backend::initial_words(core, config));
            let access = words
                .flatten()
                .and_then(|words| home.allocate_words(&words));
            if let Some(access) = access {
                return Ok(access);
            }
            check_value_that_travels(config.value.len())?;
            let node_of = core.group.world.transport.node_of().clone();
            let value = config.value.to_vec();
            Ok(home.serve(HomeLock::new(config.fairness, node_of, value)))
        },
        |contribution| agree_on(core, call, config, contribution),
    )?;
    Ok(match link {
        HomeLink::Words(words) => Backend::Rma(RmaBackend::new(core, config, words)),
        HomeLink::Requests { client, engine } => {
            Backend::Home(HomeBackend::new(core, client, engine))
        }
    })
}

/// Checks the size of a value that travels with its lock, because the ranks are on several nodes: in one message, whose length
/// MPI counts in a C int.
fn check_value_that_travels(bytes: usize) -> Result<()> {
    const LARGEST: usize = 1 << 30;
    if bytes <= LARGEST {
        return Ok(());
    }
    Err(Error::InvalidSetting {
        name: "bytes of the value of the lock".to_owned(),
        value: bytes.to_string(),
        reason: format!(
            "on several nodes the value travels with its lock, so it has at most {LARGEST} B; put more into a `Shared` object"
        ),
    })
}

/// Checks that all ranks pass the same config. Returns the maximum in their contributions.
fn agree_on(
    core: &RankState,
    call: Call,
    config: &LockConfig<'_>,
    contribution: Contribution,
) -> Result<Option<u64>> {
    if core.group.is_multi_node()
        && let Err(error) = check_value_that_travels(config.value.len())
    {
        return Err(core.refuse(call, error));
    }
    let fairness = config.fairness.text();
    // With their lengths, so that no two different configs have the same bytes.
    let parts = (fairness, config.kind, config.value_type, config.value);
    let config = postcard::to_allocvec(&parts).expect("plain data always encodes");
    Ok(core.agree_on(call, &config, contribution)?.maximum)
}

/// The rank in the `Comm` of a rank of the world.
fn rank_of(core: &RankState, world: usize) -> Option<usize> {
    let ranks = &core.group.topology.world;
    ranks.iter().position(|&rank| rank as usize == world)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_travel_have_a_largest_size() {
        assert_eq!(check_value_that_travels(1 << 30), Ok(()));
        let error = check_value_that_travels((1 << 30) + 1).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("bytes of the value of the lock=1073741825: ")
        );
    }
}
