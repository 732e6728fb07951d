//! What one process sends and receives in one world, from the start of the world to the end of MPI.
//!
//! A connection outlives the handles of its rank. Bytes that MPI still reads are kept, and requests to a server that this rank
//! keeps for others are handled, also when the program has dropped all that it had. How a connection ends: see `shutdown`.

use crate::sync::lock;
use crate::transport::mpi::api::Comm;
use crate::transport::mpi::incoming::Incoming;
use crate::transport::mpi::mpi_calls::{MpiCalls, MpiRequest};
use crate::transport::mpi::pending_sends::{CompleteWhen, PendingSends};
use crate::transport::mpi::rma_window::RmaWindow;
use crate::transport::mpi::service_thread::{self, OwnReplies, ServiceEndpoint};
use crate::transport::rpc::Server;
use crate::transport::{RawMessage, TransferHandle};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::thread::Thread;

/// Tag of messages. The private communicator carries messages, bytes of segments and the last barriers.
const MESSAGE: i32 = 1;
/// Tag of bytes of segments.
const BYTES: i32 = 2;

/// The connection of this process to the others of one world.
#[derive(Debug)]
pub(super) struct Connection {
    calls: MpiCalls,
    /// For messages, bytes of segments and the last barriers.
    comm: Comm,
    /// For requests and replies.
    service_comm: Comm,
    messages: Incoming,
    sends: PendingSends,
    /// Transfers that have not been tested as complete.
    transfers: HashMap<usize, MpiRequest>,
    next_transfer: usize,
    /// Requests of this rank to other ranks' servers, and their replies.
    service: ServiceEndpoint,
    own_replies: OwnReplies,
    /// Set once this rank keeps objects for others.
    serving: Option<Serving>,
    window: Option<Arc<RmaWindow>>,
    has_ended: bool,
}

// SAFETY: handles of communicators and requests are names that every thread of the process may use (section 11.6.1). The value is
// used by one thread at a time, because it is in a mutex. That is the thread of the rank, or the one that calls MPI_Finalize. Where
// MPI allows no calls of several threads, they are the same, or the program orders their calls (section 11.6.2).
unsafe impl Send for Connection {}

/// The server of a rank that keeps objects, and the thread that runs it, if there is one.
#[derive(Debug)]
struct Serving {
    server: Arc<Mutex<Server>>,
    /// Receives the requests and sends the replies.
    endpoint: Arc<Mutex<ServiceEndpoint>>,
    thread: Option<Thread>,
}

impl Connection {
    pub(super) fn new(calls: MpiCalls, comm: Comm, service_comm: Comm) -> Self {
        let own_replies = OwnReplies::default();
        Connection {
            service: ServiceEndpoint::new(calls.clone(), service_comm, own_replies.clone()),
            calls,
            comm,
            service_comm,
            messages: Incoming::new(comm, MESSAGE),
            sends: PendingSends::default(),
            transfers: HashMap::new(),
            next_transfer: 0,
            own_replies,
            serving: None,
            window: None,
            has_ended: false,
        }
    }

    /// Sends a message.
    pub(super) fn send(&mut self, to: usize, message: &[u8], complete_when: CompleteWhen) {
        let channel = (self.comm, MESSAGE);
        self.sends
            .send(&self.calls, channel, to, message, complete_when);
    }

    /// Takes one message that has arrived. Drives progress, and handles a request where no thread does.
    pub(super) fn poll_message(&mut self) -> Option<RawMessage> {
        self.sends.test(&self.calls);
        self.serve_one();
        self.messages.take(&self.calls)
    }

    /// Handles one request that has arrived, where no thread does. Whether there was one.
    fn serve_one(&mut self) -> bool {
        match &self.serving {
            Some(Serving {
                server,
                endpoint,
                thread: None,
            }) => lock(endpoint).serve_one(server),
            _ => false,
        }
    }

    /// Starts to send `len` bytes.
    ///
    /// # Safety
    /// As for [`Transport::send_bytes`](crate::transport::Transport::send_bytes).
    pub(super) unsafe fn send_bytes(
        &mut self,
        to: usize,
        bytes: *const u8,
        len: usize,
    ) -> TransferHandle {
        // SAFETY: passed on from the caller.
        let request = unsafe { self.calls.isend(self.comm, bytes, len, to, BYTES) };
        self.keep(request)
    }

    /// Starts to receive `len` bytes.
    ///
    /// # Safety
    /// As for [`Transport::recv_bytes`](crate::transport::Transport::recv_bytes).
    pub(super) unsafe fn recv_bytes(
        &mut self,
        from: usize,
        bytes: *mut u8,
        len: usize,
    ) -> TransferHandle {
        // SAFETY: passed on from the caller.
        let request = unsafe { self.calls.irecv(self.comm, bytes, len, from, BYTES) };
        self.keep(request)
    }

    fn keep(&mut self, request: MpiRequest) -> TransferHandle {
        let number = self.next_transfer;
        self.next_transfer += 1;
        self.transfers.insert(number, request);
        TransferHandle(number)
    }

    /// Whether a transfer is complete.
    pub(super) fn test(&mut self, transfer: &TransferHandle) -> bool {
        let is_complete = self.calls.test(&self.transfers[&transfer.0]);
        if is_complete {
            self.transfers.remove(&transfer.0);
        }
        is_complete
    }

    /// Starts to handle requests to `server`: by a thread if `has_threads` says that every thread may call MPI. Later calls have
    /// no effect. Whether there is a thread.
    pub(super) fn start_server(&mut self, server: &Arc<Mutex<Server>>, has_threads: bool) -> bool {
        let Serving { thread, .. } = self.serving.get_or_insert_with(|| {
            let own_replies = self.own_replies.clone();
            let endpoint = ServiceEndpoint::new(self.calls.clone(), self.service_comm, own_replies);
            let endpoint = Arc::new(Mutex::new(endpoint));
            let spawn = || service_thread::spawn(endpoint.clone(), server.clone());
            let thread = has_threads.then(spawn).flatten();
            Serving {
                server: server.clone(),
                endpoint,
                thread,
            }
        });
        if let Some(thread) = thread {
            // It may be asleep because there was no object until now.
            thread.unpark();
        }
        thread.is_some()
    }

    /// Sends a request to the server of rank `home`.
    pub(super) fn send_request(&mut self, home: usize, request: &[u8], has_reply: bool) {
        if home != self.calls.rank() {
            self.service.send_request(home, request, has_reply);
        } else if let Some(Serving { server, .. }) = &self.serving {
            self.service.handle_request(server, home, request);
        }
    }

    /// Takes one reply that has arrived.
    pub(super) fn poll_reply(&mut self) -> Option<Vec<u8>> {
        self.service.poll_reply()
    }

    /// The rank has dropped its last handle. If it keeps objects that others still use, and handles requests during its calls, they
    /// learn that it makes none before it ends MPI.
    pub(super) fn leave(&mut self, ranks: usize) {
        let Some(Serving {
            server,
            endpoint,
            thread: None,
        }) = &self.serving
        else {
            return;
        };
        if !self.has_ended && !lock(server).is_empty() {
            let others = (0..ranks).filter(|&rank| rank != self.calls.rank());
            lock(endpoint).send_home_left(others);
        }
    }

    /// Notes that no rank of the world sends or receives anything any more.
    pub(super) fn set_ended(&mut self) {
        self.has_ended = true;
        self.messages.end(&self.calls);
        self.service.end();
        if let Some(serving) = &self.serving {
            lock(&serving.endpoint).end();
        }
    }

    /// Handles requests itself from now on: the thread that did has ended.
    pub(super) fn serve_without_thread(&mut self) {
        if let Some(serving) = &mut self.serving {
            serving.thread = None;
        }
    }

    /// Keeps the window until MPI ends.
    pub(super) fn set_window(&mut self, window: Arc<RmaWindow>) {
        self.window = Some(window);
    }

    /// Frees the window, if there is one. Collective over the world, whose ranks do not use it any more.
    pub(super) fn free_window(&mut self) {
        if let Some(window) = self.window.take() {
            window.free();
        }
    }

    /// Receives what has arrived, handles requests, and drops the rest, which nobody waits for. Whether there was anything.
    pub(super) fn receive_and_drop(&mut self) -> bool {
        let mut has_received = false;
        while self.poll_message().is_some() || self.poll_reply().is_some() || self.serve_one() {
            has_received = true;
        }
        has_received
    }

    /// Whether all that this rank has sent is complete.
    pub(super) fn is_idle(&self) -> bool {
        let serves = |serving: &Serving| !lock(&serving.endpoint).is_idle();
        self.sends.is_empty()
            && self.service.is_idle()
            && !self.serving.as_ref().is_some_and(serves)
    }

    /// Enters a barrier of the world.
    pub(super) fn enter_barrier(&self) -> MpiRequest {
        self.calls.ibarrier(self.comm)
    }

    /// Begins to add up numbers of all ranks of the world, element by element. Complete as a barrier is.
    ///
    /// # Safety
    /// As for [`MpiCalls::iallreduce_sum`].
    pub(super) unsafe fn begin_sum(
        &self,
        mine: *const u64,
        sums: *mut u64,
        count: usize,
    ) -> MpiRequest {
        // SAFETY: passed on from the caller.
        unsafe { self.calls.iallreduce_sum(self.comm, mine, sums, count) }
    }

    /// Whether all ranks have entered a barrier.
    pub(super) fn test_barrier(&self, barrier: &MpiRequest) -> bool {
        self.calls.test(barrier)
    }
}

/// A connection that all of this process that use it share.
pub(super) type SharedConnection = Arc<Mutex<Connection>>;

/// All connections of this process that have not ended, in the order in which they were made. MPI uses their buffers until it ends,
/// so none of them is dropped before.
static CONNECTIONS: Mutex<Vec<SharedConnection>> = Mutex::new(Vec::new());

/// Keeps a new connection.
pub(super) fn keep(connection: Connection) -> SharedConnection {
    let connection = Arc::new(Mutex::new(connection));
    lock(&CONNECTIONS).push(connection.clone());
    connection
}

/// Takes a connection out of the list of those that have not ended.
pub(super) fn take(connection: &SharedConnection) {
    lock(&CONNECTIONS).retain(|other| !Arc::ptr_eq(other, connection));
}

/// Takes all connections that have not ended.
pub(super) fn take_all() -> Vec<SharedConnection> {
    std::mem::take(&mut *lock(&CONNECTIONS))
}
