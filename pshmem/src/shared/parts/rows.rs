//! `update_rows`: all ranks write rows, each those that it owns, whichever they are.

use crate::comm::closure::ClosureRunner;
use crate::comm::protocol::call::Kind;
use crate::comm::protocol::contribution::Contribution;
use crate::error::{Error, Result};
use crate::layout::owners::OwnerMap;
use crate::layout::{AxisLayout, Field, SharedLayout};
use crate::shared::Shared;
use std::fmt::Display;
use std::panic::Location;

/// Defines the calls on one type. `$write` is the `Field` on which they are implemented.
macro_rules! calls {
    ([$($generics:tt)*] $type:ty, $self:ident, $write:expr) => {
        impl<$($generics)* L: SharedLayout + ?Sized> $type {
            /// All ranks write at the same time, each the rows that it owns, in place. `owner` says which rank owns a row: any map.
            ///
            /// The closure gets one row after the other, in rising order: its number and the row itself, `&mut T` of a slice or an
            /// array with one axis, otherwise an `ArrayViewMut` with one axis less. It may read another object or field. If the rows
            /// of each rank are adjacent, [`update_parts_by`](Self::update_parts_by) costs less.
            ///
            /// ```
            /// use ndarray::{Array2, ArrayViewMut1};
            /// use pshmem::{Shared, local::Cluster};
            ///
            /// let tables = Cluster::new(&[2, 1]).run(|comm| {
            ///     let mut table = Shared::<Array2<usize>>::new(comm, [5, 2]).unwrap();
            ///     let in_turn = |row| row % comm.size();
            ///     table.update_rows(in_turn, |row, mut out: ArrayViewMut1<usize>| {
            ///         out[0] = row;
            ///         out[1] = comm.rank();
            ///     }).unwrap();
            ///     table.to_owned()
            /// });
            /// assert_eq!(tables[2], ndarray::array![[0, 0], [1, 1], [2, 2], [3, 0], [4, 1]]);
            /// ```
            ///
            /// # Collective
            /// All ranks call it, with the same object and the same owners. Each rank calls `owner` once for each row, and keeps the
            /// owners run-length coded, in a few bytes for each run of rows with one owner. Two rounds if these are up to 900 bytes;
            /// otherwise all ranks get those of rank 0, in a round for each 8 KiB, and compare them with their own. Over N nodes, the
            /// rows of each rank are sent to each other node once, short ones packed, 256 KiB to a message.
            ///
            /// # Errors
            /// [`Error::NoSuchOwner`](crate::Error::NoSuchOwner) when an owner is no rank, [`Error::Mismatch`](crate::Error::Mismatch)
            /// when ranks name different owners; the closure was not called then. [`Error::Closure`](crate::Error::Closure) on the
            /// other ranks when `owner` or the closure panics, that of the lowest rank if several do; the errors of
            /// [`Comm::barrier`](crate::Comm::barrier).
            ///
            /// # Panics
            /// On the ranks where `owner` or the closure panics. What all closures wrote by then is sent to the other nodes first.
            #[track_caller]
            pub fn update_rows(
                &mut $self,
                owner: impl FnMut(usize) -> usize,
                mut write: impl FnMut(usize, L::Row<'_>),
            ) -> Result<()>
            where
                L: AxisLayout,
            {
                $write.write_owned_rows(Location::caller(), owner, |row, out| {
                    write(row, out);
                    Ok(())
                })
            }

            /// Like [`update_rows`](Self::update_rows), with a closure that may fail. A rank whose closure has failed writes no further
            /// row.
            ///
            /// The error of the lowest rank that fails becomes [`Error::Closure`](crate::Error::Closure) on all ranks. What all
            /// closures wrote by then is on every node.
            ///
            /// ```
            /// use pshmem::{Comm, Shared};
            ///
            /// let mut table = Shared::<[u64]>::new(&Comm::solo(), 3)?;
            /// let lines = ["12", "no number", "13"];
            /// let failed = table.try_update_rows(|_| 0, |row, out| lines[row].parse().map(|number| *out = number));
            /// assert!(failed.is_err());
            /// assert_eq!(table.view(), [12, 0, 0]);
            /// # Ok::<(), pshmem::Error>(())
            /// ```
            ///
            /// # Collective
            /// As [`update_rows`](Self::update_rows).
            ///
            /// # Errors
            /// As [`update_rows`](Self::update_rows).
            ///
            /// # Panics
            /// As [`update_rows`](Self::update_rows).
            #[track_caller]
            pub fn try_update_rows<E: Display>(
                &mut $self,
                owner: impl FnMut(usize) -> usize,
                mut write: impl FnMut(usize, L::Row<'_>) -> Result<(), E>,
            ) -> Result<()>
            where
                L: AxisLayout,
            {
                $write.write_owned_rows(Location::caller(), owner, |row, out| {
                    write(row, out).map_err(|error| error.to_string())
                })
            }
        }
    };
}

calls!([] Shared<L>, self, self.whole_mut());
calls!(['a,] Field<'a, L>, self, self);

impl<L: AxisLayout + ?Sized> Field<'_, L> {
    fn write_owned_rows(
        &mut self,
        site: &'static Location<'static>,
        owner: impl FnMut(usize) -> usize,
        mut write: impl FnMut(usize, L::Row<'_>) -> Result<(), String>,
    ) -> Result<()> {
        let core = self.core();
        let _call = core.enter(Kind::UpdateRows.name(), site)?;
        let call = self.call(Kind::UpdateRows);
        let (rank, ranks) = (core.group.topology.rank, core.group.topology.size());
        let n_rows = L::rows(self.plan());
        // A panic of `owner` is an error of the call on the other ranks.
        let mut closure = ClosureRunner::new(rank);
        let map = closure
            .run(|| Ok(OwnerMap::new(n_rows, ranks, owner)))
            .and_then(|map| {
                map.map_err(|found| Error::NoSuchOwner {
                    call: call.name().to_owned(),
                    rank,
                    row: found.row,
                    owner: found.owner,
                    size: ranks,
                })
            });
        let bytes = map.as_ref().map_or(&[][..], OwnerMap::as_bytes);
        let fault = Contribution::fault(map.as_ref().err().cloned());
        let agreed = core.agree_on(call, bytes, fault);
        let map = closure.finish(agreed.and(map))?;
        let rows_of_ranks = map.rows_of_ranks(ranks);
        let leaves = self.handle().placed(&self.leaves());
        let leaf = &leaves[0];
        let per_row = leaf.bytes.checked_div(n_rows).unwrap_or(0);
        let (plan, base) = (self.plan(), self.handle().base_mut());
        let write_all = || {
            rows_of_ranks[rank].iter().try_for_each(|row| {
                // SAFETY: the segment is laid out by the plan (`Field::new`), and the row exists: the map has `n_rows` rows. All ranks
                // of the node are in this same call with their handles to the leaf held mutably, so no view of it is alive, and none
                // leaves before all have finished. Until then only this rank uses the row on its node: the map, on which all agreed
                // byte by byte, gives each row to one rank, and other nodes send only the rows of their ranks. This rank comes to each
                // row once, and the closure cannot keep what it gets.
                write(row, unsafe { L::row(plan, base, row) })
            })
        };
        self.write_regions(
            call,
            leaves,
            |rank| rows_of_ranks[rank].regions(leaf.offset, per_row),
            write_all,
        )
    }
}
