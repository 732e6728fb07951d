//! What the library needs from the thing that starts ranks: messages and node memory.
//!
//! The contract is [`Transport`]; [`local`] implements it for ranks that are threads, [`mpi`] for ranks that are MPI
//! processes. Protocols above this folder do not know which of the two they run on.

pub(crate) mod mailbox;
#[cfg(feature = "mpi")]
pub(crate) mod mpi;
pub(crate) mod rma;
pub(crate) mod threads;

use crate::error::{Error, Result};
use crate::lock::backend::server::Server;
use crate::memory::map::Mapping;
use rma::RemoteAtomics;
use std::fmt::Debug;
use std::sync::{Arc, Mutex};

/// A message with the rank that sent it.
pub(crate) type RawMessage = (usize, Vec<u8>);

/// A transfer of bytes between two segments that has been started.
///
/// Both ends must call `Transport::test` until it says that the transfer is over; only then may the bytes be touched.
#[derive(Debug)]
pub(crate) struct TransferHandle(pub(crate) usize);

/// Free memory where segments of a node would live.
#[derive(Debug, Clone)]
pub(crate) struct Room {
    pub(crate) free: usize,
    /// Free and used bytes together.
    pub(crate) capacity: usize,
    pub(crate) place: &'static str,
}

/// How a rank reaches the others and its node's memory. Ranks are those of the world that the transport was started with.
///
/// A rank calls its transport from one thread only. Failures of messages end the job: they come after ranks were promised
/// an outcome, when nothing can be agreed any more. Only calls that return `Result` happen where an error can be agreed.
pub(crate) trait Transport: Debug {
    /// This rank.
    fn rank(&self) -> usize;

    /// Index of each rank's node, in the order in which nodes first appear.
    fn nodes(&self) -> &[u32];

    /// Ranks that share this machine's cores.
    fn ranks_on_machine(&self) -> usize;

    /// Name of this rank's host, for messages to people.
    fn host(&self) -> &str;

    /// Sends a message of a few hundred bytes without waiting for anybody.
    fn send(&self, to: usize, message: &[u8]);

    /// The same for a message that its receiver may never look for; the transport sees to it that it is not left over when
    /// the job ends.
    fn send_unacknowledged(&self, to: usize, message: &[u8]);

    /// Drives progress, also of transfers and of the user's own MPI calls, and takes one message that has come.
    fn poll(&self) -> Option<RawMessage>;

    /// Starts to send `len` bytes.
    ///
    /// # Safety
    /// The bytes stay valid and are not written until the transfer has been tested as over.
    unsafe fn send_bytes(&self, to: usize, bytes: *const u8, len: usize) -> TransferHandle;

    /// Starts to receive what the same number of `send_bytes` calls of `from` to this rank before has sent.
    ///
    /// # Safety
    /// The bytes stay valid and are not read or written until the transfer has been tested as over.
    unsafe fn recv_bytes(&self, from: usize, bytes: *mut u8, len: usize) -> TransferHandle;

    /// Whether the transfer is over. Not to be asked again after `true`.
    fn test(&self, transfer: &TransferHandle) -> bool;

    /// Maps `len` fresh bytes of memory shared by the ranks of `group`, all on one node, and zeroed when first touched.
    /// Collective over the group; `key` is the same on its ranks and different in every call.
    fn map(&self, group: &[usize], key: u64, len: usize) -> Result<Mapping>;

    /// Whether all ranks of the world pass `true`. Collective over the world; for the start, when there is no `Comm` yet.
    fn all_agree(&self, well: bool) -> Result<bool>;

    /// Room for a mapping that `ranks` ranks share.
    fn room(&self, ranks: usize) -> Result<Room>;

    /// Ends the whole job.
    fn abort(&self) -> !;

    /// Lets this rank's server answer what other ranks ask, from now on. `true` when a thread of its own does, `false` when
    /// requests wait for this rank to make a call. To be called again without harm.
    fn serve(&self, server: &Arc<Mutex<Server>>) -> bool;

    /// Brings a request to the server of `host`. The transport sees to it that one which is not answered has been read before
    /// the job ends.
    fn ask(&self, host: usize, request: &[u8], is_answered: bool);

    /// An answer that has come. Drives progress like `poll`.
    fn answer(&self) -> Option<Vec<u8>>;

    /// Whether it has been found out if there are `words`. The same on all ranks.
    fn has_probed_remote_atomics(&self) -> bool;

    /// Finds it out. Collective over the world, all of whose ranks must be in the same call.
    fn probe_remote_atomics(&self) -> Result<()>;

    /// RemoteAtomics of all ranks for one-sided operations, where these need no help of the rank whose words they are. The same on
    /// all ranks, until MPI ends.
    fn remote_atomics(&self) -> Option<&dyn RemoteAtomics>;

    /// Whether messages can still be sent; `false` after `MPI_Finalize`.
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
