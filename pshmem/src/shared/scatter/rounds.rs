//! The reproducible order of `scatter`: by rounds of equally many hits of each rank, then by ranks, then as they were added.
//!
//! A rank collects its hits. When it has as many as a round takes, or its closure has ended, it sorts them by the ranks that own
//! the elements, puts them into its slot in node memory, and arrives at the round. When all ranks have, each reads its hits from
//! the slots of all ranks, in their order, and combines them. Between nodes, each slot is sent to all other nodes before. The last
//! round is the one at which the closures of all ranks have ended.
//!
//! There are two slots for each rank, which take turns. A rank that arrives at a round has read all slots of the round before, so
//! when all have arrived, the slots of the round before are free for the next one.

use super::Combiner;
use super::hits::{Hits, bytes_of_hit};
use super::stripes::Stripes;
use crate::comm::closure::ClosureRunner;
use crate::comm::node_memory::AllocRequest;
use crate::comm::protocol::call::{Call, Step};
use crate::comm::rank_state::RankState;
use crate::comm::transfer::Target;
use crate::comm::turns::TurnCounter;
use crate::error::{Error, Result};
use crate::layout::partition::Partition;
use crate::layout::region::Region;
use crate::layout::{BlockLayout, Field, Op};
use crate::memory::Segment;
use std::ops::Range;

/// Bytes of the hits of one rank in one round.
const ROUND: usize = 64 << 10;

/// Hits of one rank in one round: a number that depends on nothing but the type of the elements.
fn hits_of_round<T>() -> usize {
    (ROUND / bytes_of_hit::<T>()).max(1)
}

/// Where things are in a slot.
#[derive(Debug, Clone, Copy)]
struct SlotLayout {
    ranks: usize,
    places: usize,
    values: usize,
    bytes: usize,
}

impl SlotLayout {
    /// A slot for hits of elements of so many bytes, which begins with the bounds of the hits for each rank.
    fn new(ranks: usize, hits: usize, size: usize) -> Self {
        let places = ((ranks + 1) * size_of::<usize>()).next_multiple_of(64);
        let values = (places + hits * size_of::<usize>()).next_multiple_of(64);
        SlotLayout {
            ranks,
            places,
            values,
            bytes: (values + hits * size).next_multiple_of(64),
        }
    }

    /// First byte of the slot of a rank.
    fn start(&self, round: usize, rank: usize) -> usize {
        (round % 2 * self.ranks + rank) * self.bytes
    }

    /// Bytes of all slots.
    fn all(&self) -> usize {
        2 * self.ranks * self.bytes
    }
}

/// One rank's part.
pub(super) struct Rounds<'s, 'f, L: BlockLayout + ?Sized> {
    field: &'s Field<'f, L>,
    call: Call,
    op: &'s Op<'s, L::Item>,
    stripes: Stripes,
    /// For each stripe, the rank that owns it.
    owners: Vec<u32>,
    /// The stripes of this rank.
    own: Range<usize>,
    slots: SlotLayout,
    segment: Segment,
    turns: TurnCounter<'f>,
    ranks: Vec<usize>,
    /// The hits of this round; at its end, those to elements of this rank.
    hits: Hits<L::Item>,
    capacity: usize,
    /// The hits of this rank in this round, sorted by the ranks that own the elements.
    sorted: Hits<L::Item>,
    /// Where in `sorted` the hits for each rank begin, and their end.
    bounds: Vec<usize>,
    /// Rounds that have ended.
    round: usize,
    closure: ClosureRunner,
    /// Set when the operation has failed on this rank, which then drops all hits; or when a round has failed.
    fault: Option<Error>,
}

impl<'s, 'f, L: BlockLayout + ?Sized> Rounds<'s, 'f, L> {
    /// Allocates what is needed. Collective.
    pub(super) fn new(
        field: &'s Field<'f, L>,
        call: Call,
        op: &'s Op<'s, L::Item>,
        stripes: Stripes,
        partition: &Partition,
    ) -> Result<Self> {
        let core: &'f RankState = field.core();
        let topology = &core.group.topology;
        let ranks: Vec<usize> = (0..topology.size()).collect();
        let bounds = vec![0; ranks.len() + 1];
        let mut owners = vec![0; stripes.count()];
        for &rank in &ranks {
            owners[partition.of(rank)].fill(rank as u32);
        }
        let capacity = hits_of_round::<L::Item>();
        let slots = SlotLayout::new(ranks.len(), capacity, size_of::<L::Item>());
        let request = AllocRequest {
            bytes: slots.all(),
            align: 64,
            ranks: topology.node_ranks.len(),
        };
        let segment = core.allocate(call.step(Step::Place), None, &[request], Some(0))?;
        Ok(Rounds {
            field,
            call,
            op,
            stripes,
            owners,
            own: partition.of(topology.rank),
            slots,
            segment: segment.expect("a segment was asked for"),
            turns: core.turns(call),
            ranks,
            hits: Hits::with_capacity(capacity),
            capacity,
            sorted: Hits::default(),
            bounds,
            round: 0,
            closure: ClosureRunner::new(topology.rank),
            fault: None,
        })
    }

    /// Combines the hits of all ranks. Whether more rounds follow: not when the closures of all ranks have ended.
    fn end_round(&mut self, has_ended: bool) -> bool {
        let core: &'f RankState = self.field.core();
        self.sort();
        let (sorted, bounds) = (&self.sorted, &self.bounds);
        // SAFETY: the segment was allocated for the slots, and only ranks in this call use it.
        let target = unsafe { Target::new(self.segment.start(), 0..self.slots.all()) };
        let slot = self.slots.start(self.round, core.group.topology.rank);
        for (offset, bytes) in [
            (0, bytemuck::cast_slice(bounds)),
            (self.slots.places, bytemuck::cast_slice(&sorted.places)),
            (self.slots.values, bytemuck::cast_slice(&sorted.values)),
        ] {
            // SAFETY: only this rank writes to its slot, and all have read it: see the head of this file.
            unsafe { target.write(slot + offset, bytes) };
        }
        let mine = ((sorted.len() as u64) << 1) | u64::from(has_ended);
        let all = match core.allgather(self.call.step(Step::Gather), &self.ranks, Some(&mine)) {
            Ok(all) => all,
            Err(error) => {
                self.fault.get_or_insert(error);
                return false;
            }
        };
        if core.group.is_multi_node() {
            let regions = |rank: usize| {
                let (start, hits) = (
                    self.slots.start(self.round, rank),
                    (all[rank] >> 1) as usize,
                );
                let runs = [
                    (0, size_of_val(&self.bounds[..])),
                    (self.slots.places, hits * size_of::<usize>()),
                    (self.slots.values, hits * size_of::<L::Item>()),
                ];
                // Nothing is read from a slot without hits.
                let runs = runs.into_iter().filter(|&(_, bytes)| hits > 0 && bytes > 0);
                runs.map(|(offset, bytes)| Region::run(start + offset, bytes))
                    .collect()
            };
            core.exchange_with_all_nodes(self.call, &target, regions);
            self.turns.finish();
            for other in 0..core.group.topology.node_ranks.len() {
                self.turns.wait_for(other, self.round + 1);
            }
        }
        for (rank, &counted) in all.iter().enumerate() {
            if counted >> 1 > 0 {
                self.read(&target, rank);
                self.combine();
                self.hits.clear();
            }
        }
        self.round += 1;
        all.iter().any(|counted| counted & 1 == 0)
    }

    /// Sorts the hits by the ranks that own the elements; those of one rank keep their order.
    fn sort(&mut self) {
        let Rounds {
            hits,
            sorted,
            bounds,
            ..
        } = self;
        let (stripes, owners) = (self.stripes, &self.owners);
        let owner = |place: usize| owners[stripes.of(place)] as usize;
        bounds.fill(0);
        for &place in &hits.places {
            bounds[owner(place) + 1] += 1;
        }
        for rank in 1..bounds.len() {
            bounds[rank] += bounds[rank - 1];
        }
        sorted.places.clone_from(&hits.places);
        sorted.values.clone_from(&hits.values);
        let mut next = bounds.clone();
        for (&place, &value) in hits.places.iter().zip(&hits.values) {
            let at = &mut next[owner(place)];
            sorted.places[*at] = place;
            sorted.values[*at] = value;
            *at += 1;
        }
        hits.clear();
    }

    /// Reads the hits for this rank from the slot of another one.
    fn read(&mut self, target: &Target<'_>, rank: usize) {
        let me = self.field.core().group.topology.rank;
        let slot = self.slots.start(self.round, rank);
        let bounds = target.bytes(slot + me * size_of::<usize>(), 2 * size_of::<usize>());
        let bound = |index: usize| bytemuck::pod_read_unaligned::<usize>(&bounds[8 * index..][..8]);
        let hits = bound(0)..bound(1);
        let bytes = |offset: usize, size: usize| {
            target.bytes(slot + offset + hits.start * size, hits.len() * size)
        };
        self.hits.extend_from_bytes(
            bytes(self.slots.places, size_of::<usize>()),
            bytes(self.slots.values, size_of::<L::Item>()),
        );
    }

    /// Combines hits into the elements of this rank.
    fn combine(&mut self) {
        if self.fault.is_some() || self.hits.is_empty() {
            return;
        }
        let run = self.stripes.elements(&self.own);
        let first = run.start;
        // SAFETY: the segment is laid out by the plan (`Field::new`). All ranks of the node are in this call with their handles to
        // the leaf held mutably, so no view of it is alive, and until all have ended their last round, each uses the elements of
        // its own stripes only.
        let elements =
            unsafe { L::run_mut(self.field.plan(), self.field.handle().base_mut(), run) };
        let (op, hits) = (self.op, &self.hits);
        let combined = self.closure.run(|| {
            op.combine_at(elements, first, &hits.places, &hits.values);
            Ok(())
        });
        self.fault = combined.err();
    }
}

impl<L: BlockLayout + ?Sized> Combiner<L::Item> for Rounds<'_, '_, L> {
    #[inline]
    fn add(&mut self, place: usize, value: L::Item) {
        self.hits.push(place, value);
        if self.hits.len() == self.capacity {
            self.end_round(false);
        }
    }

    fn finish(mut self) -> (ClosureRunner, Option<Error>) {
        while self.end_round(true) {}
        (self.closure, self.fault)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn slots_do_not_overlap() {
        for (ranks, hits, size) in [
            (1, 1, 1),
            (3, 7, 5),
            (64, 4096, 8),
            (5, 1, 16_000),
            (2, 9, 0),
        ] {
            let slots = SlotLayout::new(ranks, hits, size);
            assert!(slots.places >= (ranks + 1) * 8 && slots.values >= slots.places + hits * 8);
            assert!(slots.bytes >= slots.values + hits * size);
            let mut starts: Vec<usize> = (0..2)
                .flat_map(|round| (0..ranks).map(move |rank| slots.start(round, rank)))
                .collect();
            starts.push(slots.all());
            assert!(
                starts
                    .windows(2)
                    .all(|pair| pair[1] - pair[0] == slots.bytes)
            );
            assert_eq!(slots.start(4, 0), slots.start(0, 0));
        }
    }
}
