//! `gather` and `gather_in_order`: each rank writes a block, at an offset of its own or behind the block of the rank before.

use crate::comm::protocol::call::{Call, Kind, Step};
use crate::comm::transfer::Target;
use crate::error::{Error, Result};
use crate::layout::placement::{self, Placement, PlacementError};
use crate::layout::region::Region;
use crate::layout::{AsBlock, BlockLayout, Field};
use crate::shared::Shared;
use std::ops::Range;
use std::panic::Location;

/// Elements that are copied at a time if the block is not contiguous.
const COPY_ELEMENTS: usize = 16 << 10;

/// Defines the calls on one type. `$write` is the `Field` on which they are implemented.
macro_rules! calls {
    ([$($generics:tt)*] $type:ty, $self:ident, $write:expr) => {
        impl<$($generics)* L: BlockLayout + ?Sized> $type {
            /// Writes a block of each rank, each at its own offset and with its own extents.
            ///
            /// Blocks may be empty, and may leave gaps; elements in gaps keep their values. Offsets count elements, as in
            /// [`set`](Self::set).
            ///
            /// ```
            /// use pshmem::{Shared, local::Cluster};
            ///
            /// let tables = Cluster::new(&[2, 1]).run(|comm| {
            ///     let mut table = Shared::<[usize]>::new(comm, 8).unwrap();
            ///     let block = vec![comm.rank() + 1; 2];
            ///     table.gather(3 * comm.rank(), &block).unwrap();
            ///     table.to_owned()
            /// });
            /// assert_eq!(tables[0], [1, 1, 0, 2, 2, 0, 3, 3]);
            /// ```
            ///
            /// # Collective
            /// All ranks call it, with the same object. Two rounds, and one more for each 58 ranks beyond the first 58, because
            /// all ranks learn all offsets. Over N nodes, each block is sent to each other node once, from its rank to one
            /// rank there.
            ///
            /// # Errors
            /// [`Error::OutOfBounds`](crate::Error::OutOfBounds) when a block does not fit,
            /// [`Error::Overlap`](crate::Error::Overlap) when two blocks have an element in common; nothing has changed after
            /// these. The errors of [`Comm::barrier`](crate::Comm::barrier).
            #[track_caller]
            pub fn gather<B: AsBlock<L> + ?Sized>(&mut $self, offset: L::Offset, block: &B) -> Result<()> {
                $write.gather_blocks(Location::caller(), L::numbers(&offset), &block.as_block())
            }

            /// Writes a block of each rank, in the order of ranks, from row 0 on.
            ///
            /// Each rank's block has as many rows as it likes and follows that of the rank before. Returns the rows of this
            /// rank's block. Rows after the last block keep their values.
            ///
            /// ```
            /// use pshmem::{Shared, local::Cluster};
            ///
            /// let found = Cluster::new(&[1, 2]).run(|comm| {
            ///     let mut table = Shared::<[usize]>::new(comm, 8).unwrap();
            ///     let block = vec![comm.rank(); comm.rank() + 1];
            ///     let rows = table.gather_in_order(&block).unwrap();
            ///     (rows, table.to_owned())
            /// });
            /// assert_eq!(found[2], (3..6, vec![0, 1, 1, 2, 2, 2, 0, 0]));
            /// ```
            ///
            /// # Collective
            /// As [`gather`](Self::gather).
            ///
            /// # Errors
            /// [`Error::OutOfBounds`](crate::Error::OutOfBounds) when there are more rows than the array has,
            /// [`Error::Extents`](crate::Error::Extents) when the rows of a block have other extents than those of the array;
            /// nothing has changed after these. The errors of [`Comm::barrier`](crate::Comm::barrier).
            #[track_caller]
            pub fn gather_in_order<B: AsBlock<L> + ?Sized>(&mut $self, block: &B) -> Result<Range<usize>> {
                $write.stack_blocks(Location::caller(), &block.as_block())
            }
        }
    };
}

calls!([] Shared<L>, self, self.whole_mut());
calls!(['a,] Field<'a, L>, self, self);

impl<L: BlockLayout + ?Sized> Field<'_, L> {
    fn gather_blocks(
        &mut self,
        site: &'static Location<'static>,
        offset: Vec<usize>,
        data: &L::Block<'_>,
    ) -> Result<()> {
        let block = L::extents(data);
        let (call, placements) =
            self.allgather_placements(Kind::Gather, site, &Placement { offset, block })?;
        self.write_blocks(call, &placements, data)
    }

    fn stack_blocks(
        &mut self,
        site: &'static Location<'static>,
        data: &L::Block<'_>,
    ) -> Result<Range<usize>> {
        let placement = Placement {
            offset: Vec::new(),
            block: L::extents(data),
        };
        let (call, mut placements) =
            self.allgather_placements(Kind::GatherInOrder, site, &placement)?;
        let shape = self.extents();
        let is_misfit = |placement: &Placement| placement.block[1..] != shape[1..];
        if let Some(rank) = placements.iter().position(is_misfit) {
            let found = placements[rank].block.clone();
            let mut expected = shape;
            expected[0] = found[0];
            return Err(Error::Extents {
                call: call.name().to_owned(),
                rank,
                found,
                expected,
            });
        }
        placement::stack(&mut placements).map_err(|rank| {
            self.placement_error(call, &placements, &PlacementError::Outside(rank))
        })?;
        self.write_blocks(call, &placements, data)?;
        let Placement { offset, block } = &placements[self.core().group.topology.rank];
        Ok(offset[0]..offset[0] + block[0])
    }

    /// The first rounds: all ranks learn where the blocks of all of them go.
    fn allgather_placements(
        &self,
        kind: Kind,
        site: &'static Location<'static>,
        own: &Placement,
    ) -> Result<(Call, Vec<Placement>)> {
        let core = self.core();
        let _call = core.enter(kind.name(), site)?;
        let call = self.call(kind);
        let all_ranks: Vec<usize> = (0..core.group.topology.size()).collect();
        let placements = core.allgather(call, &all_ranks, Some(own))?;
        Ok((call, placements))
    }

    /// If all blocks fit and are disjoint, which all ranks find alike, each rank writes its own and sends it to the other nodes.
    fn write_blocks(
        &mut self,
        call: Call,
        placements: &[Placement],
        data: &L::Block<'_>,
    ) -> Result<()> {
        let core = self.core();
        let shape = self.extents();
        placement::check(&shape, placements)
            .map_err(|error| self.placement_error(call, placements, &error))?;
        let leaves = self.leaves();
        // SAFETY: every rank that arrived at this call holds its handle to the leaf mutably, as here.
        let target = unsafe { self.handle().target(&leaves) };
        let leaf: Vec<Region> = self.handle().regions(&leaves).collect();
        let region = |rank: usize| {
            let Placement { offset, block } = &placements[rank];
            Region::block(leaf[0].start, size_of::<L::Item>(), &shape, offset, block)
        };
        // SAFETY: all ranks of the node are in this call and none leaves before the barrier below. The blocks of any two
        // ranks, of this node or another, have no element in common.
        unsafe { write_block::<L>(&target, &region(core.group.topology.rank), data) };
        core.exchange_with_all_nodes(call, &target, |rank| vec![region(rank)]);
        core.barrier(call.step(Step::Finish))?;
        core.check_copies(call, &target, &leaf)
    }

    fn placement_error(
        &self,
        call: Call,
        placements: &[Placement],
        error: &PlacementError,
    ) -> Error {
        match *error {
            PlacementError::Outside(rank) => Error::OutOfBounds {
                rank,
                offset: placements[rank].offset.clone(),
                block: placements[rank].block.clone(),
                shape: self.extents(),
            },
            PlacementError::Overlap(first, second) => Error::Overlap {
                call: call.name().to_owned(),
                first,
                second,
                at: placements[first].first_common(&placements[second]),
            },
        }
    }
}

/// Copies a block into its region.
///
/// # Safety
/// As for [`Target::write`], for all bytes of the region, which has as many elements as the block.
unsafe fn write_block<L: BlockLayout + ?Sized>(
    target: &Target<'_>,
    region: &Region,
    block: &L::Block<'_>,
) {
    let size = size_of::<L::Item>();
    let per_run = region.run.checked_div(size).unwrap_or(0);
    let mut buffer = Vec::new();
    for (run, start) in region.runs(0).enumerate() {
        for at in (0..per_run).step_by(COPY_ELEMENTS) {
            let first = run * per_run + at;
            let some = first..first + COPY_ELEMENTS.min(per_run - at);
            let bytes = bytemuck::cast_slice(L::run_of(block, some, &mut buffer));
            // SAFETY: passed on from the caller; the bytes are those of this run of the region.
            unsafe { target.write(start + at * size, bytes) };
        }
    }
}
