//! `Reduction`: one rank's part in a reduction; and the reduction in the order of ranks.

use crate::comm::closure::ClosureRunner;
use crate::comm::protocol::call::Call;
use crate::comm::transfer::Target;
use crate::error::Error;
use crate::layout::region::Region;
use crate::layout::{BlockLayout, Field, Op};
use std::ops::Range;

/// One rank's part in a reduction.
pub(super) struct Reduction<'r, 'f, 'b, L: BlockLayout + ?Sized> {
    pub(super) field: &'r Field<'f, L>,
    pub(super) call: Call,
    pub(super) target: &'r Target<'r>,
    pub(super) op: &'r Op<'r, L::Item>,
    pub(super) local: &'r L::Block<'b>,
    /// Whether the old values of the object count.
    pub(super) accumulates: bool,
    /// First byte of the array in the segment.
    pub(super) start: usize,
    /// Number of elements; none when they have no bytes.
    pub(super) elements: usize,
    /// Elements to combine at a time.
    pub(super) chunk: usize,
    /// Runs the operation.
    pub(super) closure: ClosureRunner,
    /// Set when the operation has failed on this rank. The rank then continues with everything but the operation, because
    /// other ranks wait for its steps.
    pub(super) fault: Option<Error>,
    pub(super) buffer: Vec<L::Item>,
}

impl<L: BlockLayout + ?Sized> Reduction<'_, '_, '_, L> {
    /// Combines this rank's elements `run` into the shared ones. The first contribution replaces them instead.
    ///
    /// # Safety
    /// No other rank of the node, and no transfer, uses these elements of the node's copy before this rank's next step.
    pub(super) unsafe fn combine_local(&mut self, run: Range<usize>, is_first: bool) {
        if run.is_empty() {
            return;
        }
        let mut buffer = std::mem::take(&mut self.buffer);
        let more = L::run_of(self.local, run.clone(), &mut buffer);
        // SAFETY: passed on from the caller.
        unsafe { self.combine(run, is_first, more) };
        self.buffer = buffer;
    }

    /// Combines elements that another node has sent.
    ///
    /// # Safety
    /// As for `combine_local`.
    pub(super) unsafe fn combine(&mut self, run: Range<usize>, is_first: bool, more: &[L::Item]) {
        let (field, op) = (self.field, self.op);
        // SAFETY: the segment is laid out by the plan (`Field::new`), and nobody else uses these elements (caller's duty).
        let results = unsafe { L::run_mut(field.plan(), field.handle().base_mut(), run) };
        if is_first {
            results.copy_from_slice(more);
        } else if self.fault.is_none() {
            let combined = self.closure.run(|| {
                op.combine(results, more);
                Ok(())
            });
            self.fault = combined.err();
        }
    }

    /// Elements of the array as bytes of the segment.
    pub(super) fn region(&self, run: &Range<usize>) -> Region {
        let size = size_of::<L::Item>();
        Region::run(self.start + run.start * size, run.len() * size)
    }

    /// A run of elements cut into chunks.
    pub(super) fn chunks(&self, run: &Range<usize>) -> impl Iterator<Item = Range<usize>> + use<L> {
        let (chunk, end) = (self.chunk, run.end);
        let starts = run.clone().step_by(chunk);
        starts.map(move |start| start..end.min(start.saturating_add(chunk)))
    }

    /// Reduces in the order of ranks, by a linear pipeline: each chunk goes from rank 0 to the last rank, and each rank combines
    /// its elements into it. Afterwards the result is on the last rank's node.
    pub(super) fn linear_pipeline(&mut self) {
        let core = self.field.core();
        let (call, target) = (self.call, self.target);
        let chunks: Vec<Range<usize>> = self.chunks(&(0..self.elements)).collect();
        let regions: Vec<Region> = chunks.iter().map(|run| self.region(run)).collect();
        let is_first = core.group.topology.rank == 0 && !self.accumulates;
        core.pipeline(call, target, &regions, |chunk| {
            // SAFETY: `pipeline` gives each chunk to one rank at a time.
            unsafe { self.combine_local(chunks[chunk].clone(), is_first) };
        });
    }
}
