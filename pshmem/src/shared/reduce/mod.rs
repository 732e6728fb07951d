//! `reduce_into` and `accumulate`: combine private arrays of all ranks, element by element, into the object.
//!
//! `reduction` has the steps that all orders share, and the order of ranks (a linear pipeline); `reduce_scatter` has the usual
//! order, in which all nodes and ranks work at the same time.

mod reduce_scatter;
mod reduction;

use crate::comm::closure::ClosureRunner;
use crate::comm::protocol::call::{Kind, Step};
use crate::comm::protocol::contribution::Contribution;
use crate::error::{Error, Result};
use crate::layout::region::Region;
use crate::layout::{AsBlock, BlockLayout, Field, Op};
use crate::shared::Shared;
use reduction::Reduction;
use std::panic::Location;

/// Bytes that a rank combines at a time. Few enough that they are still in the node's cache when the next rank combines its
/// elements with them, and so many that the waits between ranks take little of the time.
const CHUNK: usize = 128 << 10;

/// Defines the calls on one type. `$write` is the `Field` on which they are implemented.
macro_rules! calls {
    ([$($generics:tt)*] $type:ty, $self:ident, $write:expr) => {
        impl<$($generics)* L: BlockLayout + ?Sized> $type {
            /// Combines private arrays of all ranks, element by element, into the object on every node.
            ///
            /// Every rank passes an array that has the extents of the object. The old values of the object do not count; see
            /// [`accumulate`](Self::accumulate).
            ///
            /// ```
            /// use ndarray::Array2;
            /// use pshmem::{Op, Shared, local::Cluster};
            ///
            /// let sums = Cluster::new(&[2, 2]).run(|comm| {
            ///     let mut map = Shared::<Array2<f64>>::new(comm, [8, 4]).unwrap();
            ///     let local = Array2::from_elem([8, 4], comm.rank() as f64);
            ///     map.reduce_into(Op::sum(), &local).unwrap();
            ///     map.view()[[7, 3]]
            /// });
            /// assert_eq!(sums, [6.0; 4]);
            /// ```
            ///
            /// The ranks of a node combine into the node's copy, all at the same time in different chunks; then the nodes
            /// combine their copies, each for its share of the elements. A rank needs private memory for a few chunks only.
            ///
            /// The result is bitwise repeatable for a fixed placement of ranks on nodes: on a node, each chunk starts with the
            /// elements of its owner, then takes those of the ranks before it, and wraps round; between nodes, each share does
            /// the same. [`Op::reproducible`](crate::Op::reproducible) gives the same bits for every placement.
            ///
            /// # Collective
            /// All ranks call it, with the same object and operation. Two rounds. Over N nodes, each node sends 2 (N - 1) / N
            /// of the array's bytes and receives as many.
            ///
            /// # Errors
            /// [`Error::Extents`](crate::Error::Extents) when a rank passes an array of other extents,
            /// [`Error::Mismatch`](crate::Error::Mismatch) when ranks pass different operations; nothing has changed after
            /// these. [`Error::Closure`](crate::Error::Closure) on the other ranks when the operation panics: the object then
            /// holds arbitrary values, the same on every node. The errors of [`Comm::barrier`](crate::Comm::barrier).
            ///
            /// # Panics
            /// On the ranks where the operation panics.
            #[track_caller]
            pub fn reduce_into<B: AsBlock<L> + ?Sized>(&mut $self, op: Op<'_, L::Item>, local: &B) -> Result<()> {
                $write.reduce(Kind::ReduceInto, Location::caller(), &op, &local.as_block())
            }

            /// Like [`reduce_into`](Self::reduce_into), with the old values of the object as a further contribution, which comes
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
        let _call = core.enter(kind.name(), site)?;
        let leaves = self.leaves();
        let call = self.call(kind);
        let (found, expected) = (L::extents(local), self.extents());
        let fault = (found != expected).then(|| Error::Extents {
            call: kind.name().to_owned(),
            rank: core.group.topology.rank,
            found,
            expected,
        });
        core.agree_on(call, op.text().as_bytes(), Contribution::fault(fault))?;
        // SAFETY: every rank that arrived at this call holds its handle to the leaf mutably, as here.
        let target = unsafe { self.handle().target(&leaves) };
        let regions: Vec<Region> = self.handle().regions(&leaves).collect();
        let bytes = size_of::<L::Item>();
        // SAFETY (of what `Reduction` does): all ranks of the node are in this call with their handles to the leaf held
        // mutably, and none leaves before all have finished.
        let mut reduction = Reduction {
            field: self,
            call,
            target: &target,
            op,
            local,
            accumulates: kind == Kind::Accumulate,
            start: regions[0].start,
            elements: if bytes == 0 {
                0
            } else {
                L::elements(self.plan())
            },
            chunk: (CHUNK / bytes.max(1)).max(1),
            closure: ClosureRunner::new(core.group.topology.rank),
            fault: None,
            buffer: Vec::new(),
        };
        if op.is_reproducible() {
            reduction.linear_pipeline();
        } else {
            reduction.reduce_scatter();
        }
        let Reduction { closure, fault, .. } = reduction;
        let contribution = Contribution::fault(fault);
        let mut outcome = core
            .agree(call.step(Step::Finish), contribution)
            .map(|_| ());
        let can_continue =
            |outcome: &Result<()>| !matches!(outcome, Err(error) if error.is_fatal());
        if op.is_reproducible() && core.group.is_multi_node() && can_continue(&outcome) {
            // The result is on the last rank's node.
            let root = core.group.topology.size() - 1;
            let copied = core.write(
                call.root(root).step(Step::Write),
                Some(&target),
                |written| {
                    written.extend(regions);
                    Ok(Vec::new())
                },
            );
            outcome = outcome.and(copied.map(|_| ()));
        } else if can_continue(&outcome) {
            outcome = outcome.and(core.check_copies(call, &target, &regions));
        }
        closure.finish(outcome)
    }
}
