//! The post office of a rank: messages of all its `Comm`s arrive in one stream and are sorted into a box per `Comm`.
//!
//! One stream needs one communicator, however many `Comm`s there are, and a rank that waits on one of them still takes in
//! what the others are sent, so that no sender is held up.

use crate::comm::check::Level;
use crate::home::allocator::WordAllocator;
use crate::lock::backend::server::{LockReply, Reply, Server};
use crate::transport::{RawMessage, Transport};
use serde::{Deserialize, Serialize};
use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;
use std::sync::{Arc, Mutex};

/// A message as it is sent: whom it concerns, then what it says.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Message<B> {
    /// Number of the `Comm`, unique among the `Comm`s of every rank that belongs to it.
    pub(crate) comm: u64,
    pub(crate) body: B,
}

/// The messages of one transport, sorted by `Comm`.
#[derive(Debug)]
pub(crate) struct Mailbox {
    pub(crate) transport: Rc<dyn Transport>,
    /// Letters to the `Comm`s of this rank.
    boxes: RefCell<HashMap<u64, VecDeque<RawMessage>>>,
    /// The lowest number that no `Comm` of this rank has had. The world is number 1.
    next_comm: Cell<u64>,
    /// Bytes of segments that this rank has sent to other nodes.
    bytes_sent: Cell<u64>,
    /// How much the `Comm`s of this world check; the same on all its ranks.
    pub(crate) level: Cell<Level>,
    /// What this rank answers to those who ask it.
    pub(crate) server: Arc<Mutex<Server>>,
    /// Which words this rank has given out.
    pub(crate) pool: RefCell<WordAllocator>,
    /// Answers that came before anybody looked for them.
    answers: RefCell<Vec<Reply>>,
}

impl Mailbox {
    pub(crate) fn new(transport: Rc<dyn Transport>) -> Rc<Self> {
        let server = Arc::new(Mutex::new(Server::new(transport.nodes())));
        let mailbox = Mailbox {
            transport,
            pool: RefCell::default(),
            boxes: RefCell::default(),
            next_comm: Cell::new(2),
            bytes_sent: Cell::new(0),
            level: Cell::new(Level::Calls),
            server,
            answers: RefCell::default(),
        };
        mailbox.open(1);
        Rc::new(mailbox)
    }

    /// Sends `body` to the box of `comm` on rank `to` of the transport.
    pub(crate) fn send<B: Serialize>(&self, to: usize, comm: u64, body: &B) {
        self.transport.send(to, &encode(comm, body));
    }

    /// The same for a letter that may never be looked for.
    pub(crate) fn send_unacknowledged<B: Serialize>(&self, to: usize, comm: u64, body: &B) {
        self.transport.send_unacknowledged(to, &encode(comm, body));
    }

    /// Counts bytes of segments sent to other nodes.
    pub(crate) fn count_bytes_sent(&self, bytes: usize) {
        self.bytes_sent.set(self.bytes_sent.get() + bytes as u64);
    }

    pub(crate) fn bytes_sent(&self) -> u64 {
        self.bytes_sent.get()
    }

    /// Opens the box of a new `Comm`. Letters may have come before.
    pub(crate) fn open(&self, comm: u64) {
        self.boxes.borrow_mut().entry(comm).or_default();
    }

    /// Throws the box of a `Comm` away.
    pub(crate) fn close(&self, comm: u64) {
        self.boxes.borrow_mut().remove(&comm);
    }

    /// The lowest number that a new `Comm` of this rank may have.
    pub(crate) fn next_comm(&self) -> u64 {
        self.next_comm.get()
    }

    /// A `Comm` got this number, perhaps one that this rank is not in.
    pub(crate) fn used_comm(&self, id: u64) {
        self.next_comm.set(self.next_comm.get().max(id + 1));
    }

    /// Drives progress and sorts what has come; a few letters at most, so that a waiting rank looks at its words again.
    pub(crate) fn progress_messages(&self) {
        for _ in 0..16 {
            let Some((from, bytes)) = self.transport.poll() else {
                return;
            };
            let Ok((comm, _)) = postcard::take_from_bytes::<u64>(&bytes) else {
                continue;
            };
            let mut boxes = self.boxes.borrow_mut();
            match boxes.get_mut(&comm) {
                Some(letters) => letters.push_back((from, bytes)),
                // To a `Comm` that is still being made, by a rank that was faster.
                None if comm >= self.next_comm.get() => {
                    boxes.entry(comm).or_default().push_back((from, bytes));
                }
                // To one that this rank has let go of.
                None => {}
            }
        }
    }

    /// The answer with that number from the host of a lock.
    pub(crate) fn take_reply(&self, lock: u64, number: u64) -> Option<LockReply> {
        let mut answers = self.answers.borrow_mut();
        if let Some(bytes) = self.transport.answer() {
            answers.push(postcard::from_bytes(&bytes).expect("an answer that a server encoded"));
        }
        let wanted = |answer: &Reply| (answer.lock, answer.number) == (lock, number);
        let index = answers.iter().position(wanted)?;
        Some(answers.swap_remove(index).what)
    }

    /// The first letter to `comm` that `take` wants.
    pub(crate) fn take<B, R>(
        &self,
        comm: u64,
        mut take: impl FnMut(usize, B) -> Option<R>,
    ) -> Option<R>
    where
        B: for<'de> Deserialize<'de>,
    {
        let mut boxes = self.boxes.borrow_mut();
        let letters = boxes.get_mut(&comm)?;
        for index in 0..letters.len() {
            let (from, bytes) = &letters[index];
            let Ok(letter) = postcard::from_bytes::<Message<B>>(bytes) else {
                continue;
            };
            if let Some(taken) = take(*from, letter.body) {
                letters.remove(index);
                return Some(taken);
            }
        }
        None
    }
}

fn encode<B: Serialize>(comm: u64, body: &B) -> Vec<u8> {
    postcard::to_allocvec(&Message { comm, body })
        .expect("messages are plain data and always encode")
}
