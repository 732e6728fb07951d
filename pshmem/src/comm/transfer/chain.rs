//! Reduction in a chain of all ranks: each rank works on every chunk after the rank before it, as in a pipeline, and the result of
//! each chunk goes to all nodes while ranks work on later chunks.
//!
//! Chunks lie in slots, which are used again and again, so node memory for a few chunks serves arrays of any length. On a node,
//! a chunk stays in its slot while rank after rank works on it. Between nodes it is sent from slot to slot. The result is complete
//! on the last rank. From there it goes from node to node, to other slots. All ranks take it from their node's slot.
//!
//! ```text
//! work       rank 0 -> rank 1 => rank 2 -> rank 3 => rank 4 -> rank 5      -> in one slot, => to another node
//! results    node 0           <= node 1           <= node 2                received and sent by the last rank of each node
//! ```
//!
//! So every chunk crosses each link twice, however many ranks a node has. Where the ranks of a node are not consecutive, a chunk
//! crosses links more often on its way up.

use crate::comm::abort::AbortOnDrop;
use crate::comm::protocol::call::Call;
use crate::comm::rank_sync::RankSync;
use crate::comm::topology::Topology;
use crate::comm::transfer::pieces::{InFlight, Piece, PieceTransfer, WINDOW};
use crate::comm::transfer::target::Target;
use crate::comm::turns::{Lane, TurnCounter};
use crate::comm::wait::Wait;
use crate::layout::region::Region;
use std::collections::VecDeque;
use std::ops::Range;

/// What a rank does with chunks. The range has the bytes of the chunk's slot that hold it.
pub(crate) trait ChainWork {
    /// Works on a chunk after all ranks before this one. No other rank of the node uses the bytes meanwhile.
    fn work(&mut self, chunk: usize, slot: Range<usize>);

    /// Takes the result of a chunk, on which all ranks have worked. Ranks of the node only read the bytes meanwhile.
    fn take(&mut self, chunk: usize, slot: Range<usize>);
}

/// Chunks of an array, and the slots in which they lie.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Chunks {
    /// Bytes of the array.
    bytes: usize,
    /// Bytes of a chunk; the last one may be shorter.
    chunk: usize,
    /// Bytes from one slot to the next.
    slot: usize,
    /// Slots for chunks that ranks work on, and behind them slots for results from other nodes.
    slots: [usize; 2],
}

/// Bytes of a chunk: few enough that the next rank finds them in the node's cache, and so many that the waits between ranks take
/// little of the time.
const CHUNK: usize = 128 << 10;
/// Bytes of all slots together, where chunks need not be larger.
const SLOTS: usize = 4 << 20;
/// The smallest bytes of a chunk that are worth a wait between ranks.
const SMALLEST: usize = 16 << 10;

impl Chunks {
    /// For an array of `bytes` bytes, of elements of `size` bytes, which are aligned to `align`. The same on all ranks.
    pub(crate) fn new(topology: &Topology, bytes: usize, size: usize, align: usize) -> Self {
        let ranks = topology.ranks_of_nodes();
        let most = ranks.iter().map(Vec::len).max().unwrap_or(1);
        // One for each rank that works, and those that are in flight in both directions.
        let slots = [
            most + 2 * WINDOW,
            if ranks.len() > 1 { 2 * WINDOW } else { 0 },
        ];
        let wanted = (SLOTS / (slots[0] + slots[1])).clamp(SMALLEST, CHUNK);
        let chunk = (wanted / size).max(1) * size;
        Chunks {
            bytes,
            chunk,
            slot: chunk.min(bytes).next_multiple_of(align.max(64)),
            slots: slots.map(|slots| slots.min(bytes.div_ceil(chunk))),
        }
    }

    /// Bytes of all slots.
    pub(crate) fn slot_bytes(&self) -> usize {
        self.slot.saturating_mul(self.slots[0] + self.slots[1])
    }

    fn count(&self) -> usize {
        self.bytes.div_ceil(self.chunk)
    }

    /// Bytes of the array that are a chunk.
    pub(crate) fn bytes_of(&self, chunk: usize) -> Range<usize> {
        let start = chunk * self.chunk;
        start..self.bytes.min(start + self.chunk)
    }

    /// Where ranks work on a chunk.
    fn work_slot(&self, chunk: usize) -> Range<usize> {
        self.in_slot(chunk % self.slots[0], chunk)
    }

    /// Where the result of a chunk comes from another node.
    fn result_slot(&self, chunk: usize) -> Range<usize> {
        self.in_slot(self.slots[0] + chunk % self.slots[1], chunk)
    }

    fn in_slot(&self, slot: usize, chunk: usize) -> Range<usize> {
        let start = slot * self.slot;
        start..start + self.bytes_of(chunk).len()
    }
}

/// Calls `work` for each chunk after the ranks before this one, and `take` when all ranks have worked on it.
///
/// To be called by all ranks inside one call, after all of them have arrived at it and agreed, and before its next round. `target`
/// has the slots.
pub(crate) fn chain(
    sync: &RankSync,
    call: Call,
    target: &Target<'_>,
    chunks: Chunks,
    mut work: impl ChainWork,
) {
    let abort_on_drop = AbortOnDrop;
    let all_slots = [Region::run(0, chunks.slot_bytes())];
    let mut part = ChainPart::new(sync, call, target, chunks, &all_slots);
    while !part.is_done() {
        let mut wait = Wait::new(sync, sync.done(), call);
        wait.until(|| part.step(&mut work).then_some(()));
    }
    part.results.skip_to(chunks.count());
    std::mem::forget(abort_on_drop);
}

/// One rank's part.
struct ChainPart<'a> {
    chunks: Chunks,
    count: usize,
    transfer: PieceTransfer<'a>,
    node_ranks: usize,
    local_rank: usize,
    /// Whether the last rank of all is on this node, so that results are in the slots in which ranks have worked.
    is_last_node: bool,
    is_last: bool,
    /// The ranks of other nodes with which this one exchanges chunks: the address of the sender, and the rank of the receiver.
    receives_from: Option<usize>,
    sends_to: Option<usize>,
    result_from: Option<usize>,
    result_to: Option<usize>,
    /// Chunks on which this rank has finished its work, and whose bytes it no longer sends.
    work: TurnCounter<'a>,
    /// On the last rank of a node: results that are in its slots.
    results: TurnCounter<'a>,
    /// Results that this rank has taken.
    taken: TurnCounter<'a>,
    /// Chunks on which this rank has worked.
    worked: usize,
    /// Chunks that it has begun to receive.
    received: usize,
    receiving: VecDeque<InFlight>,
    sending: VecDeque<InFlight>,
    /// The same for results, and those that it no longer sends.
    results_begun: usize,
    results_receiving: VecDeque<InFlight>,
    results_sending: VecDeque<InFlight>,
    results_sent: usize,
}

impl<'a> ChainPart<'a> {
    fn new(
        sync: &'a RankSync,
        call: Call,
        target: &'a Target<'a>,
        chunks: Chunks,
        all_slots: &'a [Region],
    ) -> Self {
        let topology = &sync.group.topology;
        let is_elsewhere = |&rank: &usize| topology.node_of(rank) != topology.node();
        let before = topology.rank.checked_sub(1);
        let after = Some(topology.rank + 1).filter(|&rank| rank < topology.size());
        let is_last_of_node = topology.local_rank + 1 == topology.node_ranks.len();
        let (result_from, result_to) = if is_last_of_node {
            neighbours_of_results(topology)
        } else {
            (None, None)
        };
        ChainPart {
            chunks,
            count: chunks.count(),
            transfer: PieceTransfer::new(sync, sync.done(), call, target, all_slots),
            node_ranks: topology.node_ranks.len(),
            local_rank: topology.local_rank,
            is_last_node: topology.node_of(topology.size() - 1) == topology.node(),
            is_last: after.is_none(),
            receives_from: before
                .filter(is_elsewhere)
                .map(|rank| topology.address(rank)),
            sends_to: after.filter(is_elsewhere),
            result_from: result_from.map(|rank| topology.address(rank)),
            result_to,
            work: TurnCounter::new(sync, call),
            results: TurnCounter::in_lane(sync, call, Lane::Result),
            taken: TurnCounter::in_lane(sync, call, Lane::Taken),
            worked: 0,
            received: 0,
            receiving: VecDeque::new(),
            sending: VecDeque::new(),
            results_begun: 0,
            results_receiving: VecDeque::new(),
            results_sending: VecDeque::new(),
            results_sent: 0,
        }
    }

    fn is_done(&self) -> bool {
        self.taken.finished() == self.count
            && self.work.finished() == self.count
            && self.results_sending.is_empty()
    }

    /// Does what can be done without waiting, one chunk at most of each kind. `false` if that was nothing.
    fn step(&mut self, work: &mut impl ChainWork) -> bool {
        let has_sent = self.finish_sends();
        let has_passed_on = self.pass_results_on();
        self.start_receives();
        let has_worked = self.work_on_next(work);
        let has_taken = self.take_next(work);
        has_sent | has_passed_on | has_worked | has_taken
    }

    /// Frees the slots of what has been sent.
    fn finish_sends(&mut self) -> bool {
        let mut has_finished = false;
        if self.transfer.take_complete(&mut self.sending).is_some() {
            self.work.finish();
            has_finished = true;
        }
        if self
            .transfer
            .take_complete(&mut self.results_sending)
            .is_some()
        {
            self.finish_result();
            has_finished = true;
        }
        has_finished
    }

    /// The last rank of the node no longer sends a result.
    fn finish_result(&mut self) {
        self.results_sent += 1;
        if self.is_last {
            self.work.finish();
        }
    }

    /// The last rank of a node receives results from another node, and sends them to the next one.
    fn pass_results_on(&mut self) -> bool {
        let Some(from) = self.result_from else {
            return false;
        };
        while self.results_begun < self.count
            && self.results_receiving.len() < WINDOW
            && self.is_result_slot_free(self.results_begun)
        {
            let slot = piece(self.chunks.result_slot(self.results_begun));
            self.results_receiving
                .push_back(self.transfer.start_receive(slot, from));
            self.results_begun += 1;
        }
        if self
            .transfer
            .take_complete(&mut self.results_receiving)
            .is_none()
        {
            return false;
        }
        let slot = self.chunks.result_slot(self.results.finished());
        self.publish_result(slot);
        true
    }

    /// The ranks of this node may take a result, and the next node gets it.
    fn publish_result(&mut self, slot: Range<usize>) {
        self.results.finish();
        match self.result_to {
            Some(to) => {
                let send = self.transfer.start_send(piece(slot), to);
                self.results_sending.push_back(send);
            }
            None => self.finish_result(),
        }
    }

    /// Starts to receive chunks on which a rank of another node has worked.
    fn start_receives(&mut self) {
        let Some(from) = self.receives_from else {
            return;
        };
        while self.received < self.count
            && self.receiving.len() < WINDOW
            && self.is_free_for_this_rank(self.received)
        {
            let slot = piece(self.chunks.work_slot(self.received));
            self.receiving
                .push_back(self.transfer.start_receive(slot, from));
            self.received += 1;
        }
    }

    fn work_on_next(&mut self, work: &mut impl ChainWork) -> bool {
        let chunk = self.worked;
        let in_flight = self.sending.len().max(self.results_sending.len());
        if chunk == self.count || in_flight >= WINDOW {
            return false;
        }
        let is_here = if self.receives_from.is_some() {
            self.transfer.take_complete(&mut self.receiving).is_some()
        } else {
            self.is_free_for_this_rank(chunk)
        };
        if !is_here {
            return false;
        }
        let slot = self.chunks.work_slot(chunk);
        work.work(chunk, slot.clone());
        self.worked += 1;
        match self.sends_to {
            Some(to) => {
                let send = self.transfer.start_send(piece(slot), to);
                self.sending.push_back(send);
            }
            None if self.is_last => self.publish_result(slot),
            None => self.work.finish(),
        }
        true
    }

    fn take_next(&mut self, work: &mut impl ChainWork) -> bool {
        let chunk = self.taken.finished();
        let is_here = if self.local_rank + 1 == self.node_ranks {
            self.results.finished() > chunk
        } else {
            self.results.has_finished(self.node_ranks - 1, chunk + 1)
        };
        if chunk == self.count || !is_here {
            return false;
        }
        let slot = if self.is_last_node {
            self.chunks.work_slot(chunk)
        } else {
            self.chunks.result_slot(chunk)
        };
        work.take(chunk, slot);
        self.taken.finish();
        true
    }

    /// Whether this rank may use the slot of a chunk: the rank of this node before it has finished its work on that chunk; or
    /// there is none, and nobody needs what was in the slot before.
    fn is_free_for_this_rank(&self, chunk: usize) -> bool {
        if let Some(before) = self.local_rank.checked_sub(1) {
            return self.work.has_finished(before, chunk + 1);
        }
        let Some(earlier) = chunk.checked_sub(self.chunks.slots[0]) else {
            return true;
        };
        self.work.has_finished(self.node_ranks - 1, earlier + 1)
            && (!self.is_last_node || self.have_all_taken(earlier))
    }

    fn is_result_slot_free(&self, chunk: usize) -> bool {
        let Some(earlier) = chunk.checked_sub(self.chunks.slots[1]) else {
            return true;
        };
        self.results_sent > earlier && self.have_all_taken(earlier)
    }

    fn have_all_taken(&self, chunk: usize) -> bool {
        (0..self.node_ranks).all(|local_rank| self.taken.has_finished(local_rank, chunk + 1))
    }
}

fn piece(slot: Range<usize>) -> Piece {
    Piece::Direct {
        offset: slot.start,
        len: slot.len(),
    }
}

/// From which rank the last rank of this node receives results, and to which it sends them. Nodes are in the falling order of
/// their last ranks, so results never go from a rank to the next one: chunks to be worked on do.
fn neighbours_of_results(topology: &Topology) -> (Option<usize>, Option<usize>) {
    let nodes = topology.ranks_of_nodes();
    let mut last_ranks: Vec<usize> = nodes
        .iter()
        .filter_map(|ranks| ranks.last().copied())
        .collect();
    last_ranks.sort_unstable_by(|a, b| b.cmp(a));
    let at = last_ranks.iter().position(|&rank| rank == topology.rank);
    let at = at.expect("the last rank of a node is in the list");
    let before = at.checked_sub(1).map(|before| last_ranks[before]);
    (before, last_ranks.get(at + 1).copied())
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn topology(rank: usize, nodes: &[u64]) -> Topology {
        Topology::new(rank, (0..nodes.len() as u32).collect(), nodes)
    }

    #[test]
    fn chunks_cover_the_array_and_slots_are_apart() {
        for (bytes, size, align) in [
            (8, 8, 8),
            (1 << 20, 8, 8),
            (1_000_004, 4, 4),
            (900_000, 300_000, 4096),
        ] {
            for nodes in [&[0, 0][..], &[0, 1], &[0, 0, 0, 1]] {
                let chunks = Chunks::new(&topology(0, nodes), bytes, size, align);
                let mut end = 0;
                for chunk in 0..chunks.count() {
                    let of_array = chunks.bytes_of(chunk);
                    assert_eq!((of_array.start, of_array.len() % size), (end, 0));
                    end = of_array.end;
                    let mut slots = vec![chunks.work_slot(chunk)];
                    if nodes.contains(&1) {
                        slots.push(chunks.result_slot(chunk));
                    }
                    for slot in slots {
                        assert_eq!((slot.len(), slot.start % align), (of_array.len(), 0));
                        assert!(slot.end <= chunks.slot_bytes());
                    }
                }
                assert_eq!(end, bytes);
                let in_use = |slot: fn(&Chunks, usize) -> Range<usize>, count: usize| {
                    (0..count.min(chunks.count())).map(move |chunk| slot(&chunks, chunk).start)
                };
                let [work, results] = chunks.slots;
                let starts =
                    in_use(Chunks::work_slot, work).chain(in_use(Chunks::result_slot, results));
                assert!(
                    starts
                        .collect::<Vec<_>>()
                        .is_sorted_by(|a, b| a + chunks.slot <= *b)
                );
            }
        }
        // Few slots where there are few chunks, and memory that does not grow with the array.
        let few = Chunks::new(&topology(0, &[0, 0]), 8, 8, 8);
        assert_eq!(few.slot_bytes(), 64);
        let many = Chunks::new(&topology(0, &[0; 500]), 1 << 40, 8, 8);
        assert!(many.slot_bytes() <= 9 << 20, "{}", many.slot_bytes());
    }

    #[test]
    fn results_reach_every_node_once_and_never_go_from_a_rank_to_the_next() {
        for nodes in [
            &[0, 0, 1, 1][..],
            &[0, 1, 0, 1],
            &[0, 1, 2],
            &[0, 1, 1, 2, 0, 3],
            &[7],
        ] {
            let last_of_node = |rank: usize| !nodes[rank + 1..].contains(&nodes[rank]);
            let mut at = nodes.len() - 1;
            let mut reached = vec![nodes[at]];
            assert_eq!(neighbours_of_results(&topology(at, nodes)).0, None);
            while let (_, Some(next)) = neighbours_of_results(&topology(at, nodes)) {
                assert!(next < at && last_of_node(next), "{nodes:?}");
                assert_eq!(neighbours_of_results(&topology(next, nodes)).0, Some(at));
                at = next;
                reached.push(nodes[at]);
            }
            reached.sort_unstable();
            assert!(reached.is_sorted_by(|a, b| a < b));
            assert!(nodes.iter().all(|node| reached.contains(node)), "{nodes:?}");
        }
    }
}
