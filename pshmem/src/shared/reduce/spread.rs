//! The usual order: ranks of a node in turns on different slices, then nodes, each for its share of the elements.
//!
//! On a node, the array is cut into windows of one chunk for each rank. In step s of a window, rank r combines its elements
//! into chunk r + s (round the end): all ranks work, each on a chunk of its own, and a chunk goes from rank r + 1 to rank r.
//! So chunk c has the elements of rank c first, then those of c - 1, and so on.
//!
//! Between nodes, each node has a share of the elements, cut further among as many lanes as the smallest node has ranks. Its
//! lanes get what the other nodes have for them, from the node before it first, combine it, and send the result to all.

use super::Reduction;
use crate::comm::collective::round::AbortOnDrop;
use crate::comm::collective::turns::TurnCounter;
use crate::comm::transfer::Peer;
use crate::layout::BlockLayout;
use crate::layout::partition::share;
use crate::layout::region::Region;
use std::ops::Range;

impl<L: BlockLayout + ?Sized> Reduction<'_, '_, '_, L> {
    /// Afterwards the result is on every node, once all its ranks have come here.
    pub(super) fn spread(&mut self) {
        // Other ranks wait for this one's steps.
        let abort_on_drop = AbortOnDrop;
        self.on_node();
        if self.field.core().is_multi_node() {
            self.between_nodes();
        }
        std::mem::forget(abort_on_drop);
    }

    /// What the node's ranks have together, in its copy. This rank returns when all of it is done.
    fn on_node(&mut self) {
        let core = self.field.core();
        let topology = &core.topology;
        let (slot, node_ranks) = (topology.local_rank, topology.node_ranks.len());
        // What is in the array is added on one node only: that with whose elements the nodes begin.
        let own = share(&(0..self.elements), topology.node(), topology.nodes());
        let mut pace = TurnCounter::new(core, self.call);
        let mut steps = 0;
        let per_window = self.chunk.saturating_mul(node_ranks);
        for start in (0..self.elements).step_by(per_window) {
            let window = start..self.elements.min(start.saturating_add(per_window));
            for turn in 0..node_ranks {
                let run = share(&window, (slot + turn) % node_ranks, node_ranks);
                if turn == 0 {
                    for (run, is_own) in split(run, &own) {
                        let is_first = !(is_own && self.is_added);
                        // SAFETY: in this turn the chunk is this rank's alone, and no other rank has come to it.
                        unsafe { self.take_local(run, is_first) };
                    }
                } else {
                    pace.wait_for((slot + 1) % node_ranks, steps);
                    // SAFETY: the rank that had this chunk in the turn before has done that step, and in this turn the
                    // chunk is this rank's alone.
                    unsafe { self.take_local(run, false) };
                }
                pace.step();
                steps += 1;
            }
        }
        for mate in 0..node_ranks {
            pace.wait_for(mate, steps);
        }
    }

    /// What all nodes have together, in the copies of all of them.
    fn between_nodes(&mut self) {
        let core = self.field.core();
        let (call, target) = (self.call, self.target);
        let (node, nodes) = (core.topology.node(), core.topology.nodes());
        let ranks = core.topology.ranks_of_nodes();
        let (lane, lanes) = (
            core.topology.local_rank,
            ranks.iter().map(Vec::len).min().unwrap_or(1),
        );
        if lane >= lanes {
            return;
        }
        // What this lane moves of a node's share.
        let part = |node| share(&share(&(0..self.elements), node, nodes), lane, lanes);
        let after = |step: usize| (node + step) % nodes;
        let before = |step: usize| (node + nodes - step) % nodes;
        let leg = |to: usize, run: &Range<usize>, is_cut: bool| {
            let regions: Vec<Region> = if is_cut {
                self.chunks(run).map(|run| self.region(&run)).collect()
            } else {
                vec![self.region(run)]
            };
            Peer {
                peer: ranks[to][lane],
                regions,
            }
        };
        let partial: [Vec<Peer>; 2] = [
            (1..nodes)
                .map(|s| leg(after(s), &part(after(s)), true))
                .collect(),
            (1..nodes)
                .map(|s| leg(before(s), &part(node), true))
                .collect(),
        ];
        let result: [Vec<Peer>; 2] = [
            (1..nodes)
                .map(|s| leg(after(s), &part(node), false))
                .collect(),
            (1..nodes)
                .map(|s| leg(before(s), &part(before(s)), false))
                .collect(),
        ];
        let start = self.start;
        let mut more = Vec::new();
        core.exchange(
            call,
            target,
            &partial[0],
            &partial[1],
            Some(&mut |offset, bytes| {
                copy_in(bytes, &mut more);
                let first = (offset - start) / size_of::<L::Item>();
                // SAFETY: these elements are in this lane's part of this node's share: no other rank of the node moves or
                // combines them, and this rank sends others only.
                unsafe { self.take(first..first + more.len(), false, &more) };
            }),
        );
        core.exchange(call, target, &result[0], &result[1], None);
    }
}

/// A run cut where it enters and leaves `own`, and whether each piece is inside.
fn split(run: Range<usize>, own: &Range<usize>) -> [(Range<usize>, bool); 3] {
    let from = own.start.clamp(run.start, run.end);
    let to = own.end.clamp(from, run.end);
    [
        (run.start..from, false),
        (from..to, true),
        (to..run.end, false),
    ]
}

/// Elements of another node, which come as bytes.
fn copy_in<T: crate::Element>(bytes: &[u8], elements: &mut Vec<T>) {
    let len = bytes.len() / size_of::<T>();
    elements.clear();
    elements.resize(len, T::zeroed());
    // SAFETY: both are `len` elements long; the bytes were elements of the same type on another rank of this executable, which
    // are `Copy`; and they are not in the vector.
    unsafe {
        elements
            .as_mut_ptr()
            .cast::<u8>()
            .copy_from_nonoverlapping(bytes.as_ptr(), len * size_of::<T>());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_cut_at_the_ends_of_a_share() {
        assert_eq!(
            split(2..9, &(4..6)),
            [(2..4, false), (4..6, true), (6..9, false)]
        );
        assert_eq!(
            split(2..9, &(0..20)),
            [(2..2, false), (2..9, true), (9..9, false)]
        );
        assert_eq!(
            split(2..9, &(9..20)),
            [(2..9, false), (9..9, true), (9..9, false)]
        );
        assert_eq!(
            split(2..9, &(0..2)),
            [(2..2, false), (2..2, true), (2..9, false)]
        );
        assert_eq!(
            split(2..2, &(0..0)),
            [(2..2, false), (2..2, true), (2..2, false)]
        );
    }
}
