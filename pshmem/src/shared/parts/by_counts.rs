//! `update_parts_by`: all ranks write as many rows as the caller says.

use crate::comm::protocol::call::Kind;
use crate::comm::protocol::contribution::Contribution;
use crate::error::{Error, Result};
use crate::layout::partition::Partition;
use crate::layout::{Field, RowLayout, SharedLayout};
use crate::shared::Shared;
use std::fmt::Display;
use std::ops::Range;
use std::panic::Location;

/// Defines the calls on one type. `$write` is the `Field` on which they are implemented.
macro_rules! calls {
    ([$($generics:tt)*] $type:ty, $self:ident, $write:expr) => {
        impl<$($generics)* L: SharedLayout + ?Sized> $type {
            /// Like [`update_parts`](Self::update_parts), with parts of given sizes: rank r has `counts[r]` rows, which follow
            /// those of rank r - 1.
            ///
            /// ```
            /// use pshmem::{Shared, local::Cluster};
            ///
            /// let tables = Cluster::new(&[3]).run(|comm| {
            ///     let mut table = Shared::<[usize]>::new(comm, 6).unwrap();
            ///     table.update_parts_by(&[1, 5, 0], |_, part| part.fill(comm.rank() + 1)).unwrap();
            ///     table.to_owned()
            /// });
            /// assert_eq!(tables[2], [1, 2, 2, 2, 2, 2]);
            /// ```
            ///
            /// # Collective
            /// As [`update_parts`](Self::update_parts), with the same counts on all ranks.
            ///
            /// # Errors
            /// [`Error::Counts`](crate::Error::Counts) when there is not one count for each rank or their sum is not the number
            /// of rows, [`Error::Mismatch`](crate::Error::Mismatch) when ranks pass different counts; no closure was called
            /// then. The errors of [`update_parts`](Self::update_parts).
            ///
            /// # Panics
            /// As [`update_parts`](Self::update_parts).
            #[track_caller]
            pub fn update_parts_by<R>(
                &mut $self,
                counts: &[usize],
                write: impl FnOnce(Range<usize>, L::Part<'_>) -> R,
            ) -> Result<R>
            where
                L: RowLayout,
            {
                $write.write_counted_parts(Location::caller(), counts, |rows, part| Ok(write(rows, part)))
            }

            /// Like [`update_parts_by`](Self::update_parts_by), with a closure that may fail.
            ///
            /// ```
            /// use pshmem::{Comm, Shared};
            ///
            /// let mut table = Shared::<[u64]>::new(&Comm::solo(), 2)?;
            /// let failed = table.try_update_parts_by(&[2], |_, part| {
            ///     part[0] = "12".parse()?;
            ///     part[1] = "no number".parse()?;
            ///     Ok::<(), std::num::ParseIntError>(())
            /// });
            /// assert!(failed.is_err());
            /// assert_eq!(table.view(), [12, 0]);
            /// # Ok::<(), pshmem::Error>(())
            /// ```
            ///
            /// # Collective
            /// As [`update_parts_by`](Self::update_parts_by).
            ///
            /// # Errors
            /// As [`update_parts_by`](Self::update_parts_by).
            ///
            /// # Panics
            /// As [`update_parts`](Self::update_parts).
            #[track_caller]
            pub fn try_update_parts_by<R, E: Display>(
                &mut $self,
                counts: &[usize],
                write: impl FnOnce(Range<usize>, L::Part<'_>) -> Result<R, E>,
            ) -> Result<R>
            where
                L: RowLayout,
            {
                $write.write_counted_parts(Location::caller(), counts, |rows, part| {
                    write(rows, part).map_err(|error| error.to_string())
                })
            }
        }
    };
}

calls!([] Shared<L>, self, self.whole_mut());
calls!(['a,] Field<'a, L>, self, self);

impl<L: RowLayout + ?Sized> Field<'_, L> {
    fn write_counted_parts<R>(
        &mut self,
        site: &'static Location<'static>,
        counts: &[usize],
        write: impl FnOnce(Range<usize>, L::Part<'_>) -> Result<R, String>,
    ) -> Result<R> {
        let core = self.core();
        let _call = core.enter(Kind::UpdatePartsBy.name(), site)?;
        let call = self.call(Kind::UpdatePartsBy);
        let (rank, ranks) = (core.group.topology.rank, core.group.topology.size());
        let rows = L::rows(self.plan());
        let wrong = |sum| Error::Counts {
            rank,
            counts: counts.len(),
            sum,
            size: ranks,
            rows,
        };
        let partition = Partition::by_counts(counts, rows)
            .map_err(wrong)
            .and_then(|partition| {
                let is_whole = counts.len() == ranks;
                is_whole.then_some(partition).ok_or_else(|| wrong(rows))
            });
        let parts = self
            .row_leaves()
            .and_then(|leaves| Ok((leaves, partition?)));
        let list = postcard::to_allocvec(counts).expect("numbers always encode");
        core.agree_on(
            call,
            &list,
            Contribution::fault(parts.as_ref().err().cloned()),
        )?;
        let (leaves, partition) = parts?;
        self.write_parts(call, &leaves, &partition, write)
    }
}
