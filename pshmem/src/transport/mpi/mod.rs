//! Ranks as MPI processes: messages over one private communicator, node memory from shared windows.
//!
//! This folder is the one place that names MPI functions. Sections refer to the MPI standard, version 4.0.
#![allow(
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    clippy::doc_markdown,
    clippy::multiple_unsafe_ops_per_block,
    clippy::unused_self,
    reason = "MPI counts in C ints and names things in its own way; calls come in pairs whose duties are one"
)]

mod calls;
mod pending_sends;
mod rma_window;
mod service_thread;
mod shared_window;

use crate::error::{Error, Result};
use crate::lock::backend::server::Server;
use crate::memory::map::Mapping;
use crate::memory::room;
use crate::transport::rma::RemoteAtomics;
use crate::transport::{RawMessage, Room, TransferHandle, Transport, system_error};
use calls::{Calls, Request};
use mpi::ffi;
use mpi::traits::Communicator;
use pending_sends::{PendingSends, Until};
use rma_window::RmaWindow;
use service_thread::{OwnReplies, ServiceEndpoint};
use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hasher};
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Mutex};
use std::thread::Thread;
use std::time::{Duration, Instant};

/// Tag of messages. Nothing else is sent on the private communicator but bytes of segments and the last barrier.
const MESSAGE: i32 = 1;
/// Tag of bytes of segments.
const BYTES: i32 = 2;
/// Room that every node must have when the job starts: control blocks, the first chunk, and some air.
const START_ROOM: usize = 4 << 20;

/// One MPI process.
#[derive(Debug)]
pub(crate) struct Mpi {
    calls: Calls,
    /// A duplicate of the user's communicator, so that its messages never mix with ours (section 7.4.1).
    comm: ffi::MPI_Comm,
    /// The processes that can share memory (section 7.4.2, MPI_COMM_TYPE_SHARED).
    node_comm: ffi::MPI_Comm,
    nodes: Vec<u32>,
    /// ThreadWorld ranks of the processes of `node_comm`, in its order.
    node_group: Vec<usize>,
    sending: RefCell<PendingSends>,
    transfers: RefCell<HashMap<usize, Request>>,
    next: std::cell::Cell<usize>,
    /// For what ranks ask each other's desks.
    service: RefCell<ServiceEndpoint>,
    service_comm: ffi::MPI_Comm,
    /// Whether every thread may call MPI.
    has_threads: bool,
    /// What this rank has, once it serves others.
    serving: RefCell<Option<Serving>>,
    own_replies: OwnReplies,
    /// RemoteAtomics for one-sided operations, where these are of use, once that has been found out.
    words: OnceCell<Option<RmaWindow>>,
}

/// The server of a rank that hosts something, and the thread that answers for it, if there is one.
#[derive(Debug)]
struct Serving {
    server: Arc<Mutex<Server>>,
    thread: Option<Thread>,
}

impl Mpi {
    /// Collective over the processes of `user`, none of which goes on before all have come.
    pub(crate) fn new(user: &impl Communicator) -> Result<Self> {
        let unknown = Calls::new(0, String::new());
        let host = unknown.processor_name()?;
        // SAFETY: the communicator is alive as long as `user` is borrowed.
        let comm = unsafe { unknown.comm_dup(user.as_raw()) }?;
        let rank = unknown.comm_rank(comm)?;
        let calls = Calls::new(rank, host);
        // SAFETY: a communicator of ours.
        let service_comm = unsafe { calls.comm_dup(comm) }?;
        let has_threads = calls.has_threads()?;
        let own_replies = OwnReplies::default();
        let node_comm = calls.comm_split_shared(comm, rank)?;
        // The lowest rank of a node names it.
        let leader = calls.allreduce_min(node_comm, rank as u64)?;
        let leaders = calls.allgather(comm, leader)?;
        let mut order: Vec<u64> = Vec::new();
        let nodes = leaders
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
        let node_group = (0..leaders.len())
            .filter(|&rank| leaders[rank] == leader)
            .collect();
        let mpi = Mpi {
            comm,
            node_comm,
            nodes,
            node_group,
            sending: RefCell::default(),
            transfers: RefCell::default(),
            next: std::cell::Cell::new(0),
            service: RefCell::new(ServiceEndpoint::new(
                calls.clone(),
                service_comm,
                own_replies.clone(),
            )),
            service_comm,
            has_threads,
            serving: RefCell::default(),
            own_replies,
            words: OnceCell::new(),
            calls,
        };
        mpi.check_executable()?;
        mpi.check_start_room()?;
        Ok(mpi)
    }

    /// Ranks of different programs would disagree about types; all of them refuse to start.
    fn check_executable(&self) -> Result<()> {
        let mine =
            fingerprint().map_err(|error| system_error(self, "reading /proc/self/exe", &error));
        let mine = mine.unwrap_or(0);
        let [low, high] = self.calls.extremes(self.comm, mine)?;
        if low == high {
            return Ok(());
        }
        let reason = "the ranks of this job run different executables; start the same build of one program on all of them";
        Err(Error::Start {
            reason: reason.to_owned(),
        })
    }

    fn check_start_room(&self) -> Result<()> {
        let room = self.room(self.node_group.len())?;
        let free = self.calls.allreduce_min(self.comm, room.free as u64)? as usize;
        if free >= START_ROOM {
            return Ok(());
        }
        let host = "the fullest node".to_owned();
        Err(Error::NoRoom {
            host,
            place: room.place.to_owned(),
            needed: START_ROOM,
            free,
        })
    }

    /// Sees to it that a process that exits without returning from `run` ends the job.
    pub(crate) fn abort_at_exit(&self) {
        calls::abort_at_exit(&format!("rank {} on {}", self.rank(), self.host()));
    }

    /// The end of a rank that returns from `run`: meets all others, for at most `patience`. Whether they came.
    ///
    /// A rank enters the barrier when all that it sent has been received, and receives until the barrier is complete, so no
    /// message is left over for MPI_Finalize to stumble on.
    pub(crate) fn shutdown_barrier(&self, patience: Option<Duration>) -> bool {
        let deadline = patience.map(|patience| Instant::now() + patience);
        let mut barrier = None;
        loop {
            while self.poll().is_some() {}
            self.service.borrow_mut().test_sends();
            let all_sent = self.sending.borrow().is_empty() && self.service.borrow().is_idle();
            if barrier.is_none() && all_sent {
                barrier = Some(self.calls.ibarrier(self.comm));
            }
            if barrier
                .as_ref()
                .is_some_and(|barrier| self.calls.test(barrier))
            {
                break;
            }
            if deadline.is_some_and(|deadline| Instant::now() > deadline) {
                return false;
            }
            std::thread::sleep(Duration::from_micros(200));
        }
        // Nobody asks any more.
        if let Some(words) = self.window()
            && let Err(error) = words.free()
        {
            self.calls.end_with(&error);
        }
        // All threads end before the first rank ends MPI, so that nothing of theirs is under way then.
        calls::stop_services();
        let ended = self.calls.ibarrier(self.comm);
        while !self.calls.test(&ended) {
            std::thread::sleep(Duration::from_micros(200));
        }
        true
    }

    fn window(&self) -> Option<&RmaWindow> {
        let window = self.words.get()?.as_ref();
        window.filter(|window| window.is_open())
    }

    fn keep(&self, request: Request) -> TransferHandle {
        let number = self.next.get();
        self.next.set(number + 1);
        self.transfers.borrow_mut().insert(number, request);
        TransferHandle(number)
    }
}

/// A number that two different executables hardly share: size, both ends and samples in between.
fn fingerprint() -> std::io::Result<u64> {
    const SAMPLES: u64 = 64;
    let file = std::fs::File::open("/proc/self/exe")?;
    let len = file.metadata()?.len();
    let mut hasher = DefaultHasher::new();
    hasher.write_u64(len);
    let mut buffer = [0; 4096];
    for sample in 0..=SAMPLES {
        let at = len.saturating_sub(buffer.len() as u64) * sample / SAMPLES;
        let read = file.read_at(&mut buffer, at)?;
        hasher.write(&buffer[..read]);
    }
    Ok(hasher.finish())
}

impl Transport for Mpi {
    fn rank(&self) -> usize {
        self.calls.rank()
    }

    fn nodes(&self) -> &[u32] {
        &self.nodes
    }

    fn ranks_on_machine(&self) -> usize {
        self.node_group.len()
    }

    fn host(&self) -> &str {
        self.calls.host()
    }

    fn send(&self, to: usize, message: &[u8]) {
        let mut sending = self.sending.borrow_mut();
        sending.send(&self.calls, (self.comm, MESSAGE), to, message, Until::Sent);
    }

    fn send_unacknowledged(&self, to: usize, message: &[u8]) {
        let mut sending = self.sending.borrow_mut();
        sending.send(&self.calls, (self.comm, MESSAGE), to, message, Until::Read);
    }

    fn poll(&self) -> Option<RawMessage> {
        if !self.is_open() {
            return None;
        }
        self.sending.borrow_mut().test(&self.calls);
        if let Some(Serving {
            server,
            thread: None,
        }) = &*self.serving.borrow()
        {
            self.service.borrow_mut().serve_one(server);
        }
        self.calls.take_message(self.comm, MESSAGE)
    }

    unsafe fn send_bytes(&self, to: usize, bytes: *const u8, len: usize) -> TransferHandle {
        // SAFETY: passed on from the caller.
        self.keep(unsafe { self.calls.isend(self.comm, bytes, len, to, BYTES) })
    }

    unsafe fn recv_bytes(&self, from: usize, bytes: *mut u8, len: usize) -> TransferHandle {
        // SAFETY: passed on from the caller.
        self.keep(unsafe { self.calls.irecv(self.comm, bytes, len, from, BYTES) })
    }

    fn test(&self, transfer: &TransferHandle) -> bool {
        let mut transfers = self.transfers.borrow_mut();
        let over = self.calls.test(&transfers[&transfer.0]);
        if over {
            transfers.remove(&transfer.0);
        }
        over
    }

    fn map(&self, group: &[usize], key: u64, len: usize) -> Result<Mapping> {
        if group.len() == 1 {
            // MPI would hand out malloc memory here, with old contents and no mapping to keep.
            return Mapping::anonymous(len).map_err(|error| system_error(self, "mmap", &error));
        }
        if group == self.node_group {
            return shared_window::map(&self.calls, self.node_comm, len);
        }
        let comm = self.calls.comm_create_group(self.comm, group, key)?;
        let mapping = shared_window::map(&self.calls, comm, len);
        self.calls.comm_free(comm)?;
        mapping
    }

    fn all_agree(&self, well: bool) -> Result<bool> {
        self.calls.all(self.comm, well)
    }

    fn room(&self, ranks: usize) -> Result<Room> {
        if ranks == 1 {
            return Ok(room::memory());
        }
        room::shm().map_err(|error| system_error(self, "statvfs of /dev/shm", &error))
    }

    fn serve(&self, server: &Arc<Mutex<Server>>) -> bool {
        let mut serving = self.serving.borrow_mut();
        let Serving { thread, .. } = serving.get_or_insert_with(|| {
            let own_replies = self.own_replies.clone();
            let service = ServiceEndpoint::new(self.calls.clone(), self.service_comm, own_replies);
            let start = || service.start(server.clone());
            Serving {
                server: server.clone(),
                thread: self.has_threads.then(start).flatten(),
            }
        });
        if let Some(thread) = thread {
            // It may be asleep because nothing was hosted until now.
            thread.unpark();
        }
        thread.is_some()
    }

    fn ask(&self, host: usize, request: &[u8], is_answered: bool) {
        let mut service = self.service.borrow_mut();
        if host != self.rank() {
            return service.ask(host, request, is_answered);
        }
        if let Some(Serving { server, .. }) = &*self.serving.borrow() {
            service.decide(server, host, request);
        }
    }

    fn answer(&self) -> Option<Vec<u8>> {
        if !self.is_open() {
            return None;
        }
        self.service.borrow_mut().answer()
    }

    fn remote_atomics(&self) -> Option<&dyn RemoteAtomics> {
        let words = self.window()?;
        self.is_open().then_some(words as &dyn RemoteAtomics)
    }

    fn has_probed_remote_atomics(&self) -> bool {
        self.words.get().is_some()
    }

    fn probe_remote_atomics(&self) -> Result<()> {
        if self.words.get().is_none() {
            let words = RmaWindow::open(&self.calls, self.comm, &self.nodes)?;
            self.words.get_or_init(|| words);
        }
        Ok(())
    }

    fn abort(&self) -> ! {
        self.calls.abort()
    }

    fn is_open(&self) -> bool {
        !calls::is_finalized()
    }
}
