//! How ranks exchange messages, bytes and requests, and get node memory, whatever they are.
//!
//! The contract is [`Transport`]. [`threads`] implements it for ranks that are threads of one process, [`mpi`] for ranks that
//! are MPI processes; nothing above this folder depends on which of the two it runs on. A new transport is a new
//! implementation of this trait, and passes the same tests.
//!
//! - [`mailbox`]: incoming messages, sorted by `Comm`
//! - [`rpc`]: requests to a home rank and their replies
//! - [`rma`]: one-sided operations on words of other ranks
//! - `executable`: what tells one executable from another
//! - `delayed`: for tests, ranks that are threads with late messages

#[cfg(any(test, feature = "__delays"))]
pub(crate) mod delayed;
#[cfg(any(feature = "__mpi", test))]
pub(crate) mod executable;
pub(crate) mod mailbox;
#[cfg(feature = "__mpi")]
pub(crate) mod mpi;
pub(crate) mod rma;
pub(crate) mod rpc;
mod thread_agreement;
pub(crate) mod thread_exit;
pub(crate) mod threads;

use crate::error::{Error, Result};
use crate::memory::free_memory::FreeMemory;
use crate::memory::huge_pages::HUGE_PAGE;
use crate::memory::map::Mapping;
#[cfg(feature = "__mpi")]
use crate::memory::map::MemoryFile;
use crate::memory::source::MemorySource;
use rma::RemoteAtomics;
use rpc::Server;
use std::fmt::Debug;
use std::sync::{Arc, Mutex};

/// A received message with the rank that sent it.
pub(crate) type RawMessage = (usize, Vec<u8>);

/// Memory that ranks are to map together.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MapRequest {
    /// The same on all ranks that map it, and different for each memory.
    pub(crate) key: u64,
    /// A multiple of the page size.
    pub(crate) len: usize,
    /// Of the first byte: a power of two, at least the page size. Windows of MPI have that of the page size only.
    pub(crate) align: usize,
}

impl MapRequest {
    /// Whether it asks for huge pages.
    pub(crate) fn has_huge_pages(&self) -> bool {
        self.align == HUGE_PAGE
    }
}

/// What a rank knows of new memory before it maps it.
#[derive(Debug)]
pub(crate) enum NewMemory {
    /// The ranks make it while they map it.
    Together,
    /// A file that this rank has made for its group. It stays open until all others have mapped it.
    #[cfg(feature = "__mpi")]
    File(MemoryFile),
    /// A file that the first rank of the group has open under this number.
    #[cfg(feature = "__mpi")]
    OfLeader(i32),
}

impl NewMemory {
    /// What the rank that has made the memory tells the others of its group.
    pub(crate) fn announcement(&self) -> Option<i32> {
        match self {
            NewMemory::Together => None,
            #[cfg(feature = "__mpi")]
            NewMemory::File(file) => Some(file.number()),
            #[cfg(feature = "__mpi")]
            NewMemory::OfLeader(number) => Some(*number),
        }
    }

    /// What a rank knows that was told so.
    pub(crate) fn announced(announcement: Option<i32>) -> Self {
        match announcement {
            None => NewMemory::Together,
            #[cfg(feature = "__mpi")]
            Some(number) => NewMemory::OfLeader(number),
            #[cfg(not(feature = "__mpi"))]
            Some(_) => unreachable!("threads have no files"),
        }
    }
}

/// A transfer of bytes between two segments that has been started.
///
/// Both ends call [`Transport::test`] until it returns `true`; only then may the bytes be used again.
#[derive(Debug)]
pub(crate) struct TransferHandle(pub(crate) usize);

/// One rank's access to the other ranks and to the memory of its node. Ranks are those of the world that the transport was
/// started with.
///
/// A rank calls its transport from one thread only. Sending and receiving do not return errors: a failure comes after ranks
/// were promised an outcome, when they can no longer agree on an error, so it ends the job. Calls that return a `Result` are
/// made where ranks can still agree.
pub(crate) trait Transport: Debug {
    /// This rank.
    fn rank(&self) -> usize;

    /// The node of each rank. Nodes are numbered in the order of their lowest ranks.
    fn node_of(&self) -> &Arc<[u32]>;

    /// Number of ranks that share the cores of this machine.
    fn ranks_on_machine(&self) -> usize;

    /// Name of this rank's host, for messages to people.
    fn host(&self) -> &str;

    /// Sends a message of a few hundred bytes. Does not wait for the receiver.
    fn send(&self, to: usize, message: &[u8]);

    /// The same for a message that its receiver may never poll for. The transport makes sure that it is received before the
    /// job ends.
    fn send_unacknowledged(&self, to: usize, message: &[u8]);

    /// Takes one message that has arrived. Drives progress, also of transfers and of the program's own MPI calls.
    fn poll_message(&self) -> Option<RawMessage>;

    /// Starts to send `len` bytes.
    ///
    /// # Safety
    /// The bytes stay valid and are not written until [`test`](Transport::test) has returned `true` for this transfer.
    unsafe fn send_bytes(&self, to: usize, bytes: *const u8, len: usize) -> TransferHandle;

    /// Starts to receive bytes. The n-th call with this `from` gets the bytes of that rank's n-th `send_bytes` to this rank.
    ///
    /// # Safety
    /// The bytes stay valid and are not read or written until [`test`](Transport::test) has returned `true` for this
    /// transfer.
    unsafe fn recv_bytes(&self, from: usize, bytes: *mut u8, len: usize) -> TransferHandle;

    /// Whether a transfer is complete. Must not be called again after it has returned `true`.
    fn test(&self, transfer: &TransferHandle) -> bool;

    /// On the first rank of a group of ranks: makes memory of `len` bytes for it, where that needs no other rank.
    fn new_memory(&self, ranks: usize, len: usize) -> Result<NewMemory>;

    /// Maps new, zeroed memory that the ranks of `group`, all on one node, share. Collective over the group. The first rank passes
    /// what it has made, the others what it has announced; [`NewMemory::Together`] is right for all groups of one rank, and at the
    /// start for the ranks of a node.
    fn map_shared(
        &self,
        group: &[usize],
        request: &MapRequest,
        memory: &NewMemory,
    ) -> Result<Mapping>;

    /// Where the memory of this node comes from, and why from there.
    fn memory_source(&self) -> (MemorySource, &str);

    /// All ranks get the error of the lowest rank that passes one. Collective over the world. For the start, before there is a
    /// `Comm`.
    fn agree(&self, error: Option<Error>) -> Result<()>;

    /// Memory that is free for a mapping of `ranks` ranks. If it is not less than `needed`, it may be given as too small, but not
    /// below `needed`: that takes less time.
    fn free_memory(&self, ranks: usize, needed: usize) -> Result<FreeMemory>;

    /// Ends the whole job.
    fn abort(&self) -> !;

    /// Starts to handle requests to this rank's server. Later calls have no effect. Returns `true` when a thread handles
    /// them at any time, `false` when they wait until this rank makes a call.
    fn start_server(&self, server: &Arc<Mutex<Server>>) -> bool;

    /// Sends a request to the server of rank `home`. The transport makes sure that a request without a reply has been read
    /// before the job ends.
    fn send_request(&self, home: usize, request: &[u8], has_reply: bool);

    /// Takes one reply that has arrived. Drives progress like [`poll_message`](Transport::poll_message).
    fn poll_reply(&self) -> Option<Vec<u8>>;

    /// Whether [`probe_remote_atomics`](Transport::probe_remote_atomics) has been called. The same on all ranks.
    fn has_probed_remote_atomics(&self) -> bool;

    /// Finds out whether one-sided operations work. Collective over the world, all of whose ranks must be in the same call.
    fn probe_remote_atomics(&self) -> Result<()>;

    /// One-sided operations on words of all ranks, where these operations progress without the target rank. The same on all
    /// ranks, until MPI ends.
    fn remote_atomics(&self) -> Option<&dyn RemoteAtomics>;

    /// Whether messages can be sent; `false` after `MPI_Finalize`.
    fn is_open(&self) -> bool;
}

/// An error of the operating system on this rank.
pub(crate) fn system_error(transport: &dyn Transport, call: &str, error: &std::io::Error) -> Error {
    Error::System {
        call: call.to_owned(),
        rank: transport.rank(),
        host: transport.host().to_owned(),
        text: error.to_string(),
    }
}
