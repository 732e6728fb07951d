//! The order of ranks: every chunk goes from rank 0 to the last, and has each rank's elements added on its way.

use super::Reduction;
use crate::layout::BlockLayout;
use crate::layout::region::Region;
use std::ops::Range;

impl<L: BlockLayout + ?Sized> Reduction<'_, '_, '_, L> {
    /// Afterwards the result is on the last rank's node.
    pub(super) fn in_rank_order(&mut self) {
        let core = self.field.core();
        let (call, target) = (self.call, self.target);
        let chunks: Vec<Range<usize>> = self.chunks(&(0..self.elements)).collect();
        let regions: Vec<Region> = chunks.iter().map(|run| self.region(run)).collect();
        let is_first = core.topology.rank == 0 && !self.is_added;
        core.pipeline(call, target, &regions, |chunk| {
            // SAFETY: `pipeline` gives each chunk to one rank at a time.
            unsafe { self.take_local(chunks[chunk].clone(), is_first) };
        });
    }
}
