//! Buffers that ranks of different nodes send each other at any time inside one call.
//!
//! A sender announces each buffer by a message, and then sends its bytes, which the receiver takes when it polls. So a buffer of
//! [`WINDOW`] to one receiver is all that a sender keeps, and all that a receiver has to have memory for: a sender that has no room
//! waits, and polls for buffers of others meanwhile. The last announcement of a sender is of no bytes.

use crate::comm::abort::AbortOnDrop;
use crate::comm::protocol::message::NodeMessage;
use crate::comm::rank_sync::RankSync;
use crate::comm::transfer::pieces::WINDOW;
use crate::transport::TransferHandle;
use std::collections::VecDeque;

/// A buffer in flight. Its heap memory does not move when this value does.
struct Flight {
    bytes: Vec<u8>,
    transfer: TransferHandle,
}

/// Buffers between this rank and one other, the oldest first.
struct Peer {
    /// The other rank, as a rank of the world.
    address: usize,
    in_flight: VecDeque<Flight>,
}

impl Peer {
    fn new(sync: &RankSync, rank: usize) -> Self {
        Peer {
            address: sync.group.topology.address(rank),
            in_flight: VecDeque::new(),
        }
    }

    /// The oldest buffer, if its transfer is complete. Never a younger one: transfers between two ranks are matched in order.
    fn take(&mut self, sync: &RankSync) -> Option<Vec<u8>> {
        let oldest = self.in_flight.front()?;
        let is_complete = sync.group.world.transport.test(&oldest.transfer);
        let flight = is_complete.then(|| self.in_flight.pop_front()).flatten();
        flight.map(|flight| flight.bytes)
    }
}

/// One rank's buffers to and from the ranks of other nodes, in one call.
pub(crate) struct Buffers<'a> {
    sync: &'a RankSync,
    /// The round of the call in which all ranks have arrived.
    n: u64,
    sending: Vec<Peer>,
    receiving: Vec<Peer>,
    /// How many of `receiving` have announced their last buffer.
    ended: usize,
    /// Memory in flight must not be freed.
    abort_on_drop: AbortOnDrop,
}

impl<'a> Buffers<'a> {
    /// To be called by all ranks inside one call, after all of them have arrived at it and agreed. Every pair of ranks that send and
    /// receive is in the lists of both.
    pub(crate) fn new(sync: &'a RankSync, to: &[usize], from: &[usize]) -> Self {
        let peers = |ranks: &[usize]| ranks.iter().map(|&rank| Peer::new(sync, rank)).collect();
        Buffers {
            sync,
            n: sync.done(),
            sending: peers(to),
            receiving: peers(from),
            ended: 0,
            abort_on_drop: AbortOnDrop,
        }
    }

    /// Whether a buffer can be sent to the `index`-th receiver now.
    pub(crate) fn has_room(&mut self, index: usize) -> bool {
        let peer = &mut self.sending[index];
        while peer.take(self.sync).is_some() {}
        peer.in_flight.len() < WINDOW
    }

    /// Sends a buffer, which is not empty, to the `index`-th receiver.
    pub(crate) fn send(&mut self, index: usize, bytes: Vec<u8>) {
        debug_assert!(!bytes.is_empty());
        let world = &self.sync.group.world;
        let peer = &mut self.sending[index];
        announce(self.sync, self.n, peer.address, bytes.len());
        world.mailbox.count_transfers(1, bytes.len());
        let (first, len) = (bytes.as_ptr(), bytes.len());
        // SAFETY: the bytes are those of the buffer, which stays in `in_flight`, unwritten, until the transfer is complete.
        let transfer = unsafe { world.transport.send_bytes(peer.address, first, len) };
        peer.in_flight.push_back(Flight { bytes, transfer });
    }

    /// Whether all buffers have been sent.
    pub(crate) fn has_sent(&mut self) -> bool {
        (0..self.sending.len()).all(|index| {
            let _ = self.has_room(index);
            self.sending[index].in_flight.is_empty()
        })
    }

    /// Announces to all receivers that no more buffers come.
    pub(crate) fn end(&self) {
        for peer in &self.sending {
            announce(self.sync, self.n, peer.address, 0);
        }
    }

    /// The next buffer that another rank has sent, if one has arrived. Drives progress.
    pub(crate) fn receive(&mut self) -> Option<Vec<u8>> {
        let (sync, world) = (self.sync, &self.sync.group.world);
        world.mailbox.progress();
        while let Some((from, len)) = self.take_announcement() {
            if len == 0 {
                self.ended += 1;
                continue;
            }
            let peers = &mut self.receiving;
            let peer = peers.iter_mut().find(|peer| peer.address == from);
            let peer = peer.expect("buffers come from the ranks in the list");
            let mut bytes = vec![0; len];
            // SAFETY: the bytes are those of the buffer, which stays in `in_flight`, unused, until the transfer is complete.
            let transfer = unsafe { world.transport.recv_bytes(from, bytes.as_mut_ptr(), len) };
            peer.in_flight.push_back(Flight { bytes, transfer });
        }
        self.receiving.iter_mut().find_map(|peer| peer.take(sync))
    }

    fn take_announcement(&self) -> Option<(usize, usize)> {
        let group = &self.sync.group;
        group
            .world
            .mailbox
            .take(group.id, |from, message| match message {
                NodeMessage::Buffer { n, bytes } if n == self.n => Some((from, bytes)),
                _ => None,
            })
    }

    /// Whether all buffers of all senders have been received.
    pub(crate) fn has_received(&self) -> bool {
        let mut peers = self.receiving.iter();
        self.ended == self.receiving.len() && peers.all(|peer| peer.in_flight.is_empty())
    }

    /// Ends this rank's part, when all has been sent and received.
    pub(crate) fn finish(mut self) {
        assert!(
            self.has_sent() && self.has_received(),
            "a buffer is in flight"
        );
        std::mem::forget(self.abort_on_drop);
    }
}

fn announce(sync: &RankSync, n: u64, to: usize, bytes: usize) {
    let group = &sync.group;
    let announcement = NodeMessage::Buffer { n, bytes };
    group.world.mailbox.send(to, group.id, &announcement);
}
