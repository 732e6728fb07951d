//! The thread of a rank that answers other ranks while the program computes.
//!
//! It has a communicator of its own (section 7.4.2), so that its probes and those of the rank's main thread never see the
//! same message. MPI must have been started with MPI_THREAD_MULTIPLE (section 11.6); otherwise the main thread answers when
//! it makes calls. The thread of a rank in `run` ends in `shutdown_barrier`, before the first rank ends MPI; any other one inside
//! MPI_Finalize, before anything of MPI is gone: see `watch_finalize`.

use crate::lock::backend::server::Server;
use crate::sync::lock;
use crate::transport::mpi::calls::{self, Calls};
use crate::transport::mpi::pending_sends::{PendingSends, Until};
use mpi::ffi;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::thread::Thread;
use std::time::Duration;

/// Tag of requests.
const ASK: i32 = 1;
/// Tag of answers.
const ANSWER: i32 = 2;

/// Looks without a request before the thread sleeps between two of them. While locks are busy, requests come faster.
const LOOKS: u32 = 2000;
/// The sleep: what the first request after a pause may have to wait, and what an idle thread costs. It doubles.
const SHORTEST: Duration = Duration::from_micros(50);
const LONGEST: Duration = Duration::from_micros(400);
/// The same where nothing is hosted that could be asked for; whoever begins to host something wakes the thread.
const NOTHING_HOSTED: Duration = Duration::from_millis(20);

/// Answers of a rank's server to the rank itself: no message, whichever thread gives them.
pub(super) type OwnReplies = Arc<Mutex<VecDeque<Vec<u8>>>>;

/// The service's messages, as one thread of a rank sends and receives them.
#[derive(Debug)]
pub(super) struct ServiceEndpoint {
    calls: Calls,
    comm: ffi::MPI_Comm,
    own_replies: OwnReplies,
    sending: PendingSends,
}

// SAFETY: a communicator's handle is a name that all threads may use under MPI_THREAD_MULTIPLE (section 11.6.1), and requests
// are completed by the thread that owns the value; `start` is only called under that level.
unsafe impl Send for ServiceEndpoint {}

impl ServiceEndpoint {
    pub(super) fn new(calls: Calls, comm: ffi::MPI_Comm, own_replies: OwnReplies) -> Self {
        ServiceEndpoint {
            calls,
            comm,
            own_replies,
            sending: PendingSends::default(),
        }
    }

    /// Sends a request to the server of another rank. Where no answer says that it has been read, MPI does.
    pub(super) fn ask(&mut self, host: usize, request: &[u8], is_answered: bool) {
        let until = if is_answered {
            Until::Sent
        } else {
            Until::Read
        };
        self.sending
            .send(&self.calls, (self.comm, ASK), host, request, until);
    }

    /// Lets the server answer a request, and sends the answers.
    pub(super) fn decide(&mut self, server: &Mutex<Server>, from: usize, request: &[u8]) {
        // Held until the answers are sent, so that they come in the order in which they were given.
        let mut server = lock(server);
        for (to, answer) in server.handle_message(from, request) {
            if to == self.calls.rank() {
                lock(&self.own_replies).push_back(answer);
            } else {
                let line = (self.comm, ANSWER);
                self.sending
                    .send(&self.calls, line, to, &answer, Until::Sent);
            }
        }
    }

    /// An answer that has come.
    pub(super) fn answer(&mut self) -> Option<Vec<u8>> {
        if let Some(own) = lock(&self.own_replies).pop_front() {
            return Some(own);
        }
        self.test_sends();
        Some(self.calls.take_message(self.comm, ANSWER)?.1)
    }

    /// Answers one request that has come.
    pub(super) fn serve_one(&mut self, server: &Mutex<Server>) -> bool {
        self.test_sends();
        let Some((from, request)) = self.calls.take_message(self.comm, ASK) else {
            return false;
        };
        self.decide(server, from, &request);
        true
    }

    pub(super) fn is_idle(&self) -> bool {
        self.sending.is_empty()
    }

    pub(super) fn test_sends(&mut self) {
        self.sending.test(&self.calls);
    }

    /// Answers requests in a thread until MPI ends. `None` when there can be no such thread.
    pub(super) fn start(mut self, server: Arc<Mutex<Server>>) -> Option<Thread> {
        calls::start_service(move || {
            while !calls::is_stopping() {
                self.serve(&server);
                if is_empty(&server) {
                    std::thread::park_timeout(NOTHING_HOSTED);
                }
            }
            while !self.is_idle() && !calls::is_finalized() {
                self.test_sends();
            }
        })
    }

    /// Answers requests as long as something is hosted.
    fn serve(&mut self, server: &Mutex<Server>) {
        let (mut looks, mut sleep) = (0, SHORTEST);
        while !calls::is_stopping() {
            if self.serve_one(server) || !self.is_idle() {
                (looks, sleep) = (0, SHORTEST);
            } else if looks < LOOKS {
                looks += 1;
                std::thread::yield_now();
            } else if is_empty(server) {
                return;
            } else {
                std::thread::sleep(sleep);
                sleep = (sleep * 2).min(LONGEST);
            }
        }
    }
}

fn is_empty(server: &Mutex<Server>) -> bool {
    lock(server).is_empty()
}
