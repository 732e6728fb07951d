//! Blocks of all ranks: each writes one of its own, at an offset or one behind the other.

use crate::comm::collective::call::{Call, Kind, Step};
use crate::comm::transfer::Target;
use crate::error::{Error, Result};
use crate::layout::placement::{self, Placement, PlacementError};
use crate::layout::region::Region;
use crate::layout::{AsBlock, BlockLayout, Field};
use crate::shared::Shared;
use std::ops::Range;
use std::panic::Location;

/// Elements that are copied at a time when they do not lie in order.
pub(super) const SOME: usize = 16 << 10;

/// Writes the calls for one type; `$write` makes the `Field` that does the work.
macro_rules! calls {
    ([$($generics:tt)*] $type:ty, $self:ident, $write:expr) => {
        impl<$($generics)* L: BlockLayout + ?Sized> $type {
            /// All ranks write, each a block of its own size at its own offset. Blocks may be empty and may leave gaps, which
            /// keep what was there.
            ///
            /// ```
            /// use pshmem::{Shared, local::Cluster};
            ///
            /// let tables = Cluster::new(&[2, 1]).run(|comm| {
            ///     let mut table = Shared::<[usize]>::new(comm, 8).unwrap();
            ///     let mine = vec![comm.rank() + 1; 2];
            ///     table.gather(3 * comm.rank(), &mine).unwrap();
            ///     table.to_owned()
            /// });
            /// assert_eq!(tables[0], [1, 1, 0, 2, 2, 0, 3, 3]);
            /// ```
            ///
            /// # Collective
            /// Over all ranks, with the same object. Two meetings (one more for each 58 ranks: all ranks learn all offsets).
            /// Over N nodes, each block travels to each other node once, from its rank to one of theirs.
            ///
            /// # Errors
            /// [`Error::OutOfBounds`](crate::Error::OutOfBounds) when a block leaves the array,
            /// [`Error::Overlap`](crate::Error::Overlap) when two have an element in common, on all ranks and with nothing
            /// changed; those of [`Comm::barrier`](crate::Comm::barrier).
            #[track_caller]
            pub fn gather<B: AsBlock<L> + ?Sized>(&mut $self, offset: L::Offset, mine: &B) -> Result<()> {
                $write.gather_blocks(Location::caller(), L::numbers(&offset), &mine.as_block())
            }

            /// All ranks write, each a block of its own number of rows behind that of the rank before it, from row 0 on.
            /// Returns the rows of this rank's block. Rows behind the last block keep what was there.
            ///
            /// ```
            /// use pshmem::{Shared, local::Cluster};
            ///
            /// let found = Cluster::new(&[1, 2]).run(|comm| {
            ///     let mut table = Shared::<[usize]>::new(comm, 8).unwrap();
            ///     let mine = vec![comm.rank(); comm.rank() + 1]; // as long as this rank likes
            ///     let rows = table.gather_in_order(&mine).unwrap();
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
            /// [`Error::Extents`](crate::Error::Extents) when the rows of a block have other extents than those of the array,
            /// on all ranks and with nothing changed; those of [`Comm::barrier`](crate::Comm::barrier).
            #[track_caller]
            pub fn gather_in_order<B: AsBlock<L> + ?Sized>(&mut $self, mine: &B) -> Result<Range<usize>> {
                $write.stack_blocks(Location::caller(), &mine.as_block())
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
        mine: &L::Block<'_>,
    ) -> Result<()> {
        let block = L::extents(mine);
        let (call, spots) = self.learn_spots(Kind::Gather, site, &Placement { offset, block })?;
        self.write_spots(call, &spots, mine)
    }

    fn stack_blocks(
        &mut self,
        site: &'static Location<'static>,
        mine: &L::Block<'_>,
    ) -> Result<Range<usize>> {
        let spot = Placement {
            offset: Vec::new(),
            block: L::extents(mine),
        };
        let (call, mut spots) = self.learn_spots(Kind::GatherInOrder, site, &spot)?;
        let shape = self.shape();
        let narrow = |spot: &Placement| spot.block[1..] != shape[1..];
        if let Some(rank) = spots.iter().position(narrow) {
            let found = spots[rank].block.clone();
            let mut expected = shape;
            expected[0] = found[0];
            return Err(Error::Extents {
                call: call.name().to_owned(),
                rank,
                found,
                expected,
            });
        }
        placement::stack(&mut spots)
            .map_err(|rank| self.trouble(call, &spots, &PlacementError::Outside(rank)))?;
        self.write_spots(call, &spots, mine)?;
        let Placement { offset, block } = &spots[self.handle().object().comm.rank()];
        Ok(offset[0]..offset[0] + block[0])
    }

    /// All ranks meet and learn where the blocks of all of them go.
    fn learn_spots(
        &self,
        kind: Kind,
        site: &'static Location<'static>,
        mine: &Placement,
    ) -> Result<(Call, Vec<Placement>)> {
        let core = self.core();
        core.enter(kind.name(), site)?;
        let call = self.handle().call(kind, &L::span(self.plan()));
        let everybody: Vec<usize> = (0..core.topology.size()).collect();
        let spots = core.allgather(call, &everybody, Some(mine))?;
        Ok((call, spots))
    }

    /// All ranks know all blocks: if these are inside and apart, each writes its own and sends it to the other nodes.
    fn write_spots(&mut self, call: Call, spots: &[Placement], mine: &L::Block<'_>) -> Result<()> {
        let core = self.core();
        let shape = self.shape();
        placement::check(&shape, spots).map_err(|trouble| self.trouble(call, spots, &trouble))?;
        let span = L::span(self.plan());
        // SAFETY: every rank that arrived at this call holds its handle to the leaf mutably, as here.
        let target = unsafe { self.handle().target(&span) };
        let leaf: Vec<Region> = self.handle().all(&span).collect();
        let region = |rank: usize| {
            let Placement { offset, block } = &spots[rank];
            Region::block(leaf[0].start, size_of::<L::Item>(), &shape, offset, block)
        };
        // SAFETY: all ranks of the node are in this call and none leaves before all have met again below. The blocks of any
        // two ranks, of this node or another, have no element in common.
        unsafe { write_block::<L>(&target, &region(core.topology.rank), mine) };
        if core.is_multi_node() {
            let (sends, receives) = core.topology.all_to_nodes(|rank| vec![region(rank)]);
            core.exchange(call, &target, &sends, &receives, None);
        }
        core.barrier(call.step(Step::Finish))?;
        core.check_fields(call, &target, &leaf)
    }

    /// The extents, outermost first.
    pub(super) fn shape(&self) -> Vec<usize> {
        let mut shape = Vec::new();
        L::put_dims(&L::dims(self.plan()), &mut shape);
        shape
    }

    fn trouble(&self, call: Call, spots: &[Placement], trouble: &PlacementError) -> Error {
        match *trouble {
            PlacementError::Outside(rank) => Error::OutOfBounds {
                rank,
                offset: spots[rank].offset.clone(),
                block: spots[rank].block.clone(),
                shape: self.shape(),
            },
            PlacementError::Overlap(first, second) => Error::Overlap {
                call: call.name().to_owned(),
                first,
                second,
                at: spots[first].first_common(&spots[second]),
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
        for at in (0..per_run).step_by(SOME) {
            let first = run * per_run + at;
            let some = first..first + SOME.min(per_run - at);
            let bytes = bytemuck::cast_slice(L::run_of(block, some, &mut buffer));
            // SAFETY: passed on from the caller; the bytes are those of this run of the region.
            unsafe { target.write(start + at * size, bytes) };
        }
    }
}
