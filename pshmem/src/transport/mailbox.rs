//! Incoming messages of one rank, sorted by `Comm`.
//!
//! All `Comm`s of a rank share one stream of messages, so the transport needs one communicator however many `Comm`s there
//! are. A rank that waits on one `Comm` also receives what is sent to its other ones, so it never blocks their senders.

use crate::transport::{RawMessage, Transport};
use serde::{Deserialize, Serialize};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

/// A message as it is sent: the id of its `Comm`, then the body.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Message<B> {
    /// Unique among the `Comm`s of every rank that belongs to it.
    pub(crate) comm: u64,
    pub(crate) body: B,
}

/// The messages of one rank.
#[derive(Debug)]
pub(crate) struct Mailbox {
    transport: Rc<dyn Transport>,
    /// Messages that were received and not taken yet, by `Comm`.
    boxes: RefCell<BTreeMap<u64, VecDeque<RawMessage>>>,
    /// The lowest id that no `Comm` of this rank has had. Sorting depends on it: a message to an unknown `Comm` is early if
    /// the id is not below this one, and late if it is.
    next_comm: Cell<u64>,
    /// Bytes of segments that this rank has sent to other nodes.
    bytes_sent: Cell<u64>,
    /// Messages and transfers that this rank has sent to other nodes.
    messages_sent: Cell<u64>,
}

impl Mailbox {
    /// A mailbox whose first `Comm` will have the id `first_comm`.
    pub(crate) fn new(transport: Rc<dyn Transport>, first_comm: u64) -> Self {
        Mailbox {
            transport,
            boxes: RefCell::default(),
            next_comm: Cell::new(first_comm),
            bytes_sent: Cell::new(0),
            messages_sent: Cell::new(0),
        }
    }

    /// Sends `body` to `comm` on rank `to` of the transport.
    pub(crate) fn send<B: Serialize>(&self, to: usize, comm: u64, body: &B) {
        self.messages_sent.set(self.messages_sent.get() + 1);
        self.transport.send(to, &encode(comm, body));
    }

    /// The same for a message that its receiver may never take. It is not counted: whether there is one may depend on time.
    pub(crate) fn send_unacknowledged<B: Serialize>(&self, to: usize, comm: u64, body: &B) {
        self.transport.send_unacknowledged(to, &encode(comm, body));
    }

    /// Notes that this rank has sent so many bytes of segments with a message of its own to each of so many others.
    pub(crate) fn count_transfers(&self, receivers: usize, bytes: usize) {
        self.messages_sent
            .set(self.messages_sent.get() + receivers as u64);
        self.count_bytes_sent(receivers * bytes);
    }

    /// Adds to the bytes of segments that this rank has sent to other nodes.
    pub(crate) fn count_bytes_sent(&self, bytes: usize) {
        self.bytes_sent.set(self.bytes_sent.get() + bytes as u64);
    }

    pub(crate) fn messages_sent(&self) -> u64 {
        self.messages_sent.get()
    }

    pub(crate) fn bytes_sent(&self) -> u64 {
        self.bytes_sent.get()
    }

    /// Opens the box of a new `Comm`. Its first messages may have arrived before.
    pub(crate) fn open(&self, comm: u64) {
        self.boxes.borrow_mut().entry(comm).or_default();
    }

    /// Drops the box of a `Comm` and the messages in it.
    pub(crate) fn close(&self, comm: u64) {
        self.boxes.borrow_mut().remove(&comm);
    }

    /// The lowest id that a new `Comm` of this rank may have.
    pub(crate) fn next_comm(&self) -> u64 {
        self.next_comm.get()
    }

    /// Notes that a `Comm` got this id, perhaps one that this rank is not in.
    pub(crate) fn used_comm(&self, id: u64) {
        self.next_comm.set(self.next_comm.get().max(id + 1));
    }

    /// Drives progress and sorts a message that has arrived: one at most, so that a waiting rank soon polls again.
    pub(crate) fn progress(&self) {
        let Some((from, bytes)) = self.transport.poll_message() else {
            return;
        };
        let Ok((comm, _)) = postcard::take_from_bytes::<u64>(&bytes) else {
            return;
        };
        let mut boxes = self.boxes.borrow_mut();
        match boxes.get_mut(&comm) {
            Some(messages) => messages.push_back((from, bytes)),
            // Early: this rank has not created the `Comm` yet, and a faster one has.
            None if comm >= self.next_comm.get() => {
                boxes.entry(comm).or_default().push_back((from, bytes));
            }
            // Late: this rank has dropped the `Comm`.
            None => {}
        }
    }

    /// Takes the first message to `comm` that `accept` returns something for.
    pub(crate) fn take<B, R>(
        &self,
        comm: u64,
        mut accept: impl FnMut(usize, B) -> Option<R>,
    ) -> Option<R>
    where
        B: for<'de> Deserialize<'de>,
    {
        let mut boxes = self.boxes.borrow_mut();
        let messages = boxes.get_mut(&comm)?;
        for index in 0..messages.len() {
            let (from, bytes) = &messages[index];
            let Ok(message) = postcard::from_bytes::<Message<B>>(bytes) else {
                continue;
            };
            if let Some(accepted) = accept(*from, message.body) {
                messages.remove(index);
                return Some(accepted);
            }
        }
        None
    }
}

fn encode<B: Serialize>(comm: u64, body: &B) -> Vec<u8> {
    // Room for a usual message: a vector that grows byte by byte takes a good part of the time to send it.
    const USUAL: usize = 512;
    postcard::to_extend(&Message { comm, body }, Vec::with_capacity(USUAL))
        .expect("messages are plain data and always encode")
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::transport::threads::{ThreadWorld, Threads};

    /// The mailboxes of two ranks on two nodes, whose first `Comm` will have the id 5.
    fn mailboxes() -> [Mailbox; 2] {
        let world = ThreadWorld::new(vec![0, 1]);
        [0, 1].map(|rank| Mailbox::new(Rc::new(Threads::new(world.clone(), rank)), 5))
    }

    /// The first message to a `Comm`, with its sender.
    fn take(mailbox: &Mailbox, comm: u64) -> Option<(usize, u32)> {
        mailbox.take(comm, |from, body: u32| Some((from, body)))
    }

    #[test]
    fn messages_are_sorted_by_comm_and_kept_in_order() {
        let [sender, receiver] = mailboxes();
        for comm in [3, 4] {
            receiver.open(comm);
        }
        for (comm, body) in [(3, 30_u32), (4, 40), (3, 31), (3, 32)] {
            sender.send(1, comm, &body);
        }
        assert_eq!(take(&receiver, 3), None, "without progress nothing arrives");
        for _ in 0..4 {
            receiver.progress();
        }
        assert_eq!(take(&receiver, 3), Some((0, 30)));
        // One that is not accepted stays, and does not hide the next one.
        let only_32 = |_, body: u32| (body == 32).then_some(body);
        assert_eq!(receiver.take(3, only_32), Some(32));
        assert_eq!(take(&receiver, 3), Some((0, 31)));
        assert_eq!(take(&receiver, 3), None);
        assert_eq!(take(&receiver, 4), Some((0, 40)));
        assert_eq!(take(&receiver, 6), None);
    }

    #[test]
    fn early_messages_are_kept_and_late_ones_are_not() {
        let [sender, receiver] = mailboxes();
        receiver.open(4);
        receiver.close(4);
        // `Comm` 4 was dropped, 5 and 6 do not exist yet.
        for comm in [4, 5, 6] {
            sender.send_unacknowledged(1, comm, &7_u32);
            receiver.progress();
        }
        for (comm, expected) in [(4, None), (5, Some((0, 7))), (6, Some((0, 7)))] {
            receiver.open(comm);
            assert_eq!(take(&receiver, comm), expected, "{comm}");
        }
    }

    #[test]
    fn ids_of_comms_are_not_used_again() {
        let [mailbox, _] = mailboxes();
        assert_eq!(mailbox.next_comm(), 5);
        mailbox.used_comm(8);
        mailbox.used_comm(6);
        assert_eq!(mailbox.next_comm(), 9);
    }

    #[test]
    fn bytes_of_segments_are_counted() {
        let [mailbox, _] = mailboxes();
        assert_eq!(mailbox.bytes_sent(), 0);
        mailbox.count_bytes_sent(100);
        mailbox.count_transfers(2, 7);
        assert_eq!(mailbox.bytes_sent(), 114);
        mailbox.send(1, 5, &());
        assert_eq!(mailbox.messages_sent(), 3);
    }
}
