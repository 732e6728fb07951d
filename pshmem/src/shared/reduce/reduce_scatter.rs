//! The usual order of a reduction: all ranks combine different chunks at the same time.
//!
//! On a node, the array is cut into windows with one chunk for each rank. In step s of a window, rank r combines its elements
//! into chunk r + s (modulo the number of ranks), so a chunk goes from rank r + 1 to rank r. Chunk c therefore has the elements
//! of rank c first, then those of rank c - 1, and so on.
//!
//! Between nodes it is a reduce-scatter followed by an allgather: each node combines its share of the elements from all nodes,
//! beginning with the node before it, and sends the result to all. A share is cut among as many ranks as the smallest node has, or
//! fewer if it is short; rank i of a node talks to rank i of every other node.

use super::reduction::Reduction;
use crate::comm::abort::AbortOnDrop;
use crate::comm::transfer::exchange::Peer;
use crate::comm::transfer::schedule::SHORTEST;
use crate::layout::BlockLayout;
use crate::layout::partition::share;
use crate::layout::region::Region;
use std::ops::Range;

impl<L: BlockLayout + ?Sized> Reduction<'_, '_, '_, L> {
    /// Afterwards the result is on every node, as soon as all its ranks have returned from here.
    pub(super) fn reduce_scatter(&mut self) {
        // Other ranks wait for this one's steps.
        let abort_on_drop = AbortOnDrop;
        self.reduce_on_node();
        if self.field.core().group.is_multi_node() {
            self.reduce_between_nodes();
        }
        std::mem::forget(abort_on_drop);
    }

    /// Combines the arrays of the node's ranks into its copy. Returns when all ranks of the node are done.
    fn reduce_on_node(&mut self) {
        let core = self.field.core();
        let topology = &core.group.topology;
        let (local_rank, node_ranks) = (topology.local_rank, topology.node_ranks.len());
        // The old values count once: on the node that owns the share, whose elements come first.
        let own = share(&(0..self.elements), topology.node(), topology.nodes());
        let mut turns = core.turns(self.call);
        let mut steps = 0;
        let per_window = self.chunk.saturating_mul(node_ranks);
        for start in (0..self.elements).step_by(per_window) {
            let window = start..self.elements.min(start.saturating_add(per_window));
            for turn in 0..node_ranks {
                let run = share(&window, (local_rank + turn) % node_ranks, node_ranks);
                if turn == 0 {
                    for (run, is_own) in split(run, &own) {
                        let is_first = !(is_own && self.accumulates);
                        // SAFETY: in this turn only this rank uses the chunk, and no other rank has used it before.
                        unsafe { self.combine_local(run, is_first) };
                    }
                } else {
                    turns.wait_for((local_rank + 1) % node_ranks, steps);
                    // SAFETY: the rank that had this chunk in the turn before has finished that step, and in this turn only
                    // this rank uses it.
                    unsafe { self.combine_local(run, false) };
                }
                turns.finish();
                steps += 1;
            }
        }
        for other in 0..node_ranks {
            turns.wait_for(other, steps);
        }
    }

    /// Combines the copies of all nodes, and gives all of them the result.
    fn reduce_between_nodes(&mut self) {
        let core = self.field.core();
        let (call, target) = (self.call, self.target);
        let (node, nodes) = (core.group.topology.node(), core.group.topology.nodes());
        let ranks = core.group.topology.ranks_of_nodes();
        let index = core.group.topology.local_rank;
        let smallest = ranks.iter().map(Vec::len).min().unwrap_or(1);
        // The parts of a short array are so short that fewer messages are faster than more ranks.
        let bytes_of_share = self.elements / nodes * size_of::<L::Item>();
        let count = (bytes_of_share / SHORTEST).clamp(1, smallest);
        if index >= count {
            return;
        }
        // This rank's part of a node's share.
        let part = |node| share(&share(&(0..self.elements), node, nodes), index, count);
        let after = |step: usize| (node + step) % nodes;
        let before = |step: usize| (node + nodes - step) % nodes;
        let peer = |node: usize, run: &Range<usize>, in_chunks: bool| {
            let regions: Vec<Region> = if in_chunks {
                self.chunks(run).map(|run| self.region(&run)).collect()
            } else {
                vec![self.region(run)]
            };
            Peer {
                rank: ranks[node][index],
                regions: regions.into(),
            }
        };
        let partial: [Vec<Peer>; 2] = [
            (1..nodes)
                .map(|s| peer(after(s), &part(after(s)), true))
                .collect(),
            (1..nodes)
                .map(|s| peer(before(s), &part(node), true))
                .collect(),
        ];
        let result: [Vec<Peer>; 2] = [
            (1..nodes)
                .map(|s| peer(after(s), &part(node), false))
                .collect(),
            (1..nodes)
                .map(|s| peer(before(s), &part(before(s)), false))
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
                // SAFETY: these elements are in this rank's part of this node's share: no other rank of the node sends or
                // combines them, and this rank sends only other ones.
                unsafe { self.combine(first..first + more.len(), false, &more) };
            }),
        );
        core.exchange(call, target, &result[0], &result[1], None);
    }
}

/// Cuts a run at the bounds of `own`, and says whether each piece is inside.
fn split(run: Range<usize>, own: &Range<usize>) -> [(Range<usize>, bool); 3] {
    let from = own.start.clamp(run.start, run.end);
    let to = own.end.clamp(from, run.end);
    [
        (run.start..from, false),
        (from..to, true),
        (to..run.end, false),
    ]
}

/// Copies elements that another node sent as bytes.
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
