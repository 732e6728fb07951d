//! The transport of ranks that are MPI processes: messages over a private communicator, node memory from shared windows.
//!
//! No other folder names MPI functions. Section numbers refer to the MPI standard, version 4.0.
//!
//! - `api`: the MPI library, linked or loaded, as one table of functions and constants · `start`: MPI_Init and MPI_Finalize
//! - `mpi_calls`: MPI functions on communicators, with their return codes checked · `lifecycle`: the end of MPI and of the job
//! - `finalize_entry`: the moment before MPI_Finalize
//! - `connection`: what a process sends and receives, until MPI ends · `shutdown`: how that ends
//! - `last_calls`: what ranks tell each other when they end
//! - `incoming`: messages and the receives that are posted for them · `pending_sends`: nonblocking sends and the bytes that they
//!   still need
//! - `service_thread`: requests to a home rank, handled by a thread of their own
//! - `node_memory`: where node memory comes from · `rma_window`: one-sided operations
#![allow(
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    clippy::doc_markdown,
    clippy::multiple_unsafe_ops_per_block,
    clippy::unused_self,
    reason = "MPI counts in C ints and names things in its own way; calls come in pairs with one duty"
)]

mod api;
mod connection;
#[cfg(feature = "mpi")]
mod finalize_entry;
mod incoming;
mod last_calls;
mod lifecycle;
mod mpi_calls;
mod node_memory;
mod pending_sends;
mod rma_window;
mod service_thread;
mod shutdown;
mod start;

use crate::error::{Error, Result};
use crate::memory::free_memory::{self, FreeMemory};
use crate::memory::map::Mapping;
use crate::memory::source::MemorySource;
use crate::sync::lock;
use crate::transport::rma::RemoteAtomics;
use crate::transport::rpc::Server;
use crate::transport::{
    MapRequest, NewMemory, RawMessage, TransferHandle, Transport, executable, system_error,
};
use api::{Api, Comm};
use connection::{Connection, SharedConnection};
use mpi_calls::MpiCalls;
use node_memory::{Node, NodeMemorySource};
use pending_sends::CompleteWhen;
use rma_window::RmaWindow;
#[cfg(feature = "mpi")]
pub(crate) use start::linked_library_if_alone;
pub(crate) use start::{Started, end_by_signal, name_of_library};
use std::cell::OnceCell;
use std::sync::{Arc, Mutex, MutexGuard};

/// Memory that must be free on each node when the job starts: for control blocks and the first chunk, with a margin.
const START_MEMORY: usize = 4 << 20;

/// One MPI process.
#[derive(Debug)]
pub(crate) struct Mpi {
    calls: MpiCalls,
    /// A duplicate of the user's communicator, so that its messages never mix with ours (section 7.4.1).
    comm: Comm,
    /// The processes that can share memory (section 7.4.2, MPI_COMM_TYPE_SHARED).
    node_comm: Comm,
    /// The node of each rank.
    node_of: Arc<[u32]>,
    /// Ranks of the processes of `node_comm`, in its order.
    node_group: Vec<usize>,
    /// Lives until MPI ends, also when this value is dropped before.
    connection: SharedConnection,
    service_comm: Comm,
    memory: NodeMemorySource,
    /// Whether every thread may call MPI.
    has_threads: bool,
    /// `None` inside where one-sided operations do not work or do not progress; empty until that has been found out.
    rma_window: OnceCell<Option<Arc<RmaWindow>>>,
}

impl Mpi {
    /// Over a communicator of the user's. Collective over its processes, and synchronizes them.
    #[cfg(feature = "mpi")]
    pub(crate) fn from_user(user: &impl mpi::traits::Communicator) -> Result<Self> {
        // SAFETY: the communicator is alive as long as `user` is borrowed.
        unsafe { Mpi::new(api::linked::api(), api::linked::comm(user.as_raw())) }
    }

    /// Collective over the processes of `user`, and synchronizes them.
    ///
    /// # Safety
    /// `user` is a communicator of this library, alive during the call.
    unsafe fn new(api: &'static Api, user: Comm) -> Result<Self> {
        // Rank and host, which errors name, are found out first.
        let rank = MpiCalls::new(api, 0, String::new()).comm_rank(user);
        let host = MpiCalls::new(api, rank, String::new()).processor_name();
        let calls = MpiCalls::new(api, rank, host);
        // SAFETY: the caller's duty.
        let comm = unsafe { calls.comm_dup(user) };
        // SAFETY: a communicator of ours.
        let service_comm = unsafe { calls.comm_dup(comm) };
        let has_threads = calls.has_threads();
        let node_comm = calls.comm_split_shared(comm, rank);
        // The lowest rank of a node names it.
        let leader = calls.allreduce_min(node_comm, rank as u64);
        let leaders = calls.allgather(comm, leader);
        let mut order: Vec<u64> = Vec::new();
        let node_of = leaders
            .iter()
            .map(|leader| {
                order
                    .iter()
                    .position(|known| known == leader)
                    .unwrap_or_else(|| {
                        order.push(*leader);
                        order.len() - 1
                    }) as u32
            })
            .collect();
        let node_group: Vec<usize> = (0..leaders.len())
            .filter(|&rank| leaders[rank] == leader)
            .collect();
        let node = Node {
            comm: node_comm,
            ranks: &node_group,
        };
        let memory = NodeMemorySource::choose(&calls, comm, node)?;
        let mpi = Mpi {
            memory,
            comm,
            node_comm,
            node_of,
            node_group,
            connection: connection::keep(Connection::new(calls.clone(), comm, service_comm)),
            service_comm,
            has_threads,
            rma_window: OnceCell::new(),
            calls,
        };
        mpi.check_executable()?;
        mpi.check_library()?;
        mpi.check_start_memory()?;
        Ok(mpi)
    }

    /// Fails on all ranks if they run different executables, which would disagree about types.
    fn check_executable(&self) -> Result<()> {
        let (rank, host) = (self.rank(), self.host());
        let mine = executable::identity().map_err(|error| Error::Start {
            reason: format!(
                "the executables of the ranks cannot be compared: that of rank {rank} on {host} has no build id, and reading it \
                 failed ({error}); make it readable, or link it with a build id (`-C link-arg=-Wl,--build-id`)"
            ),
        });
        self.agree(mine.as_ref().err().cloned())?;
        let mine = mine?;
        let first = self.calls.broadcast(self.comm, 0, mine.as_bytes());
        let differs = || Error::Start {
            reason: format!(
                "the ranks of this job run different executables: that of rank {rank} on {host} has {mine}, that of rank 0 has \
                 {}; start the same build of one program on all of them",
                String::from_utf8_lossy(&first)
            ),
        };
        self.agree((first != mine.as_bytes()).then(differs))
    }

    /// Fails on all ranks if they use different MPI libraries, as far as these can talk to each other at all.
    fn check_library(&self) -> Result<()> {
        let (rank, host) = (self.rank(), self.host());
        let mine = start::library(self.calls.api());
        let first = self.calls.broadcast(self.comm, 0, mine.as_bytes());
        let differs = || Error::Start {
            reason: format!(
                "the ranks of this job use different MPI libraries: that of rank {rank} on {host} is {mine}, that of rank 0 is {}; \
                 LD_LIBRARY_PATH and PSHMEM_MPI_LIBRARY must lead to the same one on all of them",
                String::from_utf8_lossy(&first)
            ),
        };
        self.agree((first != mine.as_bytes()).then(differs))
    }

    fn check_start_memory(&self) -> Result<()> {
        // An error of one rank is the error of all: the others would wait for it in the next collective.
        self.agree(
            match self.free_memory(self.node_group.len(), START_MEMORY) {
                Ok(memory) if memory.free >= START_MEMORY => None,
                Ok(memory) => Some(Error::NoRoom {
                    host: self.host().to_owned(),
                    place: memory.place.into_owned(),
                    needed: START_MEMORY,
                    free: memory.free,
                }),
                Err(error) => Some(error),
            },
        )
    }

    /// Whether every thread may call MPI, as `Started` has asked for.
    pub(crate) fn has_threads(&self) -> bool {
        self.has_threads
    }

    /// Makes a process that exits without returning from `run` end the job.
    pub(crate) fn abort_at_exit(&self) {
        let place = format!("rank {} on {}", self.rank(), self.host());
        lifecycle::abort_at_exit(self.calls.api(), &place);
    }

    /// Makes MPI_Finalize call a function first, on the thread that calls it. For a rank that is not in `run`.
    #[cfg(feature = "mpi")]
    pub(crate) fn before_finalize(&self, action: fn()) {
        lifecycle::before_finalize(action);
    }

    fn node(&self) -> Node<'_> {
        Node {
            comm: self.node_comm,
            ranks: &self.node_group,
        }
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        lock(&self.connection)
    }

    fn window(&self) -> Option<&RmaWindow> {
        let window = self.rma_window.get()?.as_deref();
        window.filter(|window| window.is_open())
    }
}

impl Drop for Mpi {
    fn drop(&mut self) {
        if self.is_open() {
            self.connection().leave(self.node_of.len());
        }
    }
}

impl Transport for Mpi {
    fn rank(&self) -> usize {
        self.calls.rank()
    }

    fn node_of(&self) -> &Arc<[u32]> {
        &self.node_of
    }

    fn ranks_on_machine(&self) -> usize {
        self.node_group.len()
    }

    fn host(&self) -> &str {
        self.calls.host()
    }

    fn send(&self, to: usize, message: &[u8]) {
        self.connection().send(to, message, CompleteWhen::Sent);
    }

    fn send_unacknowledged(&self, to: usize, message: &[u8]) {
        self.connection().send(to, message, CompleteWhen::Received);
    }

    fn poll_message(&self) -> Option<RawMessage> {
        self.is_open()
            .then(|| self.connection().poll_message())
            .flatten()
    }

    unsafe fn send_bytes(&self, to: usize, bytes: *const u8, len: usize) -> TransferHandle {
        // SAFETY: passed on from the caller.
        unsafe { self.connection().send_bytes(to, bytes, len) }
    }

    unsafe fn recv_bytes(&self, from: usize, bytes: *mut u8, len: usize) -> TransferHandle {
        // SAFETY: passed on from the caller.
        unsafe { self.connection().recv_bytes(from, bytes, len) }
    }

    fn test(&self, transfer: &TransferHandle) -> bool {
        self.connection().test(transfer)
    }

    fn new_memory(&self, ranks: usize, len: usize) -> Result<NewMemory> {
        self.memory
            .new_memory(ranks, len)
            .map_err(|error| system_error(self, "memfd_create", &error))
    }

    fn map_shared(
        &self,
        group: &[usize],
        request: &MapRequest,
        memory: &NewMemory,
    ) -> Result<Mapping> {
        self.memory
            .map(&self.calls, self.comm, self.node(), group, request, memory)
    }

    fn memory_source(&self) -> (MemorySource, &str) {
        self.memory.kind_and_reason()
    }

    fn agree(&self, error: Option<Error>) -> Result<()> {
        self.calls.agree(self.comm, error)
    }

    fn free_memory(&self, ranks: usize, needed: usize) -> Result<FreeMemory> {
        if ranks == 1 || self.memory.kind_and_reason().0 != MemorySource::Window {
            return Ok(free_memory::private(needed));
        }
        free_memory::shared(needed)
            .map_err(|error| system_error(self, "statvfs of /dev/shm", &error))
    }

    fn start_server(&self, server: &Arc<Mutex<Server>>) -> bool {
        self.connection().start_server(server, self.has_threads)
    }

    fn send_request(&self, home: usize, request: &[u8], has_reply: bool) {
        self.connection().send_request(home, request, has_reply);
    }

    fn poll_reply(&self) -> Option<Vec<u8>> {
        self.is_open()
            .then(|| self.connection().poll_reply())
            .flatten()
    }

    fn remote_atomics(&self) -> Option<&dyn RemoteAtomics> {
        let window = self.window()?;
        self.is_open().then_some(window as &dyn RemoteAtomics)
    }

    fn has_probed_remote_atomics(&self) -> bool {
        self.rma_window.get().is_some()
    }

    fn probe_remote_atomics(&self) -> Result<()> {
        if self.rma_window.get().is_none() {
            let window = RmaWindow::open(&self.calls, self.comm, self.service_comm, &self.node_of)?;
            let window = window.map(Arc::new);
            if let Some(window) = &window {
                self.connection().set_window(window.clone());
            }
            self.rma_window.get_or_init(|| window);
        }
        Ok(())
    }

    fn abort(&self) -> ! {
        self.calls.abort()
    }

    fn is_open(&self) -> bool {
        !lifecycle::is_finalized()
    }
}
