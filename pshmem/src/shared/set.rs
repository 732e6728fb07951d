//! Implements `set`, `set_with`, `assign` and `fill`: writing blocks of slices and arrays.

use crate::comm::closure::ClosureRunner;
use crate::comm::protocol::call::{Call, Kind, Step};
use crate::comm::protocol::contribution::Contribution;
use crate::comm::thread_state::CallScope;
use crate::comm::transfer::short::ShortBlock;
use crate::error::{Error, Result};
use crate::layout::partition::share;
use crate::layout::region::Region;
use crate::layout::{AsBlock, BlockLayout, Field, value_text};
use std::panic::Location;

impl<L: BlockLayout + ?Sized> Field<'_, L> {
    pub(super) fn set_block(
        &mut self,
        root: usize,
        site: &'static Location<'static>,
        offset: L::Offset,
        data: Option<&L::Block<'_>>,
    ) -> Result<()> {
        let (_scope, call) = self.begin(Kind::Set, root, site)?;
        let short = data.and_then(|block| self.short(root, &offset, block));
        self.write_block(call, root, short.as_ref(), |field, regions| match data {
            Some(block) => field.copy_block(root, &offset, block, regions),
            None => Err(Error::NoData {
                call: Kind::Set.name().to_owned(),
                root,
            }),
        })
    }

    pub(super) fn set_block_with<B: AsBlock<L>>(
        &mut self,
        root: usize,
        site: &'static Location<'static>,
        offset: L::Offset,
        make: impl FnOnce() -> B,
    ) -> Result<()> {
        let (_scope, call) = self.begin(Kind::Set, root, site)?;
        let mut closure = ClosureRunner::new(root);
        let written = self.write_block(call, root, None, |field, regions| {
            // `as_block` and the block's `Drop` are the user's code, too.
            closure.run(|| {
                let block = make();
                Ok(field.copy_block(root, &offset, &block.as_block(), regions))
            })?
        });
        closure.finish(written)
    }

    pub(super) fn assign_block(
        &mut self,
        site: &'static Location<'static>,
        offset: L::Offset,
        data: Option<&L::Block<'_>>,
    ) -> Result<()> {
        let core = self.core();
        let _call = core.enter(Kind::Assign.name(), site)?;
        let call = self.call(Kind::Assign);
        let agreed = core.agree(
            call,
            Contribution {
                has_data: data.is_some(),
                ..Contribution::default()
            },
        )?;
        let &[root] = agreed.ranks_with_data.as_slice() else {
            return Err(Error::Holders {
                ranks: agreed.ranks_with_data,
            });
        };
        let short = data.and_then(|block| self.short(root, &offset, block));
        self.write_block(
            call.root(root).step(Step::Write),
            root,
            short.as_ref(),
            |field, regions| match data {
                Some(block) => field.copy_block(root, &offset, block, regions),
                None => unreachable!("this rank is the one that holds data"),
            },
        )
    }

    pub(super) fn fill_all(
        &mut self,
        site: &'static Location<'static>,
        value: L::Item,
    ) -> Result<()> {
        let core = self.core();
        let _call = core.enter(Kind::Fill.name(), site)?;
        let call = self.call(Kind::Fill);
        core.agree_on(call, &value_text::encode(&value), Contribution::default())?;
        let elements = 0..L::elements(self.plan());
        let topology = &core.group.topology;
        let share = share(&elements, topology.local_rank, topology.node_ranks.len());
        // SAFETY: all ranks of the node are in this call with their handles to the leaf held mutably, so no view of it is
        // alive; each writes its own share, and none leaves before all have finished.
        let part = unsafe { L::run_mut(self.plan(), self.handle().base_mut(), share) };
        part.fill(value);
        core.barrier(call.step(Step::Finish))
    }

    /// Begins a call with a root.
    fn begin(
        &self,
        kind: Kind,
        root: usize,
        site: &'static Location<'static>,
    ) -> Result<(CallScope, Call)> {
        let core = self.core();
        let scope = core.enter(kind.name(), site)?;
        let call = self.call(kind).root(root);
        core.check_root(call, root)?;
        Ok((scope, call))
    }

    /// Runs `job` on the root, then sends the regions that it adds to the list.
    fn write_block(
        &mut self,
        call: Call,
        root: usize,
        short: Option<&ShortBlock>,
        job: impl FnOnce(&Self, &mut Vec<Region>) -> Result<()>,
    ) -> Result<()> {
        debug_assert_eq!(call.root_rank(), root);
        // SAFETY: every rank that arrives at this call holds its handle to the leaf mutably, as here.
        let target = unsafe { self.handle().target(&self.leaves()) };
        let core = self.core();
        core.write_block(call, &target, short, |regions| {
            job(self, regions).map(|()| Vec::new())
        })?;
        Ok(())
    }

    /// On the root, over several nodes: a block that is right and short, as it travels with the arrival of this rank.
    fn short(&self, root: usize, offset: &L::Offset, block: &L::Block<'_>) -> Option<ShortBlock> {
        let group = &self.core().group;
        if !group.is_multi_node() || group.topology.rank != root {
            return None;
        }
        let region = L::region(self.plan(), offset, block).ok()?;
        let bytes = L::bytes(block)?;
        debug_assert_eq!(bytes.len(), region.bytes());
        ShortBlock::new(&region, bytes)
    }

    /// Checks and copies a block into this node's copy. Between claim and release only.
    fn copy_block(
        &self,
        rank: usize,
        offset: &L::Offset,
        block: &L::Block<'_>,
        regions: &mut Vec<Region>,
    ) -> Result<()> {
        let region = L::region(self.plan(), offset, block).map_err(|error| error.on(rank))?;
        // SAFETY: the segment is laid out by the plan; all ranks of the node are in this call with their handles to the leaf
        // held mutably, and none returns before this rank releases it; `region` accepted the block.
        unsafe { L::copy(self.plan(), self.handle().base_mut(), offset, block) };
        if self.core().group.is_multi_node() {
            regions.push(region);
        }
        Ok(())
    }
}
