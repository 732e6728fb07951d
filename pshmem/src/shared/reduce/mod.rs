//! Reductions: what private arrays of all ranks become together, on every node.
//!
//! - this file: the calls, and what both orders share · `spread` the usual order, all nodes at work · `ranked` the order of
//!   ranks

mod ranked;
mod spread;

use crate::comm::closure::ClosureRunner;
use crate::comm::collective::call::{Call, Kind, Step};
use crate::comm::collective::contribution::Contribution;
use crate::comm::transfer::Target;
use crate::error::{Error, Result};
use crate::layout::region::Region;
use crate::layout::{AsBlock, BlockLayout, Field, Op};
use crate::shared::Shared;
use std::ops::Range;
use std::panic::Location;

/// Bytes that a rank combines at a time: few enough that what one rank has combined is still in the node's cache when the
/// next rank comes to it, many enough that waiting for each other does not show.
const CHUNK: usize = 128 << 10;

/// Writes the calls for one type; `$write` makes the `Field` that does the work.
macro_rules! calls {
    ([$($generics:tt)*] $type:ty, $self:ident, $write:expr) => {
        impl<$($generics)* L: BlockLayout + ?Sized> $type {
            /// All ranks pass a private array of the same extents; what they become together, element by element, is in the
            /// shared array on every node afterwards. What was there before does not count.
            ///
            /// ```
            /// use ndarray::Array2;
            /// use pshmem::{Op, Shared, local::Cluster};
            ///
            /// let sums = Cluster::new(&[2, 2]).run(|comm| {
            ///     let mut map = Shared::<Array2<f64>>::new(comm, [8, 4]).unwrap();
            ///     let mine = Array2::from_elem([8, 4], comm.rank() as f64);
            ///     map.reduce_into(Op::sum(), &mine).unwrap();
            ///     map.view()[[7, 3]]
            /// });
            /// assert_eq!(sums, [6.0; 4]);
            /// ```
            ///
            /// The ranks of a node combine into its copy, all at work at a time on different slices; then the nodes do, each
            /// for its share of the elements. No rank holds more than a few pieces beyond what it passes. The same ranks on the
            /// same nodes give the same bits each time: of an array cut among N nodes, and for each chunk of it among the ranks
            /// of a node, the rank (and the node) that an element falls to comes first, then those before it, and round the
            /// end. [`Op::reproducible`](crate::Op::reproducible) gives the same bits on any nodes.
            ///
            /// # Collective
            /// Over all ranks, with the same object and operation. Two meetings. Over N nodes, each node sends
            /// 2 (N - 1) / N of the array's bytes and receives as many.
            ///
            /// # Errors
            /// [`Error::Extents`](crate::Error::Extents) when a rank passes an array of other extents,
            /// [`Error::Mismatch`](crate::Error::Mismatch) when ranks pass different operations, on all ranks and with nothing
            /// changed; [`Error::Closure`](crate::Error::Closure) on the other ranks when the operation panics (the array then
            /// holds anything, the same on every node); those of [`Comm::barrier`](crate::Comm::barrier).
            ///
            /// # Panics
            /// When the operation panics, on the rank where it did.
            #[track_caller]
            pub fn reduce_into<B: AsBlock<L> + ?Sized>(&mut $self, op: Op<'_, L::Item>, local: &B) -> Result<()> {
                $write.reduce(Kind::ReduceInto, Location::caller(), &op, &local.as_block())
            }

            /// Like [`reduce_into`](Self::reduce_into), with what is in the shared array as a further contribution that comes
            /// first.
            ///
            /// ```
            /// use pshmem::{Op, Shared, local::Cluster};
            ///
            /// let sums = Cluster::new(&[2]).run(|comm| {
            ///     let mut hits = Shared::<[u64]>::from_root(comm, 0, || vec![100, 0]).unwrap();
            ///     hits.accumulate(Op::sum(), &[1, comm.rank() as u64]).unwrap();
            ///     hits.to_owned()
            /// });
            /// assert_eq!(sums[0], [102, 1]);
            /// ```
            ///
            /// # Collective
            /// As [`reduce_into`](Self::reduce_into).
            ///
            /// # Errors
            /// As [`reduce_into`](Self::reduce_into).
            ///
            /// # Panics
            /// As [`reduce_into`](Self::reduce_into).
            #[track_caller]
            pub fn accumulate<B: AsBlock<L> + ?Sized>(&mut $self, op: Op<'_, L::Item>, local: &B) -> Result<()> {
                $write.reduce(Kind::Accumulate, Location::caller(), &op, &local.as_block())
            }
        }
    };
}

calls!([] Shared<L>, self, self.whole_mut());
calls!(['a,] Field<'a, L>, self, self);

impl<L: BlockLayout + ?Sized> Field<'_, L> {
    fn reduce(
        &mut self,
        kind: Kind,
        site: &'static Location<'static>,
        op: &Op<'_, L::Item>,
        local: &L::Block<'_>,
    ) -> Result<()> {
        let core = self.core();
        core.enter(kind.name(), site)?;
        let span = L::span(self.plan());
        let call = self.handle().call(kind, &span);
        let (found, expected) = (L::extents(local), self.shape());
        let fault = (found != expected).then(|| Error::Extents {
            call: kind.name().to_owned(),
            rank: core.topology.rank,
            found,
            expected,
        });
        core.agree_on(call, op.text().as_bytes(), fault)?;
        // SAFETY: every rank that arrived at this call holds its handle to the leaf mutably, as here.
        let target = unsafe { self.handle().target(&span) };
        let all: Vec<Region> = self.handle().all(&span).collect();
        let bytes = size_of::<L::Item>();
        // SAFETY (of what `Reduction` does): all ranks of the node are in this call with their handles to the leaf held
        // mutably, and none leaves before all have met again.
        let mut reduction = Reduction {
            field: self,
            call,
            target: &target,
            op,
            local,
            is_added: kind == Kind::Accumulate,
            start: all[0].start,
            elements: if bytes == 0 {
                0
            } else {
                L::elements(self.plan())
            },
            chunk: (CHUNK / bytes.max(1)).max(1),
            closure: ClosureRunner::new(core.topology.rank),
            fault: None,
            buffer: Vec::new(),
        };
        if op.is_reproducible() {
            reduction.in_rank_order();
        } else {
            reduction.spread();
        }
        let Reduction { closure, fault, .. } = reduction;
        let note = Contribution::fault(fault);
        let mut ended = core.agree(call.step(Step::Finish), note).map(|_| ());
        let is_well = |ended: &Result<()>| !matches!(ended, Err(error) if error.is_fatal());
        if op.is_reproducible() && core.is_multi_node() && is_well(&ended) {
            // The result is on the last rank's node.
            let root = core.topology.size() - 1;
            let copied = core.write(
                call.root(root).step(Step::Write),
                Some(&target),
                |regions| {
                    regions.extend(all);
                    Ok(Vec::new())
                },
            );
            ended = ended.and(copied.map(|_| ()));
        } else if is_well(&ended) {
            ended = ended.and(core.check_fields(call, &target, &all));
        }
        closure.finish(ended)
    }
}

/// One rank's part in a reduction.
struct Reduction<'r, 'f, 'b, L: BlockLayout + ?Sized> {
    field: &'r Field<'f, L>,
    call: Call,
    target: &'r Target<'r>,
    op: &'r Op<'r, L::Item>,
    local: &'r L::Block<'b>,
    /// Whether what is in the shared array counts.
    is_added: bool,
    /// First byte of the array in the segment.
    start: usize,
    /// Number of elements; none when they have no bytes.
    elements: usize,
    /// Elements to combine at a time.
    chunk: usize,
    /// Runs the operation.
    closure: ClosureRunner,
    /// That the operation has failed here. This rank then goes on with everything but the operation.
    fault: Option<Error>,
    buffer: Vec<L::Item>,
}

impl<L: BlockLayout + ?Sized> Reduction<'_, '_, '_, L> {
    /// Combines this rank's elements `run` into the shared ones, or, for the first rank that comes to them where nothing is
    /// added, copies them there.
    ///
    /// # Safety
    /// No other rank of the node, and no transfer, uses these elements of the node's copy before this rank's next step.
    unsafe fn take_local(&mut self, run: Range<usize>, is_first: bool) {
        if run.is_empty() {
            return;
        }
        let mut buffer = std::mem::take(&mut self.buffer);
        let more = L::run_of(self.local, run.clone(), &mut buffer);
        // SAFETY: passed on from the caller.
        unsafe { self.take(run, is_first, more) };
        self.buffer = buffer;
    }

    /// The same for elements that have come from elsewhere.
    ///
    /// # Safety
    /// As for `take_local`.
    unsafe fn take(&mut self, run: Range<usize>, is_first: bool, more: &[L::Item]) {
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
    fn region(&self, run: &Range<usize>) -> Region {
        let size = size_of::<L::Item>();
        Region::run(self.start + run.start * size, run.len() * size)
    }

    /// Some elements, in chunks.
    fn chunks(&self, run: &Range<usize>) -> impl Iterator<Item = Range<usize>> + use<L> {
        let (chunk, end) = (self.chunk, run.end);
        let starts = run.clone().step_by(chunk);
        starts.map(move |start| start..end.min(start.saturating_add(chunk)))
    }
}
