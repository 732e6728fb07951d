//! `update_parts_along`: all ranks write equal shares along any axis.

use crate::comm::protocol::call::Kind;
use crate::comm::protocol::contribution::Contribution;
use crate::error::{Error, Result};
use crate::layout::partition::Partition;
use crate::layout::region::Region;
use crate::layout::{AxisLayout, Field, SharedLayout};
use crate::shared::Shared;
use ndarray::Axis;
use std::fmt::Display;
use std::ops::Range;
use std::panic::Location;

/// Defines the calls on one type. `$write` is the `Field` on which they are implemented.
macro_rules! calls {
    ([$($generics:tt)*] $type:ty, $self:ident, $write:expr) => {
        impl<$($generics)* L: SharedLayout + ?Sized> $type {
            /// Like [`update_parts`](Self::update_parts), with parts along any axis of an array: one phase may divide the rows
            /// among the ranks, and the next one the columns.
            ///
            /// The closure gets the indices on the axis and a view of the elements that have them, which has all other indices. Shares
            /// are equal, and those of one node are adjacent.
            ///
            /// ```
            /// use ndarray::{Array2, Axis};
            /// use pshmem::{Shared, local::Cluster};
            ///
            /// let tables = Cluster::new(&[2, 1]).run(|comm| {
            ///     let mut table = Shared::<Array2<usize>>::new(comm, [2, 3]).unwrap();
            ///     table.update_parts_along(Axis(1), |columns, mut part| {
            ///         assert_eq!(part.dim(), (2, columns.len()));
            ///         part.fill(comm.rank());
            ///     }).unwrap();
            ///     table.to_owned()
            /// });
            /// assert_eq!(tables[0], ndarray::array![[0, 1, 2], [0, 1, 2]]);
            /// ```
            ///
            /// # Collective
            /// As [`update_parts`](Self::update_parts), with the same axis on all ranks. Elements that are not adjacent in memory are
            /// packed, 256 KiB to a message.
            ///
            /// # Errors
            /// [`Error::NoSuchAxis`](crate::Error::NoSuchAxis), [`Error::Mismatch`](crate::Error::Mismatch) when ranks pass different
            /// axes; no closure was called then. The errors of [`update_parts`](Self::update_parts).
            ///
            /// # Panics
            /// As [`update_parts`](Self::update_parts).
            #[track_caller]
            pub fn update_parts_along<R>(
                &mut $self,
                axis: Axis,
                write: impl FnOnce(Range<usize>, L::Part<'_>) -> R,
            ) -> Result<R>
            where
                L: AxisLayout,
            {
                $write.write_parts_along(Location::caller(), axis, |range, part| Ok(write(range, part)))
            }

            /// Like [`update_parts_along`](Self::update_parts_along), with a closure that may fail.
            ///
            /// ```
            /// use ndarray::{Array2, Axis};
            /// use pshmem::{Comm, Error, Shared};
            ///
            /// let mut table = Shared::<Array2<f64>>::new(&Comm::solo(), [2, 3])?;
            /// let failed = table.try_update_parts_along(Axis(2), |_, _| Ok::<(), String>(()));
            /// assert!(matches!(failed, Err(Error::NoSuchAxis { axis: 2, axes: 2, .. })));
            /// # Ok::<(), Error>(())
            /// ```
            ///
            /// # Collective
            /// As [`update_parts_along`](Self::update_parts_along).
            ///
            /// # Errors
            /// As [`update_parts_along`](Self::update_parts_along).
            ///
            /// # Panics
            /// As [`update_parts`](Self::update_parts).
            #[track_caller]
            pub fn try_update_parts_along<R, E: Display>(
                &mut $self,
                axis: Axis,
                write: impl FnOnce(Range<usize>, L::Part<'_>) -> Result<R, E>,
            ) -> Result<R>
            where
                L: AxisLayout,
            {
                $write.write_parts_along(Location::caller(), axis, |range, part| {
                    write(range, part).map_err(|error| error.to_string())
                })
            }
        }
    };
}

calls!([] Shared<L>, self, self.whole_mut());
calls!(['a,] Field<'a, L>, self, self);

impl<L: AxisLayout + ?Sized> Field<'_, L> {
    fn write_parts_along<R>(
        &mut self,
        site: &'static Location<'static>,
        Axis(axis): Axis,
        write: impl FnOnce(Range<usize>, L::Part<'_>) -> Result<R, String>,
    ) -> Result<R> {
        let core = self.core();
        let _call = core.enter(Kind::UpdatePartsAlong.name(), site)?;
        let call = self.call(Kind::UpdatePartsAlong);
        let rank = core.group.topology.rank;
        let shape = self.extents();
        let fault = (axis >= shape.len()).then(|| Error::NoSuchAxis {
            call: call.name().to_owned(),
            rank,
            axis,
            axes: shape.len(),
        });
        let text = format!("axis {axis}");
        core.agree_on(call, text.as_bytes(), Contribution::fault(fault))?;
        let partition = Partition::balanced(shape[axis], &core.group.topology.ranks_of_nodes());
        let range = partition.of(rank);
        let (plan, base) = (self.plan(), self.handle().base_mut());
        let write_part = || {
            // SAFETY: the segment is laid out by the plan (`Field::new`), and there is such an axis. All ranks of the node are in this
            // same call with their handles to the leaf held mutably, so no view of it is alive, and none leaves before all have
            // finished. Until then only this rank uses these elements on its node: the partition, which follows from the axis on which
            // all agreed, gives each index to one rank, and other nodes send only the elements of their ranks.
            let part = unsafe { L::part_along(plan, base, axis, range.clone()) };
            write(range, part)
        };
        let leaves = self.handle().placed(&self.leaves());
        let region = |rank: usize| {
            let range = partition.of(rank);
            let (mut offset, mut block) = (vec![0; shape.len()], shape.clone());
            (offset[axis], block[axis]) = (range.start, range.len());
            let leaf = &leaves[0];
            vec![Region::block(
                leaf.offset,
                leaf.element,
                &shape,
                &offset,
                &block,
            )]
        };
        self.write_regions(call, leaves, region, write_part)
    }
}
