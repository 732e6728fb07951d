//! Requests to a home rank as MPI messages, and the thread of a home rank that handles them while the program computes.
//!
//! Requests and replies have a communicator of their own (section 7.4.2), so that the probes of the service thread and those
//! of the rank's main thread never match the same message. The thread needs MPI_THREAD_MULTIPLE (section 11.6); without it,
//! the main thread handles requests when it makes calls.
//!
//! The thread ends before its rank ends MPI, which then handles requests itself: see `shutdown`.

use crate::sync::lock;
use crate::transport::mpi::api::Comm;
use crate::transport::mpi::incoming::Incoming;
use crate::transport::mpi::lifecycle;
use crate::transport::mpi::mpi_calls::MpiCalls;
use crate::transport::mpi::pending_sends::{CompleteWhen, PendingSends};
use crate::transport::rpc::{Server, encode_home_left};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::thread::Thread;
use std::time::Duration;

/// Tag of requests.
const REQUEST: i32 = 1;
/// Tag of replies.
const REPLY: i32 = 2;

/// Polls without a request after which the thread sleeps between two of them. While locks are busy, requests come faster.
const POLLS: u32 = 2000;
/// The first and the longest sleep. A sleep delays the first request after a pause, and bounds what an idle thread costs.
const SHORTEST: Duration = Duration::from_micros(50);
const LONGEST: Duration = Duration::from_micros(400);
/// The sleep while the rank keeps no object. The main thread ends it when it adds one.
const NO_OBJECT: Duration = Duration::from_millis(20);

/// Replies of a rank's server to the rank itself. They are not sent, whichever thread runs the server.
pub(super) type OwnReplies = Arc<Mutex<VecDeque<Vec<u8>>>>;

/// Requests and replies as one thread of a rank sends and receives them.
#[derive(Debug)]
pub(super) struct ServiceEndpoint {
    calls: MpiCalls,
    comm: Comm,
    own_replies: OwnReplies,
    requests: Incoming,
    replies: Incoming,
    sends: PendingSends,
}

// SAFETY: a communicator's handle is a name that all threads may use under MPI_THREAD_MULTIPLE (section 11.6.1), and requests
// are completed by the thread that owns the value; `spawn` is only called under that level.
unsafe impl Send for ServiceEndpoint {}

impl ServiceEndpoint {
    pub(super) fn new(calls: MpiCalls, comm: Comm, own_replies: OwnReplies) -> Self {
        ServiceEndpoint {
            calls,
            comm,
            own_replies,
            requests: Incoming::new(comm, REQUEST),
            replies: Incoming::new(comm, REPLY),
            sends: PendingSends::default(),
        }
    }

    /// Sends a request to the server of another rank.
    pub(super) fn send_request(&mut self, home: usize, request: &[u8], has_reply: bool) {
        // A reply shows that the request has been received. Without one, MPI has to.
        let complete_when = if has_reply {
            CompleteWhen::Sent
        } else {
            CompleteWhen::Received
        };
        self.sends.send(
            &self.calls,
            (self.comm, REQUEST),
            home,
            request,
            complete_when,
        );
    }

    /// Lets the server handle a request, and sends the replies.
    pub(super) fn handle_request(&mut self, server: &Mutex<Server>, from: usize, request: &[u8]) {
        // Locked until the replies are sent, so that they arrive in the order in which they were given.
        let mut server = lock(server);
        for (to, reply) in server.handle(from, request) {
            if to == self.calls.rank() {
                lock(&self.own_replies).push_back(reply);
            } else {
                let channel = (self.comm, REPLY);
                self.sends
                    .send(&self.calls, channel, to, &reply, CompleteWhen::Sent);
            }
        }
    }

    /// Tells other ranks that this one handles no requests before it ends MPI.
    pub(super) fn send_home_left(&mut self, others: impl Iterator<Item = usize>) {
        let message = encode_home_left(self.calls.rank());
        for to in others {
            let channel = (self.comm, REPLY);
            self.sends
                .send(&self.calls, channel, to, &message, CompleteWhen::Sent);
        }
    }

    /// Takes one reply that has arrived.
    pub(super) fn poll_reply(&mut self) -> Option<Vec<u8>> {
        if let Some(own) = lock(&self.own_replies).pop_front() {
            return Some(own);
        }
        self.test_sends();
        Some(self.replies.take(&self.calls)?.1)
    }

    /// Handles one request that has arrived. Whether there was one.
    pub(super) fn serve_one(&mut self, server: &Mutex<Server>) -> bool {
        self.test_sends();
        let Some((from, request)) = self.requests.take(&self.calls) else {
            return false;
        };
        self.handle_request(server, from, &request);
        true
    }

    pub(super) fn is_idle(&self) -> bool {
        self.sends.is_empty()
    }

    /// Receives nothing any more. No rank sends.
    pub(super) fn end(&mut self) {
        self.requests.end(&self.calls);
        self.replies.end(&self.calls);
    }

    fn test_sends(&mut self) {
        self.sends.test(&self.calls);
    }
}

/// Starts a thread that handles the requests to a server until it has to stop. `None` when there can be no such thread.
pub(super) fn spawn(
    endpoint: Arc<Mutex<ServiceEndpoint>>,
    server: Arc<Mutex<Server>>,
) -> Option<Thread> {
    lifecycle::start_service(move || {
        while !lifecycle::is_stopping() {
            serve_while_objects(&endpoint, &server);
            std::thread::park_timeout(NO_OBJECT);
        }
    })
}

/// Handles requests as long as the server has an object. Without one it makes no call of MPI.
fn serve_while_objects(endpoint: &Mutex<ServiceEndpoint>, server: &Mutex<Server>) {
    let (mut polls, mut sleep) = (0, SHORTEST);
    while !lifecycle::is_stopping() {
        let mut endpoint = lock(endpoint);
        if is_empty(server) && endpoint.is_idle() {
            return;
        }
        if endpoint.serve_one(server) || !endpoint.is_idle() {
            (polls, sleep) = (0, SHORTEST);
            continue;
        }
        drop(endpoint);
        if polls < POLLS {
            polls += 1;
            std::thread::yield_now();
        } else {
            std::thread::sleep(sleep);
            sleep = (sleep * 2).min(LONGEST);
        }
    }
}

fn is_empty(server: &Mutex<Server>) -> bool {
    lock(server).is_empty()
}
