//! The usual order of `scatter`: hits are combined as they come, by all ranks at the same time.
//!
//! Each node owns adjacent stripes of the array, and only its ranks combine hits into them. A rank puts a hit into the bin of its
//! stripe. When a bin is full, the rank takes the lock of the stripe and combines the hits of the bin itself. So no rank waits for
//! another one, except as long as that one combines the hits of one bin; ranks that compute delay nobody. The hits of a bin are
//! neighbours in memory, so this is fast also where hits are spread over a large array.
//!
//! A hit to a stripe of another node goes into the buffer for that node, and a full buffer is sent to one rank there, which puts
//! the hits into its own bins. Ranks receive when one of their bins or buffers is full, and whenever they wait. A rank that has no
//! room to send waits, and receives meanwhile, so no circle of ranks waits for ever.
//!
//! When the closure of a rank has ended, the rank empties its bins, sends its last buffers, and receives until all other ranks
//! have said the same. So a node has all hits to its stripes when all of its ranks have come that far.

use super::Combiner;
use super::hits::{Bins, Hits, bytes_of_hit};
use super::stripes::{StripeLocks, Stripes, try_lock, unlock};
use crate::comm::closure::ClosureRunner;
use crate::comm::node_memory::AllocRequest;
use crate::comm::protocol::call::{Call, Step};
use crate::comm::rank_state::RankState;
use crate::comm::transfer::buffers::Buffers;
use crate::comm::wait::Wait;
use crate::error::{Error, Result};
use crate::layout::partition::Partition;
use crate::layout::{BlockLayout, Field, Op};
use std::ops::Range;

/// Bytes of all buffers that a rank fills for other nodes, and the most of one of them.
const BUFFERS: usize = 8 << 20;
const BUFFER: usize = 256 << 10;

/// One rank's part.
pub(super) struct Unordered<'s, 'f, L: BlockLayout + ?Sized> {
    field: &'s Field<'f, L>,
    call: Call,
    op: &'s Op<'s, L::Item>,
    stripes: Stripes,
    /// The stripes of this node.
    own: Range<usize>,
    locks: StripeLocks,
    bins: Bins<L::Item>,
    /// Hits to other nodes, where there are any.
    remote: Option<Remote<'f, L::Item>>,
    closure: ClosureRunner,
    /// Set when the operation has failed on this rank, which then drops all hits.
    fault: Option<Error>,
}

/// Hits to the stripes of other nodes.
struct Remote<'f, T> {
    buffers: Buffers<'f>,
    /// For each stripe, the index of the receiver of its hits.
    receivers: Vec<u32>,
    /// For each receiver, hits that have not been sent.
    waiting: Vec<Hits<T>>,
    /// The most of them.
    capacity: usize,
}

impl<'s, 'f, L: BlockLayout + ?Sized> Unordered<'s, 'f, L> {
    /// Allocates what is needed. Collective.
    pub(super) fn new(
        field: &'s Field<'f, L>,
        call: Call,
        op: &'s Op<'s, L::Item>,
        stripes: Stripes,
        owners: &Partition,
    ) -> Result<Self> {
        let core: &'f RankState = field.core();
        let topology = &core.group.topology;
        let nodes = topology.ranks_of_nodes();
        let of_node = |node: usize| {
            let ranks = &nodes[node];
            owners.of(ranks[0]).start..owners.of(ranks[ranks.len() - 1]).end
        };
        let own = of_node(topology.node());
        let request = AllocRequest {
            bytes: StripeLocks::bytes(own.len()),
            align: 64,
            ranks: topology.node_ranks.len(),
        };
        let segment = core.allocate(call.step(Step::Place), None, &[request], Some(0))?;
        let segment = segment.expect("a segment was asked for");
        // SAFETY: allocated for the locks of these stripes, and zeroed; so do all ranks of the node.
        let locks = unsafe { StripeLocks::new(segment, own.len()) };
        let remote = core.group.is_multi_node().then(|| {
            let mut receivers = vec![0; stripes.count()];
            // The receivers are in the order of nodes, from the one after this on.
            for step in 1..nodes.len() {
                let node = (topology.node() + step) % nodes.len();
                receivers[of_node(node)].fill(step as u32 - 1);
            }
            let bytes = (BUFFERS / nodes.len()).min(BUFFER);
            Remote {
                buffers: core.buffers(),
                receivers,
                waiting: (1..nodes.len()).map(|_| Hits::default()).collect(),
                capacity: (bytes / bytes_of_hit::<L::Item>()).max(1),
            }
        });
        Ok(Unordered {
            field,
            call,
            op,
            stripes,
            bins: Bins::new(own.len()),
            own,
            locks,
            remote,
            closure: ClosureRunner::new(topology.rank),
            fault: None,
        })
    }

    /// Adds a hit to a stripe of this node. Whether hits were combined.
    #[inline]
    fn add_to_own(&mut self, stripe: usize, place: usize, value: L::Item) -> bool {
        let bin = stripe - self.own.start;
        let is_full = self.bins.push(bin, place, value);
        if is_full {
            self.combine(bin);
        }
        is_full
    }

    /// Adds a hit to a stripe of another node. Whether hits were sent.
    fn add_to_remote(&mut self, stripe: usize, place: usize, value: L::Item) -> bool {
        let remote = self.remote.as_mut().expect("a stripe of another node");
        let receiver = remote.receivers[stripe] as usize;
        let waiting = &mut remote.waiting[receiver];
        waiting.push(place, value);
        let is_full = waiting.len() == remote.capacity;
        if is_full {
            self.send(receiver);
        }
        is_full
    }

    /// Combines the hits of a bin into its stripe.
    fn combine(&mut self, bin: usize) {
        let stripe = self.own.start + bin;
        let run = self.stripes.elements(&(stripe..stripe + 1));
        let lock = self.locks.get(bin);
        if !try_lock(lock) {
            let core = self.field.core();
            Wait::new(&core.sync, core.sync.done(), self.call)
                .until(|| try_lock(lock).then_some(()));
        }
        let (places, values) = self.bins.take(bin);
        let first = run.start;
        // SAFETY: the segment is laid out by the plan (`Field::new`). All ranks of the node are in this call with their handles to
        // the leaf held mutably, so no view of it is alive; this rank has the lock of the stripe, and each uses stripes under
        // their locks only, until all have combined their last hits.
        let elements =
            unsafe { L::run_mut(self.field.plan(), self.field.handle().base_mut(), run) };
        if self.fault.is_none() {
            let op = self.op;
            // The operation is the user's code: a panic must not keep the lock.
            let combined = self.closure.run(|| {
                op.combine_at(elements, first, places, values);
                Ok(())
            });
            self.fault = combined.err();
        }
        unlock(lock);
    }

    /// Sends the hits for one receiver, as soon as there is room.
    fn send(&mut self, receiver: usize) {
        self.receive_until(|remote| remote.buffers.has_room(receiver));
        if let Some(remote) = &mut self.remote {
            let hits = &mut remote.waiting[receiver];
            let bytes = hits.to_bytes();
            hits.clear();
            remote.buffers.send(receiver, bytes);
        }
    }

    /// Takes hits that other nodes have sent.
    fn receive(&mut self) {
        while let Some(remote) = &mut self.remote
            && let Some(bytes) = remote.buffers.receive()
        {
            let hits = Hits::<L::Item>::from_bytes(&bytes);
            for (&place, &value) in hits.places.iter().zip(&hits.values) {
                let stripe = self.stripes.of(place);
                self.add_to_own(stripe, place, value);
            }
        }
    }

    /// Receives until `is_true`.
    fn receive_until(&mut self, mut is_true: impl FnMut(&mut Remote<'_, L::Item>) -> bool) {
        let core = self.field.core();
        Wait::new(&core.sync, core.sync.done(), self.call).until(|| {
            self.receive();
            self.remote.as_mut().is_none_or(&mut is_true).then_some(())
        });
    }

    fn combine_all(&mut self) {
        for bin in 0..self.own.len() {
            if !self.bins.is_empty(bin) {
                self.combine(bin);
            }
        }
    }
}

impl<L: BlockLayout + ?Sized> Combiner<L::Item> for Unordered<'_, '_, L> {
    #[inline]
    fn add(&mut self, place: usize, value: L::Item) {
        let stripe = self.stripes.of(place);
        let is_full = if self.own.contains(&stripe) {
            self.add_to_own(stripe, place, value)
        } else {
            self.add_to_remote(stripe, place, value)
        };
        if is_full {
            self.receive();
        }
    }

    fn finish(mut self) -> (ClosureRunner, Option<Error>) {
        self.combine_all();
        let receivers = self
            .remote
            .as_ref()
            .map_or(0, |remote| remote.waiting.len());
        for receiver in 0..receivers {
            let remote = self.remote.as_ref();
            if remote.is_some_and(|remote| !remote.waiting[receiver].is_empty()) {
                self.send(receiver);
            }
        }
        self.receive_until(|remote| remote.buffers.has_sent());
        if let Some(remote) = &self.remote {
            remote.buffers.end();
        }
        self.receive_until(|remote| remote.buffers.has_received());
        self.combine_all();
        if let Some(remote) = self.remote.take() {
            remote.buffers.finish();
            // Another rank of the node may still combine hits into the stripes that this one sends to other nodes.
            let core = self.field.core();
            let mut turns = core.turns(self.call);
            turns.finish();
            for other in 0..core.group.topology.node_ranks.len() {
                turns.wait_for(other, 1);
            }
        }
        (self.closure, self.fault)
    }
}
