//! Calls in which all ranks write at the same time, each a part of its own, in place.
//!
//! In the first round the ranks agree on who writes what. Then each runs its closure, which writes its part, and sends that to the
//! other nodes as soon as the closure has ended. In the last round all have finished.
//!
//! | file | parts |
//! |---|---|
//! | `equal` | `update_parts`: equal shares of the rows |
//! | `by_counts`, `weighted` | as many rows as the caller says; rows of about equal weight |
//! | `along` | equal shares along any axis |
//! | `rows` | `update_rows`: any rows |
//!
//! Parts of slices, arrays, columns and structs differ in their layouts only: see [`RowLayout`].

mod along;
mod by_counts;
mod equal;
mod rows;
mod weighted;

use crate::comm::closure::ClosureRunner;
use crate::comm::protocol::call::{Call, Step};
use crate::comm::protocol::contribution::Contribution;
use crate::error::Result;
use crate::layout::partition::Partition;
use crate::layout::region::Region;
use crate::layout::rows::{RowLeaves, regions_of_rows};
use crate::layout::{Field, Leaf, RowLayout, SharedLayout};
use std::ops::Range;

impl<L: RowLayout + ?Sized> Field<'_, L> {
    /// The leaves that have the rows.
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape) if a field has another number of rows: the same on all ranks, because the plans are.
    fn row_leaves(&self) -> Result<Vec<Leaf>> {
        let numbers = RowLeaves::of::<L>(self.plan())?;
        let first = self.leaves().start;
        let leaves = self.handle().placed(&self.leaves());
        Ok(numbers
            .iter()
            .map(|number| leaves[number - first])
            .collect())
    }

    /// The second round. The ranks have agreed on `call` and `partition`, and each has found these `leaves`; each writes its part and
    /// sends it to the other nodes.
    fn write_parts<R>(
        &mut self,
        call: Call,
        leaves: &[Leaf],
        partition: &Partition,
        write: impl FnOnce(Range<usize>, L::Part<'_>) -> Result<R, String>,
    ) -> Result<R> {
        let rows = partition.of(self.core().group.topology.rank);
        let (plan, base) = (self.plan(), self.handle().base_mut());
        let n_rows = L::rows(plan);
        let write_part = || {
            // SAFETY: the segment is laid out by the plan (`Field::new`), and all its leaves with rows have as many (`row_leaves`). All
            // ranks of the node are in this same call with their handles to these leaves held mutably, so no view of them is alive,
            // and none leaves before all have finished. Until then only this rank uses these rows on its node: the partition, on which
            // all agreed, gives each row to one rank, and other nodes send only the rows of their ranks.
            let part = unsafe { L::part(plan, base, rows.clone()) };
            write(rows, part)
        };
        self.write_regions(
            call,
            leaves,
            |rank| regions_of_rows(leaves, n_rows, &partition.of(rank)),
            write_part,
        )
    }
}

impl<L: SharedLayout + ?Sized> Field<'_, L> {
    /// The second round of a call in which each rank writes regions of these leaves: those that `regions_of`, the same on all ranks,
    /// returns for it, of which no two have a byte in common. `write` does so on this rank.
    ///
    /// `write` makes its references to these regions itself. If it were passed with them, they would count as used until this returns,
    /// and the bytes are sent before.
    pub(crate) fn write_regions<R>(
        &mut self,
        call: Call,
        written: &[Leaf],
        regions_of: impl Fn(usize) -> Vec<Region>,
        write: impl FnOnce() -> Result<R, String>,
    ) -> Result<R> {
        let core = self.core();
        let leaves = self.leaves();
        let mut closure = ClosureRunner::new(core.group.topology.rank);
        let result = closure.run(write);
        // SAFETY: every rank that arrived at this call holds its handle to the leaves mutably, as here.
        let target = unsafe { self.handle().target(&leaves) };
        core.exchange_with_all_nodes(call, &target, regions_of);
        let agreed = core.agree(
            call.step(Step::Finish),
            Contribution::fault(result.as_ref().err().cloned()),
        );
        let written = written
            .iter()
            .map(|leaf| Region::run(leaf.offset, leaf.bytes));
        let written: Vec<Region> = written.collect();
        let checked = match &agreed {
            Err(error) if error.is_fatal() => Ok(()),
            _ => core.check_copies(call, &target, &written),
        };
        closure.finish(agreed.and(checked).and(result))
    }
}
